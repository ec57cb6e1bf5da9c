//! Gaussian blur.

use dicomprep_widest::with_512_bits;

/// Numbers of each of two rows that are summed at a time: as many as registers hold the sums of, and what is left of a row.
const WIDE_TILE: usize = 64;
const TILE: usize = 32;

/// Bytes of the widest vectors.
const VECTOR: usize = 64;

/// Scratch memory of a blur, reused between images.
#[derive(Debug, Clone, Default)]
pub(super) struct BlurScratch {
    /// The weights along the columns' and the rows' axis.
    across: Vec<f32>,
    down: Vec<f32>,
    /// Two rows of the image, with more pixels on each side.
    lines: [Vec<f32>; 2],
    /// Some rows of the image, blurred along the columns' axis.
    rows: Vec<f32>,
    /// Where in `rows` those begin that make two rows of the image.
    starts: Vec<usize>,
}

/// The image convolved with Gaussians of these standard deviations along rows' and columns' axis, as scipy's
/// `gaussian_filter` with `mode="nearest"`: the weight at distance d is proportional to e^(-d^2 / (2 sigma^2)),
/// weights end at floor(4 sigma + 1/2) pixels and have sum 1, and outside is the pixel of the border that is
/// nearest. Channels stay apart. What is not finite spreads to where the kernel reaches.
///
/// Each sum begins with 0 and takes in one product after the other, from the first pixel that the kernel reaches, by fused
/// multiply-add (IEEE 754, 5.4.1): the same bits on any machine.
pub(super) fn blur(
    image: &mut [f32],
    shape: [usize; 2],
    channels: usize,
    sigma: [f64; 2],
    scratch: &mut BlurScratch,
) {
    if sigma.map(radius) == [0, 0] {
        return;
    }
    let [along_rows, along_columns] = sigma;
    fill_kernel(&mut scratch.across, along_columns);
    fill_kernel(&mut scratch.down, along_rows);
    with_512_bits(
        #[inline(always)]
        || blur_rows(image, shape, channels, scratch),
    );
}

/// Rows are blurred along the columns' axis as soon as they are reached along the rows' axis, so that they are still near when
/// they are used, and their own places are free by then. Two are made at a time: they have most of what they are made of
/// in common.
#[inline(always)]
fn blur_rows(image: &mut [f32], [height, width]: [usize; 2], channels: usize, scratch: &mut BlurScratch) {
    let BlurScratch { across, down, lines, rows, starts } = scratch;
    let (radius, len) = (down.len() / 2, width * channels);
    let margin = across.len() / 2 * channels;
    // Row r is held in place r modulo a power of 2. There are no more than all, and one beside the last.
    let held = (down.len() + 2).min(height + 1).next_power_of_two();
    // Vectors of rows begin where memory for vectors does, and those of one column are not a power of 2 apart.
    let stride = len.next_multiple_of(TILE) + TILE;
    rows.resize(held * stride + VECTOR, 0.0);
    let aligned = rows.as_ptr().align_offset(VECTOR).min(VECTOR);
    let rows = &mut rows[aligned..];
    let place = |row: usize| (row & (held - 1)) * stride;
    lines.iter_mut().for_each(|line| line.resize(len + 2 * margin, 0.0));
    pad_two(lines, image, 0, [height, len], channels);
    let mut ready = 0;
    for row in (0..height).step_by(2) {
        while ready < height.min(row + radius + 2) {
            let [one, two] = &*lines;
            let places = [ready, ready + 1].map(|row| place(row)..place(row) + len);
            let made = rows.get_disjoint_mut(places).expect("no two rows have one place");
            Across { lines: [one, two], channels, weights: across }.fill(made);
            ready += 2;
            // Long before it is read: what was written just now in other parts cannot be loaded at once.
            if ready < height {
                pad_two(lines, image, ready, [height, len], channels);
            }
        }
        starts.clear();
        let reached = row..=row + down.len();
        starts.extend(reached.map(|row| place(row.saturating_sub(radius).min(height - 1))));
        let (one, rest) = image[row * len..].split_at_mut(len);
        // An odd number of rows has none beside the last one, which is made into memory that is free by then.
        let two = if rest.is_empty() { &mut lines[1][..len] } else { &mut rest[..len] };
        Down { rows, starts, weights: down }.fill([one, two]);
    }
}

/// How many pixels a kernel reaches to each side.
fn radius(sigma: f64) -> usize {
    (4.0 * sigma + 0.5) as usize
}

fn fill_kernel(weights: &mut Vec<f32>, sigma: f64) {
    let radius = radius(sigma);
    let weight = |index: usize| match index.abs_diff(radius) {
        0 => 1.0,
        distance => (-0.5 * (distance as f64 / sigma).powi(2)).exp(),
    };
    let sum: f64 = (0..=2 * radius).map(weight).sum();
    weights.clear();
    weights.extend((0..=2 * radius).map(|index| (weight(index) / sum) as f32));
}

/// The rows from `first` on in two lines; the last row of an odd number twice.
#[inline(always)]
fn pad_two(
    lines: &mut [Vec<f32>; 2],
    image: &[f32],
    first: usize,
    [height, len]: [usize; 2],
    channels: usize,
) {
    for (line, row) in lines.iter_mut().zip(first..) {
        pad(line, &image[row.min(height - 1) * len..][..len], channels);
    }
}

/// `row` in the middle of `line`, with the pixels of its ends on each side.
#[inline(always)]
fn pad(line: &mut [f32], row: &[f32], channels: usize) {
    let margin = (line.len() - row.len()) / 2;
    let (before, rest) = line.split_at_mut(margin);
    let (middle, after) = rest.split_at_mut(row.len());
    middle.copy_from_slice(row);
    let (first, last) = (&row[..channels], &row[row.len() - channels..]);
    for (edge, pixel) in [(before, first), (after, last)] {
        match pixel {
            [x] => edge.fill(*x),
            _ => edge.chunks_exact_mut(channels).for_each(|place| place.copy_from_slice(pixel)),
        }
    }
}

/// Sums of products that make two rows.
trait Sums {
    /// Those of `SIZE` numbers of each row, from `begin` on.
    fn tile<const SIZE: usize>(&self, begin: usize) -> [[f32; SIZE]; 2];

    /// All of them.
    #[inline(always)]
    fn fill(&self, rows: [&mut [f32]; 2]) {
        let (rest, begin) = self.fill_tiles::<WIDE_TILE>(rows, 0);
        let (rest, begin) = self.fill_tiles::<TILE>(rest, begin);
        self.fill_tiles::<1>(rest, begin);
    }

    /// As many as there are whole tiles. Returns what is left of the rows, and where it begins.
    #[inline(always)]
    fn fill_tiles<'r, const SIZE: usize>(
        &self,
        [one, two]: [&'r mut [f32]; 2],
        mut begin: usize,
    ) -> ([&'r mut [f32]; 2], usize) {
        let ((one, one_rest), (two, two_rest)) = (one.as_chunks_mut(), two.as_chunks_mut());
        for (one, two) in one.iter_mut().zip(two) {
            [*one, *two] = self.tile::<SIZE>(begin);
            begin += SIZE;
        }
        ([one_rest, two_rest], begin)
    }
}

/// Along the columns' axis, of two padded lines.
struct Across<'a> {
    lines: [&'a [f32]; 2],
    channels: usize,
    weights: &'a [f32],
}

impl Sums for Across<'_> {
    #[inline(always)]
    fn tile<const SIZE: usize>(&self, begin: usize) -> [[f32; SIZE]; 2] {
        let mut sums = [[0.0; SIZE]; 2];
        for (&weight, begin) in self.weights.iter().zip((begin..).step_by(self.channels)) {
            add(&mut sums[0], weight, self.lines[0], begin);
            add(&mut sums[1], weight, self.lines[1], begin);
        }
        sums
    }
}

/// Along the rows' axis: the first row of what begins at all starts but the last, the second one of all but the first.
struct Down<'a> {
    rows: &'a [f32],
    starts: &'a [usize],
    weights: &'a [f32],
}

impl Sums for Down<'_> {
    #[inline(always)]
    fn tile<const SIZE: usize>(&self, begin: usize) -> [[f32; SIZE]; 2] {
        let mut sums = [[0.0; SIZE]; 2];
        let (Some((&first, weights)), [top, starts @ .., bottom]) = (self.weights.split_first(), self.starts)
        else {
            return sums;
        };
        add(&mut sums[0], first, self.rows, top + begin);
        let mut before = first;
        for (&weight, start) in weights.iter().zip(starts) {
            add(&mut sums[0], weight, self.rows, start + begin);
            add(&mut sums[1], before, self.rows, start + begin);
            before = weight;
        }
        add(&mut sums[1], before, self.rows, bottom + begin);
        sums
    }
}

/// Takes the numbers from `begin` on, times `weight`, into sums, which stay in registers.
#[inline(always)]
fn add<const SIZE: usize>(sums: &mut [f32; SIZE], weight: f32, numbers: &[f32], begin: usize) {
    sums.iter_mut().zip(&numbers[begin..][..SIZE]).for_each(
        #[inline(always)]
        |(sum, number)| *sum = weight.mul_add(*number, *sum),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blurred(image: &[f32], shape: [usize; 2], channels: usize, sigma: [f64; 2]) -> Vec<f32> {
        let mut image = image.to_vec();
        blur(&mut image, shape, channels, sigma, &mut BlurScratch::default());
        image
    }

    /// The definition, in binary64.
    fn naive(image: &[f32], [height, width]: [usize; 2], channels: usize, sigma: [f64; 2]) -> Vec<f64> {
        let weights = |sigma: f64| {
            let radius = (4.0 * sigma + 0.5).floor() as i64;
            let weight =
                |d: i64| if radius == 0 { 1.0 } else { (-(d * d) as f64 / (2.0 * sigma * sigma)).exp() };
            let sum: f64 = (-radius..=radius).map(weight).sum();
            (-radius..=radius).map(|d| (d, weight(d) / sum)).collect::<Vec<_>>()
        };
        let [rows, columns] = sigma.map(weights);
        let pixel = |row: i64, column: i64, channel: usize| {
            let row = row.clamp(0, height as i64 - 1) as usize;
            let column = column.clamp(0, width as i64 - 1) as usize;
            f64::from(image[(row * width + column) * channels + channel])
        };
        let mut blurred = Vec::new();
        for index in 0..image.len() {
            let (row, column) = ((index / channels / width) as i64, (index / channels % width) as i64);
            let mut sum = 0.0;
            for (dr, one) in &rows {
                for (dc, other) in &columns {
                    sum += one * other * pixel(row + dr, column + dc, index % channels);
                }
            }
            blurred.push(sum);
        }
        blurred
    }

    #[test]
    fn it_is_the_convolution_with_a_gaussian() {
        for (shape, channels) in [([20, 50], 1), ([7, 40], 3), ([1, 1], 1), ([3, 2], 2), ([40, 1], 1)] {
            let len = shape[0] * shape[1] * channels;
            let image: Vec<f32> = (0..len).map(|index| (index * 7919 % 4001) as f32).collect();
            for sigma in [[0.5, 1.0], [2.3, 0.0], [0.1, 0.7], [6.0, 9.0]] {
                let expected = naive(&image, shape, channels, sigma);
                for (found, expected) in blurred(&image, shape, channels, sigma).iter().zip(expected) {
                    assert!((f64::from(*found) - expected).abs() < 4e-3, "{found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn no_blur_changes_no_bit() {
        let image = [1.5, f32::NAN, -0.0, 7.0];
        let bits = |image: &[f32]| image.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for sigma in [0.0, 0.12] {
            assert_eq!(bits(&blurred(&image, [2, 2], 1, [sigma; 2])), bits(&image));
        }
    }

    #[test]
    fn what_is_not_finite_spreads_no_further_than_the_kernel() {
        let mut image = vec![1.0; 41 * 41];
        image[20 * 41 + 20] = f32::NAN;
        let found = blurred(&image, [41, 41], 1, [1.0, 2.0]);
        for (index, x) in found.iter().enumerate() {
            let near = (index / 41).abs_diff(20) <= 4 && (index % 41).abs_diff(20) <= 8;
            assert_eq!(x.is_nan(), near);
        }
    }

    /// In binary32: along the columns' axis, then along the rows' axis, each from the first pixel that the kernel reaches.
    fn in_order(image: &[f32], [height, width]: [usize; 2], channels: usize, sigma: [f64; 2]) -> Vec<f32> {
        let along = |image: &[f32], axis: usize| -> Vec<f32> {
            let mut weights = Vec::new();
            fill_kernel(&mut weights, sigma[axis]);
            let radius = weights.len() / 2;
            let clamped =
                |at: usize, tap: usize, side: usize| (at + tap).saturating_sub(radius).min(side - 1);
            let pixel = |index: usize, tap: usize| {
                let (row, column) = (index / channels / width, index / channels % width);
                let (row, column) = match axis {
                    0 => (clamped(row, tap, height), column),
                    _ => (row, clamped(column, tap, width)),
                };
                image[(row * width + column) * channels + index % channels]
            };
            let sum = |index| {
                let taps = weights.iter().enumerate();
                taps.fold(0.0, |sum, (tap, weight)| weight.mul_add(pixel(index, tap), sum))
            };
            if radius == 0 { image.to_vec() } else { (0..image.len()).map(sum).collect() }
        };
        along(&along(image, 1), 0)
    }

    #[test]
    fn sums_keep_their_order() {
        let mut scratch = BlurScratch::default();
        for (number, width) in [1, 2, 31, 32, 33, 63, 64, 65, 96, 130, 200].into_iter().enumerate() {
            let (shape, channels) = ([1 + number * 4, width], 1 + number % 3);
            let image: Vec<f32> = (0..shape[0] * width * channels)
                .map(|index| match index * 7919 % 4001 {
                    0 => f32::NAN,
                    1 => f32::INFINITY,
                    value => value as f32 * 0.37 - 200.0,
                })
                .collect();
            for sigma in [[0.5, 0.9], [0.7, 0.0], [0.1, 0.6], [9.0, 3.0]] {
                let mut found = image.clone();
                blur(&mut found, shape, channels, sigma, &mut scratch);
                for (found, expected) in found.iter().zip(in_order(&image, shape, channels, sigma)) {
                    let is_same = *found == expected || found.is_nan() && expected.is_nan();
                    assert!(is_same, "{found}, not {expected}: {shape:?} {sigma:?}");
                }
            }
        }
    }
}
