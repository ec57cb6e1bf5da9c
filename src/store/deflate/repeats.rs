//! Marks of the bytes that repeat the one before.

/// Bytes whose marks make a word.
const WORD: usize = 64;

/// For each byte of an input, one bit: set where it equals the byte before.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// The first byte's mark is the lowest bit of the first word. Behind the last byte there are only zeros, at least
    /// a whole word.
    words: Vec<u64>,
}

impl Repeats {
    /// Marks the bytes of `data`, and forgets what was marked before.
    pub(super) fn mark(&mut self, data: &[u8]) {
        self.words.resize(data.len() / WORD + 2, 0);
        self.words.fill(0);
        // The first byte has none before it.
        let (begin, rest) = data.split_at(data.len().min(WORD));
        self.words[0] = each(begin.iter().zip(begin.iter().skip(1))) << 1;
        let before = &data[begin.len().saturating_sub(1)..];
        let (wholes, tail) = rest.as_chunks::<WORD>();
        mark_wholes(wholes, before.as_chunks().0, &mut self.words[1..]);
        let marked = wholes.len() * WORD;
        self.words[1 + wholes.len()] = each(tail.iter().zip(before.get(marked..).unwrap_or_default()));
    }

    /// The first position of `from..stop` from which on three bytes before `stop` repeat the one before them, or `stop`.
    #[inline(always)]
    pub(super) fn find_run(&self, from: usize, stop: usize) -> usize {
        let mut word = from / WORD;
        let mut wanted = !0 << (from % WORD);
        while word * WORD < stop {
            let (here, after) = (self.words[word], self.words[word + 1]);
            let runs = here & (here >> 1 | after << (WORD - 1)) & (here >> 2 | after << (WORD - 2)) & wanted;
            if runs != 0 {
                let start = word * WORD + runs.trailing_zeros() as usize;
                return if start + 3 <= stop { start } else { stop };
            }
            word += 1;
            wanted = !0;
        }
        stop
    }

    /// The first position from `start` on that does not repeat the byte before it, `limit` at most.
    #[inline(always)]
    pub(super) fn run_end(&self, start: usize, limit: usize) -> usize {
        let mut word = start / WORD;
        let mut ends = !self.words[word] & (!0 << (start % WORD));
        // Behind the input there are only zeros.
        while ends == 0 {
            word += 1;
            ends = !self.words[word];
        }
        limit.min(word * WORD + ends.trailing_zeros() as usize)
    }
}

/// A bit for each pair of bytes, of 64 at most: set where both are equal.
fn each<'b>(pairs: impl Iterator<Item = (&'b u8, &'b u8)>) -> u64 {
    (0..WORD as u32).zip(pairs).fold(0, |word, (place, (a, b))| word | u64::from(a == b) << place)
}

/// Marks whole words; `before` are the bytes from one before the first on.
#[cfg(target_arch = "x86_64")]
fn mark_wholes(bytes: &[[u8; WORD]], before: &[[u8; WORD]], words: &mut [u64]) {
    use pulp::x86::V3;

    let Some(simd) = V3::try_new() else { return mark_in_words(bytes, before, words) };
    let equal = |a: &[u8; WORD], b: &[u8; WORD]| {
        let [a, b] = [a, b].map(|bytes| bytemuck::cast::<_, [std::arch::x86_64::__m256i; 2]>(*bytes));
        let half = |half: usize| {
            simd.avx2._mm256_movemask_epi8(simd.avx2._mm256_cmpeq_epi8(a[half], b[half])).cast_unsigned()
        };
        u64::from(half(0)) | u64::from(half(1)) << 32
    };
    simd.vectorize(
        #[inline(always)]
        || {
            for ((word, a), b) in words.iter_mut().zip(bytes).zip(before) {
                *word = equal(a, b);
            }
        },
    );
}

#[cfg(not(target_arch = "x86_64"))]
use mark_in_words as mark_wholes;

/// As `mark_wholes`, on any machine.
fn mark_in_words(bytes: &[[u8; WORD]], before: &[[u8; WORD]], words: &mut [u64]) {
    for ((word, a), b) in words.iter_mut().zip(bytes).zip(before) {
        let eights = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
        *word = eights.rev().fold(0, |word, (a, b)| word << 8 | equal_of_eight(*a, *b));
    }
}

/// The seven low bits of each byte.
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;

/// A bit for each pair of eight bytes.
fn equal_of_eight(a: [u8; 8], b: [u8; 8]) -> u64 {
    let differs = u64::from_le_bytes(a) ^ u64::from_le_bytes(b);
    // The highest bit of each byte that is 0.
    let equal = !(((differs & LOW) + LOW) | differs | LOW);
    // Gathers them in the highest byte.
    (equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_are_the_same_by_vectors_by_words_and_one_by_one() {
        let data: Vec<u8> = (0..5000u32).map(|i| (i * i % 7 / 3) as u8).collect();
        for length in [0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 5000] {
            let (data, mut repeats) = (&data[..length], Repeats::default());
            repeats.mark(&[7; 9000]);
            repeats.mark(data);
            for position in 0..length.next_multiple_of(WORD) + WORD {
                let expected = position > 0 && position < length && data[position] == data[position - 1];
                let found =
                    repeats.words.get(position / WORD).is_some_and(|w| w >> (position % WORD) & 1 == 1);
                assert_eq!(found, expected, "{position} of {length}");
            }
            if length > WORD {
                let (wholes, before) = (data[WORD..].as_chunks().0, data[WORD - 1..].as_chunks().0);
                let mut words = vec![0; wholes.len()];
                mark_in_words(wholes, before, &mut words);
                assert_eq!(words, repeats.words[1..=wholes.len()]);
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_run_and_its_end_are_found(
            data in prop::collection::vec(0..3u8, 1..400),
            from in 0..400usize,
            stop in 0..400usize,
        ) {
            let mut repeats = Repeats::default();
            repeats.mark(&data);
            let stop = stop.min(data.len());
            let from = from.min(stop);
            let found = (from.max(1)..stop.saturating_sub(2))
                .find(|&start| data[start..start + 3].iter().all(|byte| *byte == data[start - 1]));
            prop_assert_eq!(repeats.find_run(from, stop), found.unwrap_or(stop));
            let end = (from.max(1)..stop).find(|&end| data[end] != data[end - 1]).unwrap_or(stop);
            prop_assert_eq!(repeats.run_end(from.max(1), stop.max(1)), end.max(1));
        }
    }
}
