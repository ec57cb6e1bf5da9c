//! Errors.

use dicomprep_jpeg::markers::MarkerError;
use thiserror::Error;

/// Why a stream cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JpegLsError {
    /// The bytes do not begin with SOI.
    #[error("the bytes are not a JPEG-LS stream")]
    NotJpegLs,
    /// The stream ends where a marker, a segment or the image goes on.
    #[error("the JPEG-LS stream ends before its image")]
    Cut,
    /// Something other than a marker stands where one is expected.
    #[error("no marker at byte {at} of the JPEG-LS stream")]
    NoMarker {
        /// Offset in the stream.
        at: usize,
    },
    /// A segment contradicts itself or an earlier one.
    #[error("the JPEG-LS stream has a damaged {segment} segment")]
    Segment {
        /// The marker's name, as `LSE`.
        segment: &'static str,
    },
    /// The stream uses something that is not implemented.
    #[error("{what} in JPEG-LS is not supported")]
    Unsupported {
        /// The process or parameter.
        what: String,
    },
    /// The image is larger than the stream has bits for.
    #[error("the JPEG-LS stream is too short for {rows}x{columns} pixels")]
    Implausible {
        /// Rows of the image.
        rows: u16,
        /// Columns of the image.
        columns: u16,
    },
    /// Bits that are no code, or a run beyond the line.
    #[error("the JPEG-LS stream has damaged codes")]
    Code,
    /// A scan ends before all its samples.
    #[error("a scan of the JPEG-LS stream ends before all its samples")]
    Missing,
    /// A scan has codes after its last sample.
    #[error("a scan of the JPEG-LS stream has data after its last sample")]
    LeftOver,
    /// A restart marker is missing or out of order.
    #[error("a restart marker of the JPEG-LS stream is missing or out of order")]
    Restart,
}

impl From<MarkerError> for JpegLsError {
    fn from(error: MarkerError) -> Self {
        match error {
            MarkerError::NoImage => Self::NotJpegLs,
            MarkerError::Cut => Self::Cut,
            MarkerError::NoMarker { at } => Self::NoMarker { at },
        }
    }
}
