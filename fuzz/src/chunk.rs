//! Chunks: what is encoded is decoded to the same bytes, by this program's decoder and by another; damaged, it is
//! an error, or the right bytes, or bytes that their checksum tells from the right ones.

use std::io::Read;

use arbitrary::{Result, Unstructured};
use dicomprep::store::{Applied, ChunkDecoder, ChunkEncoder, Compression, EncodedChunk, Encoder};

use crate::Numbers;

pub(crate) fn run(bytes: &[u8]) {
    let _ = check(&mut Unstructured::new(bytes));
}

fn check(choices: &mut Unstructured<'_>) -> Result<()> {
    let level = choices.int_in_range(0..=9)?;
    let encoder = *choices.choose(&Encoder::ALL)?;
    let size = *choices.choose(&[1, 2, 4, 8, 3])?;
    let damages = damages(choices)?;
    let bytes = content(size, choices)?;
    let compression = Compression::new(level).expect("a level");
    let mut chunk = EncodedChunk::default();
    ChunkEncoder::new(compression, encoder).encode(&bytes, size, &mut chunk);
    let applied = Applied {
        deflated: compression.is_on(),
        shuffled_elements: (compression.is_on() && size > 1).then_some(size),
    };
    let mut decoder = ChunkDecoder::new();
    let mut decoded = vec![0xAA; bytes.len()];
    decoder.decode(chunk.bytes(), applied, &mut decoded).expect("an encoded chunk is decoded");
    assert_eq!(decoded, bytes);
    assert_eq!(decode_otherwise(chunk.bytes(), applied), bytes);
    for length in [bytes.len() + 1, bytes.len().wrapping_sub(1)] {
        if length < 2 * bytes.len() + 2 {
            decoder.decode(chunk.bytes(), applied, &mut vec![0; length]).expect_err("another length");
        }
    }
    let mut damaged = chunk.bytes().to_vec();
    for (at, change) in damages {
        match damaged.len() {
            0 => {}
            length if change == 0 => damaged.truncate(at % length),
            length => damaged[at % length] ^= change,
        }
    }
    if decoder.decode(&damaged, applied, &mut decoded).is_ok() && decoded != bytes {
        assert_ne!(crc32c::crc32c(&decoded), crc32c::crc32c(&bytes), "damage that no checksum shows");
    }
    // A decoder that has met damage is as good as a new one.
    decoder.decode(chunk.bytes(), applied, &mut decoded).expect("an encoded chunk is decoded");
    assert_eq!(decoded, bytes);
    Ok(())
}

/// Where a chunk is damaged, and how: 0 cuts it off there.
fn damages(choices: &mut Unstructured<'_>) -> Result<Vec<(usize, u8)>> {
    let count = choices.int_in_range(1..=4)?;
    (0..count).map(|_| Ok((usize::from(choices.arbitrary::<u16>()?), choices.arbitrary()?))).collect()
}

/// Bytes that are the rest of the input, or runs as long as they say.
fn content(size: usize, choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if choices.arbitrary()? {
        while !choices.is_empty() && bytes.len() < 1 << 17 {
            let [value, low, high] = choices.arbitrary()?;
            let count = usize::from(low) << (high % 8);
            bytes.resize(bytes.len() + count, value);
        }
    } else {
        bytes.extend_from_slice(choices.bytes(choices.len())?);
    }
    bytes.truncate(bytes.len() / size * size);
    Ok(bytes)
}

/// zlib by another library, and the shuffle undone byte by byte.
fn decode_otherwise(chunk: &[u8], applied: Applied) -> Vec<u8> {
    let mut planes = chunk.to_vec();
    if applied.deflated {
        planes.clear();
        flate2::read::ZlibDecoder::new(chunk).read_to_end(&mut planes).expect("a zlib stream");
    }
    let size = applied.shuffled_elements.unwrap_or(1);
    let elements = planes.len() / size;
    (0..planes.len()).map(|at| planes[at % size * elements + at / size]).collect()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(5);
    let mut seeds: Vec<Vec<u8>> = (0..60).map(|seed| numbers.bytes(20 + 10 * seed)).collect();
    for (number, seed) in seeds.iter_mut().enumerate() {
        // Half of them long runs.
        if number % 2 == 0 {
            seed[20..].iter_mut().step_by(3).for_each(|byte| *byte &= 1);
        }
    }
    seeds
}
