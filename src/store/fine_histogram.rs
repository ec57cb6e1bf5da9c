//! Counts of each float in a few bins of a [`ValueHistogram`](super::ValueHistogram).

use super::ValueCounts;
use super::ordered_float::{FLOAT_BIN_SHIFT, float_of_ordered, ordered_bits};

/// Values of a bin.
const BIN_VALUES: usize = 1 << FLOAT_BIN_SHIFT;

/// Counts of each value of float32 in some bins of a [`ValueHistogram`](super::ValueHistogram): what its percentiles
/// need to be exact. Each bin takes 128 KiB.
#[derive(Debug, Clone)]
pub struct FineHistogram {
    /// Numbers of the bins, ascending, and how often each value of theirs was counted.
    bins: Vec<(u32, Vec<u64>)>,
}

impl FineHistogram {
    /// An empty histogram of these bins.
    #[must_use]
    pub fn new(bins: impl IntoIterator<Item = u32>) -> Self {
        let mut bins: Vec<u32> = bins.into_iter().collect();
        bins.sort_unstable();
        bins.dedup();
        Self { bins: bins.into_iter().map(|bin| (bin, vec![0; BIN_VALUES])).collect() }
    }

    /// An empty histogram of the bins in which these values lie; NaN lies in none.
    #[must_use]
    pub fn around(values: impl IntoIterator<Item = f64>) -> Self {
        let values = values.into_iter().filter(|value| value.is_finite());
        Self::new(values.map(|value| ordered_bits(value as f32) >> FLOAT_BIN_SHIFT))
    }

    /// The value that is number `rank` of bin `bin`, in ascending order from 1; `None` where the bin was not counted, or
    /// has fewer values.
    pub(super) fn value(&self, bin: u32, rank: u64) -> Option<f32> {
        let (_, counts) = self.bins.iter().find(|(number, _)| *number == bin)?;
        let mut seen = 0;
        let reaches_rank = |count: &u64| {
            seen += count;
            seen >= rank
        };
        let place = counts.iter().position(reaches_rank)?;
        Some(float_of_ordered(bin << FLOAT_BIN_SHIFT | place as u32))
    }
}

impl ValueCounts for FineHistogram {
    /// Values of other bins are left out too.
    fn add_le_bytes(&mut self, bytes: &[u8]) {
        for &value in bytes.as_chunks().0 {
            let value = f32::from_le_bytes(value);
            let ordered = ordered_bits(value);
            let bin = ordered >> FLOAT_BIN_SHIFT;
            if let Some((_, counts)) = self.bins.iter_mut().find(|(number, _)| *number == bin)
                && value.is_finite()
            {
                counts[ordered as usize % BIN_VALUES] += 1;
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for ((_, mine), (_, theirs)) in self.bins.iter_mut().zip(&other.bins) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
    }
}
