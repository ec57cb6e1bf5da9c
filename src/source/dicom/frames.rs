//! Locations of the frames of the pixel data.
//!
//! Fragments are found in one pass over their headers; of a file, nothing else is read for that. A frame is then read by
//! itself, so that memory is that of one frame and its compressed bytes.

use std::ops::Range;
use std::{io, iter};

use super::attribute;
use super::data_set::DataElement;
use super::error::{DicomFault, Located};
use super::header::ImageHeader;
use super::leniency::Leniency;
use super::native::SampleOrder;
use super::transfer_syntax::Codec;

/// Bytes that can be read from any place: a file, or a file in memory.
pub trait ReadAt: Send + Sync {
    /// Fills `bytes` with what stands at `at`, and returns how many bytes there were: fewer only at the end.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
}

impl ReadAt for [u8] {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl ReadAt for std::fs::File {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match std::os::unix::fs::FileExt::read_at(self, &mut bytes[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// The most fragments of one file: 16 for each of the most frames.
const MAX_FRAGMENTS: usize = 1 << 20;

const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
const SEQUENCE_END: [u8; 4] = [0xFE, 0xFF, 0xDD, 0xE0];

/// Locations of the frames, by offsets in the bytes of the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameIndex {
    frames: Frames,
    /// Deviations of the pixel data from the standard.
    pub(super) leniency: Option<Leniency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Frames {
    /// Frames of as many bits, one behind the other, which begin in the middle of a byte where these are single.
    Native { start: u64, bits: u64, in_words: bool },
    /// The fragments, and of each frame the first.
    Fragments { fragments: Vec<Range<u64>>, firsts: Vec<usize> },
}

impl FrameIndex {
    /// Finds the frames of `pixels` in `source`, whose data set has `total` bytes.
    pub(super) fn find(
        header: &ImageHeader,
        pixels: &DataElement,
        source: &(impl ReadAt + ?Sized),
        total: u64,
    ) -> Result<Self, Located> {
        let Some(codec) = header.transfer_syntax.codec() else {
            let bits = SampleOrder::of(header).frame_bits(header);
            let in_words = is_in_words(header, pixels);
            let frames = Frames::Native { start: pixels.start as u64, bits, in_words };
            return Ok(Self { frames, leniency: None });
        };
        let items = Items::read(source, pixels.start as u64, total)?;
        let (firsts, is_table_wrong) =
            items.frames(source, codec, header.frames).map_err(|fault| fault.at(attribute::PIXEL_DATA))?;
        let leniency = match (items.is_ended, is_table_wrong) {
            (false, _) => Some(Leniency::UnendedFragments),
            (true, true) => Some(Leniency::OffsetTable),
            (true, false) => None,
        };
        Ok(Self { frames: Frames::Fragments { fragments: items.fragments, firsts }, leniency })
    }

    /// Location of the frame with this index, from 0: one piece, or several to be joined.
    pub(super) fn extents(&self, index: u32) -> Vec<Range<u64>> {
        match &self.frames {
            Frames::Native { start, bits, in_words } => {
                let first = u64::from(index) * bits;
                let unit = if *in_words { 2 } else { 1 };
                let end = (first + bits).div_ceil(8 * unit) * unit;
                let first = first / (8 * unit) * unit;
                iter::once(start + first..start + end).collect()
            }
            Frames::Fragments { fragments, firsts } => {
                let index = index as usize;
                let end = firsts.get(index + 1).copied().unwrap_or(fragments.len());
                fragments[firsts[index]..end].to_vec()
            }
        }
    }
}

/// Reads `bytes` from `at` on, all of them.
pub(super) fn read_exactly(
    source: &(impl ReadAt + ?Sized),
    bytes: &mut [u8],
    at: u64,
) -> Result<(), DicomFault> {
    let count = source.read_at(bytes, at).map_err(|error| DicomFault::Read { message: error.to_string() })?;
    if count < bytes.len() { Err(DicomFault::Cut { at: at as usize + count }) } else { Ok(()) }
}

/// True for 8-bit pixels in 16-bit words of big endian (PS3.5 7.3).
pub(super) fn is_in_words(header: &ImageHeader, pixels: &DataElement) -> bool {
    pixels.syntax.big_endian && header.stored.bytes() == 1 && pixels.vr == *b"OW"
}

/// The items of encapsulated pixel data (PS3.5 A.4).
struct Items {
    /// The Basic Offset Table.
    table: Range<u64>,
    /// The fragments that are not empty; where their items begin, counted from the first one's.
    fragments: Vec<Range<u64>>,
    offsets: Vec<u64>,
    /// True if a Sequence Delimitation Item stands at the end.
    is_ended: bool,
}

impl Items {
    fn read(source: &(impl ReadAt + ?Sized), start: u64, total: u64) -> Result<Self, Located> {
        let mut items = Self { table: 0..0, fragments: Vec::new(), offsets: Vec::new(), is_ended: true };
        let (mut at, mut count, mut first) = (start, 0_usize, 0);
        loop {
            let fault = |fault: DicomFault| fault.at(attribute::PIXEL_DATA);
            let mut header = [0; 8];
            let there = source
                .read_at(&mut header, at)
                .map_err(|error| fault(DicomFault::Read { message: error.to_string() }))?;
            let [t0, t1, t2, t3, l0, l1, l2, l3] = header;
            let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
            match [t0, t1, t2, t3] {
                ITEM if there == 8 && length <= total.saturating_sub(at + 8) => {
                    let value = at + 8..at + 8 + length;
                    match count {
                        0 => (items.table, first) = (value, at + 8 + length),
                        _ if length == 0 => {}
                        _ => {
                            items.fragments.push(value);
                            items.offsets.push(at - first);
                        }
                    }
                    count += 1;
                    at += 8 + length;
                }
                SEQUENCE_END if there >= 4 && !items.fragments.is_empty() => {
                    items.is_ended = there == 8;
                    return Ok(items);
                }
                tag if !items.fragments.is_empty() && is_end(tag, there) => {
                    items.is_ended = false;
                    return Ok(items);
                }
                _ => return Err(fault(DicomFault::Fragments { at: at as usize })),
            }
            if items.fragments.len() > MAX_FRAGMENTS {
                let supported = "1,048,576 fragments";
                let value = "pixel data of more fragments".to_owned();
                return Err(fault(DicomFault::Unsupported { value, supported }));
            }
        }
    }

    /// The first fragment of each of `frames` frames, and whether the Basic Offset Table is wrong.
    fn frames(
        &self,
        source: &(impl ReadAt + ?Sized),
        codec: Codec,
        frames: u32,
    ) -> Result<(Vec<usize>, bool), DicomFault> {
        let count = frames as usize;
        let fragments = &self.fragments;
        if fragments.len() == count {
            return Ok(((0..count).collect(), false));
        }
        if count == 1 {
            let starts = self.streams(source, codec)?;
            let found_more = DicomFault::FrameCount { frames, found: format!("{starts} compressed images") };
            return if starts > 1 { Err(found_more) } else { Ok((vec![0], false)) };
        }
        if let Some(firsts) = self.by_table(source, count)? {
            return Ok((firsts, false));
        }
        match self.by_ends(source, codec)? {
            firsts if firsts.len() == count => Ok((firsts, self.table.end > self.table.start)),
            firsts => {
                let table = (self.table.end - self.table.start) / 4;
                let found = format!(
                    "{} fragments, {} ends of compressed images and {table} entries in its Basic Offset Table",
                    fragments.len(),
                    firsts.len()
                );
                Err(DicomFault::FrameCount { frames, found })
            }
        }
    }

    /// The first fragment of each frame by the Basic Offset Table, where that has `frames` entries that begin at 0, rise
    /// and each meet an item.
    fn by_table(
        &self,
        source: &(impl ReadAt + ?Sized),
        frames: usize,
    ) -> Result<Option<Vec<usize>>, DicomFault> {
        if self.table.end - self.table.start != 4 * frames as u64 {
            return Ok(None);
        }
        let mut table = vec![0; 4 * frames];
        read_exactly(source, &mut table, self.table.start)?;
        let offsets = table.as_chunks::<4>().0.iter().map(|&entry| u64::from(u32::from_le_bytes(entry)));
        let firsts: Option<Vec<usize>> =
            offsets.map(|offset| self.offsets.binary_search(&offset).ok()).collect();
        let rises = |firsts: &Vec<usize>| firsts.first() == Some(&0) && firsts.is_sorted_by(|a, b| a < b);
        Ok(firsts.filter(rises))
    }

    /// The first fragment of each frame, where a frame ends with a fragment that ends with the marker of an end: EOI of
    /// JPEG and JPEG-LS and EOC of JPEG 2000 are the same two bytes.
    fn by_ends(&self, source: &(impl ReadAt + ?Sized), codec: Codec) -> Result<Vec<usize>, DicomFault> {
        let mut firsts = vec![0];
        if !codec.has_end_marker() {
            return Ok(firsts);
        }
        for (index, fragment) in self.fragments.iter().enumerate() {
            let mut end = [0; 4];
            let start = fragment.end.saturating_sub(4).max(fragment.start);
            let end = &mut end[..(fragment.end - start) as usize];
            read_exactly(source, end, start)?;
            let end = end.strip_suffix(&[0]).unwrap_or(end);
            if end.ends_with(&[0xFF, 0xD9]) && index + 1 < self.fragments.len() {
                firsts.push(index + 1);
            }
        }
        Ok(firsts)
    }

    /// The number of fragments that begin a compressed image: of formats in which that can be seen.
    fn streams(&self, source: &(impl ReadAt + ?Sized), codec: Codec) -> Result<usize, DicomFault> {
        let mut streams = 0;
        for fragment in &self.fragments {
            let mut start = [0; 8];
            let there = start.len().min((fragment.end - fragment.start) as usize);
            read_exactly(source, &mut start[..there], fragment.start)?;
            streams += usize::from(codec.begins(start));
        }
        Ok(streams)
    }
}

/// True for what stands behind the last fragment where the Sequence Delimitation Item is missing: nothing, zeros, the
/// beginning of one, or Data Set Trailing Padding (FFFC,FFFC).
fn is_end(tag: [u8; 4], there: usize) -> bool {
    let cut = SEQUENCE_END.starts_with(&tag[..there.min(4)]) && there < 8;
    cut || tag == [0; 4] || tag == [0xFC, 0xFF, 0xFC, 0xFF]
}

/// The bytes of a frame of `source` that is in memory: borrowed where they are in one piece, else joined in `joined`.
pub(super) fn frame_in_memory<'a>(
    source: &'a [u8],
    extents: &[Range<u64>],
    joined: &'a mut Vec<u8>,
) -> Result<&'a [u8], DicomFault> {
    let slice = |extent: &Range<u64>| {
        source.get(extent.start as usize..extent.end as usize).ok_or(DicomFault::Cut { at: source.len() })
    };
    if let [extent] = extents {
        return slice(extent);
    }
    joined.clear();
    for extent in extents {
        joined.extend_from_slice(slice(extent)?);
    }
    Ok(joined)
}

/// Reads the bytes of a frame into `bytes`.
pub(super) fn read_frame(
    source: &(impl ReadAt + ?Sized),
    extents: &[Range<u64>],
    bytes: &mut Vec<u8>,
) -> Result<(), DicomFault> {
    bytes.clear();
    for extent in extents {
        let at = bytes.len();
        bytes.resize(at + (extent.end - extent.start) as usize, 0);
        read_exactly(source, &mut bytes[at..], extent.start)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
