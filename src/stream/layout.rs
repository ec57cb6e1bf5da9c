//! The order of the axes of a tensor.

use serde::{Deserialize, Serialize};

/// The order of the axes of images and masks in a batch: N samples, H rows, W columns, C channels or
/// structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AxisOrder {
    /// (N, H, W, C), as in the file.
    #[default]
    Nhwc,
    /// (N, C, H, W).
    Nchw,
}

impl AxisOrder {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Nhwc, Self::Nchw];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nhwc => "nhwc",
            Self::Nchw => "nchw",
        }
    }

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
