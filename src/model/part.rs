//! Parts of an annotation file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The part of an annotation file that is one structure.
///
/// Displays as it is selected behind a file's name: `#3`, or nothing for the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Part {
    /// All of it: a contour text, a mask image in which every value above 0 is the structure.
    #[default]
    Whole,
    /// The region of interest with this ROI Number (3006,0022) of an RT Structure Set.
    Roi(i32),
    /// The segment with this Segment Number (0062,0004) of a DICOM segmentation.
    Segment(u16),
    /// The pixels with this value of a label map.
    Label(i64),
}

impl Part {
    /// The number that selects it; `None` for the whole file.
    #[must_use]
    pub fn number(self) -> Option<i64> {
        match self {
            Self::Whole => None,
            Self::Roi(number) => Some(number.into()),
            Self::Segment(number) => Some(number.into()),
            Self::Label(value) => Some(value),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().map_or(Ok(()), |number| write!(f, "#{number}"))
    }
}
