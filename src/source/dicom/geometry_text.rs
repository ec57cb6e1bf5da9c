//! Geometry and window out of their text values. Nothing here refuses an image: what cannot be read
//! becomes NaN and is listed.

use crate::model::{Geometry, VoiLutFunction};

use super::attribute::{self, Attribute};
use super::value_text::{decimals, text};

/// The values of the geometry attributes, as they stand in the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct GeometryText<'a> {
    pub(super) pixel_spacing: Option<&'a [u8]>,
    pub(super) image_position: Option<&'a [u8]>,
    pub(super) image_orientation: Option<&'a [u8]>,
    pub(super) window_center: Option<&'a [u8]>,
    pub(super) window_width: Option<&'a [u8]>,
    pub(super) window_function: Option<&'a [u8]>,
}

impl GeometryText<'_> {
    /// These values, and those of `other` where there are none.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            pixel_spacing: self.pixel_spacing.or(other.pixel_spacing),
            image_position: self.image_position.or(other.image_position),
            image_orientation: self.image_orientation.or(other.image_orientation),
            window_center: self.window_center.or(other.window_center),
            window_width: self.window_width.or(other.window_width),
            window_function: self.window_function.or(other.window_function),
        }
    }

    /// The geometry, and the attributes that are there and cannot be read. An empty value (type 2) counts
    /// as absent.
    pub(super) fn parse(&self) -> (Geometry, Vec<Attribute>) {
        let mut unreadable = Vec::new();
        let mut reader = Reader { unreadable: &mut unreadable };
        let [center] = reader.read(attribute::WINDOW_CENTER, self.window_center, narrow::<1>);
        let [width] = reader.read(attribute::WINDOW_WIDTH, self.window_width, narrow::<1>);
        let geometry = Geometry {
            pixel_spacing: reader.read(attribute::PIXEL_SPACING, self.pixel_spacing, positive),
            image_position: reader.read(attribute::IMAGE_POSITION, self.image_position, decimals),
            image_orientation: reader.read(attribute::IMAGE_ORIENTATION, self.image_orientation, decimals),
            window: [center, width],
            window_function: VoiLutFunction::default(),
        };
        let function = self.window_function.map(|value| text(value).unwrap_or_default());
        let function = match function.filter(|function| !function.is_empty()) {
            None => VoiLutFunction::Linear,
            Some(name) => VoiLutFunction::from_name(name).unwrap_or_else(|| {
                unreadable.push(attribute::VOI_LUT_FUNCTION);
                VoiLutFunction::Linear
            }),
        };
        let geometry = Geometry { window_function: function, ..geometry };
        (geometry, unreadable)
    }
}

struct Reader<'v> {
    unreadable: &'v mut Vec<Attribute>,
}

impl Reader<'_> {
    fn read<T: NotANumber>(
        &mut self,
        attribute: Attribute,
        value: Option<&[u8]>,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> T {
        let Some(value) = value.filter(|value| text(value) != Some("")) else {
            return T::NAN;
        };
        parse(value).unwrap_or_else(|| {
            self.unreadable.push(attribute);
            T::NAN
        })
    }
}

trait NotANumber {
    const NAN: Self;
}

impl<const N: usize> NotANumber for [f32; N] {
    const NAN: Self = [f32::NAN; N];
}

impl<const N: usize> NotANumber for [f64; N] {
    const NAN: Self = [f64::NAN; N];
}

/// The first `N` decimals as f32, all finite there too.
fn narrow<const N: usize>(value: &[u8]) -> Option<[f32; N]> {
    let narrow = decimals::<N>(value)?.map(|number| number as f32);
    narrow.iter().all(|number| number.is_finite()).then_some(narrow)
}

/// Two positive distances.
fn positive(value: &[u8]) -> Option<[f64; 2]> {
    // Stored as f32, where it must be finite and positive too.
    let fits = |mm: f64| mm > 0.0 && mm as f32 > 0.0 && (mm as f32).is_finite();
    decimals::<2>(value).filter(|spacing| spacing.iter().all(|&mm| fits(mm)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there_and_lists_what_is_not_readable() {
        let text = GeometryText {
            pixel_spacing: Some(b"1.5\\0"),
            image_position: Some(b"1\\2\\3 "),
            image_orientation: Some(b""),
            window_center: Some(b"40\\80"),
            window_width: Some(b"four"),
            window_function: Some(b"SIGMOID "),
        };
        let (geometry, unreadable) = text.parse();
        assert!(geometry.pixel_spacing[0].is_nan());
        assert_eq!(geometry.image_position, [1.0, 2.0, 3.0]);
        assert!(geometry.image_orientation[5].is_nan());
        assert_eq!(geometry.window[0], 40.0);
        assert_eq!(geometry.window_function, VoiLutFunction::Sigmoid);
        assert_eq!(unreadable, [attribute::WINDOW_WIDTH, attribute::PIXEL_SPACING]);
        let (geometry, unreadable) = GeometryText { window_function: Some(b"CUBIC"), ..text }.parse();
        assert_eq!(geometry.window_function, VoiLutFunction::Linear);
        assert_eq!(unreadable.last(), Some(&attribute::VOI_LUT_FUNCTION));
    }
}
