//! Rows drawn so that every group of rows comes equally often.

use super::hash::{digest, mix};

const SALT: &[u8] = b"dicomprep balance v1";

/// Draws rows with replacement, from every group of rows equally often.
///
/// An epoch has as many draws as there are rows, N, counted from 0. With G groups, draw d of epoch e belongs to
/// group (e N + d) mod G: the groups take turns, and an epoch goes on where the one before it ended. So the
/// groups' draws differ in number by at most 1, in each epoch and in any number of epochs from the first on.
/// Within its group, every row is equally likely for each draw, independently of all other draws: in one
/// epoch a row can come several times or not at all. An [`EpochOrder`](super::EpochOrder) decides which draw stands at which position, so
/// ranks, batches and a start in the middle are the same as without balancing.
///
/// A draw is a pure function of the seed, the groups, the epoch and its number, found in a time that depends
/// on none of them. All together take 8 bytes for each row, and as much again for each group.
///
/// # Construction
/// Let s and t be the first two words of the SHA-256 of "dicomprep balance v1" and the seed as 8 bytes, and
/// mix the finalizer of SplitMix64 (see [`Permutation`](super::Permutation)). The hash of draw d of epoch e is
/// h = mix(mix(d xor mix(e xor s)) xor mix(e xor t)), and of the n rows of its group, counted from 0 in the
/// order in which they were given, row h n / 2^64, rounded down, is drawn. The chance of a row differs from
/// 1 / n by less than 2^-64. All bytes are little endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// s and t.
    secrets: [u64; 2],
    /// Group after group.
    rows: Vec<u64>,
    /// Offsets of the groups in `rows`, and the end of the last.
    bounds: Vec<usize>,
}

impl Balance {
    /// Balances the groups of `rows`, each a row of the file with the number of its group. Groups come in
    /// the order of their numbers; a number that no row has is no group, but costs 8 bytes while groups are
    /// made. `rows` are gone through twice.
    #[must_use]
    pub fn new(seed: u64, rows: impl Iterator<Item = (u64, u32)> + Clone) -> Self {
        let mut sizes = Vec::new();
        for (_, group) in rows.clone() {
            let group = group as usize;
            if group >= sizes.len() {
                sizes.resize(group + 1, 0_usize);
            }
            sizes[group] += 1;
        }
        // Where the next row of each group goes, and after the last row where the group ends.
        let mut len = 0;
        let mut ends = sizes;
        for end in &mut ends {
            len += std::mem::replace(end, len);
        }
        let mut flat = vec![0; len];
        for (row, group) in rows {
            let end = &mut ends[group as usize];
            flat[*end] = row;
            *end += 1;
        }
        let mut bounds = vec![0];
        bounds.append(&mut ends);
        // A group without rows ends where the one before it ends.
        bounds.dedup();
        let [one, other, ..] = digest(SALT, &[seed]);
        Self { secrets: [one, other], rows: flat, bounds }
    }

    /// Number of draws in an epoch: the number of rows.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// True if there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of groups that have rows.
    #[must_use]
    pub fn groups(&self) -> u64 {
        self.bounds.len() as u64 - 1
    }

    /// The row of the file that draw `draw` of epoch `epoch` is; `None` where an epoch has fewer draws.
    #[must_use]
    pub fn row(&self, epoch: u64, draw: u64) -> Option<u64> {
        if draw >= self.len() {
            return None;
        }
        let turn = u128::from(epoch) * u128::from(self.len()) + u128::from(draw);
        let group = (turn % u128::from(self.groups())) as usize;
        let rows = &self.rows[self.bounds[group]..self.bounds[group + 1]];
        let [one, other] = self.secrets.map(|secret| mix(epoch ^ secret));
        let hash = mix(mix(draw ^ one) ^ other);
        let index = (u128::from(hash) * rows.len() as u128) >> 64;
        rows.get(index as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_take_turns_whatever_their_sizes() {
        let group_of = |row: u64| [4, 9, 4, 7, 4, 4, 4, 7][row as usize];
        let balance = Balance::new(3, (0..8).map(|row| (row, group_of(row))));
        assert_eq!((balance.len(), balance.groups(), balance.is_empty()), (8, 3, false));
        // 2^64 - 1 is a multiple of 3.
        for (epoch, expected) in [
            (0, [4, 7, 9, 4, 7, 9, 4, 7]),
            (1, [9, 4, 7, 9, 4, 7, 9, 4]),
            (u64::MAX, [4, 7, 9, 4, 7, 9, 4, 7]),
        ] {
            let draws = (0..8).map(|draw| balance.row(epoch, draw).unwrap());
            assert!(draws.map(group_of).eq(expected));
            assert_eq!((balance.row(epoch, 8), balance.row(epoch, u64::MAX)), (None, None));
        }
    }

    #[test]
    fn no_rows_have_no_draws() {
        let none = Balance::new(0, std::iter::empty());
        assert_eq!((none.len(), none.groups(), none.is_empty(), none.row(0, 0)), (0, 0, true, None));
    }

    #[test]
    fn seed_epoch_and_draw_all_count() {
        let draws = |seed, epoch, from: u64| {
            let balance = Balance::new(seed, (0..1000).map(|row| (row, 0)));
            (from..from + 4).map(|draw| balance.row(epoch, draw).unwrap()).collect::<Vec<_>>()
        };
        let base = draws(1, 2, 10);
        assert_eq!(base, draws(1, 2, 10));
        for other in [draws(2, 1, 10), draws(2, 2, 10), draws(1, 3, 10), draws(1, 2, 14)] {
            assert_ne!(base, other);
        }
    }
}
