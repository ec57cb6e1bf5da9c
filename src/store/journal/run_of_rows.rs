//! Rows that were written and are not in the journal yet.

use std::path::Path;

use super::super::error::io_error;
use super::super::{EncodedRow, StoreError};
use super::chunk_finder::ChunkFinder;
use super::row::{JournalRow, KeptChunk};

/// Gathers rows, in the order in which they are written.
pub(in crate::store) struct RunOfRows {
    finder: ChunkFinder,
    path: std::path::PathBuf,
    run: EncodedRun,
}

/// Rows as they go into the journal.
#[derive(Debug, Default)]
pub(in crate::store) struct EncodedRun {
    pub(super) rows: u32,
    pub(super) bytes: Vec<u8>,
}

impl RunOfRows {
    /// No rows yet, of the partial file at `path`.
    pub(in crate::store) fn of(path: &Path) -> Result<Self, StoreError> {
        let finder = ChunkFinder::new(path).map_err(io_error("open", path))?;
        Ok(Self { finder, path: path.to_owned(), run: EncodedRun::default() })
    }

    /// Adds a row whose chunks have just been written, first the image and then the mask.
    pub(in crate::store) fn add(&mut self, encoded: &EncodedRow) -> Result<(), StoreError> {
        let chunks = [encoded.image.bytes(), encoded.mask.bytes()];
        let found = self.finder.find_both(chunks).map_err(io_error("read back", &self.path))?;
        let kept = found.and_then(|[image, mask]| {
            Some([KeptChunk::of(chunks[0], image)?, KeptChunk::of(chunks[1], mask)?])
        });
        // A row that is not found is rebuilt by a run that continues.
        if let Some(kept) = kept {
            JournalRow::of(encoded, kept).put(&mut self.run.bytes);
            self.run.rows += 1;
        }
        Ok(())
    }

    pub(in crate::store) fn is_empty(&self) -> bool {
        self.run.rows == 0
    }

    /// The rows so far.
    pub(in crate::store) fn take(&mut self) -> EncodedRun {
        std::mem::take(&mut self.run)
    }
}
