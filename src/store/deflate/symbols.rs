//! The alphabet of literals and lengths (RFC 1951, 3.2.5) and how often its symbols occur.

use std::ops::Range;

/// Symbols of the literal and length alphabet that a stream may hold.
pub(super) const SYMBOLS: usize = 286;
/// The symbol at the end of every block.
pub(in crate::store) const END_OF_BLOCK: usize = 256;
/// The symbol of the shortest match.
pub(super) const FIRST_LENGTH: usize = 257;
/// The shortest match.
pub(super) const MIN_MATCH: usize = 3;
/// The longest match.
pub(super) const MAX_MATCH: usize = 258;

/// The shortest match of each length symbol.
pub(in crate::store) const SHORTEST: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
    227, 258,
];

/// Extra bits after each length symbol.
pub(in crate::store) const EXTRA_BITS: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/// Symbols for code lengths (RFC 1951, 3.2.7): 0 to 15, 16 for a repetition, 17 and 18 for zeros.
pub(super) const LENGTH_SYMBOLS: usize = 19;
/// The order in which the code lengths of code lengths stand in a header.
pub(in crate::store) const LENGTHS_ORDER: [usize; LENGTH_SYMBOLS] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// For each match length less 3, its symbol less 257.
const LENGTH_INDEX: [u8; 256] = {
    let mut table = [0; 256];
    let (mut length, mut index) = (MIN_MATCH, 0);
    while length <= MAX_MATCH {
        if index < 28 && length >= SHORTEST[index + 1] as usize {
            index += 1;
        }
        table[length - MIN_MATCH] = index as u8;
        length += 1;
    }
    table
};

/// The symbol of a match of 3 to 258 bytes, less 257.
#[inline(always)]
pub(super) fn length_index(length: usize) -> usize {
    LENGTH_INDEX[length - MIN_MATCH].into()
}

/// The match lengths less 3 of the symbol 257 + `index`, in the order of the values of its extra bits.
pub(super) fn lengths_of(index: usize) -> Range<usize> {
    let end = SHORTEST.get(index + 1).map_or(MAX_MATCH + 1, |length| usize::from(*length));
    usize::from(SHORTEST[index]) - MIN_MATCH..end - MIN_MATCH
}

/// Counts of each literal and length in a part of the input.
#[derive(Clone)]
pub(super) struct SymbolCounts {
    /// Occurrences of each symbol.
    pub(super) counts: [u32; SYMBOLS],
    /// Bytes that the symbols stand for.
    pub(super) bytes: usize,
}

impl SymbolCounts {
    /// Nothing counted yet.
    pub(super) const EMPTY: Self = Self { counts: [0; SYMBOLS], bytes: 0 };

    /// Counts the matches that make up a run of `length` bytes: see [`matches()`].
    #[inline(always)]
    pub(super) fn add_run(&mut self, length: usize) {
        let (full, rest) = matches(length);
        self.counts[SYMBOLS - 1] += full as u32;
        if rest > 0 {
            self.counts[FIRST_LENGTH + length_index(rest)] += 1;
        }
    }

    /// Counts what `other` counted too.
    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.bytes += other.bytes;
    }
}

/// A run as matches: so many of 258 bytes, and one of the rest, which is 0 or at least 3.
#[inline(always)]
pub(super) fn matches(length: usize) -> (usize, usize) {
    (length / MAX_MATCH, length % MAX_MATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_its_base_and_extra_bits() {
        for length in MIN_MATCH..=MAX_MATCH {
            let index = length_index(length);
            let lengths = lengths_of(index);
            assert!(
                lengths.contains(&(length - MIN_MATCH)) && lengths.len() <= 1 << EXTRA_BITS[index],
                "{length}"
            );
        }
        assert_eq!([3, 10, 11, 12, 13, 257, 258].map(length_index), [0, 7, 8, 8, 9, 27, 28]);
    }
}
