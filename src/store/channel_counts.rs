//! Counts of the pixel values of each channel, and the percentiles that they give.

use std::borrow::Cow;

use super::statistics::plane;
use super::{FineHistogram, PERCENTILE_LEVELS, ValueCounts, ValueHistogram};
use crate::model::{PixelType, Pixels};

/// Counts of each channel of images.
#[derive(Debug, Clone)]
pub struct ChannelCounts<C> {
    pixel_type: PixelType,
    /// Of the only channel, or of red, green and blue.
    channels: Vec<C>,
}

/// The histogram of each channel of images.
pub type PixelHistogram = ChannelCounts<ValueHistogram>;

/// Counts of each float of each channel, in a few bins of a [`PixelHistogram`].
pub type FinePixelHistogram = ChannelCounts<FineHistogram>;

/// A percentile for each of [`PERCENTILE_LEVELS`]; NaN where there is no pixel.
pub type LevelFigures = [f64; PERCENTILE_LEVELS.len()];

/// The percentiles of images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    /// Of all channels together.
    pub all: LevelFigures,
    /// Of red, green and blue; `None` of images of one channel.
    pub channels: Option<[LevelFigures; 3]>,
}

impl Percentiles {
    /// Those of all channels together, then those of red, green and blue.
    pub fn figures(&self) -> impl Iterator<Item = f64> + use<> {
        self.all.into_iter().chain(self.channels.into_iter().flatten().flatten())
    }

    /// [`Percentiles::figures`], to be changed.
    pub fn figures_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        self.all.iter_mut().chain(self.channels.iter_mut().flatten().flatten())
    }
}

impl<C: ValueCounts> ChannelCounts<C> {
    /// Counts for images with so many channels, each of which begins with `counts`.
    #[must_use]
    pub fn of_each(pixel_type: PixelType, channels: usize, counts: C) -> Self {
        Self { pixel_type, channels: vec![counts; channels] }
    }

    /// Counts pixels that stand as [`Pixels::le_bytes`] gives them.
    pub fn add_le_bytes(&mut self, bytes: &[u8]) {
        match &mut self.channels[..] {
            [all] => all.add_le_bytes(bytes),
            channels => {
                for (channel, counts) in channels.iter_mut().enumerate() {
                    counts.add_le_bytes(&plane(self.pixel_type, bytes, channel));
                }
            }
        }
    }

    /// Adds the counts of `other`, of images of the same type and channels.
    pub fn merge(&mut self, other: &Self) {
        self.channels.iter_mut().zip(&other.channels).for_each(|(mine, theirs)| mine.merge(theirs));
    }

    /// The counts of all channels together.
    fn all(&self) -> Cow<'_, C> {
        let [first, others @ ..] = &self.channels[..] else { unreachable!("images have a channel") };
        let mut all = Cow::Borrowed(first);
        others.iter().for_each(|other| all.to_mut().merge(other));
        all
    }
}

impl PixelHistogram {
    /// An empty histogram for images of `pixel_type` with so many channels.
    #[must_use]
    pub fn new(pixel_type: PixelType, channels: usize) -> Self {
        Self::of_each(pixel_type, channels, ValueHistogram::new(pixel_type))
    }

    /// Counts the pixels of an image; NaN and infinite ones are left out.
    pub fn add(&mut self, pixels: &Pixels) {
        match &mut self.channels[..] {
            [all] => all.add(pixels),
            _ => self.add_le_bytes(&pixels.le_bytes()),
        }
    }

    /// Takes away counts that were added before.
    pub fn subtract(&mut self, other: &Self) {
        self.channels.iter_mut().zip(&other.channels).for_each(|(mine, theirs)| mine.subtract(theirs));
    }

    /// The percentiles; of floats, the lower edges of their bins.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let of = |histogram: &ValueHistogram| histogram.percentiles(PERCENTILE_LEVELS);
        Percentiles { all: of(&self.all()), channels: three(self.channels.iter().map(of)) }
    }

    /// [`PixelHistogram::percentiles`], exact for floats too where `fine`, which began as [`PixelHistogram::fine`], has
    /// counted the same pixels.
    #[must_use]
    pub fn exact_percentiles(&self, fine: &FinePixelHistogram) -> Percentiles {
        let of = |(histogram, fine): (&ValueHistogram, &FineHistogram)| {
            histogram.exact_percentiles(PERCENTILE_LEVELS, fine)
        };
        let channels = self.channels.iter().zip(&fine.channels);
        Percentiles { all: of((&self.all(), &fine.all())), channels: three(channels.map(of)) }
    }

    /// Empty counts of the floats of the bins in which percentiles lie: those of each channel, and of all together.
    #[must_use]
    pub fn fine(&self) -> FinePixelHistogram {
        let all = self.all();
        let histograms = self.channels.iter().chain([&*all]);
        let bins = histograms.flat_map(|histogram| histogram.percentile_bins(PERCENTILE_LEVELS));
        ChannelCounts::of_each(self.pixel_type, self.channels.len(), FineHistogram::new(bins))
    }

    /// As [`ValueHistogram::lower_edge`].
    #[must_use]
    pub fn lower_edge(&self, value: f64) -> f64 {
        self.channels[0].lower_edge(value)
    }

    /// The number of each bin with counts, ascending, and how much: those of green come after all of red's, and before
    /// those of blue.
    pub(super) fn bins(&self) -> impl Iterator<Item = (u32, u64)> {
        self.channels.iter().zip(0u32..).flat_map(|(histogram, channel)| {
            histogram.bins().map(move |(bin, count)| (channel * histogram.len() + bin, count))
        })
    }

    /// Adds what was counted in one of [`PixelHistogram::bins`]. `false` where there is no such bin.
    pub(super) fn add_bin(&mut self, bin: u32, count: u64) -> bool {
        let bins = self.channels[0].len();
        let channel = self.channels.get_mut((bin / bins) as usize);
        channel.is_some_and(|histogram| histogram.add_bin(bin % bins, count))
    }
}

/// The figures of red, green and blue; `None` of images of one channel.
fn three(channels: impl Iterator<Item = LevelFigures>) -> Option<[LevelFigures; 3]> {
    channels.collect::<Vec<_>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red 0 to 99, green 100 to 199, blue 5 without end.
    fn colored() -> PixelHistogram {
        let mut histogram = PixelHistogram::new(PixelType::UInt8, 3);
        histogram.add(&Pixels::UInt8((0..100).flat_map(|value| [value, 100 + value, 5]).collect()));
        histogram
    }

    #[test]
    fn each_channel_has_percentiles_beside_those_of_all() {
        let found = colored().percentiles();
        assert_eq!(found.all, [1.0, 5.0, 49.0, 193.0, 198.0]);
        let channels =
            [[0.0, 1.0, 49.0, 97.0, 99.0], [100.0, 101.0, 149.0, 197.0, 199.0], [5.0, 5.0, 5.0, 5.0, 5.0]];
        assert_eq!(found.channels, Some(channels));
        let figures: Vec<f64> = found.figures().collect();
        assert_eq!((figures.len(), figures[5..10].to_vec()), (20, channels[0].to_vec()));
        let gray = PixelHistogram::new(PixelType::UInt8, 1).percentiles();
        assert!(gray.channels.is_none() && gray.all.iter().all(|figure| figure.is_nan()));
    }

    #[test]
    fn bins_bring_the_same_counts_back() {
        let counted = colored();
        let mut again = PixelHistogram::new(PixelType::UInt8, 3);
        assert!(counted.bins().all(|(bin, count)| again.add_bin(bin, count)));
        assert_eq!(again.percentiles(), counted.percentiles());
        assert!(counted.bins().map(|(bin, _)| bin).is_sorted() && !again.add_bin(3 * 256, 1));
        again.subtract(&counted);
        assert_eq!(again.bins().count(), 0);
    }

    #[test]
    fn floats_of_channels_are_exact() {
        let values = |green: f32| vec![1.0001, green, -7.0, 1.0002, green, f32::NAN];
        let mut histogram = PixelHistogram::new(PixelType::Float32, 3);
        let images = [96.001, 96.002].map(|green| Pixels::Float32(values(green)));
        images.iter().for_each(|image| histogram.add(image));
        let (mut fine, mut rest) = (histogram.fine(), histogram.fine());
        fine.add_le_bytes(&images[0].le_bytes());
        rest.add_le_bytes(&images[1].le_bytes());
        fine.merge(&rest);
        let found = histogram.exact_percentiles(&fine);
        let exact = [[1.0001f32, 1.0002], [96.001, 96.002], [-7.0, -7.0]].map(|ends| ends.map(f64::from));
        assert_eq!(found.channels.unwrap().map(|levels| [levels[0], levels[4]]), exact);
        assert_eq!([found.all[0], found.all[2], found.all[4]], [-7.0, exact[0][1], exact[1][1]]);
        assert!(histogram.percentiles().all[2] < exact[0][1]);
    }
}
