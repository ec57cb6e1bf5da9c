//! Code lengths of a block as they are written (RFC 1951, 3.2.7).

use super::bits::BitWriter;
use super::huffman::{Code, assign_codes, code_lengths};
use super::symbols::{END_OF_BLOCK, FIRST_LENGTH, LENGTH_SYMBOLS, LENGTHS_ORDER, SYMBOLS};

/// The longest code of a code length.
const LENGTHS_LIMIT: usize = 7;

/// Bits that begin a block.
const BLOCK_BITS: u64 = 3;
/// Bits of the three numbers of codes.
const COUNT_BITS: u64 = 5 + 5 + 4;

/// The code lengths of a block with its own codes as they are written down.
pub(super) struct Header {
    /// Literal and length codes, 257 to 286.
    symbols: usize,
    /// The code lengths with repetitions shortened: a symbol and the value of its extra bits.
    items: [(u8, u8); SYMBOLS + 1],
    /// Number of `items`.
    used: usize,
    /// The code lengths of the items' symbols.
    lengths: [u8; LENGTH_SYMBOLS],
    /// Number of [`LENGTHS_ORDER`] that are written, at least 4.
    ordered: usize,
}

impl Header {
    /// A header that has nothing planned.
    pub(super) fn new() -> Self {
        Self { symbols: 0, items: [(0, 0); SYMBOLS + 1], used: 0, lengths: [0; LENGTH_SYMBOLS], ordered: 0 }
    }

    /// Plans the header for literal and length codes of these lengths and one distance code of one bit.
    /// Returns its bits, with the three that begin a block.
    pub(super) fn plan(&mut self, lengths: &[u8; SYMBOLS]) -> u64 {
        self.symbols = 1 + lengths.iter().rposition(|&length| length > 0).unwrap_or(END_OF_BLOCK);
        self.used = 0;
        let mut counts = [0; LENGTH_SYMBOLS];
        // The only distance code, of one bit, continues the list.
        let mut rest = [0; SYMBOLS + 1];
        rest[..self.symbols].copy_from_slice(&lengths[..self.symbols]);
        rest[self.symbols] = 1;
        let mut rest = &rest[..=self.symbols];
        while let [value, ..] = *rest {
            let same = rest.iter().take_while(|&&length| length == value).count();
            rest = &rest[same..];
            self.shorten(value, same, &mut counts);
        }
        code_lengths(&counts, LENGTHS_LIMIT, &mut self.lengths);
        let last = LENGTHS_ORDER.iter().rposition(|&symbol| self.lengths[symbol] > 0).unwrap_or(0);
        self.ordered = (last + 1).max(4);
        let items = counts.iter().zip(&self.lengths).enumerate();
        let bits: u32 =
            items.map(|(symbol, (&count, &length))| count * (u32::from(length) + repeat_bits(symbol))).sum();
        BLOCK_BITS + COUNT_BITS + 3 * self.ordered as u64 + u64::from(bits)
    }

    /// Appends `same` code lengths of `value`.
    fn shorten(&mut self, value: u8, mut same: usize, counts: &mut [u32; LENGTH_SYMBOLS]) {
        let mut push = |symbol: u8, extra: usize| {
            self.items[self.used] = (symbol, extra as u8);
            self.used += 1;
            counts[usize::from(symbol)] += 1;
        };
        if value == 0 {
            while same >= 11 {
                let taken = same.min(138);
                push(18, taken - 11);
                same -= taken;
            }
            if same >= 3 {
                push(17, same - 3);
                same = 0;
            }
        } else if same >= 4 {
            push(value, 0);
            same -= 1;
            while same >= 3 {
                let taken = same.min(6);
                push(16, taken - 3);
                same -= taken;
            }
        }
        for _ in 0..same {
            push(value, 0);
        }
    }

    /// Writes what was planned, after the three bits that begin a block.
    pub(super) fn write(&self, bits: &mut BitWriter<'_>) {
        bits.with(|bits| self.write_with(bits));
    }

    #[inline(always)]
    fn write_with(&self, bits: &mut BitWriter<'_>) {
        bits.put((self.symbols - FIRST_LENGTH) as u64, 5);
        // One distance code.
        bits.put(0, 5);
        bits.put((self.ordered - 4) as u64, 4);
        for &symbol in &LENGTHS_ORDER[..self.ordered] {
            bits.put(self.lengths[symbol].into(), 3);
        }
        let mut codes = [Code::default(); LENGTH_SYMBOLS];
        assign_codes(&self.lengths, &mut codes);
        for &(symbol, extra) in &self.items[..self.used] {
            let code = codes[usize::from(symbol)];
            bits.put(
                code.bits() | u64::from(extra) << code.length(),
                code.length() + repeat_bits(symbol.into()),
            );
        }
    }
}

/// Extra bits after a symbol of the code lengths.
fn repeat_bits(symbol: usize) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}
