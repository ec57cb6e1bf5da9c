//! Brings images of other sizes to the size of the data set, and points with them.

use std::fmt;

use crate::model::{GridShape, Pixels};

/// What to do with images that do not have the size of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// Centre the image and surround it with its own smallest value. Larger images are refused.
    #[default]
    Pad,
    /// Centre the image, cut off what is outside, and surround it as [`Fit::Pad`] does where it is smaller.
    Crop,
    /// Interpolate linearly to the size, each axis by its own factor; shrinking averages over the pixels
    /// that fall together. Integer pixels are rounded to nearest, ties to even.
    Resize,
}

impl Fit {
    /// The spelling in options and in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pad => "pad",
            Self::Crop => "crop",
            Self::Resize => "resize",
        }
    }

    /// Whether an image of size `from` can be brought to `to`.
    #[must_use]
    pub fn allows(self, from: GridShape, to: GridShape) -> bool {
        self != Self::Pad || (from.rows() <= to.rows() && from.columns() <= to.columns())
    }

    /// Where a point `[x, y]` of an image of size `from` comes to lie in one of size `to`, in pixels;
    /// integer coordinates are pixel centres in both.
    #[must_use]
    pub fn map_point(self, from: GridShape, to: GridShape, [x, y]: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Pad | Self::Crop => {
                let (row, column) = offset(from, to);
                [x + column as f64, y + row as f64]
            }
            Self::Resize => {
                let scale = |v: f64, from: usize, to: usize| (v + 0.5) * (to as f64 / from as f64) - 0.5;
                [scale(x, from.columns(), to.columns()), scale(y, from.rows(), to.rows())]
            }
        }
    }

    /// Brings `pixels`, an image of size `from`, to the size `to`.
    pub fn apply(self, from: GridShape, to: GridShape, pixels: &mut Pixels) {
        match pixels {
            Pixels::UInt8(v) => self.apply_to(from, to, v, |x| x.round_ties_even() as u8),
            Pixels::Int16(v) => self.apply_to(from, to, v, |x| x.round_ties_even() as i16),
            Pixels::UInt16(v) => self.apply_to(from, to, v, |x| x.round_ties_even() as u16),
            Pixels::Float32(v) => self.apply_to(from, to, v, |x| x as f32),
        }
    }

    fn apply_to<T>(self, from: GridShape, to: GridShape, values: &mut Vec<T>, round: impl Fn(f64) -> T)
    where
        T: Copy + PartialOrd + Into<f64>,
    {
        let fitted = match self {
            _ if from == to => return,
            Self::Pad | Self::Crop => centre(from, to, values),
            Self::Resize => resize(from, to, values).into_iter().map(round).collect(),
        };
        *values = fitted;
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Row and column of the target at which the source's first pixel lies; negative where it is cut off.
fn offset(from: GridShape, to: GridShape) -> (isize, isize) {
    let half = |from: usize, to: usize| (to as isize - from as isize) / 2;
    (half(from.rows(), to.rows()), half(from.columns(), to.columns()))
}

fn centre<T: Copy + PartialOrd>(from: GridShape, to: GridShape, values: &[T]) -> Vec<T> {
    let smallest = values.iter().copied().fold(values[0], |a, b| if b < a { b } else { a });
    let mut fitted = vec![smallest; to.pixels()];
    let (row_offset, column_offset) = offset(from, to);
    let source_column = column_offset.min(0).unsigned_abs();
    let target_column = column_offset.max(0).unsigned_abs();
    let width = from.columns().min(to.columns());
    for (row, source) in values.chunks_exact(from.columns()).enumerate() {
        let Some(row) = row.checked_add_signed(row_offset).filter(|&row| row < to.rows()) else { continue };
        let start = row * to.columns() + target_column;
        fitted[start..start + width].copy_from_slice(&source[source_column..source_column + width]);
    }
    fitted
}

/// Linear interpolation, columns first, in binary64.
fn resize<T: Copy + Into<f64>>(from: GridShape, to: GridShape, values: &[T]) -> Vec<f64> {
    let column_weights = triangle_weights(from.columns(), to.columns());
    let mut narrow = Vec::with_capacity(from.rows() * to.columns());
    for row in values.chunks_exact(from.columns()) {
        narrow.extend(column_weights.iter().map(|(start, weights)| {
            weights.iter().zip(&row[*start..]).map(|(weight, &value)| weight * value.into()).sum::<f64>()
        }));
    }
    let mut resized = Vec::with_capacity(to.pixels());
    for (start, weights) in triangle_weights(from.rows(), to.rows()) {
        resized.extend((0..to.columns()).map(|column| {
            let rows = narrow.chunks_exact(to.columns()).skip(start);
            weights.iter().zip(rows).map(|(weight, row)| weight * row[column]).sum::<f64>()
        }));
    }
    resized
}

/// For each target pixel, the first source pixel it draws from and the weight of each; the weights sum to 1.
fn triangle_weights(from: usize, to: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    (0..to)
        .map(|target| {
            let centre = (target as f64 + 0.5) * scale - 0.5;
            let start = (centre - support).floor().max(0.0) as usize;
            let end = ((centre + support).ceil() as usize).min(from - 1);
            let weight = |source: usize| (1.0 - (source as f64 - centre).abs() / support).max(0.0);
            let weights: Vec<f64> = (start..=end).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            (start, weights.into_iter().map(|weight| weight / sum).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize) -> GridShape {
        GridShape::new(rows, columns).unwrap()
    }

    #[test]
    fn pad_surrounds_with_the_smallest_value() {
        let mut pixels = Pixels::Int16(vec![5, 6, 7, 8]);
        Fit::Pad.apply(grid(2, 2), grid(3, 4), &mut pixels);
        assert_eq!(pixels, Pixels::Int16(vec![5, 5, 6, 5, 5, 7, 8, 5, 5, 5, 5, 5]));
        assert_eq!(Fit::Pad.map_point(grid(2, 2), grid(3, 4), [0.0, 1.0]), [1.0, 1.0]);
        assert!(!Fit::Pad.allows(grid(3, 2), grid(2, 4)));
    }

    #[test]
    fn crop_keeps_the_centre() {
        let mut pixels = Pixels::UInt8((0..16).collect());
        Fit::Crop.apply(grid(4, 4), grid(2, 6), &mut pixels);
        assert_eq!(pixels, Pixels::UInt8(vec![0, 4, 5, 6, 7, 0, 0, 8, 9, 10, 11, 0]));
        assert_eq!(Fit::Crop.map_point(grid(4, 4), grid(2, 6), [0.0, 1.0]), [1.0, 0.0]);
    }

    #[test]
    fn resize_keeps_constants_ramps_and_edges() {
        let mut pixels = Pixels::Float32(vec![3.0; 35]);
        Fit::Resize.apply(grid(5, 7), grid(9, 4), &mut pixels);
        assert_eq!(pixels, Pixels::Float32(vec![3.0; 36]));
        let mut ramp = Pixels::UInt8(vec![0, 10, 20, 30]);
        Fit::Resize.apply(grid(1, 4), grid(1, 2), &mut ramp);
        // Weights 3/4, 3/4, 1/4 over their sum: 50 / 7 and 30 - 50 / 7.
        assert_eq!(ramp, Pixels::UInt8(vec![7, 23]));
        assert_eq!(Fit::Resize.map_point(grid(1, 4), grid(1, 8), [-0.5, 0.0]), [-0.5, 0.0]);
        assert_eq!(Fit::Resize.map_point(grid(1, 4), grid(1, 8), [3.5, 0.0]), [7.5, 0.0]);
    }
}
