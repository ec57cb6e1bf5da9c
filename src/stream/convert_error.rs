//! Errors of the conversion of samples.

use crate::model::{Advice, Hint};

/// An error of the conversion of the numbers of a stream, or of one sample of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConvertError {
    /// Stored numbers are handed on as they are: there is nothing to normalize.
    #[error(
        "normalization {normalization} makes fractions, which the stored type of the images does not hold"
    )]
    StoredNormalized {
        /// Name of the normalization.
        normalization: &'static str,
    },
    /// Stored numbers are handed on as they are: interpolated ones are others.
    #[error("images are augmented and whitened in float32, not in the stored type")]
    StoredAugmented,
    /// A whitening matrix for images of another size.
    #[error(
        "images leave with {} x {} pixels, and the whitening matrix is for {} x {}",
        .leaving[0], .leaving[1], .whitened[0], .whitened[1]
    )]
    WhitenedSize {
        /// Rows and columns of an image as it leaves.
        leaving: [usize; 2],
        /// Those that the matrix takes.
        whitened: [usize; 2],
    },
    /// A normalization by statistics that the file does not have.
    #[error(
        "normalization {normalization} needs the statistics of the train split, and the file has none, as where no \
         sample is in its train split; the normalizations sample-zscore and window do without"
    )]
    NoTrainStatistics {
        /// Name of the normalization.
        normalization: &'static str,
    },
    /// An image that has no window of its own.
    #[error("the image has no window of its own; one can be given for all images")]
    NoWindow,
    /// A window that is none.
    #[error(
        "window {center},{width}: the width must be at least 1 (PS3.3 C.11.2.1.2) and both must be finite; one can be \
         given for all images"
    )]
    BadWindow {
        /// Its center.
        center: f64,
        /// Its width.
        width: f64,
    },
    /// A window of another VOI LUT Function that is none.
    #[error(
        "window {center},{width}: the width of a window with VOI LUT Function LINEAR_EXACT or SIGMOID must be above 0 \
         (PS3.3 C.11.2.1.3) and both must be finite; one can be given for all images"
    )]
    BadFunctionWindow {
        /// Its center.
        center: f64,
        /// Its width.
        width: f64,
    },
    /// A number of an image of small ones that float16 does not tell from 0.
    #[error(
        "a pixel of value {pixel} becomes 0 in float16, as others of its image of small values; `rescale` or \
         `normalize` make them larger, float32 holds them"
    )]
    Float16Underflow {
        /// The pixel as it is stored.
        pixel: f32,
    },
    /// A finite number that float16 does not hold.
    #[error(
        "a pixel of value {pixel} becomes infinite in float16; normalization makes the numbers smaller, float32 holds \
         them"
    )]
    Float16Overflow {
        /// The pixel as it is stored.
        pixel: f32,
    },
}

impl ConvertError {
    /// The option that helps.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::StoredNormalized { .. }
            | Self::StoredAugmented
            | Self::Float16Overflow { .. }
            | Self::Float16Underflow { .. } => Some(Hint::new("image_dtype", Advice::Set("float32"))),
            Self::NoTrainStatistics { .. } => Some(Hint::new("normalize", Advice::Set("sample-zscore"))),
            Self::NoWindow | Self::BadWindow { .. } | Self::BadFunctionWindow { .. } => {
                Some(Hint::new("window", Advice::Give("CENTER,WIDTH")))
            }
            Self::WhitenedSize { .. } => None,
        }
    }
}
