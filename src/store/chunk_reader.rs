//! Reads and decodes chunks.

use flate2::{Decompress, FlushDecompress, Status};

use super::chunk_codec::{ChunkDecoder, PADDING};
use super::chunk_fetch::fetch;
use super::chunk_pair::ChunkPair;
use super::{Applied, ChunkTable, CodecError, EncodedChunk, StoreError};

/// Reads and decodes chunks, for one thread; keeps its memory between chunks.
#[derive(Default)]
pub struct ChunkReader {
    encoded: Vec<u8>,
    whole: Vec<u8>,
    decoder: ChunkDecoder,
    zlib: Option<Decompress>,
    pair: ChunkPair,
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
        let length = fetch(&mut self.encoded, table, chunk, &span, bytes.len())?;
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
            let encoded = fetch(&mut self.encoded, table, chunk, &span, length)?;
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

    /// Two chunks that were read together.
    pub(super) fn pair(&mut self) -> &mut ChunkPair {
        &mut self.pair
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
