//! The types of the cells of columns.

use hdf5::types::{FloatSize, IntSize, TypeDescriptor};

use super::sample_row::TextWidth;

/// Bytes of the narrowest text: some readers take a text of one byte for a number.
pub(super) const NARROWEST_TEXT: usize = 2;

/// Type of the cells of a column, or of their parts; numbers are little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    /// Fixed-length ASCII or UTF-8, padded with NUL.
    Text,
    /// 8-bit unsigned.
    UInt8,
    /// 32-bit signed.
    Int32,
    /// 32-bit unsigned.
    UInt32,
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary64.
    Float64,
}

impl CellType {
    /// The type of cells of the HDF5 type `element`; `None` where no column of the format has it.
    pub(super) fn of(element: &TypeDescriptor) -> Option<Self> {
        Some(match element {
            TypeDescriptor::FixedUnicode(_) | TypeDescriptor::FixedAscii(_) => Self::Text,
            TypeDescriptor::Unsigned(IntSize::U1) => Self::UInt8,
            TypeDescriptor::Integer(IntSize::U4) => Self::Int32,
            TypeDescriptor::Unsigned(IntSize::U4) => Self::UInt32,
            TypeDescriptor::Float(FloatSize::U4) => Self::Float32,
            TypeDescriptor::Float(FloatSize::U8) => Self::Float64,
            _ => return None,
        })
    }

    /// The HDF5 type; texts have the character set and the bytes of `width`, at least [`NARROWEST_TEXT`].
    pub(super) fn descriptor(self, width: TextWidth) -> TypeDescriptor {
        let bytes = width.bytes.max(NARROWEST_TEXT);
        match self {
            Self::Text if width.is_ascii => TypeDescriptor::FixedAscii(bytes),
            Self::Text => TypeDescriptor::FixedUnicode(bytes),
            Self::UInt8 => TypeDescriptor::Unsigned(IntSize::U1),
            Self::Int32 => TypeDescriptor::Integer(IntSize::U4),
            Self::UInt32 => TypeDescriptor::Unsigned(IntSize::U4),
            Self::Float32 => TypeDescriptor::Float(FloatSize::U4),
            Self::Float64 => TypeDescriptor::Float(FloatSize::U8),
        }
    }

    /// Bytes of a number, 1 for texts.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Text | Self::UInt8 => 1,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// Name in the documentation: `text`, or numpy's name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::UInt8 => "uint8",
            Self::Int32 => "int32",
            Self::UInt32 => "uint32",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
        }
    }
}
