//! Images that a label volume is laid over.

/// The images that a label volume is laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesExtent {
    /// The whole series: each plane of the volume must have its image.
    Whole,
    /// Images that a table names one by one; the volume may have planes for others.
    Listed,
}
