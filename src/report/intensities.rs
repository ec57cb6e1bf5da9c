//! Histogram of intensities in each split.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::PreviewError;
use super::balance::{SampleTallies, Split};
use super::draw::SampleRenderer;
use crate::model::PixelType;
use crate::order::Selection;
use crate::prep::Progress;
use crate::store::{DatasetFile, SampleRows, StoreError, ValueCounts, ValueHistogram, column};

/// Images above which a sample of them is counted.
const MOST_IMAGES: u64 = 10_000;

/// Splits above which the others are not counted: each takes some megabytes.
const MOST_SPLITS: usize = 8;

/// Most bars of a histogram.
const MOST_BARS: usize = 64;

/// The percentiles that are shown of each split.
pub(super) const LEVELS: [f64; 3] = [0.5, 50.0, 99.5];

/// Histogram of intensities.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IntensityHistogram {
    /// Lower edge of the first bar.
    pub(super) low: f64,
    /// Width of a bar.
    pub(super) step: f64,
    /// Each split that was counted, in order.
    pub(super) splits: Vec<SplitIntensities>,
    /// Images that were counted.
    pub(super) images: u64,
    /// Images that were to be counted: not among them are the damaged ones, and those of splits beyond the eighth.
    pub(super) taken: u64,
    /// All that there are.
    pub(super) of: u64,
}

/// The intensities of one split.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SplitIntensities {
    pub(super) name: String,
    pub(super) images: u64,
    /// For each bar, its share of the pixels.
    pub(super) shares: Vec<f64>,
    /// The share of the pixels outside of all bars.
    pub(super) beyond: f64,
    /// The values at [`LEVELS`].
    pub(super) percentiles: [f64; 3],
}

type Counts = BTreeMap<String, (u64, ValueHistogram)>;

impl IntensityHistogram {
    /// Counts the first channel and all others of the images of `selection`, or of so many that stand at equal
    /// distances. A damaged image counts as absent.
    ///
    /// # Errors
    /// [`PreviewError::Store`], [`PreviewError::Interrupted`].
    pub(super) fn count(
        file: &DatasetFile,
        studio: &SampleRenderer<'_>,
        selection: &Selection,
        balance: &SampleTallies,
        progress: &dyn Progress,
    ) -> Result<Self, PreviewError> {
        let of = selection.len();
        let images = of.min(MOST_IMAGES);
        let row =
            |number: u64| selection.row((u128::from(number) * u128::from(of) / u128::from(images)) as u64);
        let rows: Vec<u64> = (0..images).filter_map(row).collect();
        let empty: Counts = balance
            .in_order()
            .take(MOST_SPLITS)
            .map(|(Split(name), _)| (name.clone(), (0, ValueHistogram::new(file.pixel_type()))))
            .collect();
        progress.begin("counting intensities", rows.len());
        let each_thread = rows.len().div_ceil(studio.threads()).max(1);
        let counted: Result<Vec<Counts>, PreviewError> = studio.pool().install(|| {
            let count = |rows: &[u64]| count_rows(file, studio, rows, empty.clone(), progress);
            rows.par_chunks(each_thread).map(count).collect()
        });
        progress.end();
        let mut all = empty;
        for (name, (images, histogram)) in counted?.iter().flatten() {
            let sum = all.get_mut(name).expect("all count the same splits");
            sum.0 += images;
            sum.1.merge(histogram);
        }
        let in_order = balance.in_order().filter_map(|(Split(name), _)| all.get_key_value(name));
        let counted: Vec<_> =
            in_order.map(|(name, (images, counts))| (name.as_str(), *images, counts)).collect();
        Ok(Self { taken: images, of, ..Self::of_counts(file.pixel_type(), &counted) })
    }

    fn of_counts(pixel_type: PixelType, counted: &[(&str, u64, &ValueHistogram)]) -> Self {
        let percentiles = counted.iter().map(|(_, _, histogram)| histogram.percentiles(LEVELS));
        let percentiles: Vec<[f64; 3]> = percentiles.collect();
        let finite = percentiles.iter().filter(|levels| levels[0].is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), levels| {
            (low.min(levels[0]), high.max(levels[2]))
        });
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        // Each bar has as many integers as the others.
        let (step, bars) = if pixel_type == PixelType::Float32 {
            ((high - low).max(f64::MIN_POSITIVE) / MOST_BARS as f64, MOST_BARS)
        } else {
            let values = high - low + 1.0;
            let step = (values / MOST_BARS as f64).ceil();
            (step, (values / step).ceil() as usize)
        };
        let splits = counted.iter().zip(percentiles).map(|((name, images, histogram), percentiles)| {
            let (mut shares, mut total) = (vec![0.0; bars], 0.0);
            for (value, count) in histogram.counts() {
                total += count as f64;
                let bar = ((value - low) / step).floor();
                // The last bar has its upper edge too.
                let bar = if value == high { (bars - 1) as f64 } else { bar };
                if (0.0..bars as f64).contains(&bar) {
                    shares[bar as usize] += count as f64;
                }
            }
            shares.iter_mut().for_each(|share| *share /= f64::max(total, 1.0));
            let beyond = if total > 0.0 { (1.0 - shares.iter().sum::<f64>()).max(0.0) } else { 0.0 };
            SplitIntensities { name: (*name).to_owned(), images: *images, shares, beyond, percentiles }
        });
        let images = counted.iter().map(|(_, images, _)| images).sum();
        Self { low, step, splits: splits.collect(), images, taken: images, of: images }
    }

    /// Upper edge of the last bar.
    pub(super) fn high(&self) -> f64 {
        let bars = self.splits.first().map_or(0, |split| split.shares.len());
        self.low + self.step * bars as f64
    }
}

fn count_rows(
    file: &DatasetFile,
    studio: &SampleRenderer<'_>,
    rows: &[u64],
    mut counts: Counts,
    progress: &dyn Progress,
) -> Result<Counts, PreviewError> {
    let mut reader = studio.reader();
    let mut splits = file.column(column::SPLIT)?.walk();
    let mut columns = SampleRows::new(file)?;
    let mut stored = vec![0; file.image_bytes()];
    for row in rows {
        studio.check()?;
        progress.advance(1);
        let cell = splits.cell(*row as usize)?;
        let Some((images, histogram)) = cell.text().and_then(|name| counts.get_mut(name)) else { continue };
        match reader.read_image(*row as usize, &mut stored) {
            Ok(()) => {
                *images += 1;
                let counted = columns.read(*row as usize)?.counted(file.shape());
                histogram.add_le_bytes(&counted.of_le_bytes(file.pixel_type(), &stored));
            }
            Err(StoreError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pixels;

    fn histogram(values: Vec<i16>) -> ValueHistogram {
        let mut histogram = ValueHistogram::new(PixelType::Int16);
        histogram.add(&Pixels::Int16(values));
        histogram
    }

    #[test]
    fn bars_hold_equally_many_integers_and_shares_add_up() {
        let (a, b) = (histogram((0..1000).collect()), histogram(vec![-5; 10]));
        let found = IntensityHistogram::of_counts(PixelType::Int16, &[("train", 3, &a), ("val", 1, &b)]);
        assert_eq!((found.low, found.step, found.images), (-5.0, 16.0, 4));
        assert_eq!(found.high(), -5.0 + 63.0 * 16.0);
        let [train, val] = &found.splits[..] else { panic!() };
        assert_eq!((train.shares[0], val.shares[0]), (0.011, 1.0));
        assert_eq!(train.shares[1], 0.016);
        let sum: f64 = train.shares.iter().sum();
        assert!((sum + train.beyond - 1.0).abs() < 1e-12);
        assert_eq!(train.percentiles, [4.0, 499.0, 994.0]);
    }

    #[test]
    fn nothing_and_one_value_have_bars_too() {
        let empty = ValueHistogram::new(PixelType::Float32);
        let found = IntensityHistogram::of_counts(PixelType::Float32, &[("", 0, &empty)]);
        assert_eq!((found.low, found.splits[0].shares.len(), found.splits[0].beyond), (0.0, 64, 0.0));
        let one = histogram(vec![7; 5]);
        let found = IntensityHistogram::of_counts(PixelType::Int16, &[("", 1, &one)]);
        assert_eq!((found.splits[0].shares.clone(), found.splits[0].beyond), (vec![1.0], 0.0));
        let mut flat = ValueHistogram::new(PixelType::Float32);
        flat.add(&Pixels::Float32(vec![2.0; 3]));
        let found = IntensityHistogram::of_counts(PixelType::Float32, &[("", 1, &flat)]);
        assert_eq!((found.splits[0].shares[63], found.splits[0].beyond), (1.0, 0.0));
    }
}
