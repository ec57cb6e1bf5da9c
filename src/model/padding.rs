//! Padding: pixels that a device has added around what it measured.

use std::borrow::Cow;

use super::{PixelType, Pixels, choice};

/// Treatment of padding in statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// It is left out of them.
    #[default]
    Exclude,
    /// It counts like other pixels.
    Keep,
}

choice!(Padding {
    Exclude => "exclude",
    Keep => "keep",
});

/// The values that are padding in an image of the data set: Pixel Padding Value (0028,0120) to Pixel Padding Range Limit
/// (0028,0121), both included (PS3.3 C.7.5.1.1.2), after the modality transform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaddingRange {
    low: f32,
    high: f32,
}

impl PaddingRange {
    /// No value is padding.
    pub const NONE: Self = Self { low: f32::NAN, high: f32::NAN };

    /// From one value to another, in any order; none where one is NaN.
    #[must_use]
    pub fn new(a: f32, b: f32) -> Self {
        if a.is_nan() || b.is_nan() { Self::NONE } else { Self { low: a.min(b), high: a.max(b) } }
    }

    /// Its smallest and its largest value, NaN where there is none.
    #[must_use]
    pub fn bounds(self) -> [f32; 2] {
        [self.low, self.high]
    }

    /// True if no value is padding.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.low.is_nan()
    }

    fn has(self, value: f32) -> bool {
        self.low <= value && value <= self.high
    }

    /// The pixels that are not padding, in their order; `None` where all of them are none.
    #[must_use]
    pub fn without(self, pixels: &Pixels) -> Option<Pixels> {
        fn kept<T: Copy>(values: &[T], has: impl Fn(T) -> bool) -> Option<Vec<T>> {
            let first = values.iter().position(|&value| has(value))?;
            let mut kept = values[..first].to_vec();
            kept.extend(values[first..].iter().copied().filter(|&value| !has(value)));
            Some(kept)
        }
        if self.is_none() {
            return None;
        }
        Some(match pixels {
            Pixels::UInt8(values) => Pixels::UInt8(kept(values, |value| self.has(value.into()))?),
            Pixels::Int16(values) => Pixels::Int16(kept(values, |value| self.has(value.into()))?),
            Pixels::UInt16(values) => Pixels::UInt16(kept(values, |value| self.has(value.into()))?),
            Pixels::Float32(values) => Pixels::Float32(kept(values, |value| self.has(value))?),
        })
    }

    /// The pixels that statistics count: those that are not padding.
    #[must_use]
    pub fn counted(self, pixels: &Pixels) -> Cow<'_, Pixels> {
        self.without(pixels).map_or(Cow::Borrowed(pixels), Cow::Owned)
    }

    /// [`PaddingRange::without`] of pixels of `pixel_type` that stand as [`Pixels::le_bytes`] gives them.
    #[must_use]
    pub fn without_le_bytes(self, pixel_type: PixelType, bytes: &[u8]) -> Option<Vec<u8>> {
        fn kept<const N: usize>(bytes: &[u8], has: impl Fn([u8; N]) -> bool) -> Option<Vec<u8>> {
            let (values, _) = bytes.as_chunks::<N>();
            let first = values.iter().position(|&value| has(value))?;
            let mut kept = values[..first].as_flattened().to_vec();
            kept.extend(values[first..].iter().filter(|&&value| !has(value)).flatten());
            Some(kept)
        }
        if self.is_none() {
            return None;
        }
        match pixel_type {
            PixelType::UInt8 => kept(bytes, |[value]| self.has(value.into())),
            PixelType::Int16 => kept(bytes, |value| self.has(i16::from_le_bytes(value).into())),
            PixelType::UInt16 => kept(bytes, |value| self.has(u16::from_le_bytes(value).into())),
            PixelType::Float32 => kept(bytes, |value| self.has(f32::from_le_bytes(value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_left_out_of_pixels_and_bytes_alike() {
        let images = [
            Pixels::UInt8(vec![0, 4, 5, 6, 255]),
            Pixels::Int16(vec![-2000, 5, 4, 7, 6]),
            Pixels::UInt16(vec![6, 6, 65_535]),
            Pixels::Float32(vec![4.999, 5.0, f32::NAN, 6.0, 6.001]),
        ];
        let range = PaddingRange::new(6.0, 5.0);
        assert_eq!(range.bounds(), [5.0, 6.0]);
        for (pixels, left) in images.into_iter().zip([3, 3, 1, 3]) {
            let kept = range.without(&pixels).unwrap();
            assert_eq!(kept.len(), left);
            let bytes = range.without_le_bytes(pixels.pixel_type(), &pixels.le_bytes()).unwrap();
            assert_eq!(*kept.le_bytes(), *bytes);
            assert_eq!(PaddingRange::NONE.without(&pixels), None);
            assert_eq!(PaddingRange::NONE.without_le_bytes(pixels.pixel_type(), &pixels.le_bytes()), None);
            assert_eq!(PaddingRange::new(100.0, 100.0).without(&pixels), None);
        }
    }

    #[test]
    fn a_value_that_is_none_is_no_range() {
        assert!(PaddingRange::new(f32::NAN, 1.0).is_none() && PaddingRange::new(1.0, f32::NAN).is_none());
    }
}
