//! Where each row's chunk stands in the file, so that it can be read without the library and its lock.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hdf5::Dataset;

use super::target::io_error;
use super::writer::hdf5_error;
use super::{CodecError, StoreError};

/// Address and size of the chunk of each row, and the file they stand in.
#[derive(Debug)]
pub struct ChunkTable {
    path: PathBuf,
    file: File,
    chunks: Vec<Option<Span>>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    address: u64,
    bytes: u64,
}

impl ChunkTable {
    /// Reads the chunk index of `dataset`, of one row a chunk, in the file at `path` in one pass.
    pub(super) fn read(dataset: &Dataset, path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(io_error("open", path))?;
        let rows = dataset.shape().first().copied().unwrap_or(0);
        let mut chunks = vec![None; rows];
        let gather = |chunk: hdf5::dataset::ChunkInfoRef<'_>| {
            let row = usize::try_from(chunk.offset[0]).ok().and_then(|row| chunks.get_mut(row));
            // A filter that was skipped for a chunk is no part of the format.
            if let Some(slot) = row.filter(|_| chunk.filter_mask == 0) {
                *slot = Some(Span { address: chunk.addr, bytes: chunk.size });
            }
            0
        };
        dataset.chunks_visit(gather).map_err(hdf5_error("read the chunk index of", path))?;
        Ok(Self { path: path.to_owned(), file, chunks })
    }

    /// Reads the encoded chunk of `row` into `chunk`, replacing what it held. Needs no lock: any number of
    /// threads can read at once.
    ///
    /// # Errors
    /// [`StoreError::Io`] where there is no such chunk or it cannot be read.
    pub fn read_chunk(&self, row: usize, chunk: &mut Vec<u8>) -> Result<(), StoreError> {
        let missing = || std::io::Error::other(format!("row {row} has no chunk"));
        let span = self.chunks.get(row).copied().flatten();
        let read = span.ok_or_else(missing).and_then(|span| {
            chunk.resize(usize::try_from(span.bytes).map_err(std::io::Error::other)?, 0);
            self.file.read_exact_at(chunk, span.address)
        });
        read.map_err(io_error("read a chunk of", &self.path))
    }

    /// The error for a chunk that was read and cannot be decoded.
    #[must_use]
    pub fn damaged(&self, row: usize, source: CodecError) -> StoreError {
        StoreError::Damaged { row, path: self.path.clone(), source }
    }
}
