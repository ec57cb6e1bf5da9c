//! Reads and decodes chunks.

use super::chunk_codec::{ChunkDecoder, PADDING};
use super::chunk_table::is_longer_than_any;
use super::{Applied, ChunkTable, CodecError, EncodedChunk, StoreError};

/// Reads and decodes chunks, for one thread; keeps its memory between chunks.
#[derive(Default)]
pub struct ChunkReader {
    encoded: Vec<u8>,
    decoder: ChunkDecoder,
}

impl ChunkReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads chunk `chunk` of the dataset of `table` into `bytes`, which is as long as the chunk. Where
    /// the chunk was never written, `bytes` gets the fill value. Needs no lock: any number of threads can read
    /// at once.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it cannot be read, [`StoreError::Damaged`] where it cannot be decoded.
    pub fn read(&mut self, table: &ChunkTable, chunk: usize, bytes: &mut [u8]) -> Result<(), StoreError> {
        let (table, chunk) = table.resolve(chunk);
        let Some(span) = table.span(chunk)? else {
            fill(bytes, table.fill());
            return Ok(());
        };
        let applied = table.applied(span.filters_left_out);
        let length = span.bytes as usize;
        let damaged = |source| table.damaged(chunk, source);
        // No encoder makes a chunk much larger than it was; a size that says so is not believed.
        if is_longer_than_any(length, bytes.len()) {
            return Err(damaged(CodecError::Length { found: length, expected: bytes.len() }));
        }
        if !applied.deflated && applied.shuffled_elements.is_none() && length == bytes.len() {
            return table.read_at(bytes, span.address);
        }
        self.encoded.clear();
        self.encoded.resize(length + PADDING, 0);
        table.read_at(&mut self.encoded[..length], span.address)?;
        let end = if applied.deflated { length + PADDING } else { length };
        self.decoder.decode(&self.encoded[..end], applied, bytes).map_err(damaged)
    }

    /// As [`ChunkReader::read`]; the chunk as it stands in the file comes with it.
    ///
    /// # Errors
    /// As [`ChunkReader::read`], and [`StoreError::Layout`] where the chunk was never written or has left out a
    /// filter of its dataset: then it stands in no other file for the same rows.
    pub(super) fn read_encoded(
        &mut self,
        table: &ChunkTable,
        chunk: usize,
        bytes: &mut [u8],
    ) -> Result<EncodedChunk, StoreError> {
        let (table, chunk) = table.resolve(chunk);
        let span = table.whole_span(chunk)?;
        self.read(table, chunk, bytes)?;
        let is_plain = table.applied(0) == Applied { deflated: false, shuffled_elements: None };
        Ok(EncodedChunk::decoded(if is_plain { bytes } else { &self.encoded[..span.bytes as usize] }))
    }
}

/// Fills `bytes` with copies of `element`, or with zeros where it is empty.
fn fill(bytes: &mut [u8], element: &[u8]) {
    if element.is_empty() {
        bytes.fill(0);
    } else {
        bytes.chunks_exact_mut(element.len()).for_each(|place| place.copy_from_slice(element));
    }
}
