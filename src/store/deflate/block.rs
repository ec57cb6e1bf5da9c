//! One block with Huffman codes, fixed or its own (RFC 1951, 3.2.3).

use dicomprep_widest::with_widest;

use super::bits::BitWriter;
use super::header::Header;
use super::huffman::{Code, Codes, MAX_ASSIGNED, assign_codes, code_lengths};
use super::runs::Stretch;
use super::symbols::{
    END_OF_BLOCK, EXTRA_BITS, FIRST_LENGTH, MAX_MATCH, MIN_MATCH, SYMBOLS, SymbolCounts, lengths_of, matches,
};

/// The longest literal or length code. Inflaters look up 11 bits at once and need a second look for longer codes; a
/// shorter limit costs nothing, as longer codes are rare and take room in the header. And five of them fit into the 56
/// bits that are written at once.
const LIMIT: usize = MAX_ASSIGNED;

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
        with_widest(
            #[inline(always)]
            || {
                bits.with(
                    #[inline(always)]
                    |bits| self.write_body(data, stretches, bits),
                );
            },
        );
        bits.put_code(self.codes[END_OF_BLOCK]);
    }

    /// Fills the table of matches for the lengths that have a code. The distance 1 has the code of only zeros,
    /// `distance_bits` long.
    fn join_matches(&mut self, distance_bits: u32) {
        for (index, symbol) in self.codes[FIRST_LENGTH..SYMBOLS].iter().enumerate() {
            if symbol.length() == 0 {
                continue;
            }
            let length = symbol.length() + u32::from(EXTRA_BITS[index]) + distance_bits;
            for (extra, code) in self.matches[lengths_of(index)].iter_mut().enumerate() {
                // At most 21 bits.
                *code = Code::new(symbol.bits() as u32 | (extra as u32) << symbol.length(), length);
            }
        }
    }

    /// Writes the literals and runs of `data`.
    #[inline(always)]
    fn write_body(&self, data: &[u8], stretches: &[Stretch], bits: &mut BitWriter<'_>) {
        let mut rest = data;
        for stretch in stretches {
            let (literals, after) = rest.split_at(stretch.literals as usize);
            self.write_literals(literals, bits);
            rest = &after[stretch.run as usize..];
            let (full, rest) = matches(stretch.run as usize);
            for _ in 0..full {
                bits.put_code(self.matches[MAX_MATCH - MIN_MATCH]);
            }
            if rest > 0 {
                bits.put_code(self.matches[rest - MIN_MATCH]);
            }
        }
    }

    /// Writes five literals at once: each code has at most [`LIMIT`] bits.
    #[inline(always)]
    fn write_literals(&self, literals: &[u8], bits: &mut BitWriter<'_>) {
        let codes: &[Code; 256] = self.codes.first_chunk().expect("there are more symbols than literals");
        let (fives, rest) = literals.as_chunks::<5>();
        for five in fives {
            let [a, b, c, d, e] = five.map(|byte| codes[usize::from(byte)]);
            let (ab, cd) = (Codes::of(a).then(Codes::of(b)), Codes::of(c).then(Codes::of(d)));
            let all = ab.then(cd).then(Codes::of(e));
            bits.put(all.bits, all.length());
        }
        for byte in rest {
            bits.put_code(codes[usize::from(*byte)]);
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
