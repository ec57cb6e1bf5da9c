//! The stored values of an image, cleaned of what is not value.

use std::collections::BTreeSet;

use super::data_set::Syntax;
use super::leniency::Leniency;
use super::stored_format::StoredFormat;

/// Stored values, row-major, in the narrowest type of their Bits Allocated and sign. Of a true colour image, the red, green
/// and blue of each pixel one behind the other; of one with a palette, its indices.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredValues {
    /// 8 bits unsigned.
    UInt8(Vec<u8>),
    /// 8 bits signed.
    Int8(Vec<i8>),
    /// 16 bits unsigned.
    UInt16(Vec<u16>),
    /// 16 bits signed.
    Int16(Vec<i16>),
    /// 32 bits unsigned.
    UInt32(Vec<u32>),
    /// 32 bits signed.
    Int32(Vec<i32>),
    /// Float Pixel Data.
    Float32(Vec<f32>),
    /// Double Float Pixel Data.
    Float64(Vec<f64>),
}

/// The stored values of one image and the memory to decode the next one with.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPixels {
    pub(super) values: StoredValues,
    /// Fragments joined, and bytes that a codec gave.
    pub(super) joined: Vec<u8>,
    pub(super) decoded: Vec<u8>,
    /// Samples that a codec gave.
    pub(super) samples: Vec<u16>,
    pub(super) wide_samples: Vec<i32>,
    pub(super) leniencies: BTreeSet<Leniency>,
    /// True if tiles are shared out to the threads of the caller's pool.
    pub(super) on_pool: bool,
}

impl Default for StoredPixels {
    fn default() -> Self {
        Self {
            values: StoredValues::UInt8(Vec::new()),
            joined: Vec::new(),
            decoded: Vec::new(),
            samples: Vec::new(),
            wide_samples: Vec::new(),
            leniencies: BTreeSet::new(),
            on_pool: false,
        }
    }
}

impl StoredPixels {
    /// The values of the image that was read last.
    ///
    /// Integers are the Bits Stored below and at High Bit, with their sign: what else stands in the
    /// allocated bits, as overlays of old files do, is removed (PS3.5 8.1.1).
    #[must_use]
    pub fn values(&self) -> &StoredValues {
        &self.values
    }

    /// Memory for a thread of a rayon pool, whose idle threads decode tiles of its images.
    #[must_use]
    pub fn on_pool() -> Self {
        Self { on_pool: true, ..Self::default() }
    }

    /// Threads that decode an image.
    pub(super) fn threads(&self) -> usize {
        match rayon::current_thread_index() {
            Some(_) if self.on_pool => rayon::current_num_threads(),
            _ => 1,
        }
    }

    /// Departures from the standard in the pixel data of the image that was read last. Those of its header are in
    /// [`ImageHeader::leniencies`](super::ImageHeader::leniencies).
    #[must_use]
    pub fn leniencies(&self) -> &BTreeSet<Leniency> {
        &self.leniencies
    }
}

impl StoredValues {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::UInt8(v) => v.len(),
            Self::Int8(v) => v.len(),
            Self::UInt16(v) => v.len(),
            Self::Int16(v) => v.len(),
            Self::UInt32(v) => v.len(),
            Self::Int32(v) => v.len(),
            Self::Float32(v) => v.len(),
            Self::Float64(v) => v.len(),
        }
    }

    /// The values as integers; floating point numbers without their fraction.
    pub(super) fn integers(&self) -> Box<dyn Iterator<Item = i64> + '_> {
        match self {
            Self::UInt8(v) => Box::new(v.iter().map(|&value| value.into())),
            Self::Int8(v) => Box::new(v.iter().map(|&value| value.into())),
            Self::UInt16(v) => Box::new(v.iter().map(|&value| value.into())),
            Self::Int16(v) => Box::new(v.iter().map(|&value| value.into())),
            Self::UInt32(v) => Box::new(v.iter().map(|&value| value.into())),
            Self::Int32(v) => Box::new(v.iter().map(|&value| value.into())),
            Self::Float32(v) => Box::new(v.iter().map(|&value| value as i64)),
            Self::Float64(v) => Box::new(v.iter().map(|&value| value as i64)),
        }
    }

    /// True if there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the values of `format` out of `bytes`, which hold exactly the image. The memory is used
    /// again where the type stays the same.
    pub(super) fn fill(&mut self, format: StoredFormat, syntax: Syntax, bytes: &[u8]) {
        let big = syntax.big_endian;
        match format {
            StoredFormat::Integer { bits_allocated, bits_stored, high_bit, signed } => {
                let bits = Bits { shift: high_bit + 1 - bits_stored, unused: bits_allocated - bits_stored };
                match (bits_allocated, signed) {
                    (1 | 8, false) => bits.clean_u8(self.uint8(bytes, big)),
                    (8, true) => bits.clean_i8(self.int8(bytes, big)),
                    (16, false) => bits.clean_u16(self.uint16(bytes, big)),
                    (16, true) => bits.clean_i16(self.int16(bytes, big)),
                    (_, false) => bits.clean_u32(self.uint32(bytes, big)),
                    (_, true) => bits.clean_i32(self.int32(bytes, big)),
                }
            }
            StoredFormat::Float32 => _ = self.float32(bytes, big),
            StoredFormat::Float64 => _ = self.float64(bytes, big),
        }
    }
}

fn put<const N: usize, T>(values: &mut Vec<T>, bytes: &[u8], value: impl Fn([u8; N]) -> T) {
    values.clear();
    values.extend(bytes.as_chunks::<N>().0.iter().map(|&bytes| value(bytes)));
}

/// Position of a value in the allocated bits: `shift` bits above the lowest, `unused` bits in all.
#[derive(Clone, Copy)]
struct Bits {
    shift: u16,
    unused: u16,
}

macro_rules! clean {
    ($($name:ident: $number:ty, $unsigned:ty;)*) => {
        impl Bits {
            $(
                /// Moves each value to the top, so that what stood above it falls off, and down again.
                fn $name(self, values: &mut [$number]) {
                    let Self { shift, unused } = self;
                    if unused > 0 {
                        for value in values {
                            *value = (((*value as $unsigned >> shift) << unused) as $number) >> unused;
                        }
                    }
                }
            )*
        }
    };
}

clean! {
    clean_u8: u8, u8;
    clean_i8: i8, u8;
    clean_u16: u16, u16;
    clean_i16: i16, u16;
    clean_u32: u32, u32;
    clean_i32: i32, u32;
}

macro_rules! buffers {
    ($($name:ident, $variant:ident, $number:ty;)*) => {
        impl StoredValues {
            $(
                /// Reads numbers of this type; the memory is kept where it holds the same type.
                fn $name(&mut self, bytes: &[u8], big_endian: bool) -> &mut Vec<$number> {
                    if !matches!(self, Self::$variant(_)) {
                        *self = Self::$variant(Vec::new());
                    }
                    let Self::$variant(values) = self else {
                        unreachable!("it was just set to this variant");
                    };
                    if big_endian {
                        put(values, bytes, <$number>::from_be_bytes);
                    } else {
                        put(values, bytes, <$number>::from_le_bytes);
                    }
                    values
                }
            )*
        }
    };
}

buffers! {
    uint8, UInt8, u8;
    int8, Int8, i8;
    uint16, UInt16, u16;
    int16, Int16, i16;
    uint32, UInt32, u32;
    int32, Int32, i32;
    float32, Float32, f32;
    float64, Float64, f64;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(format: StoredFormat, bytes: &[u8]) -> StoredValues {
        let mut values = StoredValues::UInt8(Vec::new());
        values.fill(format, Syntax::EXPLICIT_LITTLE, bytes);
        values
    }

    fn twelve(high_bit: u16, signed: bool) -> StoredFormat {
        StoredFormat::Integer { bits_allocated: 16, bits_stored: 12, high_bit, signed }
    }

    #[test]
    fn bits_outside_the_value_are_removed() {
        let bytes = [0x34, 0xF2, 0xFF, 0x1F];
        assert_eq!(filled(twelve(11, false), &bytes), StoredValues::UInt16(vec![0x234, 0xFFF]));
        assert_eq!(filled(twelve(11, true), &bytes), StoredValues::Int16(vec![0x234, -1]));
        assert_eq!(filled(twelve(15, false), &bytes), StoredValues::UInt16(vec![0xF23, 0x1FF]));
        assert_eq!(filled(twelve(15, true), &bytes), StoredValues::Int16(vec![-0xDD, 0x1FF]));
    }

    #[test]
    fn narrow_and_wide_values() {
        let seven = StoredFormat::Integer { bits_allocated: 8, bits_stored: 7, high_bit: 6, signed: true };
        assert_eq!(filled(seven, &[0x40, 0x81]), StoredValues::Int8(vec![-64, 1]));
        let wide = StoredFormat::Integer { bits_allocated: 32, bits_stored: 32, high_bit: 31, signed: false };
        let mut values = StoredValues::UInt8(Vec::new());
        values.fill(wide, Syntax::EXPLICIT_BIG, &[0x80, 0, 0, 1]);
        assert_eq!(values, StoredValues::UInt32(vec![0x8000_0001]));
    }
}
