//! A deflate encoder for byte planes: a zlib stream (RFC 1950, RFC 1951) of literals and runs.
//!
//! After the byte shuffle the low bytes of a noisy image are literals in all but a few places, and the high
//! bytes are runs: a search for matches finds little more than what repeats the byte before. So only that
//! is looked for, and what is saved goes into better Huffman codes:
//!
//! ```text
//! planes ── scan ──> units of 8,192 symbols: stretches (literals, then a run) and a count of each symbol
//!        ── split ─> blocks: neighbouring units, merged where one code for both is estimated smaller
//!        ── block ─> own codes, fixed codes or stored, whichever is smallest; codes of at most 11 bits
//! ```
//!
//! A unit ends with its plane, so a block can begin there. A run is a match of distance 1, the only distance,
//! so each length and its distance are one entry of a table. Literals are counted and written straight from
//! the input, several at a time.
//!
//! Nothing depends on the machine: estimates are made with whole numbers.

mod bits;
mod block;
mod header;
mod huffman;
mod repeats;
mod runs;
mod split;
mod symbols;
#[cfg(test)]
mod tests;

// The inflater of these streams uses the same.
pub(super) use huffman::{MAX_ASSIGNED, REVERSED};
pub(super) use runs::UNIT_SYMBOLS;
pub(super) use symbols::{END_OF_BLOCK, EXTRA_BITS, LENGTHS_ORDER, SHORTEST};

use bits::{BitWriter, SPARE};
use block::BlockCoder;
use dicomprep_widest::with_widest;
use repeats::Repeats;
use runs::{Stretch, scan};
use symbols::SymbolCounts;

/// Deflate with a window of 32 KiB, made by the fastest algorithm (RFC 1950, 2.2).
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];
/// Bytes of header and checksum.
const ZLIB_FRAME: usize = 6;

/// Bytes of the longest stored block.
const STORED_MAX: usize = 65_535;
/// Bytes of a stored block besides its content, where it begins at a byte.
const STORED_HEADER: usize = 5;

/// Bytes after which a unit ends at the latest.
const UNIT_BYTES: usize = 1 << 20;
/// Bytes that a block has at most, so that its counts stay below 2^23.
const BLOCK_BYTES: usize = 1 << 22;
/// Bytes that make a plane's own units worth their while.
const MIN_PLANE_BYTES: usize = 1024;

/// Bytes that [`PlaneDeflater::deflate`] needs as output for an input of `length` bytes. A stream is at least
/// eight bytes shorter: it adds at most 6 bytes to the input, and 5 for each stored block.
pub(in crate::store) fn bound(length: usize) -> usize {
    length + STORED_HEADER * length.div_ceil(STORED_MAX).max(1) + ZLIB_FRAME + SPARE
}

/// Makes zlib streams; keeps its memory between calls.
pub(in crate::store) struct PlaneDeflater {
    repeats: Repeats,
    /// The stretches of the block that is being gathered, then those of the unit behind it.
    stretches: Vec<Stretch>,
    coder: BlockCoder,
}

impl PlaneDeflater {
    /// A deflater for one thread.
    pub(in crate::store) fn new() -> Self {
        Self { repeats: Repeats::default(), stretches: Vec::new(), coder: BlockCoder::new() }
    }

    /// Writes a zlib stream of `planes`, each of `plane_bytes` bytes, to the beginning of `output`, which
    /// grows to the [`bound`] if it must. Returns the stream's length.
    ///
    /// `plane_bytes` only says where blocks may begin: any number gives a right stream.
    pub(in crate::store) fn deflate(
        &mut self,
        planes: &[u8],
        plane_bytes: usize,
        output: &mut Vec<u8>,
    ) -> usize {
        let bound = bound(planes.len());
        if output.len() < bound {
            output.resize(bound, 0);
        }
        let mut bits = BitWriter::new(output);
        bits.bytes(&ZLIB_HEADER);
        let mut blocks = Blocks { planes, coder: &mut self.coder, bits, settled: 0 };
        let plane_bytes = if plane_bytes < MIN_PLANE_BYTES { planes.len() } else { plane_bytes };
        self.repeats.mark(planes);
        blocks.cut(plane_bytes, &self.repeats, &mut self.stretches);
        let mut bits = blocks.bits;
        bits.align();
        bits.bytes(&libdeflater::adler32(planes).to_be_bytes());
        bits.written()
    }
}

/// The blocks of one stream.
struct Blocks<'a> {
    planes: &'a [u8],
    coder: &'a mut BlockCoder,
    bits: BitWriter<'a>,
    /// The input before this position of `planes` is written. What stands between it and the block at
    /// hand waits to be stored, in as few blocks as possible.
    settled: usize,
}

impl Blocks<'_> {
    /// Writes all blocks. `stretches` is memory to work in.
    fn cut(&mut self, plane_bytes: usize, repeats: &Repeats, stretches: &mut Vec<Stretch>) {
        stretches.clear();
        let (mut block, mut unit) = (SymbolCounts::EMPTY, SymbolCounts::EMPTY);
        let (mut block_bits, mut position) = (0, 0);
        while position < self.planes.len() {
            let plane_end = position - position % plane_bytes + plane_bytes;
            let limit = plane_end.min(position + UNIT_BYTES).min(self.planes.len());
            let gathered = stretches.len();
            let bytes = &self.planes[..limit];
            let end = with_widest(
                #[inline(always)]
                || scan(bytes, repeats, position, stretches, &mut unit),
            );
            let unit_bits = split::estimate(&unit);
            if block.bytes == 0 {
                (block, block_bits, position) = (unit.clone(), unit_bits, end);
                continue;
            }
            let mut merged = block.clone();
            merged.add(&unit);
            let merged_bits = split::estimate(&merged);
            if merged.bytes <= BLOCK_BYTES && merged_bits <= block_bits + unit_bits {
                (block, block_bits) = (merged, merged_bits);
            } else {
                self.write(&mut block, position, &stretches[..gathered]);
                stretches.drain(..gathered);
                (block, block_bits) = (unit.clone(), unit_bits);
            }
            position = end;
        }
        self.write(&mut block, position, stretches);
        if self.settled < self.planes.len() {
            self.store(self.planes.len());
        }
    }

    /// Writes the block of `tally` that ends before `end`, or leaves it to be stored.
    fn write(&mut self, tally: &mut SymbolCounts, end: usize, stretches: &[Stretch]) {
        let start = end - tally.bytes;
        let bytes = self.coder.plan(tally).div_ceil(8) as usize;
        // What a compressed block saves pays for the header of a stored one after it, so that the stream keeps
        // its bound.
        if start < end && bytes + STORED_HEADER > tally.bytes {
            return;
        }
        if self.settled < start {
            self.store(start);
        }
        let last = end == self.planes.len();
        self.coder.write(&self.planes[start..end], stretches, last, &mut self.bits);
        self.settled = end;
    }

    /// Stores what is not settled and stands before `end`.
    fn store(&mut self, end: usize) {
        while self.settled < end {
            let part = &self.planes[self.settled..end.min(self.settled + STORED_MAX)];
            self.settled += part.len();
            let last = self.settled == self.planes.len();
            self.bits.put(u64::from(last), 3);
            self.bits.align();
            // At most 65,535.
            let length = part.len() as u16;
            self.bits.bytes(&length.to_le_bytes());
            self.bits.bytes(&(!length).to_le_bytes());
            self.bits.bytes(part);
        }
    }
}
