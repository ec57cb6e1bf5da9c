//! Counts of each pixel value.

use super::ordered_float::{FLOAT_BIN_SHIFT, float_of_ordered, ordered_bits};
use super::{FineHistogram, ValueCounts};
use crate::model::{PixelType, Pixels};

/// Counts of each value. Integers are counted one by one; floats in bins that are 2⁻⁹ of the
/// value wide, whose values a [`FineHistogram`] tells apart.
#[derive(Debug, Clone)]
pub struct ValueHistogram {
    pixel_type: PixelType,
    /// Of each bin, modulo 2^64; what [`recent`](Self::recent) says comes on top, and makes up for what was subtracted
    /// here and had been counted there. A counter that stays 0 is never written, here and there, so that the system
    /// gives no memory for the values that no image has.
    counts: Vec<u64>,
    /// Integers that were counted lately; `None` before the first one.
    recent: Option<Box<RecentCounts>>,
    /// Number of these, which no counter of them exceeds.
    recent_values: u32,
}

/// For each bin of integers, counters that take turns: neighbouring pixels are often equal, and a counter that was just
/// written is slow to read again. Those of a bin stand together, so that few lines of the cache are written; and there are
/// as many as 16 bits can name, so that no number of a bin is checked.
type RecentCounts = [[u32; COUNTERS]; 1 << 16];

/// Counters of a bin.
const COUNTERS: usize = 4;

/// Bytes whose values are counted before [`ValueHistogram::settle`] is asked for again.
const PORTION: usize = 1 << 24;

impl ValueHistogram {
    /// An empty histogram for images of `pixel_type`.
    #[must_use]
    pub fn new(pixel_type: PixelType) -> Self {
        let bins = match pixel_type {
            PixelType::UInt8 => 1 << 8,
            PixelType::Int16 | PixelType::UInt16 => 1 << 16,
            PixelType::Float32 => 1 << (u32::BITS - FLOAT_BIN_SHIFT),
        };
        Self { pixel_type, counts: vec![0; bins], recent: None, recent_values: 0 }
    }

    /// Counts the pixels of an image of the histogram's type; NaN and infinite ones are left out.
    pub fn add(&mut self, pixels: &Pixels) {
        self.add_le_bytes(&pixels.le_bytes());
    }

    fn count_floats(&mut self, values: impl Iterator<Item = f32>) {
        for value in values.filter(|value| value.is_finite()) {
            self.counts[float_bin(value)] += 1;
        }
    }

    /// Counts integers of `BITS` bits, whose bins are their bits with those of `flipped` turned over.
    fn count<const BITS: u32>(&mut self, bytes: &[u8], flipped: u16) {
        for portion in bytes.chunks(PORTION) {
            if self.recent_values > u32::MAX - PORTION as u32 {
                self.settle();
            }
            // At most one for each byte.
            self.recent_values += portion.len() as u32;
            let recent = self.recent.get_or_insert_with(no_counts);
            let (pairs, rest) = portion.as_chunks::<16>();
            for pair in pairs {
                let words: [[u8; 8]; 2] = bytemuck::cast(*pair);
                count_words::<BITS>(recent, words.map(u64::from_le_bytes), flipped);
            }
            for value in rest.chunks_exact(BITS as usize / 8) {
                let bits = value.iter().rev().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
                recent[bits ^ usize::from(flipped)][0] += 1;
            }
        }
    }

    /// Adds what was counted lately to the counts.
    fn settle(&mut self) {
        if let Some(recent) = &mut self.recent {
            let counts = self.counts.iter_mut().zip(&mut **recent);
            for (count, recent) in counts.filter(|(_, recent)| **recent != [0; COUNTERS]) {
                *count = count.wrapping_add(sum(&std::mem::take(recent)));
            }
        }
        self.recent_values = 0;
    }

    /// Forgets all counts.
    pub fn clear(&mut self) {
        self.settle();
        self.counts.iter_mut().filter(|count| **count != 0).for_each(|count| *count = 0);
    }

    /// Takes away counts that were added before.
    pub fn subtract(&mut self, other: &Self) {
        for (bin, count) in other.occupied() {
            self.counts[bin] = self.counts[bin].wrapping_sub(count);
        }
    }

    /// The bins in which something was counted, ascending, and how much.
    fn occupied(&self) -> impl Iterator<Item = (usize, u64)> {
        let recent = |bin: usize| self.recent.as_ref().and_then(|recent| recent.get(bin)).map_or(0, sum);
        let count = move |(bin, &count): (usize, &u64)| (bin, count.wrapping_add(recent(bin)));
        self.counts.iter().enumerate().map(count).filter(|(_, count)| *count > 0)
    }

    /// For each level, the smallest value that at least so many per cent of the pixels do not exceed (numpy's
    /// `inverted_cdf`); NaN where nothing was counted. For floats, the lower edge of its bin.
    #[must_use]
    pub fn percentiles<const N: usize>(&self, levels: [f64; N]) -> [f64; N] {
        self.ranks(levels).map(|rank| rank.map_or(f64::NAN, |(bin, _)| self.value(bin as usize)))
    }

    /// What [`ValueHistogram::percentiles`] gives where a percentile is `value`: of floats, the lower edge of its bin.
    #[must_use]
    pub fn lower_edge(&self, value: f64) -> f64 {
        match self.pixel_type {
            PixelType::Float32 if value.is_finite() => f64::from(float_of_bin(float_bin(value as f32))),
            _ => value,
        }
    }

    /// [`ValueHistogram::percentiles`], exact for floats too where `fine` has counted the same pixels in the
    /// [`ValueHistogram::percentile_bins`] of these levels.
    #[must_use]
    pub fn exact_percentiles<const N: usize>(&self, levels: [f64; N], fine: &FineHistogram) -> [f64; N] {
        let exact = |(bin, rank)| fine.value(bin, rank).map_or_else(|| self.value(bin as usize), f64::from);
        self.ranks(levels).map(|rank| rank.map_or(f64::NAN, exact))
    }

    /// For each level, the bin of its percentile; none where nothing was counted.
    pub fn percentile_bins<const N: usize>(&self, levels: [f64; N]) -> impl Iterator<Item = u32> + use<N> {
        self.ranks(levels).into_iter().flatten().map(|(bin, _)| bin)
    }

    /// The bin of each percentile, and which of the values in it, in ascending order from 1, it is.
    fn ranks<const N: usize>(&self, levels: [f64; N]) -> [Option<(u32, u64)>; N] {
        let counts: Vec<(usize, u64)> = self.occupied().collect();
        let total: u64 = counts.iter().map(|(_, count)| count).sum();
        levels.map(|level| {
            // Levels are given to a tenth of a per cent; in thousandths the rank is an exact integer.
            let rank = (u128::from(total) * (level * 10.0).round() as u128).div_ceil(1000).max(1) as u64;
            let mut before = 0;
            for &(bin, count) in &counts {
                if before + count >= rank {
                    return Some((bin as u32, rank - before));
                }
                before += count;
            }
            None
        })
    }

    /// Number of all bins.
    pub(super) fn len(&self) -> u32 {
        self.counts.len() as u32
    }

    /// As [`ValueHistogram::counts`], with the numbers of bins.
    pub(super) fn bins(&self) -> impl Iterator<Item = (u32, u64)> {
        self.occupied().map(|(bin, count)| (bin as u32, count))
    }

    /// Adds what was counted in a bin. `false` where there is no such bin.
    pub(super) fn add_bin(&mut self, bin: u32, count: u64) -> bool {
        let slot = self.counts.get_mut(bin as usize);
        slot.map(|slot| *slot = slot.wrapping_add(count)).is_some()
    }

    /// Each value that was counted, in ascending order, and how often. For floats, the lower edge of its bin.
    pub fn counts(&self) -> impl Iterator<Item = (f64, u64)> {
        self.occupied().map(|(bin, count)| (self.value(bin), count))
    }

    fn value(&self, bin: usize) -> f64 {
        match self.pixel_type {
            PixelType::UInt8 | PixelType::UInt16 => bin as f64,
            PixelType::Int16 => bin as f64 - 32_768.0,
            PixelType::Float32 => f64::from(float_of_bin(bin)),
        }
    }
}

impl ValueCounts for ValueHistogram {
    fn add_le_bytes(&mut self, bytes: &[u8]) {
        match self.pixel_type {
            PixelType::UInt8 => self.count::<8>(bytes, 0),
            PixelType::Int16 => self.count::<16>(bytes, INT16_SIGN),
            PixelType::UInt16 => self.count::<16>(bytes, 0),
            PixelType::Float32 => {
                self.count_floats(bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)));
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for (bin, count) in other.occupied() {
            self.counts[bin] = self.counts[bin].wrapping_add(count);
        }
    }
}

fn no_counts() -> Box<RecentCounts> {
    let counts = vec![[0; COUNTERS]; 1 << 16].into_boxed_slice();
    counts.try_into().expect("it has as many bins")
}

/// The sum of the counters of a bin.
fn sum(counters: &[u32; COUNTERS]) -> u64 {
    counters.iter().copied().map(u64::from).sum()
}

/// Counts the values of `BITS` bits in two words.
#[inline(always)]
fn count_words<const BITS: u32>(recent: &mut RecentCounts, words: [u64; 2], flipped: u16) {
    let bin = |word: u64, place: u32| {
        let bits = (word >> (BITS * place)) & ((1 << BITS) - 1);
        usize::from(bits as u16 ^ flipped)
    };
    let [first, second] = words;
    // As on the background, which takes much of many images.
    if first == second && first == first.rotate_left(BITS) {
        recent[bin(first, 0)][0] += 2 * u64::BITS / BITS;
        return;
    }
    for word in words {
        for place in 0..u64::BITS / BITS {
            recent[bin(word, place)][place as usize % COUNTERS] += 1;
        }
    }
}

/// The sign of an int16: turned over, negative numbers come before the others.
const INT16_SIGN: u16 = 0x8000;

/// Bins in ascending order of value.
fn float_bin(value: f32) -> usize {
    (ordered_bits(value) >> FLOAT_BIN_SHIFT) as usize
}

fn float_of_bin(bin: usize) -> f32 {
    float_of_ordered((bin as u32) << FLOAT_BIN_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(images: &[Pixels]) -> ValueHistogram {
        let mut histogram = ValueHistogram::new(images[0].pixel_type());
        images.iter().for_each(|pixels| histogram.add(pixels));
        histogram
    }

    #[test]
    fn bytes_count_as_the_pixels_they_are() {
        let images = [
            Pixels::UInt8(vec![0, 255, 7, 7, 7]),
            Pixels::Int16(vec![-32_768, 32_767, -1]),
            Pixels::UInt16(vec![65_535, 0, 256]),
            Pixels::Float32(vec![1.5, f32::NAN, -2e9, f32::INFINITY]),
        ];
        for pixels in images {
            let mut counted = ValueHistogram::new(pixels.pixel_type());
            counted.add_le_bytes(&pixels.le_bytes());
            assert!(counted.counts().eq(histogram(&[pixels]).counts()) && counted.counts().next().is_some());
        }
    }

    #[test]
    fn counts_are_those_of_all_images_settled_or_not() {
        let images = [(0..1001).map(|i| i % 37 - 5).collect(), vec![3; 10]].map(Pixels::Int16);
        let (whole, mut settled) = (histogram(&images), histogram(&images[..1]));
        settled.settle();
        settled.add(&images[1]);
        let found: Vec<(f64, u64)> = settled.counts().collect();
        assert_eq!(found, whole.counts().collect::<Vec<_>>());
        // 1001 is 27 times 37 and 2 more.
        assert_eq!((found[0], found[8], found.len()), ((-5.0, 28), (3.0, 37), 37));
        settled.clear();
        assert_eq!(settled.counts().count(), 0);
    }

    #[test]
    fn no_counter_overflows() {
        let mut histogram = histogram(&[Pixels::UInt8(vec![7])]);
        // As if so many had been counted one by one.
        histogram.recent.as_mut().unwrap()[7][0] = u32::MAX - 1;
        histogram.recent_values = u32::MAX - 1;
        histogram.add(&Pixels::UInt8(vec![7; 12]));
        assert_eq!(histogram.counts().collect::<Vec<_>>(), [(7.0, u64::from(u32::MAX) + 11)]);
    }

    #[test]
    fn percentiles_are_values_of_the_data() {
        let mut histogram = ValueHistogram::new(PixelType::Int16);
        histogram.add(&Pixels::Int16((-100..100).collect()));
        assert_eq!(histogram.percentiles([0.5, 50.0, 98.0, 99.5]), [-100.0, -1.0, 95.0, 98.0]);
    }

    #[test]
    fn what_is_subtracted_was_never_there() {
        let image = Pixels::UInt8(vec![7, 7, 9]);
        let mut first = ValueHistogram::new(PixelType::UInt8);
        first.add(&image);
        first.add(&Pixels::UInt8(vec![1, 2, 3]));
        let mut taken = ValueHistogram::new(PixelType::UInt8);
        taken.add(&image);
        first.subtract(&taken);
        assert_eq!(first.percentiles([99.5]), [3.0]);
    }

    #[test]
    fn float_bins_keep_the_order() {
        let values = [-1e9f32, -2.5, -1.0, -1e-9, 0.0, 1e-9, 1.0, 2.5, 1e9];
        assert!(values.is_sorted_by_key(|&value| float_bin(value)));
        for value in values {
            let edge = float_of_bin(float_bin(value));
            assert!(edge <= value && (value - edge) <= value.abs() / 512.0, "{value} {edge}");
        }
    }

    #[test]
    fn nothing_has_no_percentile() {
        let nothing = ValueHistogram::new(PixelType::Float32);
        assert!(nothing.percentiles([50.0])[0].is_nan());
        let fine = FineHistogram::new(nothing.percentile_bins([50.0]));
        assert!(nothing.exact_percentiles([50.0], &fine)[0].is_nan());
    }

    /// The smallest of `values` that at least `level` per cent of them do not exceed, by the definition.
    fn by_definition(values: &[f32], level: f64) -> f64 {
        let mut values: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
        values.sort_by(f32::total_cmp);
        let reaches =
            |&place: &usize| (place as f64 + 1.0) * 1000.0 >= values.len() as f64 * (level * 10.0).round();
        (0..values.len()).find(reaches).map_or(f64::NAN, |place| values[place].into())
    }

    proptest::proptest! {
        // Each case walks a quarter of a million bins several times.
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn percentiles_of_floats_are_exact(
            spread in proptest::sample::select(vec![1e-3f32, 1.0, 1e6]),
            center in proptest::sample::select(vec![0.0f32, 96.0, -1e4]),
            units in proptest::collection::vec(-1.0f32..1.0, 1..400),
            level in 0u16..=1000,
        ) {
            let mut values: Vec<f32> = units.iter().map(|unit| center + spread * unit).collect();
            values.push(f32::NAN);
            let level = f64::from(level) / 10.0;
            let pixels = Pixels::Float32(values.clone());
            let coarse = histogram(std::slice::from_ref(&pixels));
            let mut fine = FineHistogram::new(coarse.percentile_bins([level]));
            // Counted in two halves, as two threads would.
            let mut rest = fine.clone();
            let bytes = pixels.le_bytes();
            let (first, second) = bytes.split_at(values.len() / 2 * 4);
            fine.add_le_bytes(first);
            rest.add_le_bytes(second);
            fine.merge(&rest);
            let expected = by_definition(&values, level);
            proptest::prop_assert_eq!(coarse.exact_percentiles([level], &fine), [expected]);
            let around = FineHistogram::around([expected]);
            proptest::prop_assert!(coarse.percentiles([level])[0] <= expected);
            proptest::prop_assert!(around.value(coarse.ranks([level])[0].map_or(0, |(bin, _)| bin), 1).is_none());
        }
    }
}
