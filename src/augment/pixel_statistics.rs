//! Extremes, mean and standard deviation of an image's finite pixels.

use dicomprep_widest::with_512_bits;

const LANES: usize = 16;

/// The least and the largest finite pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extremes {
    pub(super) min: f32,
    pub(super) max: f32,
}

impl Extremes {
    /// `None` where no pixel is finite.
    pub(super) fn of(image: &[f32]) -> Option<Self> {
        with_512_bits(
            #[inline(always)]
            || Self::of_lanes(image),
        )
    }

    #[inline(always)]
    fn of_lanes(image: &[f32]) -> Option<Self> {
        let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        let (blocks, rest) = image.as_chunks::<LANES>();
        blocks.iter().for_each(
            #[inline(always)]
            |block| widen(&mut low, &mut high, block),
        );
        widen(&mut low, &mut high, rest);
        let min = low.into_iter().fold(f32::INFINITY, f32::min);
        let max = high.into_iter().fold(f32::NEG_INFINITY, f32::max);
        (min <= max).then_some(Self { min, max })
    }
}

#[inline(always)]
fn widen(low: &mut [f32; LANES], high: &mut [f32; LANES], block: &[f32]) {
    for ((x, low), high) in block.iter().zip(low).zip(high) {
        // In their place what is never less or larger, so that each is one operation.
        let (least, largest) =
            if x.abs() <= f32::MAX { (*x, *x) } else { (f32::INFINITY, f32::NEG_INFINITY) };
        *low = if least < *low { least } else { *low };
        *high = if largest > *high { largest } else { *high };
    }
}

/// Mean and population standard deviation of the finite pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct MeanAndStd {
    pub(super) mean: f64,
    pub(super) std: f64,
}

impl MeanAndStd {
    /// Summed in binary64 from the first pixel on, so that equal pixels have deviation 0. `None` where no pixel
    /// is finite.
    pub(super) fn of(image: &[f32]) -> Option<Self> {
        with_512_bits(
            #[inline(always)]
            || Self::of_lanes(image),
        )
    }

    #[inline(always)]
    fn of_lanes(image: &[f32]) -> Option<Self> {
        let origin = f64::from(*image.iter().find(|x| x.is_finite())?);
        let mut sums = DistanceSums::default();
        let (blocks, rest) = image.as_chunks::<LANES>();
        for block in blocks {
            sums.add(block, origin);
        }
        sums.add(rest, origin);
        let DistanceSums { distances, squares, counts } = sums;
        let count = counts.into_iter().map(f64::from).sum::<f64>();
        let mean = distances.into_iter().sum::<f64>() / count;
        let variance = squares.into_iter().sum::<f64>() / count - mean * mean;
        Some(Self { mean: origin + mean, std: variance.max(0.0).sqrt() })
    }
}

/// Sums of every 16th pixel's distance from a number.
#[derive(Default)]
struct DistanceSums {
    distances: [f64; LANES],
    squares: [f64; LANES],
    counts: [u32; LANES],
}

impl DistanceSums {
    #[inline(always)]
    fn add(&mut self, block: &[f32], origin: f64) {
        let Self { distances, squares, counts } = self;
        for (((x, sum), square), count) in block.iter().zip(distances).zip(squares).zip(counts) {
            let finite = x.abs() <= f32::MAX;
            let distance = if finite { f64::from(*x) - origin } else { 0.0 };
            *sum += distance;
            *square += distance * distance;
            *count += u32::from(finite);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_pixels_count() {
        let image = [f32::NAN, 3.0, f32::INFINITY, -1.0, 4.0, f32::NEG_INFINITY];
        let image: Vec<f32> = image.into_iter().cycle().take(6 * 17).collect();
        assert_eq!(Extremes::of(&image), Some(Extremes { min: -1.0, max: 4.0 }));
        let moments = MeanAndStd::of(&image).unwrap();
        assert!((moments.mean - 2.0).abs() < 1e-12 && (moments.std - (14.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        for nothing in [&image[..1], &[]] {
            assert_eq!((Extremes::of(nothing), MeanAndStd::of(nothing)), (None, None));
        }
    }

    #[test]
    fn equal_pixels_have_no_deviation() {
        for value in [0.1, 65_535.0, -1e30, 0.0] {
            let moments = MeanAndStd::of(&[value; 77]).unwrap();
            assert_eq!((moments.mean, moments.std), (f64::from(value), 0.0));
        }
    }

    #[test]
    fn a_large_mean_does_not_hide_the_deviation() {
        let image: Vec<f32> = (0..10_000).map(|index| 1e6 + (index % 2) as f32).collect();
        assert!((MeanAndStd::of(&image).unwrap().std - 0.5).abs() < 1e-9);
    }
}
