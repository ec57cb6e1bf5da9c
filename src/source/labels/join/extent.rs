//! Images that a label volume is laid over.

use serde::{Deserialize, Serialize};

/// The images that a label volume is laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeriesExtent {
    /// The whole series: each plane of the volume must have its image.
    Whole,
    /// Images that a table names one by one; the volume may have planes for others.
    Listed,
}
