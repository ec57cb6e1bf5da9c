//! Exact statistics of pixel values, independent of the order in which images are counted.

use std::convert::identity;
use std::ops::Deref;

use dicomprep_widest::with_widest;

use crate::model::{PixelType, Pixels};

/// Count, extremes and sums of the values of one image, of all its channels together; of a colour image, of each channel
/// as well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageStatistics {
    all: ChannelStatistics,
    /// Of red, green and blue.
    channels: Option<[ChannelStatistics; 3]>,
}

/// Count, extremes and sums of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelStatistics {
    /// Number of values counted; NaN and infinite ones are not.
    pub pixels: u64,
    /// Smallest value, NaN where none was counted.
    pub min: f64,
    /// Largest value, NaN where none was counted.
    pub max: f64,
    sums: Sums,
}

impl Deref for ImageStatistics {
    type Target = ChannelStatistics;

    fn deref(&self) -> &ChannelStatistics {
        &self.all
    }
}

/// Sums behind mean and deviation: for integers the exact sum and sum of squares; for floats, in binary64,
/// the mean and the sum of the squared distances from it, which does not cancel where the mean is large.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sums {
    Integer { sum: i128, squares: i128 },
    Float { mean: f64, spread: f64 },
}

impl ImageStatistics {
    /// The statistics of `pixels`, which have so many channels.
    #[must_use]
    pub fn of(pixels: &Pixels, channels: usize) -> Self {
        Self::of_le_bytes(pixels.pixel_type(), &pixels.le_bytes(), channels)
    }

    /// The statistics of pixels that stand as [`Pixels::le_bytes`] gives them; bytes at the end that
    /// are no whole value do not count. Only of 3 channels, each has statistics of its own.
    #[must_use]
    pub fn of_le_bytes(pixel_type: PixelType, bytes: &[u8], channels: usize) -> Self {
        let of_channel =
            |channel: usize| ChannelStatistics::of_le_bytes(pixel_type, &plane(pixel_type, bytes, channel));
        Self {
            all: ChannelStatistics::of_le_bytes(pixel_type, bytes),
            channels: (channels == 3).then(|| [0, 1, 2].map(of_channel)),
        }
    }

    /// The statistics of red, green and blue; `None` for one channel.
    #[must_use]
    pub fn channels(&self) -> Option<&[ChannelStatistics; 3]> {
        self.channels.as_ref()
    }

    /// Those of an image whose values, all together and of each channel, have these.
    pub(super) fn from_channels(all: ChannelStatistics, channels: Option<[ChannelStatistics; 3]>) -> Self {
        Self { all, channels }
    }

    fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        if let (Some(mine), Some(theirs)) = (&mut self.channels, &other.channels) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.add(theirs));
        }
    }
}

impl ChannelStatistics {
    /// The statistics of values that stand as [`Pixels::le_bytes`] gives them.
    #[must_use]
    pub fn of_le_bytes(pixel_type: PixelType, bytes: &[u8]) -> Self {
        match pixel_type {
            PixelType::UInt8 => Self::of_integers(bytes, identity),
            PixelType::Int16 => Self::of_integers(bytes.as_chunks().0, i16::from_le_bytes),
            PixelType::UInt16 => Self::of_integers(bytes.as_chunks().0, u16::from_le_bytes),
            PixelType::Float32 => Self::of_floats(bytes.as_chunks().0, f32::from_le_bytes),
        }
    }

    fn of_integers<S: Copy, T: Copy + Ord + Into<i32>>(values: &[S], read: impl Fn(S) -> T) -> Self {
        with_widest(
            #[inline(always)]
            || Self::of_integers_in_vectors(values, &read),
        )
    }

    #[inline(always)]
    fn of_integers_in_vectors<S: Copy, T: Copy + Ord + Into<i32>>(
        values: &[S],
        read: impl Fn(S) -> T,
    ) -> Self {
        let Some(&first) = values.first() else {
            let sums = Sums::Integer { sum: 0, squares: 0 };
            return Self { pixels: 0, min: f64::NAN, max: f64::NAN, sums };
        };
        let first = read(first);
        let (min, max) = values
            .iter()
            .map(|&value| read(value))
            .fold((first, first), |(min, max), value| (min.min(value), max.max(value)));
        let (mut sum, mut squares) = (0i128, 0i128);
        // The sums of a block of 32,768 numbers of 16 bits fit into 32, if squares are summed by halves.
        for block in values.chunks(32_768) {
            let (mut block_sum, mut low, mut high) = (0i32, 0u32, 0u32);
            for &value in block {
                let value: i32 = read(value).into();
                let square = value.unsigned_abs().pow(2);
                block_sum += value;
                low += square & 0xFFFF;
                high += square >> 16;
            }
            sum += i128::from(block_sum);
            squares += i128::from(low) + (i128::from(high) << 16);
        }
        let sums = Sums::Integer { sum, squares };
        let [min, max] = [min, max].map(|value| f64::from(value.into()));
        Self { pixels: values.len() as u64, min, max, sums }
    }

    fn of_floats<S: Copy>(values: &[S], read: impl Fn(S) -> f32) -> Self {
        let (mut pixels, mut min, mut max, mut sum) = (0, f64::NAN, f64::NAN, 0.0);
        let finite =
            || values.iter().map(|&value| read(value)).filter(|value| value.is_finite()).map(f64::from);
        for value in finite() {
            pixels += 1;
            min = value.min(min);
            max = value.max(max);
            sum += value;
        }
        let mean = sum / pixels.max(1) as f64;
        let spread = finite().map(|value| (value - mean).powi(2)).sum();
        Self { pixels, min, max, sums: Sums::Float { mean, spread } }
    }

    /// A number that equal images share and that different ones hardly ever do, when taken together with
    /// their checksum.
    #[must_use]
    pub fn fingerprint(&self) -> (u128, u128) {
        match self.sums {
            Sums::Integer { sum, squares } => (sum as u128, squares as u128),
            Sums::Float { mean, spread } => (u128::from(mean.to_bits()), u128::from(spread.to_bits())),
        }
    }

    /// Source of what [`ChannelStatistics::fingerprint`] and the public fields were made from.
    pub(super) fn from_parts(
        pixel_type: PixelType,
        pixels: u64,
        [min, max]: [f64; 2],
        fingerprint: (u128, u128),
    ) -> Self {
        let (first, second) = fingerprint;
        let sums = match pixel_type {
            PixelType::Float32 => {
                Sums::Float { mean: f64::from_bits(first as u64), spread: f64::from_bits(second as u64) }
            }
            _ => Sums::Integer { sum: first as i128, squares: second as i128 },
        };
        Self { pixels, min, max, sums }
    }

    fn add(&mut self, other: &Self) {
        let (mine, theirs) = (self.pixels as f64, other.pixels as f64);
        self.pixels += other.pixels;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match (&mut self.sums, other.sums) {
            (Sums::Integer { sum, squares }, Sums::Integer { sum: s, squares: q }) => {
                *sum += s;
                *squares += q;
            }
            // Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm (1979).
            (Sums::Float { mean, spread }, Sums::Float { mean: m, spread: s }) => {
                let (apart, share) = (m - *mean, theirs / (mine + theirs).max(1.0));
                *mean += apart * share;
                *spread += s + apart.powi(2) * mine * share;
            }
            _ => unreachable!("all images of a data set have one pixel type"),
        }
    }

    /// Mean, population standard deviation, minimum and maximum.
    fn figures(&self) -> [f64; 4] {
        [self.mean(), self.std(), self.min, self.max]
    }

    /// Mean, NaN where no pixel was counted.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let pixels = self.pixels as f64;
        match self.sums {
            Sums::Integer { sum, .. } => sum as f64 / pixels,
            Sums::Float { .. } if self.pixels == 0 => f64::NAN,
            Sums::Float { mean, .. } => mean,
        }
    }

    /// Population standard deviation (divided by the number of pixels, as numpy's `std`); NaN where no pixel
    /// was counted.
    #[must_use]
    pub fn std(&self) -> f64 {
        let pixels = self.pixels as f64;
        match self.sums {
            // n·Σx² - (Σx)² is an exact integer: no cancellation whatever the mean is.
            Sums::Integer { sum, squares } => {
                let spread = i128::from(self.pixels) * squares - sum * sum;
                (spread as f64).sqrt() / pixels
            }
            Sums::Float { spread, .. } => (spread / pixels).sqrt(),
        }
    }
}

/// The statistics of many images together. For float images the order in which they are added decides the
/// last bits of the sums.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moments {
    total: Option<ImageStatistics>,
}

impl Moments {
    /// Adds one image.
    pub fn add(&mut self, image: &ImageStatistics) {
        match &mut self.total {
            None => self.total = Some(*image),
            Some(total) => total.add(image),
        }
    }

    /// Adds all images of `other`.
    pub fn merge(&mut self, other: &Self) {
        if let Some(total) = &other.total {
            self.add(total);
        }
    }

    /// Mean, population standard deviation, minimum and maximum; NaN where there is no image.
    #[must_use]
    pub fn figures(&self) -> [f64; 4] {
        self.total.map_or([f64::NAN; 4], |total| total.all.figures())
    }

    /// [`Moments::figures`] of red, green and blue; NaN where there is no image in colour.
    #[must_use]
    pub fn channel_figures(&self) -> [[f64; 4]; 3] {
        let channels = self.total.and_then(|total| total.channels);
        channels.map_or([[f64::NAN; 4]; 3], |channels| channels.map(|channel| channel.figures()))
    }
}

/// The values of one channel of colour pixels, as they stand in `bytes`; bytes at the end that are no whole pixel are left
/// out.
pub(super) fn plane(pixel_type: PixelType, bytes: &[u8], channel: usize) -> Vec<u8> {
    fn of<const SIZE: usize>(bytes: &[u8], channel: usize) -> Vec<u8> {
        let (pixels, _) = bytes.as_chunks::<SIZE>().0.as_chunks::<3>();
        pixels.iter().map(|pixel| pixel[channel]).collect::<Vec<_>>().into_flattened()
    }
    match pixel_type {
        PixelType::UInt8 => of::<1>(bytes, channel),
        PixelType::Int16 | PixelType::UInt16 => of::<2>(bytes, channel),
        PixelType::Float32 => of::<4>(bytes, channel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_moments_are_exact() {
        let mut train = Moments::default();
        train.add(&ImageStatistics::of(&Pixels::Int16(vec![-32_768; 3]), 1));
        train.add(&ImageStatistics::of(&Pixels::Int16(vec![-32_767; 1]), 1));
        let [mean, std, min, max] = train.figures();
        assert_eq!(mean, -32_767.75);
        assert_eq!(std, 0.1875f64.sqrt());
        assert_eq!((min, max), (-32_768.0, -32_767.0));
    }

    #[test]
    fn float_moments_do_not_cancel() {
        let mut train = Moments::default();
        for values in [vec![f32::NAN], vec![1e6, 1e6 + 1.0], vec![], vec![1e6 + 2.0; 2]] {
            train.add(&ImageStatistics::of(&Pixels::Float32(values), 1));
        }
        let [mean, std, min, max] = train.figures();
        assert_eq!((mean, min, max), (1e6 + 1.25, 1e6, 1e6 + 2.0));
        assert!((std - 0.6875f64.sqrt()).abs() < 1e-12, "{std}");
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let [mean, std, ..] = {
            let mut moments = Moments::default();
            moments.add(&ImageStatistics::of(&Pixels::UInt16(vec![65_535; 100_000]), 1));
            moments.figures()
        };
        assert_eq!((mean, std), (65_535.0, 0.0));
        let low = ImageStatistics::of(&Pixels::Int16(vec![-32_768; 100_000]), 1);
        assert_eq!((low.min, low.max, low.mean()), (-32_768.0, -32_768.0, -32_768.0));
    }

    #[test]
    fn bytes_count_as_the_pixels_they_are() {
        let images = [
            Pixels::UInt8(vec![0, 255, 7]),
            Pixels::Int16(vec![-32_768, 32_767, -1]),
            Pixels::UInt16(vec![65_535, 0, 256]),
            Pixels::Float32(vec![1.5, f32::NAN, -2e9, f32::INFINITY]),
        ];
        for pixels in images {
            let found = ImageStatistics::of_le_bytes(pixels.pixel_type(), &pixels.le_bytes(), 1);
            assert_eq!(found, ImageStatistics::of(&pixels, 1));
        }
    }

    #[test]
    fn each_channel_of_a_colour_image_has_its_own() {
        let mut train = Moments::default();
        for values in [vec![1, 10, 100, 3, 30, 200], vec![5, 50, 0]] {
            train.add(&ImageStatistics::of(&Pixels::UInt8(values), 3));
        }
        let [[red, _, low, high], [green, ..], [blue, ..]] = train.channel_figures();
        assert_eq!([red, low, high, green, blue], [3.0, 1.0, 5.0, 30.0, 100.0]);
        assert_eq!(train.figures()[0], 399.0 / 9.0);
        assert!(Moments::default().channel_figures()[2][0].is_nan());
    }

    #[test]
    fn no_image_has_no_statistics() {
        assert!(Moments::default().figures().iter().all(|value| value.is_nan()));
    }
}
