//! Gaussian blur.

use crate::model::with_widest;

/// Number of pixels summed at a time.
const TILE: usize = 32;

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
    with_widest(
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
    // Row r is held in place r modulo a power of 2.
    let held = down.len().next_power_of_two();
    rows.resize(held * len, 0.0);
    let mut ready = 0;
    for row in 0..height {
        while ready < height.min(row + radius + 1) {
            let (from, to) = (&image[ready * len..][..len], &mut rows[(ready & (held - 1)) * len..][..len]);
            if across.len() > 1 {
                pad(line, from, channels, across.len() / 2);
                convolve(to, line, across);
            } else {
                to.copy_from_slice(from);
            }
            ready += 1;
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
fn pad(line: &mut Vec<f32>, row: &[f32], channels: usize, radius: usize) {
    line.clear();
    for _ in 0..radius {
        line.extend_from_slice(&row[..channels]);
    }
    line.extend_from_slice(row);
    for _ in 0..radius {
        line.extend_from_slice(&row[row.len() - channels..]);
    }
}

/// The sum of the pixels that each tap begins with, times its weight.
#[inline(always)]
fn convolve(out: &mut [f32], source: &[f32], taps: &[Tap]) {
    let len = out.len();
    let (tiles, rest) = out.as_chunks_mut::<TILE>();
    for (tile, begin) in tiles.iter_mut().zip((0..).step_by(TILE)) {
        let mut sums = [0.0; TILE];
        for tap in taps {
            let source = &source[tap.start + begin..][..TILE];
            sums.iter_mut().zip(source).for_each(|(sum, x)| *sum += tap.weight * x);
        }
        *tile = sums;
    }
    let begin = len - rest.len();
    for (x, index) in rest.iter_mut().zip(begin..) {
        *x = taps.iter().map(|tap| tap.weight * source[tap.start + index]).sum();
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
}
