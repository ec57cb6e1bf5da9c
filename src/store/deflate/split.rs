//! Decision if two neighbouring parts of the input are better off with one Huffman code or with two.

use super::symbols::{EXTRA_BITS, FIRST_LENGTH, SymbolCounts};

/// Fractional bits of the logarithms.
const FRACTION: u32 = 11;

/// Logarithms to base 2 of 0 (taken for 0) to 1,023.
const LOGARITHMS: [u16; 1024] = {
    let mut table = [0; 1024];
    let mut number = 1u64;
    while number < 1024 {
        let whole = number.ilog2();
        // The fraction bit by bit: squaring a number of 1 to 2 doubles its logarithm.
        let (mut mantissa, mut fraction, mut bit) = (number << (30 - whole), 0, 0);
        while bit < FRACTION {
            mantissa = (mantissa * mantissa) >> 30;
            let above = (mantissa >> 31) as u16;
            mantissa >>= above;
            fraction = fraction << 1 | above;
            bit += 1;
        }
        table[number as usize] = (whole << FRACTION) as u16 + fraction;
        number += 1;
    }
    table
};

/// The logarithm to base 2, with [`FRACTION`] fractional bits; the same on every machine.
fn log2(number: u32) -> u64 {
    let shift = (22u32).saturating_sub(number.leading_zeros());
    u64::from(LOGARITHMS[(number >> shift) as usize]) + (u64::from(shift) << FRACTION)
}

/// About how many bits a block with its own Huffman code takes, with [`FRACTION`] fractional bits: the
/// entropy of its symbols, where none takes less than a bit, their extra bits, and its header.
pub(super) fn estimate(tally: &SymbolCounts) -> u64 {
    let total = log2(tally.counts.iter().sum());
    let (mut bits, mut used) = (0, 0);
    for &count in &tally.counts {
        // What does not occur adds nothing.
        bits += u64::from(count) * (total - log2(count).min(total)).max(1 << FRACTION);
        used += u64::from(count > 0);
    }
    for (&count, &extra) in tally.counts[FIRST_LENGTH..].iter().zip(&EXTRA_BITS) {
        bits += (u64::from(count) * u64::from(extra + 1)) << FRACTION;
    }
    bits + ((HEADER_BITS + used * HEADER_BITS_PER_SYMBOL) << FRACTION)
}

/// Bits of a block's header that do not depend on its symbols, about.
const HEADER_BITS: u64 = 90;
/// Bits of a block's header for each symbol that occurs, about.
const HEADER_BITS_PER_SYMBOL: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_close() {
        assert_eq!(log2(0), 0);
        for number in (1..70_000).chain([1 << 20, (1 << 23) - 1, u32::MAX]) {
            let exact = f64::from(number).log2();
            let found = log2(number) as f64 / f64::from(1 << FRACTION);
            assert!((found - exact).abs() < 0.004, "{number}: {found} instead of {exact}");
        }
    }

    #[test]
    fn alike_parts_merge_and_others_do_not() {
        let part = |values: std::ops::Range<usize>| {
            let mut tally = SymbolCounts::EMPTY;
            tally.counts[values].fill(100);
            tally
        };
        let merged = |a: &SymbolCounts, b: &SymbolCounts| {
            let mut both = a.clone();
            both.add(b);
            estimate(&both) <= estimate(a) + estimate(b)
        };
        assert!(merged(&part(0..64), &part(0..64)));
        assert!(!merged(&part(0..64), &part(64..128)));
    }
}
