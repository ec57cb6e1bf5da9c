//! Counts of the pixels of train, against which recorded percentiles are held.

use crate::model::PixelType;
use crate::store::{
    ChannelCounts, DatasetFile, FineHistogram, FinePixelHistogram, Percentiles, PixelHistogram,
};

/// Counts of the pixels of train. Of floats, each value is counted around the percentiles that the file records, so that
/// one pass over the rows tells whether these are exact.
pub(super) struct TrainCounts {
    histogram: PixelHistogram,
    /// `None` for integers, whose histogram is exact, and for files of version 1.0, which record edges of its bins.
    fine: Option<FinePixelHistogram>,
}

impl TrainCounts {
    /// Counts nothing yet of `file`.
    pub(super) fn new(file: &DatasetFile) -> Self {
        let (pixel_type, channels) = (file.pixel_type(), file.channels());
        let around = || FineHistogram::around(file.recorded_percentiles(None));
        let is_exact = pixel_type == PixelType::Float32 && file.has_exact_percentiles();
        Self {
            histogram: PixelHistogram::new(pixel_type, channels),
            fine: is_exact.then(|| ChannelCounts::of_each(pixel_type, channels, around())),
        }
    }

    /// Counts an image, or what of it is not padding.
    pub(super) fn add(&mut self, image: &[u8]) {
        self.histogram.add_le_bytes(image);
        if let Some(fine) = &mut self.fine {
            fine.add_le_bytes(image);
        }
    }

    /// Adds the counts of `other`, of the same file.
    pub(super) fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        if let (Some(fine), Some(other)) = (&mut self.fine, &other.fine) {
            fine.merge(other);
        }
    }

    /// The percentiles: exact, but for floats that lie far from the recorded ones, where it is the lower edge of a bin.
    pub(super) fn percentiles(&self) -> Percentiles {
        match &self.fine {
            Some(fine) => self.histogram.exact_percentiles(fine),
            None => self.histogram.percentiles(),
        }
    }
}
