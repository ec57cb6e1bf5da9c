//! Why a sample cannot be converted as asked.

/// Why the numbers of a stream, or of one sample of it, cannot be converted as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConvertError {
    /// Stored numbers are handed on as they are: there is nothing to normalize.
    #[error("normalization {normalization} gives fractions: ask for --image-dtype float32 or float16")]
    StoredNormalized {
        /// Name of the normalization.
        normalization: &'static str,
    },
    /// Stored numbers are handed on as they are: interpolated ones are others.
    #[error(
        "images are augmented and whitened in float32: ask for --image-dtype float32 or float16, not stored"
    )]
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
         sample is in its train split; sample-zscore, window and --samplewise-center do without"
    )]
    NoTrainStatistics {
        /// Name of the normalization.
        normalization: &'static str,
    },
    /// An image that has no window of its own.
    #[error("the image has no window of its own; give one for all images with --window CENTER,WIDTH")]
    NoWindow,
    /// A window that is none.
    #[error(
        "window {center},{width}: the width must be at least 1 (PS3.3 C.11.2.1.2) and both must be finite; \
         --window CENTER,WIDTH gives one for all images"
    )]
    BadWindow {
        /// Its center.
        center: f64,
        /// Its width.
        width: f64,
    },
    /// A finite number that float16 does not hold.
    #[error(
        "a pixel of value {pixel} becomes infinite in float16; ask for --image-dtype float32, \
         or for a normalization to smaller numbers"
    )]
    Float16Overflow {
        /// The pixel as it is stored.
        pixel: f32,
    },
}
