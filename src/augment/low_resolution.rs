//! An image of fewer pixels, enlarged again.

use crate::model::with_widest;

/// More than a row has pixels: an index of 16 bits needs no check.
const LONGEST: usize = 1 << 16;

/// Scratch memory, reused between images.
#[derive(Debug, Clone, Default)]
pub(super) struct LowResolutionScratch {
    /// The small image, enlarged along the columns' axis only.
    lines: Vec<f32>,
    columns: Vec<Between>,
    /// A row of an image of one channel, in the memory of the longest.
    row: Vec<f32>,
}

/// Between which two pixels of the small image a pixel lies, as places in the large one.
#[derive(Debug, Clone, Copy)]
struct Between {
    one: u16,
    other: u16,
    /// Weight of the other.
    part: f32,
}

/// A side of the small and the large image.
#[derive(Debug, Clone, Copy)]
struct Side {
    large: usize,
    small: usize,
}

impl Side {
    fn new(large: usize, scale: f64) -> Self {
        Self { large, small: ((large as f64 * scale).round_ties_even() as usize).clamp(1, large) }
    }

    /// The pixel of the large image for each pixel of the small one.
    fn pick(self, index: usize) -> usize {
        (2 * index + 1) * self.large / (2 * self.small)
    }

    /// Between which pixels of the small image pixel `index` of the large one lies.
    fn between(self, index: usize) -> (usize, usize, f32) {
        let place = ((index as f64 + 0.5) * self.small as f64 / self.large as f64 - 0.5).max(0.0);
        let one = (place as usize).min(self.small - 1);
        (one, (one + 1).min(self.small - 1), (place - one as f64) as f32)
    }
}

/// The image as one of `scale` times its height and width (rounded, at least 1) that is enlarged again, as
/// batchgeneratorsv2's `SimulateLowResolutionTransform`: the small image has at its pixel i the nearest pixel,
/// floor((i + 1/2) n / m) for sides of m and n pixels; the large one is linear between those, with pixel j at
/// (j + 1/2) m / n - 1/2 of the small one, and the border's value outside of them.
pub(super) fn low_resolution(
    image: &mut [f32],
    [height, width]: [usize; 2],
    channels: usize,
    scale: f64,
    scratch: &mut LowResolutionScratch,
) {
    let [rows, columns] = [height, width].map(|side| Side::new(side, scale));
    if rows.small == height && columns.small == width {
        return;
    }
    scratch.columns.clear();
    scratch.columns.extend((0..width).map(|column| {
        let (one, other, part) = columns.between(column);
        let [one, other] = [one, other].map(|column| columns.pick(column) as u16);
        Between { one, other, part }
    }));
    if scratch.row.is_empty() {
        scratch.row = vec![0.0; LONGEST];
    }
    scratch.lines.resize(rows.small * width * channels, 0.0);
    with_widest(
        #[inline(always)]
        || {
            enlarge_columns(image, rows, channels, scratch);
            enlarge_rows(image, rows, width * channels, &scratch.lines);
        },
    );
}

#[inline(always)]
fn enlarge_columns(image: &[f32], rows: Side, channels: usize, scratch: &mut LowResolutionScratch) {
    let LowResolutionScratch { lines, columns, row } = scratch;
    let len = columns.len() * channels;
    for (number, line) in lines.chunks_exact_mut(len).enumerate() {
        let source = &image[rows.pick(number) * len..][..len];
        if channels == 1 {
            row[..len].copy_from_slice(source);
            enlarge(line, row, columns);
            continue;
        }
        for (pixel, Between { one, other, part }) in line.chunks_exact_mut(channels).zip(columns.iter()) {
            let pixels = [one, other].map(|&at| &source[usize::from(at) * channels..][..channels]);
            for ((x, one), other) in pixel.iter_mut().zip(pixels[0]).zip(pixels[1]) {
                *x = one + (other - one) * part;
            }
        }
    }
}

#[inline(always)]
fn enlarge(line: &mut [f32], row: &[f32], columns: &[Between]) {
    let Some(row) = row.first_chunk::<LONGEST>() else { return };
    for (x, Between { one, other, part }) in line.iter_mut().zip(columns) {
        let [one, other] = [one, other].map(|&at| row[usize::from(at)]);
        *x = one + (other - one) * part;
    }
}

#[inline(always)]
fn enlarge_rows(image: &mut [f32], rows: Side, len: usize, lines: &[f32]) {
    for (row, out) in image.chunks_exact_mut(len).enumerate() {
        let (one, other, part) = rows.between(row);
        let [one, other] = [one, other].map(|row| &lines[row * len..][..len]);
        for ((x, one), other) in out.iter_mut().zip(one).zip(other) {
            *x = one + (other - one) * part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lowered(image: &[f32], shape: [usize; 2], channels: usize, scale: f64) -> Vec<f32> {
        let mut image = image.to_vec();
        low_resolution(&mut image, shape, channels, scale, &mut LowResolutionScratch::default());
        image
    }

    /// The definition: the small image is made, then enlarged, in binary64.
    fn naive(image: &[f32], [height, width]: [usize; 2], channels: usize, scale: f64) -> Vec<f64> {
        let sides = |n: usize| ((n as f64 * scale).round_ties_even().max(1.0), n as f64);
        let [(small_height, h), (small_width, w)] = [sides(height), sides(width)];
        let small = |row: f64, column: f64, channel: usize| {
            let nearest = |index: f64, m: f64, n: f64| ((index.clamp(0.0, m - 1.0) + 0.5) * n / m).floor();
            let (row, column) = (nearest(row, small_height, h), nearest(column, small_width, w));
            f64::from(image[(row as usize * width + column as usize) * channels + channel])
        };
        let mut large = Vec::new();
        for index in 0..image.len() {
            let place =
                |index: usize, m: f64, n: f64| ((index as f64 + 0.5) * m / n - 0.5).clamp(0.0, m - 1.0);
            let row = place(index / channels / width, small_height, h);
            let column = place(index / channels % width, small_width, w);
            let (r, c) = (row.floor(), column.floor());
            let at = |dr: f64, dc: f64| small(r + dr, c + dc, index % channels);
            let line = |dr: f64| at(dr, 0.0) + (at(dr, 1.0) - at(dr, 0.0)) * (column - c);
            large.push(line(0.0) + (line(1.0) - line(0.0)) * (row - r));
        }
        large
    }

    #[test]
    fn it_is_a_small_image_enlarged() {
        for (shape, channels) in [([20, 31], 1), ([7, 40], 3), ([1, 1], 1), ([2, 3], 2), ([64, 1], 1)] {
            let len = shape[0] * shape[1] * channels;
            let image: Vec<f32> = (0..len).map(|index| (index * 7919 % 4001) as f32).collect();
            for scale in [0.5, 0.73, 0.01, 0.9] {
                let expected = naive(&image, shape, channels, scale);
                for (found, expected) in lowered(&image, shape, channels, scale).iter().zip(expected) {
                    assert!((f64::from(*found) - expected).abs() < 2e-3, "{found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn full_resolution_changes_no_bit_and_one_pixel_is_left_of_the_smallest() {
        let image: Vec<f32> = (0..81).map(|index| index as f32 * 0.1).collect();
        assert_eq!(lowered(&image, [9, 9], 1, 1.0), image);
        assert_eq!(lowered(&image, [9, 9], 1, 0.99), image);
        assert_eq!(lowered(&image, [9, 9], 1, 1e-9), [image[40]; 81]);
    }
}
