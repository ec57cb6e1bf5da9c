//! Order 3: cubic splines through the pixels.

use super::SourceImage;
use crate::augment::FillMode;
use crate::augment::coordinates::Coordinates;
use crate::augment::fixed::{ONE, floor, fraction};

/// Reach of the filter. Its weights shrink by the factor 2 - sqrt(3) from pixel to pixel: what is cut off
/// amounts to 5e-8 of the range of the pixels, and a pixel that is no number stays where it is.
const REACH: usize = 13;

/// Coefficients beyond the image that a place inside needs.
const MARGIN: usize = 2;

/// An image as the coefficients of cubic B-splines, so that the spline goes through every pixel. Beyond the
/// border, the image is continued as [`FillMode`] says for splines.
#[derive(Debug, Clone, Default)]
pub(super) struct Spline {
    /// Row-major, as the image, with a margin on all sides.
    coefficients: Vec<f32>,
    /// Filtered along the rows only; as many rows as the image has.
    filtered_rows: Vec<f32>,
    /// One row of the image, continued on both sides.
    row: Vec<f32>,
    margin: usize,
}

impl Spline {
    /// Fits the spline to an image. Reuses what was allocated.
    pub(super) fn fit(&mut self, source: &SourceImage<'_>) {
        let [rows, columns] = source.shape;
        // With nearest, the spline swings beyond the border as long as its filter reaches.
        self.margin = if source.fill_mode == FillMode::Nearest { REACH + MARGIN } else { MARGIN };
        let depth = source.channels;
        let width = (columns + 2 * self.margin) * depth;
        self.filtered_rows.resize(rows * width, 0.0);
        let pixels = source.pixels.chunks_exact(columns * depth);
        for (pixels, filtered) in pixels.zip(self.filtered_rows.chunks_exact_mut(width)) {
            let reach = (self.margin + REACH) as i64;
            self.row.clear();
            let border = |index| {
                let pixel = source.fill_mode.continued(index, columns) * depth;
                &pixels[pixel..pixel + depth]
            };
            self.row.extend((-reach..0).flat_map(border));
            self.row.extend_from_slice(pixels);
            self.row.extend((columns as i64..columns as i64 + reach).flat_map(border));
            filter(|number| &self.row[number * depth..][..width], filtered);
        }
        self.coefficients.resize((rows + 2 * self.margin) * width, 0.0);
        for (number, filtered) in self.coefficients.chunks_exact_mut(width).enumerate() {
            let first = number as i64 - (self.margin + REACH) as i64;
            let row = |number| {
                let row = source.fill_mode.continued(first + number as i64, rows);
                &self.filtered_rows[row * width..][..width]
            };
            filter(row, filtered);
        }
    }

    /// Fills one row of the output with the spline that was fitted to this source.
    #[inline(never)]
    pub(super) fn fill_row(&self, source: &SourceImage<'_>, places: &impl Coordinates, out: &mut [f32]) {
        let depth = source.channels;
        let width = (source.shape[1] + 2 * self.margin) * depth;
        for (at, pixel) in out.chunks_exact_mut(depth).enumerate() {
            let Some(place) = self.locate(source, places.at(at)) else {
                pixel.fill(source.cval);
                continue;
            };
            let [top, left] = place.map(|axis| (floor(axis) + self.margin as i64 - 1) as usize);
            let [down, right] = place.map(|axis| weights(fraction(axis)));
            let start = top * width + left * depth;
            if let [value] = pixel {
                *value = 0.0;
                for (number, down) in down.into_iter().enumerate() {
                    if let Some([a, b, c, d]) = self.coefficients[start + number * width..].first_chunk() {
                        *value += down * ((right[0] * a + right[1] * b) + (right[2] * c + right[3] * d));
                    }
                }
                continue;
            }
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = 0.0;
                for (number, down) in down.iter().enumerate() {
                    let row = &self.coefficients[start + number * width + channel..][..3 * depth + 1];
                    let across = right[0] * row[0] + right[1] * row[depth];
                    *value += down * (across + (right[2] * row[2 * depth] + right[3] * row[3 * depth]));
                }
            }
        }
    }

    fn locate(&self, source: &SourceImage<'_>, place: [i64; 2]) -> Option<[i64; 2]> {
        if source.fill_mode != FillMode::Nearest {
            return source.locate(place);
        }
        let beyond = (self.margin - MARGIN) as i64 * ONE;
        let last = source.shape.map(|side| (side as i64 - 1) * ONE);
        Some([0, 1].map(|axis| place[axis].clamp(-beyond, last[axis] + beyond)))
    }
}

/// `out` is the sum of `rows` 0 to twice [`REACH`] with the weights sqrt(3) * (sqrt(3) - 2)^|distance|, the
/// distance being that from row [`REACH`]: the inverse of sampling the spline, 1/6, 4/6, 1/6.
fn filter<'a>(rows: impl Fn(usize) -> &'a [f32], out: &mut [f32]) {
    let mut weight = 3_f64.sqrt();
    let pole = 3_f64.sqrt() - 2.0;
    for (out, &row) in out.iter_mut().zip(rows(REACH)) {
        *out = weight as f32 * row;
    }
    for distance in 1..=REACH {
        weight *= pole;
        let factor = weight as f32;
        let (before, after) = (rows(REACH - distance), rows(REACH + distance));
        for ((out, &before), &after) in out.iter_mut().zip(before).zip(after) {
            *out += factor * (before + after);
        }
    }
}

/// The weights of the two coefficients before and the two after a place, `right` after the second.
pub(in crate::augment) fn weights(right: f32) -> [f32; 4] {
    let left = 1.0 - right;
    let far = |distance: f32| distance * distance * distance * (1.0 / 6.0);
    let near = |distance: f32| distance * distance * (distance * 0.5 - 1.0) + 2.0 / 3.0;
    [far(left), near(right), near(left), far(right)]
}
