//! What an image's header says, checked.

use crate::model::{Geometry, GridShape, PixelType};

use super::modality::{ModalityTransform, ValueRange};
use super::{Attribute, TransferSyntax};

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
    /// How the file is written.
    pub transfer_syntax: TransferSyntax,
    /// Attributes of the geometry that are there and cannot be read; their numbers are NaN.
    pub unreadable: Vec<Attribute>,
}

/// How stored values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredFormat {
    /// Integers in Pixel Data (7FE0,0010) (PS3.5 8.1.1).
    Integer {
        /// Bits Allocated (0028,0100): 8, 16 or 32.
        bits_allocated: u16,
        /// Bits Stored (0028,0101): 1 to Bits Allocated.
        bits_stored: u16,
        /// High Bit (0028,0102): at least Bits Stored - 1, below Bits Allocated.
        high_bit: u16,
        /// Pixel Representation (0028,0103) is 1: two's complement.
        signed: bool,
    },
    /// Float Pixel Data (7FE0,0008).
    Float32,
    /// Double Float Pixel Data (7FE0,0009).
    Float64,
}

impl StoredFormat {
    /// Bytes of one stored value.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Integer { bits_allocated, .. } => usize::from(bits_allocated / 8),
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// The smallest and the largest stored value; `None` for floating point.
    #[must_use]
    pub fn range(self) -> Option<(i64, i64)> {
        match self {
            Self::Integer { bits_stored, signed: true, .. } => {
                Some((-(1 << (bits_stored - 1)), (1 << (bits_stored - 1)) - 1))
            }
            Self::Integer { bits_stored, signed: false, .. } => Some((0, (1 << bits_stored) - 1)),
            Self::Float32 | Self::Float64 => None,
        }
    }

    /// The pixel type that is this format: 8 bits unsigned, or 16 bits.
    #[must_use]
    pub fn pixel_type(self) -> Option<PixelType> {
        match self {
            Self::Integer { bits_allocated: 8, signed: false, .. } => Some(PixelType::UInt8),
            Self::Integer { bits_allocated: 16, signed: false, .. } => Some(PixelType::UInt16),
            Self::Integer { bits_allocated: 16, signed: true, .. } => Some(PixelType::Int16),
            _ => None,
        }
    }
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
