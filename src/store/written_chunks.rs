//! Chunks of a shard, known by their checksums without decoding them.

use super::schema::{SHARD, shard};
use super::shard::must_have;
use super::{ColumnPage, ColumnReader, DatasetFile, EncodedChunk, StoreError};

/// Copies the chunks of the rows of a shard that stand in it as they were written; for any number of threads.
pub struct WrittenChunks<'f> {
    file: &'f DatasetFile,
    checksums: ColumnReader,
}

impl<'f> WrittenChunks<'f> {
    /// The chunks of the shard `file`; `None` for one of a format that has no checksums of them.
    ///
    /// # Errors
    /// [`StoreError`] where their checksums cannot be read.
    pub fn new(file: &'f DatasetFile) -> Result<Option<Self>, StoreError> {
        if !must_have(shard::CHUNK_CHECKSUM, file.minor_version()) {
            return Ok(None);
        }
        let checksums = file.column_in(SHARD, shard::CHUNK_CHECKSUM)?.hold()?;
        Ok(Some(Self { file, checksums }))
    }

    /// The chunks of image and mask of `row`, which are not decoded; `None` where they are not those that were written.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a chunk has a length that none has, [`StoreError::Layout`] where it was not written
    /// as ours are, [`StoreError::Io`] where it cannot be read.
    pub fn copy(&self, row: usize) -> Result<Option<[EncodedChunk; 2]>, StoreError> {
        let mut chunks = [EncodedChunk::default(), EncodedChunk::default()];
        let tables = [self.file.images(), self.file.masks()];
        for (chunk, table) in chunks.iter_mut().zip(tables) {
            table.copy_encoded(row, chunk)?;
        }
        let found = chunks.each_ref().map(|chunk| crc32c::crc32c(chunk.bytes()).to_le_bytes());
        let mut page = ColumnPage::default();
        let is_written = self.checksums.cell(row, &mut page)?.bytes() == found.as_flattened();
        Ok(is_written.then_some(chunks))
    }
}
