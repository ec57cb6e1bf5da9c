//! One chunk's bytes to what stands in the file, and back: byte shuffle, then a zlib stream.
//!
//! The result is what HDF5's own filters *shuffle* and *deflate* make and read (zlib: RFC 1950), made
//! outside of the library so that it runs on all threads.

use dicomprep_widest::with_widest;
use serde::{Deserialize, Serialize};

use super::deflate::PlaneDeflater;
use super::filters::Applied;
use super::inflate::PlaneInflater;
use crate::model::choice;

/// Compression level: 0 stores the chunks as they are, 1 to 9 as in gzip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct Compression(u8);

impl TryFrom<u8> for Compression {
    type Error = &'static str;

    fn try_from(level: u8) -> Result<Self, Self::Error> {
        Self::new(level).ok_or("a compression level is 0 to 9")
    }
}

impl Compression {
    /// A level of 0 (none) to 9 (smallest); `None` above that.
    #[must_use]
    pub fn new(level: u8) -> Option<Self> {
        (level <= 9).then_some(Self(level))
    }

    /// The level, 0 to 9.
    #[must_use]
    pub fn level(self) -> u8 {
        self.0
    }

    /// True if chunks are compressed at all.
    #[must_use]
    pub fn is_on(self) -> bool {
        self.0 > 0
    }
}

/// Deflate encoder that makes the zlib streams of a data set. Any reader reads both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoder {
    /// Runs and Huffman codes only, the same at every level: byte planes of noisy images hold runs but hardly
    /// any other match, so it is several times as fast as a match search and, with blocks cut along the
    /// planes, no larger.
    Planes,
    /// A full match search by libdeflate, at the level asked for, for images that repeat themselves.
    Library,
}

choice!(Encoder {
    Planes => "planes",
    Library => "library",
});

/// The bytes of one chunk as they stand in the file: [`ChunkEncoder`] has made them, or they were read from a file
/// and decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedChunk(Vec<u8>);

impl EncodedChunk {
    /// Bytes that were read from a file and have just been decoded.
    pub(super) fn decoded(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Room for `length` bytes that are about to be read from a file.
    pub(super) fn refill(&mut self, length: usize) -> &mut [u8] {
        self.0.resize(length, 0);
        &mut self.0
    }

    /// The bytes as they stand in the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Encodes chunks; keeps its memory between chunks.
pub struct ChunkEncoder {
    compression: Compression,
    deflater: Deflater,
    planes: Vec<u8>,
    stream: Vec<u8>,
}

enum Deflater {
    Planes(Box<PlaneDeflater>),
    Library(Box<libdeflater::Compressor>),
}

impl ChunkEncoder {
    /// An encoder for one thread.
    #[must_use]
    pub fn new(compression: Compression, encoder: Encoder) -> Self {
        let deflater = match encoder {
            Encoder::Planes => Deflater::Planes(Box::new(PlaneDeflater::new())),
            Encoder::Library => {
                let level = libdeflater::CompressionLvl::new(compression.level().into()).unwrap_or_default();
                Deflater::Library(Box::new(libdeflater::Compressor::new(level)))
            }
        };
        Self { compression, deflater, planes: Vec::new(), stream: Vec::new() }
    }

    /// Encodes `bytes`, elements of `element_size` bytes each, into `chunk`, replacing what it held.
    ///
    /// With `element_size` above 1 the bytes are shuffled first: all first bytes, then all second bytes,
    /// and so on, as HDF5's shuffle filter does.
    pub fn encode(&mut self, bytes: &[u8], element_size: usize, chunk: &mut EncodedChunk) {
        chunk.0.clear();
        if !self.compression.is_on() {
            chunk.0.extend_from_slice(bytes);
            return;
        }
        let input = if element_size > 1 {
            shuffle_on_this_machine(bytes, element_size, &mut self.planes);
            &self.planes
        } else {
            bytes
        };
        // The stream is made in memory that keeps its length, so that only what is needed is copied and nothing
        // is cleared each time.
        let written = self.deflater.deflate(input, bytes.len() / element_size.max(1), &mut self.stream);
        chunk.0.extend_from_slice(&self.stream[..written]);
    }
}

impl Deflater {
    /// Writes a zlib stream of planes of `plane_bytes` bytes to the beginning of `output`, which grows if it
    /// must. Returns its length.
    fn deflate(&mut self, input: &[u8], plane_bytes: usize, output: &mut Vec<u8>) -> usize {
        match self {
            Self::Planes(deflater) => deflater.deflate(input, plane_bytes, output),
            Self::Library(compressor) => {
                let bound = compressor.zlib_compress_bound(input.len());
                if output.len() < bound {
                    output.resize(bound, 0);
                }
                compressor
                    .zlib_compress(input, output)
                    .expect("a zlib stream fits into the bound that its encoder gives")
            }
        }
    }
}

/// Why a chunk cannot be decoded.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum CodecError {
    /// The zlib stream is damaged, or holds more bytes than the chunk.
    #[error("the zlib stream is damaged: {0}")]
    Stream(libdeflater::DecompressionError),
    /// The chunk holds another number of bytes than its shape says.
    #[error("the chunk holds {found} bytes instead of {expected}")]
    Length {
        /// Bytes found.
        found: usize,
        /// Bytes that the shape of the chunk asks for.
        expected: usize,
    },
    /// The bytes are right, and zlib, through which most programs read HDF5, refuses the stream that holds them.
    #[error("the zlib stream is damaged: other programs refuse it")]
    Zlib,
    /// The decoded bytes are not those that were written.
    #[error("its CRC-32C is not the one in samples/checksum")]
    Checksum,
    /// The decoded bytes of the dataset are not those that were written.
    #[error("the CRC-32C of all rows is not the one in the attribute `checksum`")]
    WholeChecksum,
}

/// Bytes that follow an encoded chunk in memory: as long as so many are left, the inflater reads words instead
/// of bytes, and the last bytes of a stream can stand for many thousand zeros.
pub(super) const PADDING: usize = 64;

/// Chunks that are left to libdeflate after one that was none of our own encoder's: a file of another one has many such.
pub(super) const LEFT_OUT: u32 = 64;

/// Decodes chunks; keeps its memory between chunks.
pub struct ChunkDecoder {
    inflater: libdeflater::Decompressor,
    plane_inflater: PlaneInflater,
    /// Chunks for which `plane_inflater` is still not tried.
    left_out: u32,
    /// Shuffled, with bytes after them that mean nothing.
    planes: Vec<u8>,
    part: Vec<u8>,
}

impl Default for ChunkDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkDecoder {
    /// A decoder for one thread.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inflater: libdeflater::Decompressor::new(),
            plane_inflater: PlaneInflater::default(),
            left_out: 0,
            planes: Vec::new(),
            part: Vec::new(),
        }
    }

    /// Decodes a chunk that went through `applied` into `bytes`, as many as its shape asks for. `chunk` may be
    /// followed by anything where it is deflated: the stream says itself where it ends.
    ///
    /// # Errors
    /// [`CodecError`] where the chunk is damaged or of another length.
    pub fn decode(&mut self, chunk: &[u8], applied: Applied, bytes: &mut [u8]) -> Result<(), CodecError> {
        let Applied { deflated, shuffled_elements } = applied;
        match (deflated, shuffled_elements) {
            (true, Some(element_size)) => {
                let planes = self.inflate_planes(chunk, bytes.len())?;
                unshuffle_on_this_machine(planes, element_size, 0, bytes);
            }
            (true, None) => inflate(&mut self.inflater, chunk, bytes)?,
            (false, shuffled) => {
                if chunk.len() != bytes.len() {
                    return Err(CodecError::Length { found: chunk.len(), expected: bytes.len() });
                }
                match shuffled {
                    Some(element_size) => unshuffle_on_this_machine(chunk, element_size, 0, bytes),
                    None => bytes.copy_from_slice(chunk),
                }
            }
        }
        Ok(())
    }
}

/// Bytes that are decoded at a time where a chunk is wanted in parts: they stay in the nearest cache, and are as
/// many as the checksum takes at once.
const PART_BYTES: usize = 3 * 8192;

impl ChunkDecoder {
    /// Decodes a chunk that was shuffled and deflated, of `length` bytes in elements of `element_size`, and hands
    /// it to `take` in parts of whole elements, in order, without ever having it as a whole.
    ///
    /// # Errors
    /// As [`ChunkDecoder::decode`], before anything is taken.
    pub(super) fn decode_parts(
        &mut self,
        chunk: &[u8],
        element_size: usize,
        length: usize,
        take: impl FnMut(&[u8]),
    ) -> Result<(), CodecError> {
        self.inflate_planes(chunk, length)?;
        unshuffle_parts(&self.planes[..length], element_size, &mut self.part, take);
        Ok(())
    }

    /// Inflates a chunk of `length` bytes that was shuffled.
    fn inflate_planes(&mut self, chunk: &[u8], length: usize) -> Result<&[u8], CodecError> {
        if self.left_out > 0 {
            self.left_out -= 1;
        } else if self.plane_inflater.inflate(chunk, &mut self.planes, length) {
            return Ok(&self.planes[..length]);
        } else {
            self.left_out = LEFT_OUT;
        }
        self.planes.resize(length, 0);
        inflate(&mut self.inflater, chunk, &mut self.planes)?;
        Ok(&self.planes)
    }
}

/// Hands the elements of `planes` to `take` in parts, in order, each made in `memory`.
pub(super) fn unshuffle_parts(
    planes: &[u8],
    element_size: usize,
    memory: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]),
) {
    let elements = planes.len() / element_size;
    let at_once = (PART_BYTES / element_size).max(1);
    memory.resize(at_once * element_size, 0);
    for first in (0..elements).step_by(at_once) {
        let part = &mut memory[..at_once.min(elements - first) * element_size];
        unshuffle_on_this_machine(planes, element_size, first, part);
        take(part);
    }
}

fn inflate(
    inflater: &mut libdeflater::Decompressor,
    stream: &[u8],
    bytes: &mut [u8],
) -> Result<(), CodecError> {
    let expected = bytes.len();
    let found = inflater.zlib_decompress(stream, bytes).map_err(CodecError::Stream)?;
    if found == expected { Ok(()) } else { Err(CodecError::Length { found, expected }) }
}

/// [`shuffle`] with the widest vectors that there are.
fn shuffle_on_this_machine(bytes: &[u8], element_size: usize, planes: &mut Vec<u8>) {
    planes.resize(bytes.len(), 0);
    with_widest(
        #[inline(always)]
        || shuffle(bytes, element_size, planes),
    );
}

/// All first bytes of the elements in `bytes`, then all second bytes, and so on.
#[inline(always)]
fn shuffle(bytes: &[u8], element_size: usize, planes: &mut [u8]) {
    let elements = bytes.len() / element_size;
    if element_size == 2 {
        // Written so that the compiler takes many apart at a time.
        let (low, high) = planes.split_at_mut(elements);
        for ((pair, low), high) in bytes.as_chunks().0.iter().zip(low).zip(high) {
            let value = u16::from_le_bytes(*pair);
            (*low, *high) = (value as u8, (value >> 8) as u8);
        }
        return;
    }
    for (plane, values) in planes.chunks_exact_mut(elements.max(1)).enumerate().take(element_size) {
        for (value, element) in values.iter_mut().zip(bytes.chunks_exact(element_size)) {
            *value = element[plane];
        }
    }
}

/// [`unshuffle`] with the widest vectors that there are.
pub(super) fn unshuffle_on_this_machine(planes: &[u8], element_size: usize, first: usize, bytes: &mut [u8]) {
    with_widest(
        #[inline(always)]
        || unshuffle(planes, element_size, first, bytes),
    );
}

/// The inverse of [`shuffle`], for the elements from `first` on that `bytes` has room for. What is left over of a
/// chunk that is no whole number of elements stands at its end as it was.
#[inline(always)]
fn unshuffle(planes: &[u8], element_size: usize, first: usize, bytes: &mut [u8]) {
    let elements = planes.len() / element_size;
    let (planes, rest) = planes.split_at(elements * element_size);
    let wanted = (bytes.len() / element_size).min(elements - first);
    let (whole, whole_rest) = bytes.split_at_mut(wanted * element_size);
    whole_rest.copy_from_slice(&rest[..whole_rest.len()]);
    if element_size == 2 {
        // Written so that the compiler interleaves many at a time.
        let (low, high) = planes.split_at(elements);
        let (pairs, _) = whole.as_chunks_mut::<2>();
        for ((pair, low), high) in pairs.iter_mut().zip(&low[first..]).zip(&high[first..]) {
            *pair = [*low, *high];
        }
        return;
    }
    for (plane, values) in planes.chunks_exact(elements.max(1)).enumerate() {
        for (element, value) in whole.chunks_exact_mut(element_size).zip(&values[first..]) {
            element[plane] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(length: usize) -> Vec<u8> {
        (0..length).map(|i| if i % 2 == 0 { (i * i / 7) as u8 } else { (i / 900) as u8 }).collect()
    }

    #[test]
    fn decodes_what_it_encodes() {
        for level in [0, 1, 4, 9] {
            for encoder in Encoder::ALL {
                for (length, element_size) in [(4, 4), (2, 2), (131_072, 2), (65_536, 1), (16_384, 4)] {
                    let compression = Compression::new(level).unwrap();
                    let bytes = sample(length);
                    let mut chunk = EncodedChunk::default();
                    let mut encoder = ChunkEncoder::new(compression, encoder);
                    encoder.encode(&[1; 64], 2, &mut chunk);
                    encoder.encode(&bytes, element_size, &mut chunk);
                    let mut decoded = vec![0; length];
                    let shuffled_elements = Some(element_size).filter(|size| *size > 1 && level > 0);
                    let applied = Applied { deflated: level > 0, shuffled_elements };
                    ChunkDecoder::new().decode(chunk.bytes(), applied, &mut decoded).unwrap();
                    assert_eq!(decoded, bytes, "level {level}, {length} bytes of {element_size}");
                }
            }
        }
    }

    #[test]
    fn shuffle_makes_byte_planes() {
        let mut planes = Vec::new();
        shuffle_on_this_machine(&[1, 2, 3, 4, 5, 6], 2, &mut planes);
        assert_eq!(planes, [1, 3, 5, 2, 4, 6]);
        let bytes: Vec<u8> = (0..50).collect();
        shuffle_on_this_machine(&bytes, 2, &mut planes);
        let (even, odd): (Vec<u8>, Vec<u8>) = bytes.iter().partition(|&&byte| byte % 2 == 0);
        assert_eq!(planes, [even, odd].concat());
        shuffle_on_this_machine(&[1, 2, 3, 4, 5, 6, 7, 8], 4, &mut planes);
        assert_eq!(planes, [1, 5, 2, 6, 3, 7, 4, 8]);
    }

    #[test]
    fn parts_are_the_chunk_and_none_is_large() {
        for (length, element_size) in [(2, 2), (PART_BYTES, 2), (131_072, 2), (131_070, 2), (99_996, 4)] {
            let compression = Compression::new(4).unwrap();
            let (bytes, mut chunk) = (sample(length), EncodedChunk::default());
            ChunkEncoder::new(compression, Encoder::Planes).encode(&bytes, element_size, &mut chunk);
            let (mut decoder, mut found, mut calls) = (ChunkDecoder::new(), Vec::new(), 0);
            let take = |part: &[u8]| {
                assert!(part.len() <= PART_BYTES && part.len().is_multiple_of(element_size));
                found.extend_from_slice(part);
                calls += 1;
            };
            decoder.decode_parts(chunk.bytes(), element_size, length, take).unwrap();
            assert!(found == bytes, "{length} bytes of {element_size}");
            assert_eq!(calls, length.div_ceil(PART_BYTES));
            let cut = &chunk.bytes()[..chunk.bytes().len() / 2];
            let refused = decoder.decode_parts(cut, element_size, length, |_| panic!("nothing is whole"));
            assert!(refused.is_err());
        }
    }

    #[test]
    fn a_damaged_chunk_is_an_error() {
        let compression = Compression::new(4).unwrap();
        let mut chunk = EncodedChunk::default();
        ChunkEncoder::new(compression, Encoder::Planes).encode(&sample(4096), 2, &mut chunk);
        let mut decoder = ChunkDecoder::new();
        let applied = Applied { deflated: true, shuffled_elements: Some(2) };
        let mut bytes = vec![0; 4096];
        for position in 0..chunk.bytes().len() {
            let mut damaged = chunk.bytes().to_vec();
            damaged[position] ^= 0x10;
            let outcome = decoder.decode(&damaged, applied, &mut bytes);
            assert!(outcome.is_err() || bytes == sample(4096), "byte {position}");
        }
        assert!(decoder.decode(chunk.bytes(), applied, &mut vec![0; 4098]).is_err());
    }
}
