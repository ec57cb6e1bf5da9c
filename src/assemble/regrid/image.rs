//! Images in the grid of the data set.

use super::grid_map::GridMap;
use super::weights::Weights;
use crate::model::{GridShape, PixelType, Pixels};

/// Brings images to the grid of the data set, one after the other, in memory that is used again.
#[derive(Debug)]
pub(in crate::assemble) struct ImageRegridder {
    /// Values of a pixel.
    channels: usize,
    rows: Weights,
    columns: Weights,
    /// The image with its columns resampled, and its rows not yet.
    narrow: Vec<f64>,
    regridded: Pixels,
}

impl ImageRegridder {
    /// For images of `pixel_type` with so many values a pixel.
    pub(in crate::assemble) fn new(pixel_type: PixelType, channels: usize) -> Self {
        let regridded = Pixels::empty(pixel_type);
        Self {
            channels,
            rows: Weights::default(),
            columns: Weights::default(),
            narrow: Vec::new(),
            regridded,
        }
    }

    /// Brings `pixels`, an image of the size that `map` begins with, to the data set's.
    pub(in crate::assemble) fn apply(&mut self, map: &GridMap, pixels: &mut Pixels) {
        if map.is_identity() {
            return;
        }
        if self.regridded.pixel_type() != pixels.pixel_type() {
            self.regridded = Pixels::empty(pixels.pixel_type());
        }
        if map.resamples() {
            for (weights, axis) in [(&mut self.rows, map.rows), (&mut self.columns, map.columns)] {
                if !weights.are_of(axis) {
                    weights.linear(axis);
                }
            }
        }
        let Self { channels, rows, columns, narrow, regridded } = self;
        let mut resampler = Resampler { map, channels: *channels, rows, columns, narrow };
        match (&*pixels, regridded) {
            (Pixels::UInt8(v), Pixels::UInt8(out)) => resampler.apply(v, out, |x| x.round_ties_even() as u8),
            (Pixels::Int16(v), Pixels::Int16(out)) => resampler.apply(v, out, |x| x.round_ties_even() as i16),
            (Pixels::UInt16(v), Pixels::UInt16(out)) => {
                resampler.apply(v, out, |x| x.round_ties_even() as u16)
            }
            (Pixels::Float32(v), Pixels::Float32(out)) => resampler.apply(v, out, |x| x as f32),
            _ => unreachable!("both have one type"),
        }
        std::mem::swap(pixels, &mut self.regridded);
    }
}

struct Resampler<'f> {
    map: &'f GridMap,
    channels: usize,
    rows: &'f Weights,
    columns: &'f Weights,
    narrow: &'f mut Vec<f64>,
}

impl Resampler<'_> {
    fn apply<T: Copy + PartialOrd + Into<f64>>(
        &mut self,
        values: &[T],
        out: &mut Vec<T>,
        round: impl Fn(f64) -> T,
    ) {
        if !self.map.resamples() {
            centre(self.map, self.channels, values, out);
            return;
        }
        let (resampled, shape) = (self.map.resampled_shape(), self.map.shape());
        if resampled == shape {
            self.resample(values, out, round);
        } else {
            let mut whole = Vec::with_capacity(resampled.pixels() * self.channels);
            self.resample(values, &mut whole, round);
            centre(self.map, self.channels, &whole, out);
        }
    }

    /// Linear interpolation, columns first, in binary64.
    fn resample<T: Copy + Into<f64>>(&mut self, values: &[T], out: &mut Vec<T>, round: impl Fn(f64) -> T) {
        let Self { map, channels, rows, columns, narrow } = self;
        let (channels, from, to) = (*channels, map.source_shape(), map.resampled_shape());
        narrow.clear();
        for row in values.chunks_exact(from.columns() * channels) {
            for (start, weights) in columns.each() {
                narrow.extend((0..channels).map(|channel| {
                    let values = row[start * channels + channel..].iter().step_by(channels);
                    weights.iter().zip(values).map(|(weight, &value)| weight * value.into()).sum::<f64>()
                }));
            }
        }
        out.clear();
        let width = to.columns() * channels;
        for (start, weights) in rows.each() {
            out.extend((0..width).map(|column| {
                let rows = narrow.chunks_exact(width).skip(start);
                round(weights.iter().zip(rows).map(|(weight, row)| weight * row[column]).sum::<f64>())
            }));
        }
    }
}

/// Centres resampled pixels in the data set's image, and surrounds them with the smallest of them.
fn centre<T: Copy + PartialOrd>(map: &GridMap, channels: usize, values: &[T], out: &mut Vec<T>) {
    let smallest = values.iter().copied().fold(values[0], |a, b| if b < a { b } else { a });
    place(map, channels, values, smallest, out);
}

/// Centres resampled pixels, of so many values each, in the data set's image, and surrounds them with `around`.
pub(super) fn place<T: Copy>(map: &GridMap, channels: usize, values: &[T], around: T, out: &mut Vec<T>) {
    let (from, to): (GridShape, GridShape) = (map.resampled_shape(), map.shape());
    out.clear();
    out.resize(to.pixels() * channels, around);
    let (row_offset, column_offset) = (map.rows.offset(), map.columns.offset());
    let source_column = column_offset.min(0).unsigned_abs() * channels;
    let target_column = column_offset.max(0).unsigned_abs() * channels;
    let width = from.columns().min(to.columns()) * channels;
    for (row, source) in values.chunks_exact(from.columns() * channels).enumerate() {
        let Some(row) = row.checked_add_signed(row_offset).filter(|&row| row < to.rows()) else { continue };
        let start = row * to.columns() * channels + target_column;
        out[start..start + width].copy_from_slice(&source[source_column..source_column + width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::Fit;
    use crate::assemble::regrid::Spacings;

    fn grid(rows: usize, columns: usize) -> GridShape {
        GridShape::new(rows, columns).unwrap()
    }

    /// The image after others of other sizes and types.
    fn regridded(map: &GridMap, pixels: Pixels) -> Pixels {
        let mut regridder = ImageRegridder::new(PixelType::Int16, 1);
        let fit = |from, to| GridMap::new(from, to, Some(Fit::Resize), None).unwrap();
        regridder.apply(&fit(grid(2, 3), grid(4, 5)), &mut Pixels::Int16(vec![1, 2, 3, 4, 5, 6]));
        regridder.apply(&fit(grid(1, 1), grid(40, 50)), &mut Pixels::UInt8(vec![9]));
        let mut regridded = pixels;
        regridder.apply(map, &mut regridded);
        regridded
    }

    fn fitted(fit: Fit, from: GridShape, to: GridShape, pixels: Pixels) -> Pixels {
        regridded(&GridMap::new(from, to, Some(fit), None).unwrap(), pixels)
    }

    #[test]
    fn pad_surrounds_with_the_smallest_value() {
        let pixels = fitted(Fit::Pad, grid(2, 2), grid(3, 4), Pixels::Int16(vec![5, 6, 7, 8]));
        assert_eq!(pixels, Pixels::Int16(vec![5, 5, 6, 5, 5, 7, 8, 5, 5, 5, 5, 5]));
    }

    #[test]
    fn each_channel_is_fitted_as_if_alone() {
        for (fit, to) in [(Fit::Crop, grid(5, 3)), (Fit::Pad, grid(5, 8)), (Fit::Resize, grid(8, 10))] {
            let map = GridMap::new(grid(4, 5), to, Some(fit), None).unwrap();
            let fitted = |channels: usize, values: Vec<u8>| {
                let mut pixels = Pixels::UInt8(values);
                ImageRegridder::new(PixelType::UInt8, channels).apply(&map, &mut pixels);
                let Pixels::UInt8(fitted) = pixels else { unreachable!("the type stays") };
                fitted
            };
            // All channels have the same smallest value: it surrounds what is padded.
            let value = |pixel: usize, channel: usize| (pixel * (37 + 2 * channel) % 251) as u8;
            let colors = fitted(3, (0..60).map(|at| value(at / 3, at % 3)).collect());
            for channel in 0..3 {
                let found: Vec<u8> = colors.iter().skip(channel).step_by(3).copied().collect();
                assert_eq!(
                    found,
                    fitted(1, (0..20).map(|pixel| value(pixel, channel)).collect()),
                    "{fit} {channel}"
                );
            }
        }
    }

    #[test]
    fn crop_keeps_the_centre() {
        let pixels = fitted(Fit::Crop, grid(4, 4), grid(2, 6), Pixels::UInt8((0..16).collect()));
        assert_eq!(pixels, Pixels::UInt8(vec![0, 4, 5, 6, 7, 0, 0, 8, 9, 10, 11, 0]));
    }

    #[test]
    fn resize_keeps_constants_and_edges() {
        let pixels = fitted(Fit::Resize, grid(5, 7), grid(10, 14), Pixels::Float32(vec![3.0; 35]));
        assert_eq!(pixels, Pixels::Float32(vec![3.0; 140]));
        let ramp =
            fitted(Fit::Resize, grid(2, 4), grid(1, 2), Pixels::UInt8(vec![0, 10, 20, 30, 0, 10, 20, 30]));
        // Weights 3/4, 3/4, 1/4 over their sum: 50 / 7 and 30 - 50 / 7.
        assert_eq!(ramp, Pixels::UInt8(vec![7, 23]));
        // Proportions are kept: the rest has the smallest value.
        let wide = fitted(Fit::Resize, grid(1, 2), grid(4, 4), Pixels::UInt8(vec![4, 8]));
        assert_eq!(wide, Pixels::UInt8([[4; 4], [4, 5, 7, 8], [4, 5, 7, 8], [4; 4]].concat()));
    }

    #[test]
    fn a_ramp_stays_a_ramp_at_another_spacing() {
        let spacings = Spacings { wanted: [1.0, 1.5], source: [1.0, 1.0] };
        let map = GridMap::new(grid(1, 9), grid(1, 6), None, Some(spacings)).unwrap();
        let ramp = Pixels::Float32((0..9).map(|x| x as f32 * 10.0).collect());
        let Pixels::Float32(values) = regridded(&map, ramp) else { unreachable!("the type stays") };
        // Centres at 0.25, 1.75, 3.25 and so on; the ends see one side alone.
        for (value, expected) in values[1..5].iter().zip([17.5, 32.5, 47.5, 62.5]) {
            assert!((value - expected).abs() < 1.0, "{values:?}");
        }
        assert!((values.iter().sum::<f32>() / 6.0 - 40.0).abs() < 1e-4, "{values:?}");
    }
}
