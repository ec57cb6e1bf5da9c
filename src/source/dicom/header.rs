//! What an image's header says, checked.

use crate::model::{Geometry, GridShape};

use super::attribute::Attribute;
use super::identity::DicomIdentity;
use super::modality::{ModalityTransform, ValueRange};
use super::stored_format::StoredFormat;
use super::transfer_syntax::TransferSyntax;

/// The header of one monochrome image. What it says fits together and is supported.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageHeader {
    /// Rows (0028,0010) and Columns (0028,0011).
    pub shape: GridShape,
    /// How stored values are written.
    pub stored: StoredFormat,
    /// From stored values to modality values.
    pub modality: ModalityTransform,
    /// Whether the smallest value is meant to be shown white: MONOCHROME1 (PS3.3 C.7.6.3.1.2).
    pub inverted: bool,
    /// Where the image lies, and its window as the header gives it. See [`ImageHeader::geometry_for`].
    pub geometry: Geometry,
    /// Rescale Type (0028,1054), the unit of modality values, where it is plain ASCII.
    pub rescale_type: Option<String>,
    /// Instance Number (0020,0013), where it is there and a number.
    pub instance_number: Option<i32>,
    /// Trigger Time (0018,1060), where it is there and a number: milliseconds from the R wave to the image
    /// (PS3.3 C.8.3.1).
    pub trigger_time: Option<f64>,
    /// Its identifiers.
    pub identity: DicomIdentity,
    /// How the file is written.
    pub transfer_syntax: TransferSyntax,
    /// Attributes of the geometry that are there and cannot be read; their numbers are NaN.
    pub unreadable: Vec<Attribute>,
}

/// What to do with MONOCHROME1 images, whose smallest value is white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Monochrome1 {
    /// Each modality value `m` becomes `low + high - m`, where `low` and `high` are the smallest and the
    /// largest value that the header allows: all images are then dark where the value is small.
    #[default]
    Invert,
    /// The values stay as they are.
    Keep,
}

impl ImageHeader {
    /// The range of modality values that the header allows. Inverted values have the same range. `None`
    /// for floating point pixels, where any value may occur.
    #[must_use]
    pub fn value_range(&self) -> Option<ValueRange> {
        self.modality.value_range(self.stored)
    }

    /// The range to invert the values in, or `None` where they stay as they are.
    pub(super) fn inversion(&self, monochrome1: Monochrome1) -> Option<ValueRange> {
        self.value_range().filter(|_| self.inverted && monochrome1 == Monochrome1::Invert)
    }

    /// The geometry for images that [`convert`](super::convert) made with `monochrome1`: an inverted
    /// image has its window's centre mirrored too.
    #[must_use]
    pub fn geometry_for(&self, monochrome1: Monochrome1) -> Geometry {
        let mut geometry = self.geometry;
        if let Some(range) = self.inversion(monochrome1) {
            geometry.window[0] = range.mirror(f64::from(geometry.window[0])) as f32;
        }
        geometry
    }
}
