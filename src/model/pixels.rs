//! Image pixels in one of the types the file can hold.

use std::borrow::Cow;

use bytemuck::NoUninit;

use super::choice;

/// The number type of the pixels in the file, by numpy's names, in the order in which `--dtype auto` tries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PixelType {
    /// 8-bit unsigned.
    UInt8,
    /// 16-bit signed.
    Int16,
    /// 16-bit unsigned.
    UInt16,
    /// IEEE 754 binary32.
    Float32,
}

choice!(PixelType {
    UInt8 => "uint8",
    Int16 => "int16",
    UInt16 => "uint16",
    Float32 => "float32",
});

impl PixelType {
    /// Bytes of one pixel.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 => 2,
            Self::Float32 => 4,
        }
    }

    /// The smallest and the largest integer up to which every integer is held exactly.
    #[must_use]
    pub fn integer_range(self) -> (i64, i64) {
        match self {
            Self::UInt8 => (0, 255),
            Self::Int16 => (-32_768, 32_767),
            Self::UInt16 => (0, 65_535),
            Self::Float32 => (-(1 << 24), 1 << 24),
        }
    }
}

/// The pixels of one image, row-major (row, column, channel), in one of the file's types.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 8-bit unsigned.
    UInt8(Vec<u8>),
    /// 16-bit signed.
    Int16(Vec<i16>),
    /// 16-bit unsigned.
    UInt16(Vec<u16>),
    /// IEEE 754 binary32.
    Float32(Vec<f32>),
}

impl Pixels {
    /// An empty buffer of `pixel_type`.
    #[must_use]
    pub fn empty(pixel_type: PixelType) -> Self {
        match pixel_type {
            PixelType::UInt8 => Self::UInt8(Vec::new()),
            PixelType::Int16 => Self::Int16(Vec::new()),
            PixelType::UInt16 => Self::UInt16(Vec::new()),
            PixelType::Float32 => Self::Float32(Vec::new()),
        }
    }

    /// Pixels from the bytes that [`Pixels::le_bytes`] gave.
    #[must_use]
    pub fn from_le_bytes(pixel_type: PixelType, bytes: &[u8]) -> Self {
        fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> + '_ {
            bytes.chunks_exact(2).map(|b| [b[0], b[1]])
        }
        match pixel_type {
            PixelType::UInt8 => Self::UInt8(bytes.to_vec()),
            PixelType::Int16 => Self::Int16(pairs(bytes).map(i16::from_le_bytes).collect()),
            PixelType::UInt16 => Self::UInt16(pairs(bytes).map(u16::from_le_bytes).collect()),
            PixelType::Float32 => {
                let words = bytes.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
                Self::Float32(words.map(f32::from_le_bytes).collect())
            }
        }
    }

    /// The type of the pixels.
    #[must_use]
    pub fn pixel_type(&self) -> PixelType {
        match self {
            Self::UInt8(_) => PixelType::UInt8,
            Self::Int16(_) => PixelType::Int16,
            Self::UInt16(_) => PixelType::UInt16,
            Self::Float32(_) => PixelType::Float32,
        }
    }

    /// Number of values: of pixels, where there is one channel.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::UInt8(v) => v.len(),
            Self::Int16(v) => v.len(),
            Self::UInt16(v) => v.len(),
            Self::Float32(v) => v.len(),
        }
    }

    /// True if there is no pixel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels as little endian bytes: not a copy where the machine keeps them so itself.
    #[must_use]
    pub fn le_bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::UInt8(v) => Cow::Borrowed(v),
            Self::Int16(v) => little_endian(v, |x| x.to_le_bytes()),
            Self::UInt16(v) => little_endian(v, |x| x.to_le_bytes()),
            Self::Float32(v) => little_endian(v, |x| x.to_le_bytes()),
        }
    }
}

fn little_endian<T: Copy + NoUninit, const N: usize>(
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().copied().flat_map(bytes).collect())
    }
}
