//! One block with Huffman codes, fixed or its own (RFC 1951, 3.2.3).

use super::bits::BitWriter;
use super::header::Header;
use super::huffman::{Code, assign_codes, code_lengths};
use super::runs::Stretch;
use super::symbols::{
    END_OF_BLOCK, EXTRA_BITS, FIRST_LENGTH, MAX_MATCH, MIN_MATCH, SYMBOLS, SymbolCounts, extra_value,
    length_index, matches,
};

/// The longest literal or length code. Inflaters look up 11 bits at once and need a second look for longer codes; a
/// shorter limit costs nothing, as longer codes are rare and take room in the header. And five of them fit into the 56
/// bits that are written at once.
const LIMIT: usize = 11;

/// The code lengths of a block with fixed codes (RFC 1951, 3.2.6).
const FIXED_LENGTHS: [u8; SYMBOLS + 2] = {
    let mut lengths = [8; SYMBOLS + 2];
    let mut symbol = 144;
    while symbol < 280 {
        lengths[symbol] = if symbol < 256 { 9 } else { 7 };
        symbol += 1;
    }
    lengths
};

/// Bits before the symbols of a block with fixed codes.
const FIXED_HEADER_BITS: u64 = 3;
/// Bits of a distance in a block with fixed codes.
const FIXED_DISTANCE_BITS: u32 = 5;
/// Bits of the distance in a block with its own codes: RFC 1951, 3.2.7 gives a single code one bit.
const DISTANCE_BITS: u32 = 1;

/// Chooses a block's codes and writes it with them; keeps its tables between blocks.
pub(super) struct BlockCoder {
    lengths: [u8; SYMBOLS],
    codes: [Code; SYMBOLS + 2],
    header: Header,
    /// True if the planned block takes the fixed codes.
    fixed: bool,
    /// For each match length less 3, the bits of length and distance together.
    matches: [Code; MAX_MATCH - MIN_MATCH + 1],
}

impl BlockCoder {
    /// A coder that has nothing planned.
    pub(super) fn new() -> Self {
        Self {
            lengths: [0; SYMBOLS],
            codes: [Code::default(); SYMBOLS + 2],
            header: Header::new(),
            fixed: false,
            matches: [Code::default(); MAX_MATCH - MIN_MATCH + 1],
        }
    }

    /// Chooses between the fixed codes and the best ones for the symbols in `tally`, to which it adds the end
    /// of the block. Returns the bits that [`write`](Self::write) will write.
    pub(super) fn plan(&mut self, tally: &mut SymbolCounts) -> u64 {
        tally.counts[END_OF_BLOCK] = 1;
        code_lengths(&tally.counts, LIMIT, &mut self.lengths);
        let dynamic = self.header.plan(&self.lengths) + body_bits(tally, &self.lengths, DISTANCE_BITS);
        let fixed = FIXED_HEADER_BITS + body_bits(tally, &FIXED_LENGTHS[..SYMBOLS], FIXED_DISTANCE_BITS);
        self.fixed = fixed <= dynamic;
        fixed.min(dynamic)
    }

    /// Writes the planned block: `data` as `stretches`.
    pub(super) fn write(&mut self, data: &[u8], stretches: &[Stretch], last: bool, bits: &mut BitWriter<'_>) {
        bits.put(u64::from(last), 1);
        if self.fixed {
            bits.put(0b01, 2);
            assign_codes(&FIXED_LENGTHS, &mut self.codes);
            self.join_matches(FIXED_DISTANCE_BITS);
        } else {
            bits.put(0b10, 2);
            self.header.write(bits);
            assign_codes(&self.lengths, &mut self.codes);
            self.join_matches(DISTANCE_BITS);
        }
        self.write_body(data, stretches, bits);
        let end = self.codes[END_OF_BLOCK];
        bits.put(end.bits.into(), end.length);
    }

    /// Fills the table of matches. The distance 1 has the code of only zeros, `distance_bits` long.
    fn join_matches(&mut self, distance_bits: u32) {
        for (length, code) in (MIN_MATCH..).zip(&mut self.matches) {
            let index = length_index(length);
            let symbol = self.codes[FIRST_LENGTH + index];
            let extra = (extra_value(length, index) as u32) << symbol.length;
            let length = symbol.length + u32::from(EXTRA_BITS[index]) + distance_bits;
            *code = Code { bits: symbol.bits | extra, length };
        }
    }

    /// Writes the literals and runs of `data`.
    fn write_body(&self, data: &[u8], stretches: &[Stretch], bits: &mut BitWriter<'_>) {
        let mut rest = data;
        for stretch in stretches {
            let (literals, after) = rest.split_at(stretch.literals as usize);
            self.write_literals(literals, bits);
            rest = &after[stretch.run as usize..];
            let (full, rest) = matches(stretch.run as usize);
            for _ in 0..full {
                let code = self.matches[MAX_MATCH - MIN_MATCH];
                bits.put(code.bits.into(), code.length);
            }
            if rest > 0 {
                let code = self.matches[rest - MIN_MATCH];
                bits.put(code.bits.into(), code.length);
            }
        }
    }

    /// Writes five literals at once: each code has at most [`LIMIT`] bits.
    #[inline]
    fn write_literals(&self, literals: &[u8], bits: &mut BitWriter<'_>) {
        let mut fives = literals.chunks_exact(5);
        for five in &mut fives {
            let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|i| self.codes[usize::from(five[i])]);
            let ab = u64::from(a.bits) | u64::from(b.bits) << a.length;
            let cd = u64::from(c.bits) | u64::from(d.bits) << c.length;
            let ab_length = a.length + b.length;
            let abcd_length = ab_length + c.length + d.length;
            let abcd = ab | cd << ab_length;
            bits.put(abcd | u64::from(e.bits) << abcd_length, abcd_length + e.length);
        }
        for byte in fives.remainder() {
            let code = self.codes[usize::from(*byte)];
            bits.put(code.bits.into(), code.length);
        }
    }
}

/// Bits of a block's symbols, their extra bits and the distances.
fn body_bits(tally: &SymbolCounts, lengths: &[u8], distance_bits: u32) -> u64 {
    let symbols = tally.counts.iter().zip(lengths);
    let codes: u64 = symbols.map(|(&count, &length)| u64::from(count) * u64::from(length)).sum();
    let matches = tally.counts[FIRST_LENGTH..].iter().zip(&EXTRA_BITS);
    let rest = matches.map(|(&count, &extra)| u64::from(count) * u64::from(u32::from(extra) + distance_bits));
    codes + rest.sum::<u64>()
}
