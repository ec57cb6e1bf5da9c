//! Brings images of other sizes to the size of the data set, and points with them.

use std::fmt;

use crate::model::{GridShape, PixelType, Pixels};

/// Handling of images that do not have the size of the data set.
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

    /// True if an image of size `from` can be brought to `to`.
    #[must_use]
    pub fn allows(self, from: GridShape, to: GridShape) -> bool {
        self != Self::Pad || (from.rows() <= to.rows() && from.columns() <= to.columns())
    }

    /// Position of a point `[x, y]` of an image of size `from` in one of size `to`, in pixels;
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

/// Brings images to another size, one after the other, in memory that is used again.
#[derive(Debug)]
pub(super) struct Fitter {
    /// Values of a pixel.
    channels: usize,
    rows: Weights,
    columns: Weights,
    /// The image with its columns brought to their number, and its rows not yet.
    narrow: Vec<f64>,
    fitted: Pixels,
}

impl Fitter {
    /// For images of `pixel_type` with so many values a pixel.
    pub(super) fn new(pixel_type: PixelType, channels: usize) -> Self {
        let fitted = Pixels::empty(pixel_type);
        Self { channels, rows: Weights::default(), columns: Weights::default(), narrow: Vec::new(), fitted }
    }

    /// Brings `pixels`, an image of size `from` that `fit` allows, to the size `to`.
    pub(super) fn apply(&mut self, fit: Fit, from: GridShape, to: GridShape, pixels: &mut Pixels) {
        if from == to {
            return;
        }
        if self.fitted.pixel_type() != pixels.pixel_type() {
            self.fitted = Pixels::empty(pixels.pixel_type());
        }
        if fit == Fit::Resize {
            self.rows.prepare(from.rows(), to.rows());
            self.columns.prepare(from.columns(), to.columns());
        }
        let Self { channels, rows, columns, narrow, fitted } = self;
        let mut resizer = Resizer { channels: *channels, rows, columns, narrow };
        match (&*pixels, fitted) {
            (Pixels::UInt8(v), Pixels::UInt8(fitted)) => {
                resizer.bring(fit, (from, v), (to, fitted), |x| x.round_ties_even() as u8);
            }
            (Pixels::Int16(v), Pixels::Int16(fitted)) => {
                resizer.bring(fit, (from, v), (to, fitted), |x| x.round_ties_even() as i16);
            }
            (Pixels::UInt16(v), Pixels::UInt16(fitted)) => {
                resizer.bring(fit, (from, v), (to, fitted), |x| x.round_ties_even() as u16);
            }
            (Pixels::Float32(v), Pixels::Float32(fitted)) => {
                resizer.bring(fit, (from, v), (to, fitted), |x| x as f32);
            }
            _ => unreachable!("both have one type"),
        }
        std::mem::swap(pixels, &mut self.fitted);
    }
}

struct Resizer<'f> {
    channels: usize,
    rows: &'f Weights,
    columns: &'f Weights,
    narrow: &'f mut Vec<f64>,
}

impl Resizer<'_> {
    fn bring<T: Copy + PartialOrd + Into<f64>>(
        &mut self,
        fit: Fit,
        (from, values): (GridShape, &[T]),
        (to, fitted): (GridShape, &mut Vec<T>),
        round: impl Fn(f64) -> T,
    ) {
        fitted.clear();
        match fit {
            Fit::Pad | Fit::Crop => centre(self.channels, (from, values), (to, fitted)),
            Fit::Resize => self.resize((from, values), (to, fitted), round),
        }
    }

    /// Linear interpolation, columns first, in binary64.
    fn resize<T: Copy + Into<f64>>(
        &mut self,
        (from, values): (GridShape, &[T]),
        (to, fitted): (GridShape, &mut Vec<T>),
        round: impl Fn(f64) -> T,
    ) {
        let Self { channels, rows, columns, narrow } = self;
        let channels = *channels;
        narrow.clear();
        for row in values.chunks_exact(from.columns() * channels) {
            for (start, weights) in columns.each() {
                narrow.extend((0..channels).map(|channel| {
                    let values = row[start * channels + channel..].iter().step_by(channels);
                    weights.iter().zip(values).map(|(weight, &value)| weight * value.into()).sum::<f64>()
                }));
            }
        }
        let width = to.columns() * channels;
        for (start, weights) in rows.each() {
            fitted.extend((0..width).map(|column| {
                let rows = narrow.chunks_exact(width).skip(start);
                round(weights.iter().zip(rows).map(|(weight, row)| weight * row[column]).sum::<f64>())
            }));
        }
    }
}

fn centre<T: Copy + PartialOrd>(
    channels: usize,
    (from, values): (GridShape, &[T]),
    (to, fitted): (GridShape, &mut Vec<T>),
) {
    let smallest = values.iter().copied().fold(values[0], |a, b| if b < a { b } else { a });
    fitted.resize(to.pixels() * channels, smallest);
    let (row_offset, column_offset) = offset(from, to);
    let source_column = column_offset.min(0).unsigned_abs() * channels;
    let target_column = column_offset.max(0).unsigned_abs() * channels;
    let width = from.columns().min(to.columns()) * channels;
    for (row, source) in values.chunks_exact(from.columns() * channels).enumerate() {
        let Some(row) = row.checked_add_signed(row_offset).filter(|&row| row < to.rows()) else { continue };
        let start = row * to.columns() * channels + target_column;
        fitted[start..start + width].copy_from_slice(&source[source_column..source_column + width]);
    }
}

/// Sources of each pixel of an axis that is brought from one length to another.
#[derive(Debug, Default)]
struct Weights {
    lengths: (usize, usize),
    /// For each target pixel, the first source pixel it draws from, and where its weights begin.
    starts: Vec<(usize, usize)>,
    /// Those of one target pixel sum to 1.
    weights: Vec<f64>,
}

impl Weights {
    /// Linear interpolation from `from` to `to` pixels; unless these are at hand already.
    fn prepare(&mut self, from: usize, to: usize) {
        if self.lengths == (from, to) {
            return;
        }
        self.lengths = (from, to);
        self.starts.clear();
        self.weights.clear();
        let scale = from as f64 / to as f64;
        let support = scale.max(1.0);
        for target in 0..to {
            let centre = (target as f64 + 0.5) * scale - 0.5;
            let start = (centre - support).floor().max(0.0) as usize;
            let end = ((centre + support).ceil() as usize).min(from - 1);
            let weight = |source: usize| (1.0 - (source as f64 - centre).abs() / support).max(0.0);
            let sum: f64 = (start..=end).map(weight).sum();
            self.starts.push((start, self.weights.len()));
            self.weights.extend((start..=end).map(|source| weight(source) / sum));
        }
    }

    /// For each target pixel, the first source pixel it draws from, and the weight of each from there on.
    fn each(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let ends = self.starts.iter().skip(1).map(|&(_, first)| first).chain([self.weights.len()]);
        self.starts.iter().zip(ends).map(|(&(start, first), end)| (start, &self.weights[first..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize) -> GridShape {
        GridShape::new(rows, columns).unwrap()
    }

    /// The image after others of other sizes and types.
    fn fitted(fit: Fit, from: GridShape, to: GridShape, pixels: Pixels) -> Pixels {
        let mut fitter = Fitter::new(PixelType::Int16, 1);
        fitter.apply(Fit::Resize, grid(2, 3), grid(4, 5), &mut Pixels::Int16(vec![1, 2, 3, 4, 5, 6]));
        fitter.apply(Fit::Resize, grid(1, 1), grid(40, 50), &mut Pixels::UInt8(vec![9]));
        let mut fitted = pixels;
        fitter.apply(fit, from, to, &mut fitted);
        fitted
    }

    #[test]
    fn pad_surrounds_with_the_smallest_value() {
        let pixels = fitted(Fit::Pad, grid(2, 2), grid(3, 4), Pixels::Int16(vec![5, 6, 7, 8]));
        assert_eq!(pixels, Pixels::Int16(vec![5, 5, 6, 5, 5, 7, 8, 5, 5, 5, 5, 5]));
        assert_eq!(Fit::Pad.map_point(grid(2, 2), grid(3, 4), [0.0, 1.0]), [1.0, 1.0]);
        assert!(!Fit::Pad.allows(grid(3, 2), grid(2, 4)));
    }

    #[test]
    fn crop_keeps_the_centre() {
        let pixels = fitted(Fit::Crop, grid(4, 4), grid(2, 6), Pixels::UInt8((0..16).collect()));
        assert_eq!(pixels, Pixels::UInt8(vec![0, 4, 5, 6, 7, 0, 0, 8, 9, 10, 11, 0]));
        assert_eq!(Fit::Crop.map_point(grid(4, 4), grid(2, 6), [0.0, 1.0]), [1.0, 0.0]);
    }

    #[test]
    fn each_channel_is_fitted_as_if_alone() {
        for (fit, to) in [(Fit::Crop, grid(5, 3)), (Fit::Pad, grid(5, 8)), (Fit::Resize, grid(6, 3))] {
            let from = grid(4, 5);
            let value = |pixel: usize, channel: usize| (pixel * 37 + channel * 91) as u8;
            let planes: Vec<Vec<u8>> =
                (0..3).map(|channel| (0..20).map(|pixel| value(pixel, channel)).collect()).collect();
            let mut colors = Pixels::UInt8((0..60).map(|at| planes[at % 3][at / 3]).collect());
            Fitter::new(PixelType::UInt8, 3).apply(fit, from, to, &mut colors);
            let Pixels::UInt8(colors) = colors else { unreachable!("the type stays") };
            for (channel, plane) in planes.iter().enumerate() {
                let mut alone = Pixels::UInt8(plane.clone());
                Fitter::new(PixelType::UInt8, 1).apply(fit, from, to, &mut alone);
                let Pixels::UInt8(alone) = alone else { unreachable!("the type stays") };
                let smallest = [plane.iter().min(), planes.iter().flatten().min()];
                for (pixel, (&found, &expected)) in
                    colors.iter().skip(channel).step_by(3).zip(&alone).enumerate()
                {
                    // What surrounds an image has the smallest value of all its channels.
                    let is_around = Some(&expected) == smallest[0] && Some(&found) == smallest[1];
                    assert!(found == expected || is_around, "{fit} {channel} {pixel}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn resize_keeps_constants_ramps_and_edges() {
        let pixels = fitted(Fit::Resize, grid(5, 7), grid(9, 4), Pixels::Float32(vec![3.0; 35]));
        assert_eq!(pixels, Pixels::Float32(vec![3.0; 36]));
        let ramp = fitted(Fit::Resize, grid(1, 4), grid(1, 2), Pixels::UInt8(vec![0, 10, 20, 30]));
        // Weights 3/4, 3/4, 1/4 over their sum: 50 / 7 and 30 - 50 / 7.
        assert_eq!(ramp, Pixels::UInt8(vec![7, 23]));
        assert_eq!(Fit::Resize.map_point(grid(1, 4), grid(1, 8), [-0.5, 0.0]), [-0.5, 0.0]);
        assert_eq!(Fit::Resize.map_point(grid(1, 4), grid(1, 8), [3.5, 0.0]), [7.5, 0.0]);
    }
}
