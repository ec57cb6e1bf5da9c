//! The image that is resampled.

use super::options::ResampleOptions;
use crate::augment::FillMode;

/// An image and what lies around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourceImage<'a> {
    /// Row-major (H, W, C).
    pub(super) pixels: &'a [f32],
    /// Rows and columns, at least 1.
    pub(super) shape: [usize; 2],
    pub(super) channels: usize,
    pub(super) fill_mode: FillMode,
    pub(super) cval: f32,
}

impl<'a> SourceImage<'a> {
    pub(super) fn new(
        pixels: &'a [f32],
        shape: [usize; 2],
        channels: usize,
        options: &ResampleOptions,
    ) -> Self {
        Self { pixels, shape, channels, fill_mode: options.fill_mode, cval: options.cval }
    }

    /// Position inside the image; `None` if it takes the fill value.
    pub(super) fn locate(&self, [row, column]: [i64; 2]) -> Option<[i64; 2]> {
        let row = self.fill_mode.locate(row, self.shape[0])?;
        Some([row, self.fill_mode.locate(column, self.shape[1])?])
    }

    /// The channels of the pixel nearest to `row` and `column`.
    pub(super) fn pixel(&self, [row, column]: [i64; 2]) -> &'a [f32] {
        let row = row.clamp(0, self.shape[0] as i64 - 1) as usize;
        let column = column.clamp(0, self.shape[1] as i64 - 1) as usize;
        let start = (row * self.shape[1] + column) * self.channels;
        &self.pixels[start..start + self.channels]
    }
}
