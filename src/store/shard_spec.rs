//! The share of a plan that a shard holds.

use std::ops::Range;

/// The share of a plan that a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardSpec {
    /// Number of the share, counted from 0.
    pub index: u32,
    /// Number of shares.
    pub count: u32,
    /// The rows of the whole plan.
    pub plan_rows: u64,
    /// The rows of the link table that name a patient.
    pub patients: u64,
    /// Those of them that have a sample in the plan.
    pub planned_patients: u64,
    /// SHA-256 over all that the plan decides.
    pub plan_digest: [u8; 32],
}

/// Rows `[index * rows / count, (index + 1) * rows / count)`: the share `index` of `count` of a plan.
#[must_use]
pub fn share_of(rows: u64, index: u32, count: u32) -> Range<u64> {
    let start = |index: u64| (u128::from(index) * u128::from(rows) / u128::from(count.max(1))) as u64;
    start(index.into())..start(u64::from(index) + 1)
}

impl ShardSpec {
    /// The rows of the plan that are its share.
    #[must_use]
    pub fn share(&self) -> Range<u64> {
        share_of(self.plan_rows, self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_every_row_once() {
        for (rows, count) in [(0u64, 3u32), (1, 1), (10, 3), (2, 7), (u64::from(u32::MAX), 1000)] {
            let mut next = 0;
            for index in 0..count {
                let share = share_of(rows, index, count);
                assert_eq!(share.start, next);
                next = share.end;
            }
            assert_eq!(next, rows);
        }
    }
}
