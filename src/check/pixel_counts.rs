//! Counts of the pixels of all rows, against which the recorded statistics are held.

use super::fold_counts::FoldCounts;
use super::train_counts::TrainCounts;
use crate::store::{DatasetFile, ImageStatistics};

/// Counts of the pixels of train and of folds.
pub(super) struct PixelCounts {
    pub(super) train: TrainCounts,
    pub(super) folds: FoldCounts,
}

/// The statistics that count a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedIn {
    pub(super) train: bool,
    pub(super) fold: Option<u16>,
}

impl PixelCounts {
    /// Counts nothing yet of `file`.
    pub(super) fn new(file: &DatasetFile) -> Self {
        Self { train: TrainCounts::new(file), folds: FoldCounts::new(file) }
    }

    /// Counts an image, or what of it is not padding: these bytes, which have these statistics.
    pub(super) fn add(&mut self, counted_in: CountedIn, statistics: &ImageStatistics, counted: &[u8]) {
        if counted_in.train {
            self.train.add(counted);
        }
        if let Some(fold) = counted_in.fold {
            self.folds.add(fold, statistics, counted);
        }
    }

    /// Adds the counts of `other`, of the same file.
    pub(super) fn merge(&mut self, other: &Self) {
        self.train.merge(&other.train);
        self.folds.merge(&other.folds);
    }
}
