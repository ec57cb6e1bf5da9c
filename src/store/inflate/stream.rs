//! One stream that is inflated.

use dicomprep_widest::with_widest;

use super::super::deflate::{LENGTHS_ORDER, UNIT_SYMBOLS};
use super::bits::BitReader;
use super::table::{self, END, Entry, LITERAL, LONGEST, RUN, SYMBOLS};

/// Bytes after the end of the output that may be written: by a step that begins before it.
pub(super) const SLACK: usize = 4 + 258;

/// Runs up to this length are written as so many bytes at once.
const SHORT_RUN: usize = 64;

/// The longest code of a code length.
const LONGEST_OF_LENGTHS: usize = 7;

/// Bits of the only distance, 1, in a block with its own codes and in one with fixed codes.
const OWN_DISTANCE_BITS: u32 = 1;
const FIXED_DISTANCE_BITS: u32 = 5;

/// The bytes of a stream and where they go.
pub(super) struct InflateJob<'a> {
    pub(super) input: &'a [u8],
    /// The output and [`SLACK`] bytes more.
    pub(super) out: &'a mut [u8],
    /// Bytes of the output.
    pub(super) length: usize,
}

impl InflateJob<'_> {
    /// The same, for a loop that keeps it in registers.
    #[inline(always)]
    pub(super) fn reborrow(&mut self) -> InflateJob<'_> {
        InflateJob { input: self.input, out: &mut *self.out, length: self.length }
    }
}

/// A stream, its place, and the codes of the block that it is in.
pub(super) struct InflateStream {
    pub(super) entries: Box<[Entry; 1 << LONGEST]>,
    pub(super) distance_bits: u32,
    /// Bytes that half of the symbols of a unit take, by their codes.
    pub(super) half: usize,
    pub(super) place: StreamPlace,
    is_last: bool,
    pub(super) in_block: bool,
}

/// Places in the input and the output.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamPlace {
    pub(super) bits: BitReader,
    pub(super) at: usize,
    /// What the next bits mean in the block that it is in: looked up before more bits are needed.
    pub(super) entry: Entry,
}

impl Default for InflateStream {
    fn default() -> Self {
        Self {
            entries: Box::new([0; 1 << LONGEST]),
            distance_bits: OWN_DISTANCE_BITS,
            half: 0,
            place: StreamPlace::default(),
            is_last: false,
            in_block: false,
        }
    }
}

impl InflateStream {
    /// Begins a zlib stream (RFC 1950).
    pub(super) fn begin(&mut self, job: &InflateJob<'_>) -> Option<()> {
        let &[method, flags] = job.input.first_chunk()?;
        let is_deflate = method & 15 == 8 && method >> 4 <= 7;
        let has_dictionary = flags & 0x20 != 0;
        if !is_deflate || has_dictionary || !u16::from_be_bytes([method, flags]).is_multiple_of(31) {
            return None;
        }
        self.place = StreamPlace::begin(2);
        (self.is_last, self.in_block) = (false, false);
        Some(())
    }

    /// True once the last block has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.is_last && !self.in_block
    }

    /// Goes on to the end of the block.
    pub(super) fn finish_block(&mut self, job: &mut InflateJob<'_>) -> Option<()> {
        with_widest(
            #[inline(always)]
            || {
                let (mut place, mut job) = (self.place, job.reborrow());
                while place.step(&self.entries, self.distance_bits, &mut job)? {}
                self.place = place;
                Some(())
            },
        )?;
        self.in_block = false;
        Some(())
    }

    /// Checks what follows the last block.
    pub(super) fn check(&mut self, job: &InflateJob<'_>) -> Option<()> {
        let checksum = job.input.get(self.place.bits.align()..)?.first_chunk()?;
        let is_whole = self.place.at == job.length;
        (is_whole && libdeflater::adler32(&job.out[..job.length]) == u32::from_be_bytes(*checksum))
            .then_some(())
    }

    /// Takes the header of the next block, unless one is begun, or a stored block whole.
    pub(super) fn enter_block(&mut self, job: &mut InflateJob<'_>) -> Option<()> {
        if self.in_block || self.is_last {
            return Some(());
        }
        let bits = &mut self.place.bits;
        bits.refill(job.input)?;
        self.is_last = bits.take(1) == 1;
        match bits.take(2) {
            0 => return self.copy_stored(job),
            1 => {
                let length = |symbol| match symbol {
                    144..256 => 9,
                    256..280 => 7,
                    _ => 8,
                };
                let lengths: [u8; SYMBOLS] = std::array::from_fn(length);
                self.fill(&lengths, FIXED_DISTANCE_BITS)?;
            }
            2 => {
                let lengths = code_lengths(bits, job.input)?;
                self.fill(&lengths, OWN_DISTANCE_BITS)?;
            }
            _ => return None,
        }
        self.in_block = true;
        self.place.look_up(&self.entries, job.input)
    }

    fn fill(&mut self, lengths: &[u8; SYMBOLS], distance_bits: u32) -> Option<()> {
        table::fill::<LONGEST>(lengths, &mut *self.entries, &table::LITERALS_AND_LENGTHS)?;
        self.distance_bits = distance_bits;
        self.half = table::mean_bits(lengths, UNIT_SYMBOLS / 2) / 8;
        Some(())
    }

    fn copy_stored(&mut self, job: &mut InflateJob<'_>) -> Option<()> {
        let start = self.place.bits.align() + 4;
        let &[a, b, c, d] = job.input.get(start - 4..)?.first_chunk()?;
        let length = u16::from_le_bytes([a, b]);
        let end = self.place.at + usize::from(length);
        if length != !u16::from_le_bytes([c, d]) || end > job.length {
            return None;
        }
        let stored = job.input.get(start..start + usize::from(length))?;
        job.out[self.place.at..end].copy_from_slice(stored);
        self.place = StreamPlace { bits: BitReader::at(start + usize::from(length)), at: end, entry: 0 };
        Some(())
    }
}

/// Takes blocks of two streams in turns until one of them has ended: while the processor waits for an entry of one, it
/// looks up that of the other.
pub(super) fn take_turns(
    [one, two]: [&mut InflateStream; 2],
    [one_job, two_job]: [&mut InflateJob<'_>; 2],
) -> Option<()> {
    while !one.has_ended() && !two.has_ended() {
        one.enter_block(one_job)?;
        two.enter_block(two_job)?;
        if !one.in_block || !two.in_block {
            continue;
        }
        (one.in_block, two.in_block) = with_widest(
            #[inline(always)]
            || {
                let (mut here, mut there) = (one.place, two.place);
                let (mut one_job, mut two_job) = (one_job.reborrow(), two_job.reborrow());
                let (one_entries, two_entries) = (&*one.entries, &*two.entries);
                let (one_bits, two_bits) = (one.distance_bits, two.distance_bits);
                loop {
                    let one_goes_on = here.step(one_entries, one_bits, &mut one_job)?;
                    let two_goes_on = there.step(two_entries, two_bits, &mut two_job)?;
                    if !(one_goes_on && two_goes_on) {
                        (one.place, two.place) = (here, there);
                        return Some((one_goes_on, two_goes_on));
                    }
                }
            },
        )?;
    }
    Some(())
}

impl StreamPlace {
    /// At the byte `start` of the input, with no output.
    pub(super) fn begin(start: usize) -> Self {
        Self { bits: BitReader::at(start), ..Self::default() }
    }

    /// Finds out what the next bits mean.
    #[inline(always)]
    pub(super) fn look_up(&mut self, entries: &[Entry; 1 << LONGEST], input: &[u8]) -> Option<()> {
        self.bits.refill(input)?;
        self.entry = entries[self.bits.peek() as usize & ((1 << LONGEST) - 1)];
        Some(())
    }

    /// Takes up to four literals, or up to three and what follows them: no more than 54 bits. `false` at the end of the block,
    /// `None` where the stream is none that is taken here.
    #[inline(always)]
    pub(super) fn step(
        &mut self,
        entries: &[Entry; 1 << LONGEST],
        distance_bits: u32,
        job: &mut InflateJob<'_>,
    ) -> Option<bool> {
        if self.at > job.length {
            return None;
        }
        self.bits.refill(job.input)?;
        let look_up = |bits: u64| entries[bits as usize & ((1 << LONGEST) - 1)];
        let mut bits = self.bits.peek();
        let mut entry = self.entry;
        // The lengths of the codes are added up in the low bits of their entries.
        let mut used: Entry = 0;
        let mut literal = |entry: &mut Entry, place: &mut u8| {
            bits >>= *entry & 63;
            used = used.wrapping_add(*entry);
            *place = (*entry >> 16) as u8;
            *entry = look_up(bits);
        };
        if entry & LITERAL != 0 {
            let [a, b, c, d] = job.out.get_mut(self.at..)?.first_chunk_mut()?;
            literal(&mut entry, a);
            self.at += 1;
            if entry & LITERAL != 0 {
                literal(&mut entry, b);
                self.at += 1;
                if entry & LITERAL != 0 {
                    literal(&mut entry, c);
                    self.at += 1;
                    if entry & LITERAL != 0 {
                        literal(&mut entry, d);
                        self.at += 1;
                        self.bits.set(bits, used);
                        // Twelve bits are left, and no code is longer.
                        self.entry = entry;
                        return Some(true);
                    }
                }
            }
        }
        self.bits.set(bits >> (entry & 63), used.wrapping_add(entry));
        if entry & RUN == 0 {
            return (entry & END != 0).then_some(false);
        }
        let length = (entry >> 16) as usize + self.bits.take(entry >> 8 & 7);
        if self.bits.take(distance_bits) != 0 {
            return None;
        }
        self.run(length, job.out)?;
        self.look_up(entries, job.input)?;
        Some(true)
    }

    /// Writes the last byte `length` times more.
    #[inline(always)]
    pub(super) fn run(&mut self, length: usize, out: &mut [u8]) -> Option<()> {
        let value = *out.get(self.at.checked_sub(1)?)?;
        let place = out.get_mut(self.at..)?;
        match place.first_chunk_mut::<SHORT_RUN>() {
            Some(place) if length <= SHORT_RUN => *place = [value; SHORT_RUN],
            _ => place.get_mut(..length)?.fill(value),
        }
        self.at += length;
        Some(())
    }
}

/// The code lengths of literals and lengths of a block (RFC 1951, 3.2.7) whose only distance code has one bit.
fn code_lengths(bits: &mut BitReader, input: &[u8]) -> Option<[u8; SYMBOLS]> {
    let symbols = bits.take(5) + 257;
    let has_one_distance = bits.take(5) == 0;
    let ordered = bits.take(4) + 4;
    if symbols > 286 || !has_one_distance {
        return None;
    }
    let mut of_lengths = [0; LENGTHS_ORDER.len()];
    for (number, &symbol) in LENGTHS_ORDER[..ordered].iter().enumerate() {
        if number % 16 == 0 {
            bits.refill(input)?;
        }
        of_lengths[symbol] = bits.take(3) as u8;
    }
    let mut entries = [0; 1 << LONGEST_OF_LENGTHS];
    let of_symbols: [Entry; LENGTHS_ORDER.len()] = std::array::from_fn(|symbol| (symbol as Entry) << 16);
    table::fill::<LONGEST_OF_LENGTHS>(&of_lengths, &mut entries, &of_symbols)?;
    let (mut lengths, mut known) = ([0; SYMBOLS + 1], 0);
    // The length of the distance code continues the list.
    while known <= symbols {
        bits.refill(input)?;
        let entry = entries[bits.peek() as usize & ((1 << LONGEST_OF_LENGTHS) - 1)];
        bits.skip(entry);
        let (value, repeated) = match entry >> 16 {
            16 => (*lengths.get(known.checked_sub(1)?)?, 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length as u8, 1),
        };
        let places = lengths[..=symbols].get_mut(known..known + repeated)?;
        match places {
            [place] => *place = value,
            places => places.fill(value),
        }
        known += repeated;
    }
    let distance = std::mem::take(&mut lengths[symbols]);
    (u32::from(distance) == OWN_DISTANCE_BITS).then_some(*lengths.first_chunk()?)
}
