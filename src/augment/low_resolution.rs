//! An image of fewer pixels, enlarged again.

use std::array;

use super::pick::{PICKED, Pick, PickingWork, with_picks};

/// A window of so many pixels of a row has what is picked of it at a time where the small image has at least half its pixels.
const WINDOW: usize = 2 * PICKED;

/// Scratch memory, reused between images.
#[derive(Debug, Clone, Default)]
pub(super) struct LowResolutionScratch {
    /// The two rows of the small image around a row, enlarged along the columns' axis.
    lines: [Vec<f32>; 2],
    /// A row of the small image.
    small: Vec<f32>,
    /// Columns of the small image in the large one.
    picks: Vec<usize>,
    windows: Vec<PickedWindow>,
    columns: Vec<BetweenColumns>,
}

/// Pixels of a row that have some of the small image: where they begin, and places among them.
#[derive(Debug, Clone, Copy)]
struct PickedWindow {
    start: usize,
    /// In the half of the window that they are in.
    places: [u32; PICKED],
    /// All bits, where it is the second half, or none.
    second: [u32; PICKED],
}

/// Between which pixels of the small image some pixels of the large one lie.
#[derive(Debug, Clone, Copy)]
struct BetweenColumns {
    /// The first pixel of the small image, and how much later the ones are that the pixels lie after.
    start: usize,
    places: [u32; PICKED],
    /// Weights of the next ones.
    parts: [f32; PICKED],
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
    scratch.plan(columns);
    with_picks(&mut LowResolution { image, rows, columns, channels, scratch });
}

impl LowResolutionScratch {
    fn plan(&mut self, columns: Side) {
        self.picks.clear();
        self.picks.extend((0..columns.small).map(|index| columns.pick(index)));
        self.windows.clear();
        if columns.large >= WINDOW && columns.large <= 2 * columns.small {
            self.windows.extend(self.picks.chunks(PICKED).map(|picks| {
                let start = picks[0].min(columns.large - WINDOW);
                let places: [_; PICKED] = array::from_fn(|number| picks[number.min(picks.len() - 1)] - start);
                PickedWindow {
                    start,
                    places: places.map(|place| (place % PICKED) as u32),
                    second: places.map(|place| if place < PICKED { 0 } else { u32::MAX }),
                }
            }));
        }
        self.columns.clear();
        self.columns.extend((0..columns.large).step_by(PICKED).map(|first| {
            let columns = array::from_fn(|number| columns.between((first + number).min(columns.large - 1)));
            let start = columns[0].0;
            BetweenColumns {
                start,
                places: columns.map(|(one, ..)| (one - start) as u32),
                parts: columns.map(|(.., part)| part),
            }
        }));
    }
}

/// An image to be changed, with what its shape was planned to.
struct LowResolution<'a> {
    image: &'a mut [f32],
    rows: Side,
    columns: Side,
    channels: usize,
    scratch: &'a mut LowResolutionScratch,
}

impl PickingWork for LowResolution<'_> {
    /// Row by row in place: the later of the two rows of the small image that a row lies between is, in the large one, that row
    /// or a later one.
    #[inline(always)]
    fn run(&mut self, picker: impl Pick) {
        let len = self.columns.large * self.channels;
        let padded = len.next_multiple_of(PICKED);
        self.scratch.lines.iter_mut().for_each(|line| line.resize(padded, 0.0));
        let small = self.columns.small.next_multiple_of(PICKED) + PICKED;
        self.scratch.small.resize(small, 0.0);
        let mut ready = 0;
        for row in 0..self.rows.large {
            let (one, other, part) = self.rows.between(row);
            while ready <= other {
                let source = &self.image[self.rows.pick(ready) * len..][..len];
                if self.channels == 1 {
                    self.scratch.enlarge(ready, source, self.columns.small, picker);
                } else {
                    self.scratch.enlarge_channels(ready, source, self.channels, self.columns);
                }
                ready += 1;
            }
            let lines = [one, other].map(|row| &self.scratch.lines[row % 2][..len]);
            let out = &mut self.image[row * len..][..len];
            for ((x, one), other) in out.iter_mut().zip(lines[0]).zip(lines[1]) {
                *x = one + (other - one) * part;
            }
        }
    }
}

impl LowResolutionScratch {
    /// Makes row `row` of the small image of `source`, and enlarges it along the columns' axis.
    #[inline(always)]
    fn enlarge(&mut self, row: usize, source: &[f32], small_len: usize, picker: impl Pick) {
        let Self { lines, small, picks, windows, columns } = self;
        if windows.is_empty() {
            small.iter_mut().zip(picks).for_each(|(to, at)| *to = source[*at]);
        } else {
            let (blocks, _) = small.as_chunks_mut::<PICKED>();
            for (to, window) in blocks.iter_mut().zip(windows) {
                *to = window.pick(source, picker);
            }
        }
        // What lies after the last pixel has its value.
        small[small_len] = small[small_len - 1];
        let small = &small[..];
        let (blocks, _) = lines[row % 2].as_chunks_mut::<PICKED>();
        for (to, between) in blocks.iter_mut().zip(columns) {
            *to = between.interpolate(small, picker);
        }
    }

    #[inline(always)]
    fn enlarge_channels(&mut self, row: usize, source: &[f32], channels: usize, columns: Side) {
        for (column, pixel) in self.lines[row % 2].chunks_exact_mut(channels).take(columns.large).enumerate()
        {
            let BetweenColumns { start, places, parts } = self.columns[column / PICKED];
            let (one, part) = (start + places[column % PICKED] as usize, parts[column % PICKED]);
            let pixels = [one, (one + 1).min(columns.small - 1)];
            let pixels = pixels.map(|index| &source[self.picks[index] * channels..][..channels]);
            for ((x, one), other) in pixel.iter_mut().zip(pixels[0]).zip(pixels[1]) {
                *x = one + (other - one) * part;
            }
        }
    }
}

impl PickedWindow {
    #[inline(always)]
    fn pick(&self, row: &[f32], picker: impl Pick) -> [f32; PICKED] {
        let mut picked = [0.0; PICKED];
        if let [first, second] = row[self.start..][..WINDOW].as_chunks::<PICKED>().0 {
            let halves = [first, second].map(
                #[inline(always)]
                |half| picker.pick(half, &self.places),
            );
            for number in 0..PICKED {
                let [first, second] = [halves[0][number].to_bits(), halves[1][number].to_bits()];
                let mask = self.second[number];
                picked[number] = f32::from_bits((first & !mask) | (second & mask));
            }
        }
        picked
    }
}

impl BetweenColumns {
    #[inline(always)]
    fn interpolate(&self, small: &[f32], picker: impl Pick) -> [f32; PICKED] {
        let mut values = [0.0; PICKED];
        let windows = [&small[self.start..], &small[self.start + 1..]];
        if let [Some(one), Some(other)] = windows.map(|window| window.first_chunk::<PICKED>()) {
            let [one, other] = [one, other].map(
                #[inline(always)]
                |window| picker.pick(window, &self.places),
            );
            for number in 0..PICKED {
                values[number] = one[number] + (other[number] - one[number]) * self.parts[number];
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::pick::OneByOne;

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

    /// A hash of `number` as a pixel, of which some are no numbers.
    fn pixel(number: usize) -> f32 {
        match number * 7919 % 4001 {
            0 => f32::NAN,
            1 => f32::NEG_INFINITY,
            value => value as f32 * 0.37 - 200.0,
        }
    }

    /// In binary32: first along the columns' axis, then along the rows' axis.
    fn in_order(image: &[f32], [height, width]: [usize; 2], channels: usize, scale: f64) -> Vec<f32> {
        let [rows, columns] = [height, width].map(|side| Side::new(side, scale));
        let between = |one: f32, other: f32, part: f32| one + (other - one) * part;
        let at = |row: usize, column: usize, channel: usize| {
            image[(rows.pick(row) * width + columns.pick(column)) * channels + channel]
        };
        (0..image.len())
            .map(|index| {
                let (one, other, part) = columns.between(index / channels % width);
                let channel = index % channels;
                let line = |row| between(at(row, one, channel), at(row, other, channel), part);
                let (one, other, part) = rows.between(index / channels / width);
                between(line(one), line(other), part)
            })
            .collect()
    }

    #[test]
    fn every_machine_has_the_same_bits() {
        let mut scratch = LowResolutionScratch::default();
        for (number, width) in [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100].into_iter().enumerate() {
            let (shape, channels) = ([1 + number * 3, width], 1 + number % 3 / 2 * 2);
            let image: Vec<f32> = (0..shape[0] * width * channels).map(pixel).collect();
            for scale in [0.02, 0.3, 0.5, 0.51, 0.77, 0.98] {
                let [rows, columns] = shape.map(|side| Side::new(side, scale));
                let expected = in_order(&image, shape, channels, scale);
                let is_expected = |found: &[f32]| {
                    found.iter().zip(&expected).all(|(a, b)| a == b || a.is_nan() && b.is_nan())
                };
                assert!(is_expected(&lowered(&image, shape, channels, scale)), "{shape:?} {scale}");
                let mut image = image.clone();
                scratch.plan(columns);
                let scratch = &mut scratch;
                LowResolution { image: &mut image, rows, columns, channels, scratch }.run(OneByOne);
                assert!(is_expected(&image), "{shape:?} {scale}, one by one");
            }
        }
    }
}
