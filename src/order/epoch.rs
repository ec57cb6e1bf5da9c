//! The order of one epoch.

use super::permutation::{Permutation, PermutationKey};

/// Arrangement of the rows of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrangement {
    /// As they stand in the file; every epoch is the same.
    FileOrder,
    /// Shuffled again in each epoch.
    Shuffled {
        /// Chooses the shuffles.
        seed: u64,
    },
}

/// The row at each position of one epoch: every row exactly once. A pure function of the
/// arrangement, the epoch and the number of rows; positions and rows count from 0.
#[derive(Debug, Clone)]
pub struct EpochOrder {
    rows: u64,
    /// `None` is the order of the file.
    shuffle: Option<Permutation>,
}

impl EpochOrder {
    /// The order of `rows` rows in epoch `epoch`. Any number of rows will do, 0 included.
    #[must_use]
    pub fn new(arrangement: Arrangement, epoch: u64, rows: u64) -> Self {
        let shuffle = match arrangement {
            Arrangement::FileOrder => None,
            Arrangement::Shuffled { seed } => Some(Permutation::new(PermutationKey { seed, epoch }, rows)),
        };
        Self { rows, shuffle }
    }

    /// Number of rows in the epoch, and so of positions.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The row at `position`; `None` where the epoch has no such position.
    #[must_use]
    pub fn row(&self, position: u64) -> Option<u64> {
        let [row] = self.rows_at([position]);
        row
    }

    /// [`EpochOrder::row`] for several positions, which takes less time than one by one.
    #[must_use]
    pub fn rows_at<const COUNT: usize>(&self, positions: [u64; COUNT]) -> [Option<u64>; COUNT] {
        match &self.shuffle {
            Some(shuffle) => shuffle.at_each(positions),
            None => positions.map(|position| (position < self.rows).then_some(position)),
        }
    }

    /// The position at which `row` stands: the inverse of [`EpochOrder::row`]. `None` where there is no
    /// such row.
    #[must_use]
    pub fn position(&self, row: u64) -> Option<u64> {
        match &self.shuffle {
            Some(shuffle) => shuffle.position_of(row),
            None => (row < self.rows).then_some(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_order_is_the_same_in_every_epoch() {
        for epoch in [0, 1, u64::MAX] {
            let order = EpochOrder::new(Arrangement::FileOrder, epoch, 5);
            assert_eq!(
                (0..6).map(|position| order.row(position)).collect::<Vec<_>>(),
                [Some(0), Some(1), Some(2), Some(3), Some(4), None]
            );
            assert_eq!((order.position(4), order.position(5)), (Some(4), None));
        }
    }

    #[test]
    fn a_shuffle_is_the_permutation_of_its_seed_and_epoch() {
        let order = EpochOrder::new(Arrangement::Shuffled { seed: 3 }, 8, 96);
        let permutation = Permutation::new(PermutationKey { seed: 3, epoch: 8 }, 96);
        for position in 0..97 {
            assert_eq!(order.row(position), permutation.at(position));
            assert_eq!(order.position(position), permutation.position_of(position));
        }
        assert_eq!(order.rows(), 96);
    }
}
