//! Irregularities of a series.

use std::fmt;

use crate::model::{GridShape, number_of};

/// An irregularity of a series that the order of its images depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SeriesFinding {
    /// Images without position or orientation.
    NoGeometry {
        /// Number of these images.
        images: usize,
    },
    /// Images of more than one orientation, as a localizer has.
    MixedOrientations {
        /// Number of orientations.
        orientations: usize,
    },
    /// Images of one orientation with different rows, columns or Pixel Spacing.
    MixedGrids {
        /// Grid of the first image.
        first: GridShape,
        /// Grid of another one.
        other: GridShape,
    },
    /// A gap that is a multiple of the usual distance.
    MissingSlices {
        /// Distances along the normal of the slices at both ends of the gap, in mm.
        between: [f64; 2],
        /// Usual distance between slices, in mm.
        spacing: f64,
        /// Number of missing slices.
        slices: usize,
    },
    /// Distances that differ by more than 1 % without being multiples.
    UnequalSpacing {
        /// The smallest distance in mm.
        smallest: f64,
        /// The largest distance in mm.
        largest: f64,
    },
    /// More images at one position than at the others.
    Duplicates {
        /// Distance along the normal in mm.
        at: f64,
        /// Number of images there.
        images: usize,
        /// Number at most other positions.
        usual: usize,
    },
    /// Fewer images at one position than at the others.
    MissingPhases {
        /// Distance along the normal in mm.
        at: f64,
        /// Number of images there.
        images: usize,
        /// Number at most other positions.
        usual: usize,
    },
    /// The slices are not stacked along their normal.
    GantryTilt {
        /// Angle between the normal and the line through the positions.
        degrees: f64,
    },
}

impl fmt::Display for SeriesFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoGeometry { images } => {
                write!(f, "{} no position or orientation", number_of(images, "image has", "images have"))
            }
            Self::MixedOrientations { orientations } => {
                write!(f, "the images have {orientations} orientations")
            }
            Self::MixedGrids { first, other } if first == other => {
                write!(f, "images of {first} pixels have different Pixel Spacing")
            }
            Self::MixedGrids { first, other } => write!(f, "the images have {first} and {other} pixels"),
            Self::MissingSlices { between: [from, to], spacing, slices } => {
                let missing = number_of(slices, "slice is", "slices are");
                let [from, to, spacing] = [from, to, spacing].map(mm);
                write!(f, "{missing} missing between {from} and {to} mm: the slices are {spacing} mm apart")
            }
            Self::UnequalSpacing { smallest, largest } => {
                write!(f, "the slices are {} to {} mm apart", mm(smallest), mm(largest))
            }
            Self::Duplicates { at, images, usual } => {
                write!(f, "{images} images lie at {} mm, where other positions have {usual}", mm(at))
            }
            Self::MissingPhases { at, images, usual } => {
                let there = number_of(images, "image lies", "images lie");
                write!(f, "{there} at {} mm, where other positions have {usual}", mm(at))
            }
            Self::GantryTilt { degrees } => {
                write!(f, "the slices are shifted against their normal by {degrees:.1} degrees (gantry tilt)")
            }
        }
    }
}

/// A length to 1/1000 mm without trailing zeros.
fn mm(length: f64) -> f64 {
    (length * 1000.0).round() / 1000.0 + 0.0
}
