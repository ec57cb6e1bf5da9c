//! The order of the axes of a tensor.

use crate::model::choice;

/// The order of the axes of images and masks in a batch: N samples, H rows, W columns, C channels or
/// structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AxisOrder {
    /// (N, H, W, C), as in the file.
    #[default]
    Nhwc,
    /// (N, C, H, W).
    Nchw,
}

choice!(AxisOrder {
    Nhwc => "nhwc",
    Nchw => "nchw",
});

impl AxisOrder {
    /// Puts what belongs to the axes of one sample, given as in the file, into this order.
    pub(super) fn arrange<T>(self, [row, column, channel]: [T; 3]) -> [T; 3] {
        match self {
            Self::Nhwc => [row, column, channel],
            Self::Nchw => [channel, row, column],
        }
    }
}

/// One plane of `interleaved`, where every pixel has `planes` numbers side by side.
pub(super) fn plane_of<T: Copy>(
    interleaved: &[T],
    planes: usize,
    plane: usize,
) -> impl Iterator<Item = T> + '_ {
    interleaved.chunks_exact(planes).map(move |pixel| pixel[plane])
}
