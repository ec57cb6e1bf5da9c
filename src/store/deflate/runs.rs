//! Repetitions of a byte: the input as stretches of literals, each followed by a run.

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
pub(super) const UNIT_SYMBOLS: usize = 8192;

/// Positions that are searched for a run at once.
const WINDOW: usize = 32;

/// Takes stretches off `data[from..limit]` until they make [`UNIT_SYMBOLS`] symbols, appends them to
/// `stretches` and counts their symbols in `tally`, which is emptied before. Returns the end.
///
/// `limit - from` must be below 2^32. A run may begin at `from`, with the byte before.
pub(super) fn scan(
    data: &[u8],
    from: usize,
    limit: usize,
    stretches: &mut Vec<Stretch>,
    tally: &mut SymbolCounts,
) -> usize {
    *tally = SymbolCounts::EMPTY;
    let mut literals = LiteralCounts([[0; 256]; 4]);
    let (mut literal, mut position, mut symbols) = (from, from, 0);
    while symbols < UNIT_SYMBOLS && literal < limit {
        let stop = limit.min(literal + UNIT_SYMBOLS - symbols);
        let start = find_run(data, position, stop);
        literals.add(&data[literal..start]);
        let count = start - literal;
        let mut run = 0;
        literal = start;
        if start < stop {
            position = run_end(data, start, limit);
            run = position - start;
            // One or two bytes beyond full matches are literals of the next stretch.
            if run % MAX_MATCH < MIN_MATCH {
                run -= run % MAX_MATCH;
            }
            tally.add_run(run);
            literal += run;
        } else {
            position = start;
        }
        symbols += count + run.div_ceil(MAX_MATCH);
        // Neither is longer than `data[from..limit]`, which the caller keeps below 2^32.
        stretches.push(Stretch { literals: count as u32, run: run as u32 });
    }
    literals.sum(tally);
    tally.bytes = literal - from;
    literal
}

/// Counts of bytes in four tables, so that equal neighbours do not wait for each other.
struct LiteralCounts([[u32; 256]; 4]);

impl LiteralCounts {
    #[inline]
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

/// The first position of `from..stop` where three bytes before `stop` equal the byte before them, or `stop`.
#[inline]
fn find_run(data: &[u8], from: usize, stop: usize) -> usize {
    let data = &data[..stop];
    let mut position = from.max(1);
    while let Some(window) = data.get(position - 1..position + WINDOW + 2) {
        if has_run(window) {
            break;
        }
        position += WINDOW;
    }
    while let Some(eight) = word(data, position) {
        // A byte of `differs` is 0 where a byte equals the one before it.
        let differs = eight ^ word(data, position - 1).unwrap_or(!eight);
        let equal = !(((differs & LOW) + LOW) | differs | LOW);
        let runs = equal & (equal >> 8) & (equal >> 16);
        if runs != 0 {
            return position + (runs.trailing_zeros() / 8) as usize;
        }
        position += 6;
    }
    while let Some(four) = data.get(position - 1..position + MIN_MATCH) {
        if four[1] == four[0] && four[2] == four[0] && four[3] == four[0] {
            return position;
        }
        position += 1;
    }
    stop
}

/// The seven low bits of each byte.
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;

/// True if four equal bytes follow each other in `WINDOW + 3` bytes.
#[inline]
fn has_run(window: &[u8]) -> bool {
    let mut least = u8::MAX;
    for (((a, b), c), d) in window.iter().zip(&window[1..]).zip(&window[2..]).zip(&window[3..]) {
        least = least.min((a ^ b) | (b ^ c) | (c ^ d));
    }
    least == 0
}

/// The end of the run that begins at `start`: the first byte up to `limit` that differs from those before.
#[inline]
fn run_end(data: &[u8], start: usize, limit: usize) -> usize {
    let value = data[start - 1];
    let data = &data[..limit];
    let eight = u64::from_le_bytes([value; 8]);
    let mut position = start + MIN_MATCH;
    if word(data, position) == Some(eight) {
        position += 8;
        while data.get(position..position + 32).is_some_and(|bytes| bytes == [value; 32]) {
            position += 32;
        }
    }
    while let Some(bytes) = word(data, position) {
        let differs = bytes ^ eight;
        if differs != 0 {
            return position + (differs.trailing_zeros() / 8) as usize;
        }
        position += 8;
    }
    while data.get(position) == Some(&value) {
        position += 1;
    }
    position
}

/// Eight bytes as a number, the first one lowest, if there are eight.
#[inline]
fn word(data: &[u8], position: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*data.get(position..)?.first_chunk()?))
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
        while position < data.len() {
            let end = scan(data, position, data.len(), &mut stretches, &mut tally);
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

        #[test]
        fn the_first_run_is_found(
            data in prop::collection::vec(0..3u8, 1..200),
            from in 0..200usize,
            stop in 0..200usize,
        ) {
            let stop = stop.min(data.len());
            let from = from.min(stop);
            let found = (from.max(1)..stop.saturating_sub(2))
                .find(|&start| data[start..start + 3].iter().all(|byte| *byte == data[start - 1]));
            prop_assert_eq!(find_run(&data, from, stop), found.unwrap_or(stop));
        }
    }
}
