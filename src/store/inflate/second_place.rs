//! One stream at two places at once.
//!
//! Where a block stands in the middle is not known, but Huffman codes find themselves: an inflater that begins at any bit reads
//! the right symbols after a few wrong ones. So a second one begins half-way, with the codes of the same block, and notes where
//! its first symbols begin. When the first comes to one of these places, what the second has found follows.

use dicomprep_widest::with_widest;

use super::stream::{InflateJob, InflateStream, SLACK, StreamPlace};
use super::table::LITERAL;

/// Bits in which the second has to have found itself. Symbols of noise take seven or eight.
const FOUND_WITHIN: usize = 1024;

/// Bytes between the two that are worth it.
const MIN_HALF: usize = 1024;

/// No symbol begins at a bit.
const NONE: u16 = u16::MAX;

/// Memory of the second place.
#[derive(Default)]
pub(super) struct SecondPlace {
    /// The byte that a run at the beginning would repeat, what is found, and bytes that may be written after it.
    out: Vec<u8>,
    /// The place in `out` of the literal that begins at each of the first bits.
    begins: Vec<u16>,
    /// Bytes that were taken over from the second place.
    #[cfg(test)]
    pub(super) taken: usize,
}

impl SecondPlace {
    /// Goes on in the block of `stream` at two places, until the first has come to the second, or to the end of the block.
    /// `false` where that is not worth it; nothing has changed then.
    pub(super) fn split(&mut self, stream: &mut InflateStream, job: &mut InflateJob<'_>) -> Option<bool> {
        let here = stream.place.bits.position() / 8;
        let half = stream.half.min(job.input.len().saturating_sub(here) / 2);
        if half < MIN_HALF {
            return Some(false);
        }
        let start = here + half;
        let length = job.length.checked_sub(stream.place.at)?;
        self.out.resize(1 + length + SLACK, 0);
        let mut other = InflateJob { input: job.input, out: &mut self.out, length: 1 + length };
        let Some(there) = begin(stream, &mut other, start, &mut self.begins) else { return Some(false) };
        let there = take_turns(stream, job, there, &mut other, 8 * start)?;
        if let Some(there) = there.filter(|_| stream.in_block) {
            self.join(stream, job, there, 8 * start)?;
        }
        Some(true)
    }

    /// Goes on to one of the places that the second has noted, and takes over what it has found.
    fn join(
        &mut self,
        stream: &mut InflateStream,
        job: &mut InflateJob<'_>,
        there: There,
        start: usize,
    ) -> Option<()> {
        while let Some(begin) = self.begins.get(stream.place.bits.position() - start) {
            if *begin != NONE && stream.place.entry & LITERAL != 0 {
                let found = self.out.get(usize::from(*begin)..there.place.at)?;
                let end = stream.place.at + found.len();
                if end > job.length {
                    return None;
                }
                job.out.get_mut(stream.place.at..end)?.copy_from_slice(found);
                stream.place = StreamPlace { at: end, ..there.place };
                stream.in_block = there.in_block;
                #[cfg(test)]
                {
                    self.taken += found.len();
                }
                break;
            }
            if !stream.place.step(&stream.entries, stream.distance_bits, job)? {
                stream.in_block = false;
                break;
            }
        }
        Some(())
    }
}

/// How far the second has come.
#[derive(Clone, Copy)]
struct There {
    place: StreamPlace,
    in_block: bool,
}

/// The first symbols at the byte `start`, one by one; `None` where they are none of a block.
fn begin(
    stream: &InflateStream,
    other: &mut InflateJob<'_>,
    start: usize,
    begins: &mut Vec<u16>,
) -> Option<There> {
    begins.clear();
    begins.resize(FOUND_WITHIN, NONE);
    let mut place = StreamPlace::begin(start);
    (place.at, other.out[0]) = (1, 0);
    place.look_up(&stream.entries, other.input)?;
    while let Some(begin) = begins.get_mut(place.bits.position() - 8 * start) {
        if place.entry & LITERAL != 0 {
            *begin = place.at as u16;
            *other.out.get_mut(place.at)? = (place.entry >> 16) as u8;
            place.at += 1;
            place.bits.skip(place.entry & 63);
            place.look_up(&stream.entries, other.input)?;
        } else if !place.step(&stream.entries, stream.distance_bits, other)? {
            return None;
        }
        if place.at > FOUND_WITHIN * 2 {
            return None;
        }
    }
    Some(There { place, in_block: true })
}

/// Takes steps at both places until the first has come to the bit `start`, or to the end of the block. `None` in place of the
/// second where what it reads is no block: it had not found itself.
fn take_turns(
    stream: &mut InflateStream,
    job: &mut InflateJob<'_>,
    there: There,
    other: &mut InflateJob<'_>,
    start: usize,
) -> Option<Option<There>> {
    let InflateStream { entries, distance_bits, place, in_block, .. } = stream;
    let (entries, distance_bits) = (&**entries, *distance_bits);
    with_widest(
        #[inline(always)]
        || {
            let (mut here, mut there_place) = (*place, there.place);
            let (mut job, mut other) = (job.reborrow(), other.reborrow());
            let mut second = Some(true);
            while here.bits.position() < start && *in_block {
                *in_block = here.step(entries, distance_bits, &mut job)?;
                if second == Some(true) {
                    second = there_place.step(entries, distance_bits, &mut other);
                }
            }
            *place = here;
            Some(second.map(|in_block| There { place: there_place, in_block }))
        },
    )
}
