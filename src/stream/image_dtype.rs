//! The number type of images in a batch.

use super::ElementType;
use crate::model::{PixelType, choice};

/// The number type of images in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ImageDtype {
    /// The type in the file.
    Stored,
    /// IEEE 754 binary32, which holds every value of every type in the file.
    #[default]
    Float32,
    /// IEEE 754 binary16, rounded to nearest, ties to even.
    Float16,
}

choice!(ImageDtype {
    Stored => "stored",
    Float32 => "float32",
    Float16 => "float16",
});

impl ImageDtype {
    /// The elements of a batch of images that are stored as `stored`.
    pub(super) fn element(self, stored: PixelType) -> ElementType {
        match (self, stored) {
            (Self::Stored, PixelType::UInt8) => ElementType::UInt8,
            (Self::Stored, PixelType::Int16) => ElementType::Int16,
            (Self::Stored, PixelType::UInt16) => ElementType::UInt16,
            (Self::Stored, PixelType::Float32) | (Self::Float32, _) => ElementType::Float32,
            (Self::Float16, _) => ElementType::Float16,
        }
    }
}
