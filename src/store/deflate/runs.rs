//! Repetitions of a byte: the input as stretches of literals, each followed by a run.

use super::repeats::Repeats;
use super::symbols::{MAX_MATCH, MIN_MATCH, SymbolCounts};

/// Literals, then a run of copies of the byte before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Literals.
    pub(super) literals: u32,
    /// Bytes of the run, 0 for none; a number that full matches leave 0 or at least 3 bytes of.
    pub(super) run: u32,
}

/// Symbols after which [`scan`] stops.
pub(in crate::store) const UNIT_SYMBOLS: usize = 8192;

/// Takes stretches off `bytes[from..]` until they make [`UNIT_SYMBOLS`] symbols, appends them to `stretches` and counts
/// their symbols in `tally`, which is emptied before. Returns the end.
///
/// `bytes[from..]` must be shorter than 2^32; `repeats` are the marks of `bytes`. A run may begin at `from`, with the byte
/// before.
#[inline(always)]
pub(super) fn scan(
    bytes: &[u8],
    repeats: &Repeats,
    from: usize,
    stretches: &mut Vec<Stretch>,
    tally: &mut SymbolCounts,
) -> usize {
    *tally = SymbolCounts::EMPTY;
    let mut literals = LiteralCounts([[0; 256]; 4]);
    let (mut literal, mut position, mut symbols) = (from, from, 0);
    while symbols < UNIT_SYMBOLS && literal < bytes.len() {
        let stop = bytes.len().min(literal + UNIT_SYMBOLS - symbols);
        let start = repeats.find_run(position, stop);
        literals.add(&bytes[literal..start]);
        let count = start - literal;
        let mut run = 0;
        literal = start;
        position = start;
        if start < stop {
            position = repeats.run_end(start, bytes.len());
            run = position - start;
            // One or two bytes beyond full matches are literals of the next stretch.
            if run % MAX_MATCH < MIN_MATCH {
                run -= run % MAX_MATCH;
            }
            tally.add_run(run);
            literal += run;
        }
        symbols += count + run.div_ceil(MAX_MATCH);
        // Neither is longer than `bytes[from..]`, which the caller keeps below 2^32.
        stretches.push(Stretch { literals: count as u32, run: run as u32 });
    }
    literals.sum(tally);
    tally.bytes = literal - from;
    literal
}

/// Counts of bytes in four tables, so that equal neighbours do not wait for each other.
struct LiteralCounts([[u32; 256]; 4]);

impl LiteralCounts {
    #[inline(always)]
    fn add(&mut self, literals: &[u8]) {
        let [a, b, c, d] = &mut self.0;
        let mut fours = literals.chunks_exact(4);
        for four in &mut fours {
            a[usize::from(four[0])] += 1;
            b[usize::from(four[1])] += 1;
            c[usize::from(four[2])] += 1;
            d[usize::from(four[3])] += 1;
        }
        for byte in fours.remainder() {
            a[usize::from(*byte)] += 1;
        }
    }

    fn sum(&self, tally: &mut SymbolCounts) {
        let [a, b, c, d] = &self.0;
        for (value, count) in tally.counts[..256].iter_mut().enumerate() {
            *count = a[value] + b[value] + c[value] + d[value];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The bytes that `stretches` describe, with `literals` for what they do not say.
    fn expand(stretches: &[Stretch], data: &[u8]) -> Vec<u8> {
        let mut made = Vec::new();
        for stretch in stretches {
            let start = made.len();
            made.extend_from_slice(&data[start..start + stretch.literals as usize]);
            if let Some(&value) = made.last() {
                made.extend(std::iter::repeat_n(value, stretch.run as usize));
            }
        }
        made
    }

    fn scan_all(data: &[u8]) -> (Vec<Stretch>, SymbolCounts) {
        let (mut stretches, mut tally, mut all) = (Vec::new(), SymbolCounts::EMPTY, SymbolCounts::EMPTY);
        let mut position = 0;
        let mut repeats = Repeats::default();
        repeats.mark(data);
        while position < data.len() {
            let end = scan(data, &repeats, position, &mut stretches, &mut tally);
            assert_eq!(end - position, tally.bytes);
            assert!(tally.counts.iter().sum::<u32>() as usize <= UNIT_SYMBOLS + data.len() / MAX_MATCH + 1);
            all.add(&tally);
            position = end;
        }
        (stretches, all)
    }

    #[test]
    fn runs_of_every_length_are_found_wherever_they_begin() {
        for before in [1, 2, 7, 31, 32, 33, 40] {
            for run in 1..=600 {
                let mut data: Vec<u8> = (1..=before).collect();
                data.extend(std::iter::repeat_n(before, run));
                data.extend([0, 1, 2, 3, 4, 5, 6]);
                let (stretches, tally) = scan_all(&data);
                assert_eq!(expand(&stretches, &data), data);
                let found: u32 = stretches.iter().map(|stretch| stretch.run).sum();
                let expected = if run % 258 < 3 { run / 258 * 258 } else { run };
                assert_eq!(found as usize, expected, "{run} after {before}");
                let symbols: u32 = tally.counts.iter().sum();
                assert_eq!(symbols as usize, data.len() - expected + expected.div_ceil(258));
            }
        }
    }

    proptest! {
        #[test]
        fn stretches_make_up_the_data(data in prop::collection::vec(0..3u8, 0..400)) {
            let (stretches, tally) = scan_all(&data);
            prop_assert_eq!(expand(&stretches, &data), &data[..]);
            prop_assert_eq!(tally.bytes, data.len());
            for stretch in stretches {
                let (_, rest) = super::super::symbols::matches(stretch.run as usize);
                prop_assert!(rest == 0 || rest >= MIN_MATCH);
            }
        }
    }
}
