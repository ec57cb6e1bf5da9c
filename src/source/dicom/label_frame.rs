//! Compressed frames of a segmentation: where they are, and their samples.

use std::ops::Range;

use crate::model::GridShape;

use super::codec::{deflated, rle};
use super::encapsulated;
use super::error::DicomFault;
use super::header::ImageHeader;
use super::stored_format::StoredFormat;
use super::stored_pixels::StoredPixels;
use super::transfer_syntax::{Codec, TransferSyntax};

const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
const SEQUENCE_END: [u8; 4] = [0xFE, 0xFF, 0xDD, 0xE0];

/// The fragments of each of `frames` frames, behind Pixel Data's header at `at` (PS3.5 A.4).
///
/// Where there is one fragment a frame, as all writers of segmentations have it, the offset table is not needed.
pub(in crate::source) fn fragment_ranges(
    bytes: &[u8],
    at: usize,
    frames: usize,
) -> Result<Vec<Vec<Range<usize>>>, DicomFault> {
    let (table, fragments) = items(bytes, at)?;
    if frames == 1 {
        return Ok(vec![fragments.into_iter().map(|(_, fragment)| fragment).collect()]);
    }
    if fragments.len() == frames {
        return Ok(fragments.into_iter().map(|(_, fragment)| vec![fragment]).collect());
    }
    let offsets: Vec<usize> =
        bytes[table].as_chunks::<4>().0.iter().map(|offset| u32::from_le_bytes(*offset) as usize).collect();
    let wrong = DicomFault::Fragments { at };
    if offsets.len() != frames || !offsets.is_sorted() {
        return Err(wrong);
    }
    let mut found: Vec<Vec<Range<usize>>> = vec![Vec::new(); frames];
    let first = fragments.first().map_or(0, |(item, _)| *item);
    for (item, fragment) in fragments {
        let frame = offsets.partition_point(|&offset| offset <= item - first);
        found[frame.checked_sub(1).ok_or(wrong.clone())?].push(fragment);
    }
    if found.iter().any(Vec::is_empty) { Err(wrong) } else { Ok(found) }
}

/// The place of the Basic Offset Table, and of each fragment: of its item, and of its bytes.
type Items = (Range<usize>, Vec<(usize, Range<usize>)>);

fn items(bytes: &[u8], mut at: usize) -> Result<Items, DicomFault> {
    let (mut table, mut fragments) = (None, Vec::new());
    loop {
        let fault = DicomFault::Fragments { at };
        let Some((&[t0, t1, t2, t3, l0, l1, l2, l3], _)) =
            bytes.get(at..).and_then(<[u8]>::split_first_chunk)
        else {
            return Err(fault);
        };
        let value = at + 8..at + 8 + u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        match [t0, t1, t2, t3] {
            ITEM if value.end > bytes.len() => return Err(fault),
            ITEM if table.is_none() => table = Some(value.clone()),
            ITEM => fragments.push((at, value.clone())),
            SEQUENCE_END if !fragments.is_empty() => return Ok((table.unwrap_or_default(), fragments)),
            _ => return Err(fault),
        }
        at = value.end;
    }
}

/// Decodes a frame of `bits` (1, 8 or 16) a pixel, compressed as `syntax`: samples of 8 or 16 bits, little endian. Bits
/// come out as a byte a pixel, or as they are written where the codec knows bytes only.
pub(in crate::source) fn label_frame(
    syntax: TransferSyntax,
    shape: GridShape,
    bits: u32,
    frame: &[u8],
) -> Result<Vec<u8>, DicomFault> {
    let codec = syntax.codec().unwrap_or(Codec::Uncompressed);
    let mut decoded = Vec::new();
    let packed = shape.pixels().div_ceil(8);
    match codec {
        Codec::Rle if bits == 1 => {
            encapsulated::check_plausible(packed as u64, frame.len() as u64)?;
            rle::decode(frame, packed, 1, 1, &mut decoded).ok_or(DicomFault::Codestream { format: "RLE" })?;
        }
        Codec::Deflate if bits == 1 => {
            encapsulated::check_plausible(packed as u64, frame.len() as u64)?;
            deflated::decode(packed, frame, &mut decoded)?;
        }
        Codec::Uncompressed if bits == 1 => {
            decoded.extend_from_slice(deflated::whole_frame(packed, frame)?);
        }
        codec => {
            let mut stored = StoredPixels::default();
            encapsulated::decode_frame(&header(syntax, shape, bits), codec, frame, &mut stored)?;
            return Ok(stored.decoded);
        }
    }
    Ok(decoded)
}

/// The header of an image of such pixels.
fn header(transfer_syntax: TransferSyntax, shape: GridShape, bits: u32) -> ImageHeader {
    let bits = if bits == 16 { 16 } else { 8 };
    let stored =
        StoredFormat::Integer { bits_allocated: bits, bits_stored: bits, high_bit: bits - 1, signed: false };
    ImageHeader::of_pixels(transfer_syntax, shape, stored)
}
