//! Partition of the positions of an epoch among processes.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::error::OrderError;

/// One of the processes that share an epoch: its rank, counted from 0, and how many there are. The rank is
/// less than the world size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rank {
    rank: u64,
    world_size: NonZeroU64,
}

impl Rank {
    /// A single process.
    pub const ALONE: Self = Self { rank: 0, world_size: NonZeroU64::MIN };

    /// Rank `rank` of `world_size`.
    ///
    /// # Errors
    /// [`OrderError::RankOutsideWorld`] where the rank is not less than the world size.
    pub fn new(rank: u64, world_size: NonZeroU64) -> Result<Self, OrderError> {
        if rank < world_size.get() {
            Ok(Self { rank, world_size })
        } else {
            Err(OrderError::RankOutsideWorld { rank, world_size: world_size.get() })
        }
    }

    /// The rank, counted from 0.
    #[must_use]
    pub fn rank(self) -> u64 {
        self.rank
    }

    /// Number of ranks.
    #[must_use]
    pub fn world_size(self) -> NonZeroU64 {
        self.world_size
    }
}

impl Default for Rank {
    fn default() -> Self {
        Self::ALONE
    }
}

/// Handling of positions that the number of ranks does not divide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uneven {
    /// The epoch goes on with its first positions until all ranks have equally many: some rows come twice,
    /// or, where there are more ranks than rows, several times. As PyTorch's `DistributedSampler`.
    #[default]
    Pad,
    /// The last positions are left out, so that all ranks have equally many. As PyTorch's
    /// `DistributedSampler` with `drop_last`.
    Drop,
    /// Every position belongs to exactly one rank; the first ranks may have one more than the others.
    Allow,
}

/// The positions of an epoch that one rank gets: item k of rank r of w stands at position k * w + r, as in
/// PyTorch's `DistributedSampler`. So the k-th items of all ranks together are w positions in a row.
///
/// The shares of different ranks have no position in common, but for the repeated ones of [`Uneven::Pad`].
/// Together they are the whole epoch, but for the positions that [`Uneven::Drop`] leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RankShare {
    positions: u64,
    rank: Rank,
    len: u64,
}

impl RankShare {
    /// The share of `rank` in an epoch of `positions` positions.
    #[must_use]
    pub fn new(positions: u64, rank: Rank, uneven: Uneven) -> Self {
        let whole = positions / rank.world_size;
        let rest = positions % rank.world_size;
        let has_one_more = match uneven {
            Uneven::Pad => rest > 0,
            Uneven::Drop => false,
            Uneven::Allow => rank.rank < rest,
        };
        // No overflow: with a rest, the world size is at least 2.
        Self { positions, rank, len: whole + u64::from(has_one_more) }
    }

    /// Number of items of the rank.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True if the rank gets nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The position of item `item`, counted from 0; `None` where the share has no such item.
    #[must_use]
    pub fn position(&self, item: u64) -> Option<u64> {
        if item >= self.len {
            return None;
        }
        // Padding goes beyond the epoch, and perhaps beyond 2^64.
        let padded = u128::from(item) * u128::from(self.rank.world_size.get()) + u128::from(self.rank.rank);
        match u64::try_from(padded) {
            Ok(position) if position < self.positions => Some(position),
            _ => Some((padded % u128::from(self.positions)) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(positions: u64, rank: u64, world_size: u64, uneven: Uneven) -> Vec<u64> {
        let rank = Rank::new(rank, NonZeroU64::new(world_size).unwrap()).unwrap();
        let share = RankShare::new(positions, rank, uneven);
        assert_eq!(share.is_empty(), share.position(0).is_none());
        assert_eq!(share.position(share.len()), None);
        (0..share.len()).map(|item| share.position(item).unwrap()).collect()
    }

    #[test]
    fn positions_are_those_of_distributed_sampler() {
        // list(DistributedSampler(range(n), w, r, shuffle=False, drop_last=uneven == "drop"))
        assert_eq!(share(10, 0, 4, Uneven::Pad), [0, 4, 8]);
        assert_eq!(share(10, 1, 4, Uneven::Pad), [1, 5, 9]);
        assert_eq!(share(10, 2, 4, Uneven::Pad), [2, 6, 0]);
        assert_eq!(share(10, 3, 4, Uneven::Pad), [3, 7, 1]);
        assert_eq!(share(10, 3, 4, Uneven::Drop), [3, 7]);
        assert_eq!(share(10, 1, 4, Uneven::Allow), [1, 5, 9]);
        assert_eq!(share(10, 2, 4, Uneven::Allow), [2, 6]);
    }

    #[test]
    fn more_ranks_than_positions() {
        assert_eq!(share(2, 4, 5, Uneven::Pad), [0]);
        assert_eq!(share(2, 3, 5, Uneven::Pad), [1]);
        assert!(share(2, 0, 5, Uneven::Drop).is_empty());
        assert_eq!(share(2, 1, 5, Uneven::Allow), [1]);
        assert!(share(2, 2, 5, Uneven::Allow).is_empty());
    }

    #[test]
    fn an_empty_epoch_has_empty_shares() {
        for uneven in [Uneven::Pad, Uneven::Drop, Uneven::Allow] {
            assert!(share(0, 0, 1, uneven).is_empty());
            assert!(share(0, 2, 3, uneven).is_empty());
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for world_size in
            [1, 2, 3, 1 << 63, u64::MAX - 1, u64::MAX].map(|size| NonZeroU64::new(size).unwrap())
        {
            for positions in [1, 1 << 63, u64::MAX - 1, u64::MAX] {
                for uneven in [Uneven::Pad, Uneven::Drop, Uneven::Allow] {
                    let share = RankShare::new(
                        positions,
                        Rank::new(world_size.get() - 1, world_size).unwrap(),
                        uneven,
                    );
                    assert_eq!(share.position(u64::MAX), None);
                    let last = share.len().checked_sub(1).map(|item| share.position(item).unwrap());
                    assert!(last.is_none_or(|position| position < positions));
                }
            }
        }
        // 1 * (2^64 - 2) + 2^64 - 3 = 2^65 - 5, and 2^65 - 5 mod 2^64 - 1 = 2^64 - 4.
        let world_size = NonZeroU64::new(u64::MAX - 1).unwrap();
        let share = RankShare::new(u64::MAX, Rank::new(u64::MAX - 2, world_size).unwrap(), Uneven::Pad);
        assert_eq!(share.position(1), Some(u64::MAX - 3));
    }

    #[test]
    fn a_rank_is_in_its_world() {
        let two = NonZeroU64::new(2).unwrap();
        assert_eq!(Rank::default(), Rank::new(0, NonZeroU64::MIN).unwrap());
        assert_eq!(Rank::new(1, two).map(|rank| (rank.rank(), rank.world_size())), Ok((1, two)));
        assert_eq!(
            Rank::new(2, two).unwrap_err().to_string(),
            "rank 2 is not in a world of 2: ranks count from 0 and are less than that"
        );
    }
}
