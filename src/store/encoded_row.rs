//! One sample, ready for the file.

use super::{EncodedChunk, ImageStatistics, SampleRow};

/// One sample, encoded.
#[derive(Debug)]
pub struct EncodedRow {
    /// Its columns.
    pub row: SampleRow,
    /// The chunk of `/images`.
    pub image: EncodedChunk,
    /// The chunk of `/masks`.
    pub mask: EncodedChunk,
    /// The sums of its pixels.
    pub statistics: ImageStatistics,
}
