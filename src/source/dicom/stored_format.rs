//! Layout of the stored values: Bits Allocated, Bits Stored, High Bit and sign.

use crate::model::PixelType;

/// Format of stored values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredFormat {
    /// Integers in Pixel Data (7FE0,0010) (PS3.5 8.1.1).
    Integer {
        /// Bits Allocated (0028,0100): 1, 8, 16 or 32.
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
    /// Bytes of one stored value; a single bit is given as a byte.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Integer { bits_allocated, .. } => usize::from(bits_allocated.div_ceil(8)),
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// True for single bits, eight of which stand in a byte.
    pub(super) fn is_bit(self) -> bool {
        matches!(self, Self::Integer { bits_allocated: 1, .. })
    }

    /// True for integers of 32 bits.
    pub(super) fn is_wide_integer(self) -> bool {
        matches!(self, Self::Integer { bits_allocated: 32, .. })
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

    /// The pixel type that is this format: up to 8 bits unsigned, or 16 bits.
    #[must_use]
    pub fn pixel_type(self) -> Option<PixelType> {
        match self {
            Self::Integer { bits_allocated: 1 | 8, signed: false, .. } => Some(PixelType::UInt8),
            Self::Integer { bits_allocated: 16, signed: false, .. } => Some(PixelType::UInt16),
            Self::Integer { bits_allocated: 16, signed: true, .. } => Some(PixelType::Int16),
            _ => None,
        }
    }
}
