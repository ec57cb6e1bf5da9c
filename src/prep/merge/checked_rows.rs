//! Chunks of a shard on their way into the merged file, compared with their checksums.

use std::collections::VecDeque;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::store::{ColumnReader, DatasetFile, EncodedChunk, RowReader, StoreError, WrittenChunks};

/// Bytes of images and masks that are read before they are written; at least one row.
const BYTES_AT_A_TIME: usize = 64 << 20;
/// Rows, whatever their size.
const MOST_ROWS: usize = 256;

/// The encoded image and mask of a row.
type Chunks = [EncodedChunk; 2];

/// Reads the rows of a shard a block at a time, on all threads.
pub(super) struct CheckedRows<'f> {
    file: &'f DatasetFile,
    pool: Option<Arc<ThreadPool>>,
    written: Option<WrittenChunks<'f>>,
    checksums: ColumnReader,
    block_rows: usize,
    /// The row of the first entry of `block`.
    first: usize,
    block: VecDeque<Result<Chunks, StoreError>>,
}

impl<'f> CheckedRows<'f> {
    /// Rows of `file`, read on `pool`.
    pub(super) fn new(file: &'f DatasetFile, pool: Option<Arc<ThreadPool>>) -> Result<Self, StoreError> {
        let row_bytes = (file.image_bytes() + file.mask_bytes()).max(1);
        Ok(Self {
            file,
            pool,
            written: WrittenChunks::new(file)?,
            checksums: file.checksums()?,
            block_rows: (BYTES_AT_A_TIME / row_bytes).clamp(1, MOST_ROWS),
            first: 0,
            block: VecDeque::new(),
        })
    }

    /// The chunks of `row`, which is asked for after all rows before it that are asked for.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a chunk is not as it was written, and cannot be decoded or has another checksum, and
    /// those of reading.
    pub(super) fn take(&mut self, row: usize) -> Result<Chunks, StoreError> {
        while self.first < row && self.block.pop_front().is_some() {
            self.first += 1;
        }
        if self.block.is_empty() {
            self.first = row;
            self.read_block();
        }
        self.first += 1;
        self.block.pop_front().unwrap_or_else(|| self.check(row))
    }

    fn read_block(&mut self) {
        let rows = self.first..self.file.rows().min(self.first + self.block_rows);
        let read = || rows.into_par_iter().map(|row| self.check(row)).collect::<Vec<_>>();
        self.block = match &self.pool {
            Some(pool) => pool.install(read).into(),
            None => VecDeque::new(),
        };
    }

    /// Copies the chunks of `row`. Those that stand there as `prep` has written them need no more than that; others are
    /// decoded, and hold the same pixels or are damaged.
    fn check(&self, row: usize) -> Result<Chunks, StoreError> {
        let written = self.written.as_ref().map_or(Ok(None), |written| written.copy(row))?;
        match written {
            Some(chunks) => Ok(chunks),
            None => RowReader::strict(self.file, Some(&self.checksums)).copy_checked(row),
        }
    }
}
