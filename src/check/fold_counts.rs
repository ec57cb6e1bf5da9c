//! Counts of the pixels of folds, against which the statistics of `/folds` are held.

use crate::model::PixelType;
use crate::store::{DatasetFile, ImageStatistics, Moments, Percentiles, PixelHistogram};

/// Counts of the pixels of each fold that a file has statistics of.
pub(super) struct FoldCounts {
    /// Counts of no image.
    empty: FoldCount,
    folds: Vec<FoldCount>,
}

/// Counts of the pixels of some folds.
#[derive(Clone)]
pub(super) struct FoldCount {
    pub(super) moments: Moments,
    histogram: PixelHistogram,
}

impl FoldCounts {
    /// Counts nothing yet of `file`.
    pub(super) fn new(file: &DatasetFile) -> Self {
        Self::of(file.folds(), file.pixel_type(), file.channels())
    }

    fn of(folds: usize, pixel_type: PixelType, channels: usize) -> Self {
        let histogram = PixelHistogram::new(pixel_type, channels);
        let empty = FoldCount { moments: Moments::default(), histogram };
        Self { folds: vec![empty.clone(); folds], empty }
    }

    /// Counts an image of `fold`, or what of it is not padding: these bytes, which have these statistics.
    pub(super) fn add(&mut self, fold: u16, statistics: &ImageStatistics, counted: &[u8]) {
        if let Some(count) = self.folds.get_mut(usize::from(fold)) {
            count.moments.add(statistics);
            count.histogram.add_le_bytes(counted);
        }
    }

    /// Adds the counts of `other`, of the same file.
    pub(super) fn merge(&mut self, other: &Self) {
        self.folds.iter_mut().zip(&other.folds).for_each(|(mine, theirs)| mine.merge(theirs));
    }

    /// For each fold, the counts of all others: of the rows that are trained with when it is held out.
    pub(super) fn without_each(&self) -> impl Iterator<Item = FoldCount> {
        (0..self.folds.len()).map(|held_out| {
            let mut others = self.empty.clone();
            let folds = self.folds.iter().enumerate().filter(|(fold, _)| *fold != held_out);
            folds.for_each(|(_, fold)| others.merge(fold));
            others
        })
    }
}

impl FoldCount {
    fn merge(&mut self, other: &Self) {
        self.moments.merge(&other.moments);
        self.histogram.merge(&other.histogram);
    }

    /// The percentiles that the file should have where it has `recorded`, in the order of [`Percentiles::figures`]. Those
    /// of floats are known to a bin: where the recorded one is in it, that; else the lower edge of the bin.
    pub(super) fn percentiles(&self, recorded: &[f64]) -> Percentiles {
        let mut percentiles = self.histogram.percentiles();
        for (counted, recorded) in percentiles.figures_mut().zip(recorded) {
            if self.histogram.lower_edge(*recorded) == *counted {
                *counted = *recorded;
            }
        }
        percentiles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pixels;

    fn counted(images: &[(u16, Pixels)]) -> Vec<FoldCount> {
        let mut counts = FoldCounts::of(3, images[0].1.pixel_type(), 1);
        for (fold, pixels) in images {
            counts.add(*fold, &ImageStatistics::of(pixels, 1), &pixels.le_bytes());
        }
        counts.without_each().collect()
    }

    #[test]
    fn each_fold_is_left_out_of_its_own() {
        let images = [(0, vec![1, 1]), (1, vec![5, 7]), (2, vec![9, 11])];
        let without = counted(&images.map(|(fold, values)| (fold, Pixels::Int16(values))));
        let means: Vec<f64> = without.iter().map(|without| without.moments.figures()[0]).collect();
        assert_eq!(means, [8.0, 5.5, 3.5]);
        let medians: Vec<f64> = without.iter().map(|without| without.percentiles(&[]).all[2]).collect();
        assert_eq!(medians, [7.0, 1.0, 1.0]);
    }

    #[test]
    fn percentiles_of_floats_are_known_to_a_bin() {
        let images = [(0, vec![1.0]), (1, vec![5.001]), (2, vec![5.001])];
        let without = counted(&images.map(|(fold, values)| (fold, Pixels::Float32(values))));
        let recorded = f64::from(5.001f32);
        assert_eq!(without[0].percentiles(&[recorded; 5]).all, [recorded; 5]);
        assert!(without[0].percentiles(&[5.5; 5]).figures().all(|found| found != 5.5));
    }
}
