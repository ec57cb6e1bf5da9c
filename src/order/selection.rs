//! Selection of the rows of a file for an epoch.

use std::convert::Infallible;

const WORD: u64 = u64::BITS as u64;

/// Words of a block. The rows selected before each block are counted.
const BLOCK_WORDS: usize = 8;

/// One of so many selected rows has the number of its block written down.
const LANDMARK: u64 = 4096;

/// The rows of a file that an epoch is made of, in the order of the file; rows count from 0.
///
/// All rows of a file take no memory. Any other selection takes at most 1.15 bits for each row *of the file*,
/// however few are selected: 144 MB for 10^9 rows. Any selected row is found by a short search in one place of
/// a directory and one of the bitmap, not by counting from the first.
///
/// ```
/// use dicomprep::order::Selection;
///
/// let selection = Selection::all(100).keep_where(|row| row % 2 == 1).keep_where(|row| row > 50);
/// assert_eq!((selection.len(), selection.row(0), selection.row(1)), (25, Some(51), Some(53)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Rows of the file.
    rows: u64,
    /// `None` is all of them.
    chosen: Option<Chosen>,
}

/// A set of rows as a bitmap, and what finds the n-th of them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chosen {
    len: u64,
    /// Bit b of word w stands for row 64 w + b.
    words: Vec<u64>,
    /// Number of rows selected before each block of words.
    before: Vec<u64>,
    /// The block of every [`LANDMARK`]th selected row.
    landmarks: Vec<usize>,
}

impl Selection {
    /// All rows of a file of `rows` rows. Any number will do, 0 included.
    #[must_use]
    pub fn all(rows: u64) -> Self {
        Self { rows, chosen: None }
    }

    /// The selected rows for which `keep` is true. It is asked for each selected row once, in order, so that
    /// conditions one after the other are joined by "and".
    #[must_use]
    pub fn keep_where(self, mut keep: impl FnMut(u64) -> bool) -> Self {
        let Ok(kept) = self.try_keep_where(|row| Ok::<_, Infallible>(keep(row)));
        kept
    }

    /// [`Selection::keep_where`] for a question that can fail, as one that reads the file while it is asked.
    ///
    /// # Errors
    /// The first error of `keep`, after which it is not asked again.
    pub fn try_keep_where<E>(self, mut keep: impl FnMut(u64) -> Result<bool, E>) -> Result<Self, E> {
        let mut words: Vec<u64> = match self.chosen {
            Some(chosen) => chosen.words,
            None => (0..self.rows.div_ceil(WORD)).map(|index| full_word(self.rows, index)).collect(),
        };
        for (word, first) in words.iter_mut().zip((0..).step_by(WORD as usize)) {
            for bit in ones(*word) {
                if !keep(first + bit)? {
                    *word &= !(1 << bit);
                }
            }
        }
        let chosen = Chosen::new(words);
        Ok(Self { rows: self.rows, chosen: (chosen.len < self.rows).then_some(chosen) })
    }

    /// Number of selected rows.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.chosen.as_ref().map_or(self.rows, |chosen| chosen.len)
    }

    /// True if no row is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row `number` of those selected, counted from 0; `None` where fewer are selected.
    #[must_use]
    pub fn row(&self, number: u64) -> Option<u64> {
        if number >= self.len() {
            return None;
        }
        match &self.chosen {
            Some(chosen) => chosen.row(number),
            None => Some(number),
        }
    }

    /// True if `row` is selected; false for a row that the file does not have.
    #[must_use]
    pub fn contains(&self, row: u64) -> bool {
        row < self.rows && self.word(row / WORD) >> (row % WORD) & 1 == 1
    }

    /// The selected rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + Clone {
        (0..self.rows.div_ceil(WORD))
            .flat_map(|index| ones(self.word(index)).map(move |bit| index * WORD + bit))
    }

    /// Hands the bitmap of the selected rows to `each`, 64 rows a word; nothing where all rows are selected.
    pub(crate) fn for_each_word(&self, each: impl FnMut(u64)) {
        self.chosen.iter().flat_map(|chosen| chosen.words.iter().copied()).for_each(each);
    }

    /// Word `index` of the bitmap of a file that has rows there.
    fn word(&self, index: u64) -> u64 {
        match &self.chosen {
            Some(chosen) => chosen.words[index as usize],
            None => full_word(self.rows, index),
        }
    }
}

impl Chosen {
    fn new(words: Vec<u64>) -> Self {
        let mut len = 0;
        let mut before = Vec::with_capacity(words.len().div_ceil(BLOCK_WORDS));
        let mut landmarks = Vec::new();
        for (index, block) in words.chunks(BLOCK_WORDS).enumerate() {
            before.push(len);
            len += block.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            // No block has room for two.
            if landmarks.len() as u64 * LANDMARK < len {
                landmarks.push(index);
            }
        }
        Self { len, words, before, landmarks }
    }

    /// `number` is below the number of selected rows.
    fn row(&self, number: u64) -> Option<u64> {
        let landmark = (number / LANDMARK) as usize;
        let first = self.landmarks[landmark];
        let last = self.landmarks.get(landmark + 1).copied().unwrap_or(self.before.len() - 1);
        let block = first + self.before[first + 1..=last].partition_point(|before| *before <= number);
        let mut left = number - self.before[block];
        let words = block * BLOCK_WORDS..;
        for (index, word) in words.clone().zip(&self.words[words]) {
            let ones = u64::from(word.count_ones());
            if left < ones {
                return Some(index as u64 * WORD + nth_one(*word, left));
            }
            left -= ones;
        }
        None
    }
}

/// Word `index` of a bitmap in which all of `rows` rows are selected.
fn full_word(rows: u64, index: u64) -> u64 {
    match rows - index * WORD {
        bits @ ..WORD => (1 << bits) - 1,
        _ => u64::MAX,
    }
}

/// The places of the ones of a word, the lowest first.
fn ones(mut word: u64) -> impl Iterator<Item = u64> + Clone {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        word &= word.checked_sub(1)?;
        Some(u64::from(bit))
    })
}

/// The place of one number `n`, counted from 0, of a word that has so many.
fn nth_one(mut word: u64, n: u64) -> u64 {
    for _ in 0..n {
        word &= word - 1;
    }
    u64::from(word.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_are_selected_without_a_list() {
        for rows in [0, 1, 63, 64, 65, u64::MAX] {
            let all = Selection::all(rows);
            assert_eq!((all.len(), all.is_empty()), (rows, rows == 0));
            assert_eq!((all.row(rows), all.contains(rows)), (None, false));
            let last = rows.checked_sub(1);
            assert_eq!(last.and_then(|last| all.row(last)), last);
            assert!(last.is_none_or(|last| all.contains(last)));
            assert!(all.iter().take(200).eq(0..rows.min(200)));
        }
        let all = Selection::all(1000);
        assert_eq!(all.clone().keep_where(|_| true), all);
    }

    #[test]
    fn no_row_is_selected() {
        for rows in [0, 1, 64, 5000] {
            let none = Selection::all(rows).keep_where(|_| false);
            assert!(none.is_empty() && none.iter().next().is_none());
            assert_eq!((none.row(0), none.contains(0)), (None, false));
        }
    }

    #[test]
    fn only_selected_rows_are_asked_for_and_only_until_an_error() {
        let thirds = Selection::all(100).keep_where(|row| row % 3 == 0);
        let mut asked = Vec::new();
        let result = thirds.try_keep_where(|row| {
            asked.push(row);
            if row < 60 { Ok(true) } else { Err(row) }
        });
        assert_eq!(result, Err(60));
        assert!(asked.into_iter().eq((0..=60).step_by(3)));
    }

    #[test]
    fn memory_is_what_the_documentation_says() {
        for every in [1, 2, 1000] {
            // The last row alone is missing where the others are all there.
            let selection = Selection::all(10_000_000).keep_where(|row| row % every == 0 && row < 9_999_999);
            let chosen = selection.chosen.unwrap();
            let bytes = 8 * (chosen.words.len() + chosen.before.len() + chosen.landmarks.len());
            assert!(bytes as f64 * 8.0 < 1.15 * 1e7, "{bytes}");
        }
    }
}
