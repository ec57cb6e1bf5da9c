//! Gaussian blur.

use dicomprep_widest::with_512_bits;

/// Numbers summed at a time. Their sums begin with 0; those of the rest of a row, one by one, with -0, which tells only where
/// every number is -0.
const TILE: usize = 32;

/// As many as registers hold the sums of.
const WIDE_TILE: usize = 2 * TILE;

/// Scratch memory of a blur, reused between images.
#[derive(Debug, Clone, Default)]
pub(super) struct BlurScratch {
    /// The kernels along the columns' and the rows' axis.
    across: Vec<Tap>,
    down: Vec<Tap>,
    line: Vec<f32>,
    /// Some rows of the image, blurred along the columns' axis.
    rows: Vec<f32>,
}

/// A weight of a kernel, and the first of the pixels in the source that have it.
#[derive(Debug, Clone, Copy)]
struct Tap {
    weight: f32,
    start: usize,
}

/// The image convolved with Gaussians of these standard deviations along rows' and columns' axis, as scipy's
/// `gaussian_filter` with `mode="nearest"`: the weight at distance d is proportional to e^(-d^2 / (2 sigma^2)),
/// weights end at floor(4 sigma + 1/2) pixels and have sum 1, and outside is the pixel of the border that is
/// nearest. Channels stay apart. What is not finite spreads to where the kernel reaches.
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
    scratch.across.iter_mut().enumerate().for_each(|(number, tap)| tap.start = number * channels);
    fill_kernel(&mut scratch.down, along_rows);
    with_512_bits(
        #[inline(always)]
        || blur_rows(image, shape, channels, scratch),
    );
}

/// Each row is blurred along the columns' axis as soon as it is reached along the rows' axis, so that it is still near when
/// it is used, and its own place is free by then.
#[inline(always)]
fn blur_rows(image: &mut [f32], [height, width]: [usize; 2], channels: usize, scratch: &mut BlurScratch) {
    let BlurScratch { across, down, line, rows } = scratch;
    let (radius, len) = (down.len() / 2, width * channels);
    // Row r is held in place r modulo a power of 2. There are no more than all.
    let held = down.len().min(height).next_power_of_two();
    rows.resize(held * len, 0.0);
    line.resize(len + 2 * (across.len() / 2) * channels, 0.0);
    pad(line, &image[..len], channels, across.len() / 2);
    let mut ready = 0;
    for row in 0..height {
        while ready < height.min(row + radius + 1) {
            let to = &mut rows[(ready & (held - 1)) * len..][..len];
            if across.len() > 1 {
                convolve(to, line, across);
            } else {
                to.copy_from_slice(line);
            }
            ready += 1;
            // Long before it is read: what was written just now in other parts cannot be loaded at once.
            if ready < height {
                pad(line, &image[ready * len..][..len], channels, across.len() / 2);
            }
        }
        let out = &mut image[row * len..][..len];
        if radius == 0 {
            out.copy_from_slice(&rows[(row & (held - 1)) * len..][..len]);
            continue;
        }
        for (number, tap) in down.iter_mut().enumerate() {
            tap.start = ((row + number).saturating_sub(radius).min(height - 1) & (held - 1)) * len;
        }
        convolve(out, rows, down);
    }
}

/// How many pixels a kernel reaches to each side.
fn radius(sigma: f64) -> usize {
    (4.0 * sigma + 0.5) as usize
}

fn fill_kernel(taps: &mut Vec<Tap>, sigma: f64) {
    let radius = radius(sigma);
    let weight = |index: usize| {
        let distance = index.abs_diff(radius) as f64 / sigma;
        (-0.5 * distance * distance).exp()
    };
    let sum: f64 = (0..=2 * radius).map(weight).sum();
    taps.clear();
    taps.extend((0..=2 * radius).map(|index| Tap { weight: (weight(index) / sum) as f32, start: 0 }));
}

/// `row` with `radius` pixels more on each side.
#[inline(always)]
fn pad(line: &mut [f32], row: &[f32], channels: usize, radius: usize) {
    let (before, rest) = line.split_at_mut(radius * channels);
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

/// The sums of the pixels that each tap begins with, times its weight, in the order of the taps.
#[inline(always)]
fn convolve(out: &mut [f32], source: &[f32], taps: &[Tap]) {
    let len = out.len();
    let (tiles, rest) = out.as_chunks_mut::<WIDE_TILE>();
    sum_tiles(tiles, source, taps, 0);
    let begin = len - rest.len();
    let (tiles, rest) = rest.as_chunks_mut::<TILE>();
    sum_tiles(tiles, source, taps, begin);
    let begin = len - rest.len();
    for (x, index) in rest.iter_mut().zip(begin..) {
        *x = taps.iter().map(|tap| tap.weight * source[tap.start + index]).sum();
    }
}

/// The sums of a tile stay in registers.
#[inline(always)]
fn sum_tiles<const SIZE: usize>(tiles: &mut [[f32; SIZE]], source: &[f32], taps: &[Tap], begin: usize) {
    for (tile, begin) in tiles.iter_mut().zip((begin..).step_by(SIZE)) {
        let mut sums = [0.0; SIZE];
        for tap in taps {
            let source = &source[tap.start + begin..][..SIZE];
            sums.iter_mut().zip(source).for_each(
                #[inline(always)]
                |(sum, x)| *sum += tap.weight * x,
            );
        }
        *tile = sums;
    }
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
            let mut taps = Vec::new();
            fill_kernel(&mut taps, sigma[axis]);
            let radius = taps.len() / 2;
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
                let products =
                    taps.iter().enumerate().map(|(tap, Tap { weight, .. })| weight * pixel(index, tap));
                products.fold(0.0, |sum, product| sum + product)
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
