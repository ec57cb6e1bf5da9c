//! Why a whitening matrix cannot be had.

/// The most numbers an image may have: 64 x 64 pixels of one channel.
pub const MAX_FEATURES: usize = 4096;

/// Why a whitening matrix cannot be had.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ZcaError {
    /// The images have too many numbers.
    #[error(
        "images of {} x {} with {} are {features} numbers each, for which a whitening matrix takes {} in the file \
         and in every run, and {} to compute; whitening goes up to {} numbers, as 64 x 64 pixels are: pack the \
         images smaller, with prep --size 64x64 --fit resize",
        shape[0], shape[1], channels(shape[2]), gigabytes(*matrix_bytes), gigabytes(*work_bytes), MAX_FEATURES
    )]
    TooLarge {
        /// Rows, columns and channels.
        shape: [usize; 3],
        /// Their product.
        features: usize,
        /// Bytes of the matrix.
        matrix_bytes: u64,
        /// Bytes that are needed to compute it.
        work_bytes: u64,
    },
    /// The memory is not there.
    #[error("the whitening of {features} numbers an image takes {} of memory, which is not there", gigabytes(*bytes))]
    Memory {
        /// Numbers of an image.
        features: usize,
        /// Bytes.
        bytes: u64,
    },
    /// A number is NaN or infinite.
    #[error("it has pixels that are not finite")]
    NotFinite {
        /// Index of the image among those given together.
        image: usize,
    },
    /// No image differs from the mean, or there is no image.
    #[error("every pixel of every image has the same value: there is nothing to whiten")]
    NoVariation,
    /// The decomposition did not converge.
    #[error("the eigenvectors cannot be found: the iteration does not converge")]
    NotConverged,
    /// Added to the singular values, it must not make them negative.
    #[error("epsilon is {0}; it must be finite and not negative")]
    Epsilon(f64),
}

fn channels(channels: usize) -> String {
    if channels == 1 { "1 channel".to_owned() } else { format!("{channels} channels") }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
