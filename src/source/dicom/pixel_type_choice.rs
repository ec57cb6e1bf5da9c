//! `--dtype auto`: one pixel type for all images, chosen from what their headers allow.

use crate::model::PixelType;

use super::color_space::ColorSpace;
use super::header::ImageHeader;
use super::modality::ModalityTransform;

/// Gathers what the headers of all images allow, in any order, and chooses the pixel type.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PixelTypeChoice {
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    /// The stored type that all images have and keep.
    stored: Option<PixelType>,
    low: f64,
    high: f64,
    integers: bool,
}

impl PixelTypeChoice {
    /// Takes one more image into account.
    ///
    /// Whether MONOCHROME1 images are inverted does not matter: an inverted image has the range it had.
    pub fn observe(&mut self, header: &ImageHeader) {
        if matches!(header.color, Some(ColorSpace::Palette(_))) {
            // Entries of 16 bits are given by their upper half unless more are asked for.
            let stored = Some(PixelType::UInt8);
            return self.merge(Self { seen: Some(Seen { stored, low: 0.0, high: 255.0, integers: true }) });
        }
        let identity = header.modality == ModalityTransform::Identity;
        let stored = header.stored.pixel_type().filter(|_| identity);
        let image = match header.value_range() {
            Some(range) => Seen { stored, low: range.low, high: range.high, integers: range.integers },
            None => Seen { stored, low: f64::NEG_INFINITY, high: f64::INFINITY, integers: false },
        };
        self.merge(Self { seen: Some(image) });
    }

    /// Takes one more image into account, by the modality values that it holds.
    pub fn observe_values(&mut self, values: &[f32]) {
        let (mut low, mut high, mut integers) = (f32::INFINITY, f32::NEG_INFINITY, true);
        for &value in values {
            (low, high) = (low.min(value), high.max(value));
            integers &= value.fract() == 0.0;
        }
        let image = Seen { stored: None, low: low.into(), high: high.into(), integers };
        self.merge(Self { seen: Some(image) });
    }

    /// True where the headers allow integers beyond every integer type: the values themselves may fit one.
    #[must_use]
    pub fn depends_on_values(&self) -> bool {
        self.resolve() == Some(PixelType::Float32) && self.seen.is_some_and(|seen| seen.integers)
    }

    /// Takes into account all images that `other` has seen.
    pub fn merge(&mut self, other: Self) {
        self.seen = match (self.seen, other.seen) {
            (Some(a), Some(b)) => Some(Seen {
                stored: a.stored.filter(|_| a.stored == b.stored),
                low: a.low.min(b.low),
                high: a.high.max(b.high),
                integers: a.integers && b.integers,
            }),
            (a, b) => a.or(b),
        };
    }

    /// The type: the stored type where all images agree in it and their transform is the identity; else
    /// the first of uint8, int16, uint16 that holds every value; else float32. `None` where no image was
    /// seen.
    ///
    /// Values beyond what float32 holds exactly are found when they are
    /// [converted](super::convert).
    #[must_use]
    pub fn resolve(&self) -> Option<PixelType> {
        let seen = self.seen?;
        let fits = |pixel_type: &PixelType| {
            let (low, high) = pixel_type.integer_range();
            seen.integers && low as f64 <= seen.low && seen.high <= high as f64
        };
        Some(seen.stored.or_else(|| PixelType::ALL.into_iter().find(fits)).unwrap_or(PixelType::Float32))
    }
}

#[cfg(test)]
mod tests {
    use crate::model::GridShape;
    use crate::source::{StoredFormat, TransferSyntax};

    use super::*;

    fn header(
        bits_allocated: u16,
        bits_stored: u16,
        signed: bool,
        modality: ModalityTransform,
    ) -> ImageHeader {
        let stored = StoredFormat::Integer { bits_allocated, bits_stored, high_bit: bits_stored - 1, signed };
        let shape = GridShape::new(1, 1).unwrap();
        ImageHeader { modality, ..ImageHeader::of_pixels(TransferSyntax::ExplicitLittle, shape, stored) }
    }

    fn choice(headers: &[ImageHeader]) -> Option<PixelType> {
        let mut forward = PixelTypeChoice::default();
        headers.iter().for_each(|header| forward.observe(header));
        let mut backward = PixelTypeChoice::default();
        for header in headers.iter().rev() {
            let mut one = PixelTypeChoice::default();
            one.observe(header);
            one.merge(backward);
            backward = one;
        }
        assert_eq!(forward, backward);
        forward.resolve()
    }

    fn linear(slope: f64, intercept: f64) -> ModalityTransform {
        ModalityTransform::Linear { slope, intercept }
    }

    #[test]
    fn the_common_stored_type_is_kept() {
        use ModalityTransform::Identity;
        assert_eq!(choice(&[]), None);
        assert_eq!(choice(&[header(8, 8, false, Identity)]), Some(PixelType::UInt8));
        let mixed_depth = [header(16, 12, false, Identity), header(16, 16, false, Identity)];
        assert_eq!(choice(&mixed_depth), Some(PixelType::UInt16));
        assert_eq!(choice(&[header(16, 8, false, Identity)]), Some(PixelType::UInt16));
        assert_eq!(choice(&[header(8, 8, true, Identity)]), Some(PixelType::Int16));
    }

    #[test]
    fn values_decide_where_headers_allow_too_much() {
        let of = |headers: &[ImageHeader]| {
            let mut choice = PixelTypeChoice::default();
            headers.iter().for_each(|header| choice.observe(header));
            choice.depends_on_values()
        };
        assert!(of(&[header(16, 16, true, linear(1.0, -1024.0))]));
        assert!(!of(&[header(16, 12, false, linear(1.0, -1024.0))]));
        assert!(!of(&[header(16, 16, true, linear(0.5, -1024.0))]));
        let values = |values: &[f32]| {
            let mut choice = PixelTypeChoice::default();
            choice.observe_values(values);
            choice.resolve()
        };
        assert_eq!(values(&[-1024.0, 3071.0]), Some(PixelType::Int16));
        assert_eq!(values(&[-1024.0, 40_000.0]), Some(PixelType::Float32));
        assert_eq!(values(&[0.0, 40_000.0]), Some(PixelType::UInt16));
        assert_eq!(values(&[0.0, 0.5]), Some(PixelType::Float32));
        assert_eq!(values(&[0.0, f32::NAN]), Some(PixelType::Float32));
    }

    #[test]
    fn else_the_first_type_that_holds_every_value() {
        use ModalityTransform::Identity;
        let mixed_sign = [header(16, 12, false, Identity), header(16, 16, true, Identity)];
        assert_eq!(choice(&mixed_sign), Some(PixelType::Int16));
        let wide = [header(16, 16, false, Identity), header(16, 16, true, Identity)];
        assert_eq!(choice(&wide), Some(PixelType::Float32));
        assert_eq!(choice(&[header(16, 12, false, linear(1.0, -1024.0))]), Some(PixelType::Int16));
        assert_eq!(choice(&[header(16, 16, true, linear(1.0, -1024.0))]), Some(PixelType::Float32));
        assert_eq!(choice(&[header(16, 8, false, linear(0.5, 0.0))]), Some(PixelType::Float32));
        assert_eq!(choice(&[header(32, 32, false, Identity)]), Some(PixelType::Float32));
    }
}
