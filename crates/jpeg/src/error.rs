//! Errors.

use thiserror::Error;

use crate::markers::MarkerError;

/// Why a stream cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JpegError {
    /// The bytes do not begin with SOI.
    #[error("the bytes are not a JPEG stream")]
    NotJpeg,
    /// The stream ends where a marker, a segment or the image goes on.
    #[error("the JPEG stream ends before its image")]
    Cut,
    /// Something other than a marker stands where one is expected.
    #[error("no marker at byte {at} of the JPEG stream")]
    NoMarker {
        /// Offset in the stream.
        at: usize,
    },
    /// A segment contradicts itself or an earlier one.
    #[error("the JPEG stream has a damaged {segment} segment")]
    Segment {
        /// The marker's name, as `DHT`.
        segment: &'static str,
    },
    /// A scan names a table that the stream does not define.
    #[error("the JPEG stream has no {table} table for a component")]
    NoTable {
        /// `Huffman` or `quantization`.
        table: &'static str,
    },
    /// The stream uses a process or a parameter that is not implemented.
    #[error("{what} in JPEG is not supported")]
    Unsupported {
        /// The process or parameter.
        what: String,
    },
    /// The image is larger than the stream has bits for.
    #[error("the JPEG stream is too short for {rows}x{columns} pixels")]
    Implausible {
        /// Rows of the image.
        rows: u16,
        /// Columns of the image.
        columns: u16,
    },
    /// Bits that are no code, or coefficients outside of their block.
    #[error("the JPEG stream has damaged codes")]
    Code,
    /// A scan ends before all its samples.
    #[error("a scan of the JPEG stream ends before all its samples")]
    Missing,
    /// A scan has codes after its last sample.
    #[error("a scan of the JPEG stream has data after its last sample")]
    LeftOver,
    /// A restart marker is missing or out of order.
    #[error("a restart marker of the JPEG stream is missing or out of order")]
    Restart,
}

impl From<MarkerError> for JpegError {
    fn from(error: MarkerError) -> Self {
        match error {
            MarkerError::NoImage => Self::NotJpeg,
            MarkerError::Cut => Self::Cut,
            MarkerError::NoMarker { at } => Self::NoMarker { at },
        }
    }
}
