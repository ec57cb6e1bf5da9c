//! Points just inside and just outside of a contour, and the pixels there.

use dicomprep_widest::with_widest;

use super::outline::resample;
use crate::model::{GridShape, Pixels, Polygon};

/// Places along a contour.
const PLACES: usize = 64;
/// Distances inwards and outwards that are sampled, in pixels.
const DEPTHS: [f64; 2] = [1.5, 3.0];

/// Pixels, and how they are looked at.
#[derive(Debug, Clone, Copy)]
pub struct ImageView<'p> {
    /// Row-major (row, column, channel).
    pub pixels: &'p Pixels,
    /// Rows and columns.
    pub shape: GridShape,
    /// Channels of a pixel: 1, or 3 of red, green and blue.
    pub channels: usize,
    /// True if a large value is dark, as in MONOCHROME1 (PS3.3 C.7.6.3.1.2).
    pub large_is_dark: bool,
}

impl ImageView<'_> {
    /// The pixel in a column and row, at the border where they lie beyond; NaN where it is none.
    fn at(&self, [column, row]: [i64; 2]) -> f32 {
        let near = |at: i64, side: usize| at.clamp(0, side as i64 - 1) as usize;
        self.value(near(row, self.shape.rows()) * self.shape.columns() + near(column, self.shape.columns()))
    }

    /// The brightness of a pixel.
    pub(super) fn value(&self, index: usize) -> f32 {
        let number = |index: usize| match self.pixels {
            Pixels::UInt8(values) => f32::from(values[index]),
            Pixels::Int16(values) => f32::from(values[index]),
            Pixels::UInt16(values) => f32::from(values[index]),
            Pixels::Float32(values) => values[index],
        };
        let value = match self.channels {
            // ITU-R BT.601.
            3 => 0.299 * number(3 * index) + 0.587 * number(3 * index + 1) + 0.114 * number(3 * index + 2),
            _ => number(index),
        };
        if self.large_is_dark { -value } else { value }
    }
}

/// Pairs of pixels, column and row, on either side of a contour: inside and outside.
pub(super) struct Profile {
    pairs: Vec<[[i64; 2]; 2]>,
}

impl Profile {
    /// The pairs along `contour`.
    pub(super) fn of(contour: &Polygon) -> Self {
        let path = resample(contour, PLACES);
        let count = path.len();
        let twice: f64 = (0..count)
            .map(|k| (path[k], path[(k + 1) % count]))
            .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
            .sum();
        let sign = if twice < 0.0 { -1.0 } else { 1.0 };
        let mut pairs = Vec::with_capacity(count * DEPTHS.len());
        for (k, [x, y]) in path.iter().copied().enumerate() {
            let (before, after) = (path[(k + count - 2) % count], path[(k + 2) % count]);
            let [dx, dy] = [after[0] - before[0], after[1] - before[1]];
            let long = dx.hypot(dy);
            if long > 0.0 {
                let out = [sign * dy / long, -sign * dx / long];
                let pixel = |depth: f64| [x + depth * out[0], y + depth * out[1]].map(nearest);
                pairs.extend(DEPTHS.map(|depth| [-depth, depth].map(pixel)));
            }
        }
        Self { pairs }
    }

    /// At how many of its places the inside is brighter, 0 to 1, if the contour is moved by `[dx, dy]` pixels.
    pub(super) fn agreement(&self, picture: ImageView<'_>, [dx, dy]: [i32; 2]) -> f64 {
        let by = [dx, dy].map(i64::from);
        let at = |[x, y]: [i64; 2]| picture.at([x.saturating_add(by[0]), y.saturating_add(by[1])]);
        let brighter = self.pairs.iter().filter(|[inside, outside]| at(*inside) > at(*outside)).count();
        brighter as f64 / self.pairs.len().max(1) as f64
    }

    /// Probability that a point inside is brighter than one outside, 0 to 1; a half is chance.
    pub(super) fn contrast(&self, picture: ImageView<'_>) -> f64 {
        let values = |side: usize| self.pairs.iter().map(|pair| picture.at(pair[side])).collect();
        brighter(values(0), values(1))
    }
}

/// The nearest whole number, away from zero at halves, as [`f64::round`] gives it, which is a call of a function where the
/// compiler may not use SSE 4.1.
fn nearest(value: f64) -> i64 {
    let whole = value as i64;
    // Exact for all coordinates, which are far below 2^52.
    let rest = value - whole as f64;
    whole + i64::from(rest >= 0.5) - i64::from(rest <= -0.5)
}

/// Probability that one of `these` is larger than one of `those`, ties counting half (the statistic of Mann and Whitney
/// 1947); a half where either is empty. NaN is left out.
pub(super) fn brighter(mut these: Vec<f32>, mut those: Vec<f32>) -> f64 {
    [&mut these, &mut those].into_iter().for_each(|values| values.retain(|value| !value.is_nan()));
    let pairs = these.len() * those.len();
    if pairs == 0 {
        return 0.5;
    }
    let sum = if pairs <= COMPARED_ONE_BY_ONE {
        with_widest(
            #[inline(always)]
            || twice_larger(&these, &those),
        )
    } else {
        twice_larger_sorted(these, those)
    };
    sum as f64 / (2 * pairs) as f64
}

/// Pairs of values that are compared sooner than sorted: many at a time, and without a branch.
const COMPARED_ONE_BY_ONE: usize = 1 << 15;

/// In how many pairs the value of `these` is larger, twice, and in how many both are equal. There is no NaN.
#[inline(always)]
fn twice_larger(these: &[f32], those: &[f32]) -> usize {
    let of = |value: f32| {
        those.iter().map(|other| u32::from(*other < value) + u32::from(*other <= value)).sum::<u32>() as usize
    };
    these.iter().map(|value| of(*value)).sum()
}

/// As [`twice_larger`], for many values.
fn twice_larger_sorted(mut these: Vec<f32>, mut those: Vec<f32>) -> usize {
    [&mut these, &mut those].into_iter().for_each(|values| values.sort_unstable_by(f32::total_cmp));
    let (mut less, mut at_most, mut sum) = (0, 0, 0);
    for value in &these {
        while less < those.len() && those[less] < *value {
            less += 1;
        }
        while at_most < those.len() && those[at_most] <= *value {
            at_most += 1;
        }
        sum += less + at_most;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_those_of_the_standard_library() {
        for value in [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, 0.499_999_999_999_999_94, -2.4999, 1_048_579.5, -7.75] {
            assert_eq!(nearest(value), value.round() as i64, "{value}");
        }
    }

    #[test]
    fn ties_count_half() {
        assert_eq!(brighter(vec![2.0, 3.0], vec![1.0, 2.0]), 3.5 / 4.0);
        assert_eq!(brighter(vec![1.0, f32::NAN], vec![2.0]), 0.0);
        assert_eq!(brighter(vec![], vec![2.0]), 0.5);
    }

    #[test]
    fn sorted_and_one_by_one_are_the_same() {
        let values = |count: u32, factor: u32| -> Vec<f32> {
            (0..count)
                .map(|k| (k.wrapping_mul(factor) % 23) as f32 - 11.0)
                .chain([-0.0, f32::INFINITY])
                .collect()
        };
        for (a, b) in [(0, 0), (1, 5), (40, 33), (128, 128)] {
            let (these, those) = (values(a, 7), values(b, 2_654_435_761));
            assert_eq!(twice_larger(&these, &those), twice_larger_sorted(these, those));
        }
        // Beyond the number that is compared one by one, too.
        let half = brighter(values(400, 7), values(400, 7));
        assert_eq!(half, 0.5);
    }

    #[test]
    fn a_bright_disk_agrees_whichever_way_its_contour_runs() {
        let shape = GridShape::new(64, 64).unwrap();
        let disk = |at: usize| (((at % 64) as f64 - 32.0).hypot((at / 64) as f64 - 30.0) < 10.0) as u8;
        let pixels = Pixels::UInt8((0..shape.pixels()).map(disk).collect());
        let picture = ImageView { pixels: &pixels, shape, channels: 1, large_is_dark: false };
        let angle = |k: u32| f64::from(k) / 50.0 * std::f64::consts::TAU;
        let mut points: Vec<_> =
            (0..50).map(|k| [32.0 + 10.0 * angle(k).cos(), 30.0 + 10.0 * angle(k).sin()]).collect();
        for _ in 0..2 {
            points.reverse();
            let profile = Profile::of(&Polygon::new(points.clone()).unwrap());
            assert!(profile.agreement(picture, [0; 2]) > 0.95 && profile.contrast(picture) > 0.95);
            assert!(profile.agreement(picture, [12, 0]) < 0.4);
            assert_eq!(profile.agreement(picture, [i32::MAX, i32::MIN]), 0.0);
        }
    }
}
