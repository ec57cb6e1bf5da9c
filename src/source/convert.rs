//! From stored values to modality values in one of the file's pixel types: exactly, or not at all.

use crate::model::{PixelType, Pixels};

use super::attribute;
use super::dicom_header::{ImageHeader, Monochrome1};
use super::error::{DicomError, DicomFault, Located};
use super::modality::ModalityTransform;
use super::stored_pixels::{StoredPixels, StoredValues};

/// What values to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvertOptions {
    /// What becomes of MONOCHROME1 images.
    pub monochrome1: Monochrome1,
    /// The type of the values.
    pub target: PixelType,
}

/// What a conversion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    /// Whether a value with a fraction was rounded to the nearest float32.
    pub rounded: bool,
}

/// Computes the modality values of the image in `file` from its `stored` values and writes them to `out`,
/// row-major (row, column). The memory of `out` is used again where its type stays the same.
///
/// Each value is computed in f64 and, with [`Monochrome1::Invert`] in a MONOCHROME1 image, mirrored in the
/// range that the header allows.
///
/// # Errors
/// [`DicomFault::PixelValue`] at the first value that the target does not hold: one outside its range, one
/// with a fraction in an integer type, an integer that float32 has no number for, NaN or an infinity.
/// Nothing is clipped, and only a value with a fraction is rounded, to float32. A MONOCHROME1 image of
/// floating point pixels cannot be inverted, as its range is unknown: [`DicomFault::Unsupported`].
pub fn convert(
    file: &str,
    header: &ImageHeader,
    stored: &StoredPixels,
    options: ConvertOptions,
    out: &mut Pixels,
) -> Result<Conversion, DicomError> {
    if out.pixel_type() != options.target {
        *out = Pixels::empty(options.target);
    }
    let mirror = mirror(header, options.monochrome1).map_err(|located| located.in_file(file))?;
    if mirror.is_none() && header.modality == ModalityTransform::Identity && copy(&stored.values, out) {
        return Ok(Conversion { rounded: false });
    }
    let (base, sign) = mirror.map_or((0.0, 1.0), |sum| (sum, -1.0));
    let written = match &header.modality {
        ModalityTransform::Identity => write(&stored.values, |value| base + sign * value, out),
        &ModalityTransform::Linear { slope, intercept } => {
            write(&stored.values, |value| base + sign * (slope * value + intercept), out)
        }
        ModalityTransform::Lut(lut) => {
            write(&stored.values, |value| base + sign * f64::from(lut.look_up(value as i64)), out)
        }
    };
    written.map_err(|Unfit { index, value }| {
        let columns = header.shape.columns();
        let (row, column) = (index / columns, index % columns);
        let fault = DicomFault::PixelValue { value, row, column, target: options.target };
        Located::from(fault).in_file(file)
    })
}

/// The smallest plus the largest value, for an image to be inverted; `None` for one to be kept.
fn mirror(header: &ImageHeader, monochrome1: Monochrome1) -> Result<Option<f64>, Located> {
    if !header.inverted || monochrome1 == Monochrome1::Keep {
        return Ok(None);
    }
    let Some(range) = header.value_range() else {
        let supported = "floating point pixels only as MONOCHROME2, or not inverted";
        let fault = DicomFault::Unsupported { value: "MONOCHROME1".to_owned(), supported };
        return Err(fault.at(attribute::PHOTOMETRIC_INTERPRETATION));
    };
    Ok(Some(range.low + range.high))
}

/// Copies values that are of the target's type already. Whether they were.
fn copy(values: &StoredValues, out: &mut Pixels) -> bool {
    fn replace<T: Copy>(out: &mut Vec<T>, values: &[T]) -> bool {
        out.clear();
        out.extend_from_slice(values);
        true
    }
    match (values, out) {
        (StoredValues::UInt8(values), Pixels::UInt8(out)) => replace(out, values),
        (StoredValues::Int16(values), Pixels::Int16(out)) => replace(out, values),
        (StoredValues::UInt16(values), Pixels::UInt16(out)) => replace(out, values),
        _ => false,
    }
}

/// The first value that the target does not hold.
struct Unfit {
    index: usize,
    value: f64,
}

fn write(values: &StoredValues, map: impl Fn(f64) -> f64, out: &mut Pixels) -> Result<Conversion, Unfit> {
    match values {
        StoredValues::UInt8(values) => write_from(values, map, out),
        StoredValues::Int8(values) => write_from(values, map, out),
        StoredValues::UInt16(values) => write_from(values, map, out),
        StoredValues::Int16(values) => write_from(values, map, out),
        StoredValues::UInt32(values) => write_from(values, map, out),
        StoredValues::Int32(values) => write_from(values, map, out),
        StoredValues::Float32(values) => write_from(values, map, out),
        StoredValues::Float64(values) => write_from(values, map, out),
    }
}

fn write_from<S: Copy + Into<f64>>(
    values: &[S],
    map: impl Fn(f64) -> f64,
    out: &mut Pixels,
) -> Result<Conversion, Unfit> {
    match out {
        Pixels::UInt8(out) => write_as(values, map, |value| value as u8, out),
        Pixels::Int16(out) => write_as(values, map, |value| value as i16, out),
        Pixels::UInt16(out) => write_as(values, map, |value| value as u16, out),
        Pixels::Float32(out) => write_as(values, map, |value| value as f32, out),
    }
}

/// Writes all values, noting whether each came through its type unchanged; only where one did not does a
/// second pass ask which, so that the first has no branch.
fn write_as<S: Copy + Into<f64>, T: Copy + Into<f64> + Fraction>(
    values: &[S],
    map: impl Fn(f64) -> f64,
    cast: impl Fn(f64) -> T,
    out: &mut Vec<T>,
) -> Result<Conversion, Unfit> {
    let mut exact = true;
    out.clear();
    out.extend(values.iter().map(|&stored| {
        let value = map(stored.into());
        let held = cast(value);
        exact &= held.into() == value && value.is_finite();
        held
    }));
    if exact {
        return Ok(Conversion { rounded: false });
    }
    for (index, (&stored, &held)) in values.iter().zip(out.iter()).enumerate() {
        let value = map(stored.into());
        let held: f64 = held.into();
        let may_round = T::HELD && value.fract() != 0.0 && held.is_finite();
        if !value.is_finite() || (held != value && !may_round) {
            return Err(Unfit { index, value });
        }
    }
    Ok(Conversion { rounded: true })
}

/// Whether a type holds values with a fraction.
trait Fraction {
    const HELD: bool;
}

impl Fraction for u8 {
    const HELD: bool = false;
}

impl Fraction for i16 {
    const HELD: bool = false;
}

impl Fraction for u16 {
    const HELD: bool = false;
}

impl Fraction for f32 {
    const HELD: bool = true;
}

#[cfg(test)]
mod tests {
    use crate::model::{Geometry, GridShape};
    use crate::source::{ModalityLut, StoredFormat, TransferSyntax};

    use super::*;

    fn image(
        values: StoredValues,
        modality: ModalityTransform,
        inverted: bool,
    ) -> (ImageHeader, StoredPixels) {
        let stored = match values {
            StoredValues::Float64(_) => StoredFormat::Float64,
            _ => StoredFormat::Integer { bits_allocated: 16, bits_stored: 12, high_bit: 11, signed: false },
        };
        let header = ImageHeader {
            shape: GridShape::new(values.len() / 2, 2).unwrap(),
            stored,
            modality,
            inverted,
            geometry: Geometry { window: [100.0, 50.0], ..Geometry::ABSENT },
            rescale_type: None,
            instance_number: None,
            transfer_syntax: TransferSyntax::ExplicitLittle,
            unreadable: Vec::new(),
        };
        (header, StoredPixels { values, ..StoredPixels::default() })
    }

    fn converted(
        (header, stored): &(ImageHeader, StoredPixels),
        target: PixelType,
    ) -> Result<(Pixels, bool), DicomFault> {
        let mut out = Pixels::empty(PixelType::UInt8);
        let options = ConvertOptions { monochrome1: Monochrome1::Invert, target };
        let done = convert("a.dcm", header, stored, options, &mut out).map_err(|error| error.fault)?;
        Ok((out, done.rounded))
    }

    fn linear(slope: f64, intercept: f64) -> ModalityTransform {
        ModalityTransform::Linear { slope, intercept }
    }

    #[test]
    fn a_linear_rescale_is_exact_or_refused() {
        let ct = image(StoredValues::UInt16(vec![0, 24, 1024, 4095]), linear(1.0, -1024.0), false);
        let expected = Pixels::Int16(vec![-1024, -1000, 0, 3071]);
        assert_eq!(converted(&ct, PixelType::Int16), Ok((expected, false)));
        let refused = DicomFault::PixelValue { value: -1024.0, row: 0, column: 0, target: PixelType::UInt16 };
        assert_eq!(converted(&ct, PixelType::UInt16), Err(refused));
        let half = image(StoredValues::UInt16(vec![2, 4, 6, 7]), linear(0.5, 0.0), false);
        let refused = DicomFault::PixelValue { value: 3.5, row: 1, column: 1, target: PixelType::Int16 };
        assert_eq!(converted(&half, PixelType::Int16), Err(refused));
        assert!(converted(&half, PixelType::Float32).is_ok_and(|(_, rounded)| !rounded));
        let tenth = image(StoredValues::UInt16(vec![0, 1]), linear(0.1, 0.0), false);
        assert_eq!(converted(&tenth, PixelType::Float32), Ok((Pixels::Float32(vec![0.0, 0.1]), true)));
    }

    #[test]
    fn integers_beyond_float32_are_refused() {
        let wide =
            image(StoredValues::UInt32(vec![1 << 24, (1 << 24) + 2]), ModalityTransform::Identity, false);
        assert!(converted(&wide, PixelType::Float32).is_ok());
        let odd = image(StoredValues::UInt32(vec![0, (1 << 24) + 1]), ModalityTransform::Identity, false);
        assert!(matches!(converted(&odd, PixelType::Float32), Err(DicomFault::PixelValue { column: 1, .. })));
    }

    #[test]
    fn an_inverted_image_is_mirrored_in_its_range() {
        let mono = image(StoredValues::UInt16(vec![0, 1, 4095, 95]), ModalityTransform::Identity, true);
        let expected = Pixels::UInt16(vec![4095, 4094, 0, 4000]);
        assert_eq!(converted(&mono, PixelType::UInt16), Ok((expected, false)));
        assert_eq!(mono.0.geometry_for(Monochrome1::Invert).window, [3995.0, 50.0]);
        assert_eq!(mono.0.geometry_for(Monochrome1::Keep).window, [100.0, 50.0]);
        let mut kept = Pixels::empty(PixelType::UInt16);
        let options = ConvertOptions { monochrome1: Monochrome1::Keep, target: PixelType::UInt16 };
        convert("a.dcm", &mono.0, &mono.1, options, &mut kept).unwrap();
        assert_eq!(kept, Pixels::UInt16(vec![0, 1, 4095, 95]));
    }

    #[test]
    fn a_lut_is_looked_up_and_mirrored_in_its_entries() {
        let lut = || ModalityTransform::Lut(ModalityLut::new(1, vec![5, 300]).unwrap());
        let plain = image(StoredValues::UInt16(vec![0, 1, 2, 3]), lut(), false);
        assert_eq!(converted(&plain, PixelType::Int16), Ok((Pixels::Int16(vec![5, 5, 300, 300]), false)));
        let inverted = image(StoredValues::UInt16(vec![0, 2]), lut(), true);
        assert_eq!(converted(&inverted, PixelType::Int16), Ok((Pixels::Int16(vec![300, 5]), false)));
    }

    #[test]
    fn floating_point_must_be_finite_and_in_range() {
        let pixels = |values| image(StoredValues::Float64(values), ModalityTransform::Identity, false);
        assert_eq!(
            converted(&pixels(vec![0.25, -3.0]), PixelType::Float32),
            Ok((Pixels::Float32(vec![0.25, -3.0]), false))
        );
        for bad in [f64::NAN, f64::INFINITY, 1e300, 1e39 + 0.5] {
            let refused = converted(&pixels(vec![0.1, bad]), PixelType::Float32);
            assert!(matches!(refused, Err(DicomFault::PixelValue { column: 1, .. })), "{bad}");
        }
        let (mut header, stored) = pixels(vec![0.0, 1.0]);
        header.inverted = true;
        let refused = converted(&(header, stored), PixelType::Float32);
        assert!(matches!(refused, Err(DicomFault::Unsupported { .. })));
    }
}
