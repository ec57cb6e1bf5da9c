//! Reads and decodes chunks.

use flate2::{Decompress, FlushDecompress, Status};

use super::chunk_codec::{ChunkDecoder, PADDING};
use super::chunk_span::Span;
use super::chunk_table::is_longer_than_any;
use super::{Applied, ChunkTable, CodecError, EncodedChunk, StoreError};

/// Reads and decodes chunks, for one thread; keeps its memory between chunks.
#[derive(Default)]
pub struct ChunkReader {
    encoded: Vec<u8>,
    whole: Vec<u8>,
    decoder: ChunkDecoder,
    zlib: Option<Decompress>,
}

impl ChunkReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader for which a chunk is damaged, too, where only zlib refuses it: libdeflate lets codes pass that no byte
    /// needs. It takes three times as long.
    #[must_use]
    pub fn strict() -> Self {
        Self { zlib: Some(Decompress::new(true)), ..Self::default() }
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
        let is_plain = !applied.deflated && applied.shuffled_elements.is_none();
        if is_plain && span.bytes as usize == bytes.len() {
            return table.read_at(bytes, span.address);
        }
        let length = self.fetch(table, chunk, &span, bytes.len())?;
        let encoded = &self.encoded[..if applied.deflated { length + PADDING } else { length }];
        let decoded = self.decoder.decode(encoded, applied, bytes);
        let checked = decoded.and_then(|()| match applied.deflated {
            true => self.check_with_zlib(length, bytes.len()),
            false => Ok(()),
        });
        checked.map_err(|source| table.damaged(chunk, source))
    }

    /// Decodes the stream that was read last, of `length` bytes, once more, where the reader is strict.
    fn check_with_zlib(&mut self, length: usize, decoded: usize) -> Result<(), CodecError> {
        let Some(zlib) = &mut self.zlib else { return Ok(()) };
        zlib.reset(true);
        self.whole.resize(decoded, 0);
        let done = zlib.decompress(&self.encoded[..length], &mut self.whole, FlushDecompress::Finish);
        let whole = matches!(done, Ok(Status::StreamEnd)) && zlib.total_out() == decoded as u64;
        if whole { Ok(()) } else { Err(CodecError::Zlib) }
    }

    /// As [`ChunkReader::read`], but hands the bytes to `take` in parts of whole elements, in order: those of a
    /// shuffled chunk come while they are in the nearest cache.
    ///
    /// # Errors
    /// As [`ChunkReader::read`], before anything is taken.
    pub(super) fn read_parts(
        &mut self,
        table: &ChunkTable,
        chunk: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        let (table, chunk) = table.resolve(chunk);
        let length = table.chunk_bytes();
        if let Some(span) = table.span(chunk)?
            && let Applied { deflated: true, shuffled_elements: Some(element_size) } =
                table.applied(span.filters_left_out)
        {
            let encoded = self.fetch(table, chunk, &span, length)?;
            let encoded = &self.encoded[..encoded + PADDING];
            let decoded = self.decoder.decode_parts(encoded, element_size, length, take);
            return decoded.map_err(|source| table.damaged(chunk, source));
        }
        let mut whole = std::mem::take(&mut self.whole);
        whole.resize(length, 0);
        let read = self.read(table, chunk, &mut whole);
        if read.is_ok() {
            take(&whole);
        }
        self.whole = whole;
        read
    }

    /// Reads a chunk that decodes to `decoded` bytes as it stands in the file, and says how long it is there.
    /// [`PADDING`] zeros follow it.
    fn fetch(
        &mut self,
        table: &ChunkTable,
        chunk: usize,
        span: &Span,
        decoded: usize,
    ) -> Result<usize, StoreError> {
        let length = span.bytes as usize;
        // No encoder makes a chunk much larger than it was; a size that says so is not believed.
        if is_longer_than_any(length, decoded) {
            return Err(table.damaged(chunk, CodecError::Length { found: length, expected: decoded }));
        }
        if self.encoded.len() < length + PADDING {
            self.encoded.resize(length + PADDING, 0);
        }
        let (encoded, rest) = self.encoded.split_at_mut(length);
        table.read_at(encoded, span.address)?;
        // What a damaged stream is taken for must not depend on what was read before.
        rest[..PADDING].fill(0);
        Ok(length)
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
