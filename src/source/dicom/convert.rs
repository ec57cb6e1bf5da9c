//! From stored values to modality values in one of the file's pixel types: exactly, or not at all.

use crate::model::{PixelType, Pixels, luma, repeat_channels};

use super::color_space::ColorSpace;
use super::error::{DicomError, DicomFault, Located};
use super::header::{ImageHeader, Monochrome1};
use super::modality::ModalityTransform;
use super::palette::Palette;
use super::stored_pixels::{StoredPixels, StoredValues};

/// Type of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvertOptions {
    /// Handling of MONOCHROME1 images.
    pub monochrome1: Monochrome1,
    /// The type of the values.
    pub target: PixelType,
    /// Channels of the image: 1, or 3 of red, green and blue.
    pub channels: usize,
}

/// Result of a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversion {
    /// True if a value with a fraction was rounded to the nearest float32.
    pub rounded: bool,
}

/// Computes the modality values of the image in `file` from its `stored` values and writes them to `out`,
/// row-major (row, column, channel). The memory of `out` is used again where its type stays the same.
///
/// With one channel, a colour image gives its [luma]; with three, a monochrome image gives three equal ones. The entries of
/// a palette of 16 bits are given as they are, but in 8 bits by their upper half.
///
/// Each value is computed in f64 and, with [`Monochrome1::Invert`] in a MONOCHROME1 image, mirrored in the
/// range that the header allows. Floating point pixels, whose range is unknown, are never inverted.
///
/// # Errors
/// [`DicomFault::PixelValue`] at the first value that the target does not hold: one outside its range, one
/// with a fraction in an integer type, an integer that float32 has no number for, NaN or an infinity.
/// Nothing is clipped; only a value with a fraction, or
/// one of Double Float Pixel Data, is rounded, to float32.
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
    let written = match &header.color {
        Some(ColorSpace::Palette(palette)) => look_up(palette, &stored.values, out),
        _ => convert_values(header, stored, options, out),
    };
    match (header.channels(), options.channels) {
        (1, 3) => repeat_channels(out),
        (3, 1) => {
            let rgb = std::mem::replace(out, Pixels::empty(options.target));
            luma(&rgb, out);
        }
        _ => {}
    }
    written.map_err(|Unfit { index, value }| {
        let (columns, pixel) = (header.shape.columns(), index / header.channels());
        let (row, column) = (pixel / columns, pixel % columns);
        let fault = DicomFault::PixelValue { value, row, column, target: options.target };
        Located::from(fault).in_file(file)
    })
}

/// [`convert`] of each value.
fn convert_values(
    header: &ImageHeader,
    stored: &StoredPixels,
    options: ConvertOptions,
    out: &mut Pixels,
) -> Result<Conversion, Unfit> {
    let mirror = header.inversion(options.monochrome1).map(|range| range.low + range.high);
    if mirror.is_none() && header.modality == ModalityTransform::Identity && copy(&stored.values, out) {
        return Ok(Conversion { rounded: false });
    }
    if write_integers(header, mirror, &stored.values, out) {
        return Ok(Conversion { rounded: false });
    }
    let (base, sign) = mirror.map_or((0.0, 1.0), |sum| (sum, -1.0));
    match &header.modality {
        ModalityTransform::Identity => write(&stored.values, |value| base + sign * value, out),
        &ModalityTransform::Linear { slope, intercept } => {
            write(&stored.values, |value| base + sign * (slope * value + intercept), out)
        }
        ModalityTransform::Lut(lut) => {
            write(&stored.values, |value| base + sign * f64::from(lut.look_up(value as i64)), out)
        }
    }
}

/// Writes the colours of indices.
fn look_up(palette: &Palette, values: &StoredValues, out: &mut Pixels) -> Result<Conversion, Unfit> {
    let indices = values.integers();
    match out {
        Pixels::UInt8(out) => {
            replace(out, indices.flat_map(|index| palette.look_up_8(index)));
        }
        Pixels::UInt16(out) => {
            replace(out, indices.flat_map(|index| palette.look_up(index)));
        }
        Pixels::Float32(out) => {
            replace(out, indices.flat_map(|index| palette.look_up(index)).map(f32::from));
        }
        Pixels::Int16(out) => {
            let entries = || values.integers().flat_map(|index| palette.look_up(index));
            let too_large = entries().enumerate().find(|(_, entry)| i16::try_from(*entry).is_err());
            if let Some((index, value)) = too_large {
                return Err(Unfit { index, value: value.into() });
            }
            replace(out, entries().map(|entry| entry as i16));
        }
    }
    Ok(Conversion { rounded: false })
}

/// Copies values that are of the target's type already. Whether they were.
fn copy(values: &StoredValues, out: &mut Pixels) -> bool {
    match (values, out) {
        (StoredValues::UInt8(values), Pixels::UInt8(out)) => replace(out, values.iter().copied()),
        (StoredValues::Int16(values), Pixels::Int16(out)) => replace(out, values.iter().copied()),
        (StoredValues::UInt16(values), Pixels::UInt16(out)) => replace(out, values.iter().copied()),
        _ => false,
    }
}

/// Writes the values by integer arithmetic where the header makes sure that all are integers that the
/// target holds: the same values as by way of f64, several times as fast. Whether they were.
fn write_integers(
    header: &ImageHeader,
    mirror: Option<f64>,
    values: &StoredValues,
    out: &mut Pixels,
) -> bool {
    let (slope, intercept) = match header.modality {
        ModalityTransform::Identity => (1.0, 0.0),
        ModalityTransform::Linear { slope, intercept } => (slope, intercept),
        ModalityTransform::Lut(_) => return false,
    };
    let (low, high) = out.pixel_type().integer_range();
    let fits = header
        .value_range()
        .is_some_and(|range| range.integers && range.low >= low as f64 && range.high <= high as f64);
    let small = |value: f64| value.abs() <= f64::from(1 << 30);
    if !fits || !small(slope) || !small(intercept) {
        return false;
    }
    let (slope, intercept) = (slope as i32, intercept as i32);
    // Both ends of the range fit the target, so their sum is small.
    let (slope, offset) = match mirror {
        Some(sum) => (-slope, sum as i32 - intercept),
        None => (slope, intercept),
    };
    match values {
        StoredValues::UInt8(values) => write_linear(values, slope, offset, out),
        StoredValues::Int8(values) => write_linear(values, slope, offset, out),
        StoredValues::UInt16(values) => write_linear(values, slope, offset, out),
        StoredValues::Int16(values) => write_linear(values, slope, offset, out),
        _ => false,
    }
}

/// Writes `slope * value + offset`, known to fit: what wraps on the way is made up for by its end.
fn write_linear<S: Copy + Into<i32>>(values: &[S], slope: i32, offset: i32, out: &mut Pixels) -> bool {
    // Without the product, the compiler need not widen the values.
    match slope {
        1 => write_each(values, |stored| stored.wrapping_add(offset), out),
        _ => write_each(values, |stored| stored.wrapping_mul(slope).wrapping_add(offset), out),
    }
}

fn write_each<S: Copy + Into<i32>>(values: &[S], map: impl Fn(i32) -> i32, out: &mut Pixels) -> bool {
    let value = |&stored: &S| map(stored.into());
    match out {
        Pixels::UInt8(out) => replace(out, values.iter().map(|stored| value(stored) as u8)),
        Pixels::Int16(out) => replace(out, values.iter().map(|stored| value(stored) as i16)),
        Pixels::UInt16(out) => replace(out, values.iter().map(|stored| value(stored) as u16)),
        Pixels::Float32(_) => false,
    }
}

fn replace<T>(out: &mut Vec<T>, values: impl Iterator<Item = T>) -> bool {
    out.clear();
    out.extend(values);
    true
}

/// The first value that the target does not hold.
struct Unfit {
    index: usize,
    value: f64,
}

fn write(values: &StoredValues, map: impl Fn(f64) -> f64, out: &mut Pixels) -> Result<Conversion, Unfit> {
    match values {
        StoredValues::UInt8(values) => write_from(values, map, has_fraction, out),
        StoredValues::Int8(values) => write_from(values, map, has_fraction, out),
        StoredValues::UInt16(values) => write_from(values, map, has_fraction, out),
        StoredValues::Int16(values) => write_from(values, map, has_fraction, out),
        StoredValues::UInt32(values) => write_from(values, map, has_fraction, out),
        StoredValues::Int32(values) => write_from(values, map, has_fraction, out),
        StoredValues::Float32(values) => write_from(values, map, has_fraction, out),
        // What is measured in f64 is rounded, integers too.
        StoredValues::Float64(values) => write_from(values, map, |_| true, out),
    }
}

fn write_from<S: Copy + Into<f64>>(
    values: &[S],
    map: impl Fn(f64) -> f64,
    rounds: impl Fn(f64) -> bool,
    out: &mut Pixels,
) -> Result<Conversion, Unfit> {
    match out {
        Pixels::UInt8(out) => write_as(values, map, |value| low_bits(value) as u8, |_| false, out),
        Pixels::Int16(out) => write_as(values, map, |value| low_bits(value) as i16, |_| false, out),
        Pixels::UInt16(out) => write_as(values, map, |value| low_bits(value) as u16, |_| false, out),
        Pixels::Float32(out) => write_as(values, map, |value| value as f32, rounds, out),
    }
}

/// The integer that `value` is, in two's complement in the low bits: right for integers up to 2^51, and
/// compared with `value` after it was narrowed, so that all else is noticed. Unlike a cast, this does not
/// saturate, and the compiler makes vector code of it.
fn low_bits(value: f64) -> u64 {
    const UNIT_IN_THE_LAST_PLACE_IS_1: f64 = 6_755_399_441_055_744.0;
    (value + UNIT_IN_THE_LAST_PLACE_IS_1).to_bits()
}

/// Writes all values, noting whether each came through its type unchanged; only where one did not does a
/// second pass ask which, so that the first has no branch.
fn write_as<S: Copy + Into<f64>, T: Copy + Into<f64>>(
    values: &[S],
    map: impl Fn(f64) -> f64,
    cast: impl Fn(f64) -> T,
    rounds: impl Fn(f64) -> bool,
    out: &mut Vec<T>,
) -> Result<Conversion, Unfit> {
    out.clear();
    out.extend(values.iter().map(|&stored| cast(map(stored.into()))));
    let pairs = values.iter().zip(out.iter());
    let differing = pairs.fold(0_u32, |differing, (&stored, &held)| {
        let value = map(stored.into());
        let held: f64 = held.into();
        differing | u32::from(held != value) | u32::from(!value.is_finite())
    });
    if differing == 0 {
        return Ok(Conversion { rounded: false });
    }
    for (index, (&stored, &held)) in values.iter().zip(out.iter()).enumerate() {
        let value = map(stored.into());
        let held: f64 = held.into();
        let may_round = rounds(value) && held.is_finite();
        if !value.is_finite() || (held != value && !may_round) {
            return Err(Unfit { index, value });
        }
    }
    Ok(Conversion { rounded: true })
}

/// True for a value that is rounded where the type holds it only nearly.
fn has_fraction(value: f64) -> bool {
    value.fract() != 0.0
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
        let shape = GridShape::new(values.len() / 2, 2).unwrap();
        let header = ImageHeader {
            modality,
            inverted,
            geometry: Geometry { window: [100.0, 50.0], ..Geometry::ABSENT },
            ..ImageHeader::of_pixels(TransferSyntax::ExplicitLittle, shape, stored)
        };
        (header, StoredPixels { values, ..StoredPixels::default() })
    }

    fn converted(
        (header, stored): &(ImageHeader, StoredPixels),
        target: PixelType,
    ) -> Result<(Pixels, bool), DicomFault> {
        let mut out = Pixels::empty(PixelType::UInt8);
        let options = ConvertOptions { monochrome1: Monochrome1::Invert, target, channels: 1 };
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

    proptest::proptest! {
        #[test]
        fn integer_arithmetic_gives_what_f64_gives(
            slope in -20_i32..20,
            intercept in -70_000_i32..70_000,
            inverted: bool,
            values in proptest::collection::vec(0_u16..4096, 2..20),
        ) {
            proptest::prop_assume!(slope != 0);
            let values = values[..values.len() / 2 * 2].to_vec();
            let transform = linear(f64::from(slope), f64::from(intercept));
            let image = image(StoredValues::UInt16(values.clone()), transform, inverted);
            let sum = 2 * intercept + slope * 4095;
            let expected = values.iter().map(|&stored| {
                let value = slope * i32::from(stored) + intercept;
                if inverted { sum - value } else { value }
            });
            let expected: Vec<i32> = expected.collect();
            for target in PixelType::ALL {
                let got = converted(&image, target).ok().map(|(pixels, _)| match pixels {
                    Pixels::UInt8(v) => v.into_iter().map(i32::from).collect::<Vec<_>>(),
                    Pixels::Int16(v) => v.into_iter().map(i32::from).collect(),
                    Pixels::UInt16(v) => v.into_iter().map(i32::from).collect(),
                    Pixels::Float32(v) => v.into_iter().map(|x| x as i32).collect(),
                });
                let (low, high) = target.integer_range();
                let holds = expected.iter().all(|&value| (low..=high).contains(&i64::from(value)));
                proptest::prop_assert_eq!(got, holds.then(|| expected.clone()));
            }
        }
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
        assert_eq!(mono.0.geometry_for(Monochrome1::Invert).window, [3996.0, 50.0]);
        assert_eq!(mono.0.geometry_for(Monochrome1::Keep).window, [100.0, 50.0]);
        let mut kept = Pixels::empty(PixelType::UInt16);
        let options =
            ConvertOptions { monochrome1: Monochrome1::Keep, target: PixelType::UInt16, channels: 1 };
        convert("a.dcm", &mono.0, &mono.1, options, &mut kept).unwrap();
        assert_eq!(kept, Pixels::UInt16(vec![0, 1, 4095, 95]));
    }

    #[test]
    fn values_of_a_unit_are_not_mirrored() {
        let stored = || StoredValues::UInt16(vec![0, 1000]);
        let of_unit = |unit: &str| {
            let (mut header, pixels) = image(stored(), ModalityTransform::Identity, true);
            header.rescale_type = Some(unit.to_owned());
            (header, pixels)
        };
        let hounsfield = of_unit("HU");
        assert_eq!(converted(&hounsfield, PixelType::UInt16), Ok((Pixels::UInt16(vec![0, 1000]), false)));
        assert!(hounsfield.0.stays_inverted(Monochrome1::Invert));
        assert_eq!(hounsfield.0.geometry_for(Monochrome1::Invert).window, [100.0, 50.0]);
        let unspecified = converted(&of_unit("US"), PixelType::UInt16);
        assert_eq!(unspecified, Ok((Pixels::UInt16(vec![4095, 3095]), false)));
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
        for bad in [f64::NAN, f64::INFINITY, 1e300, 1e39] {
            let refused = converted(&pixels(vec![0.1, bad]), PixelType::Float32);
            assert!(matches!(refused, Err(DicomFault::PixelValue { column: 1, .. })), "{bad}");
        }
        let rounded = converted(&pixels(vec![0.1, 16_777_217.0]), PixelType::Float32);
        assert_eq!(rounded, Ok((Pixels::Float32(vec![0.1, 16_777_216.0]), true)));
        // Their range is unknown, so they are not inverted.
        let (mut header, stored) = pixels(vec![0.0, 1.0]);
        header.inverted = true;
        assert!(header.stays_inverted(Monochrome1::Invert));
        let kept = converted(&(header, stored), PixelType::Float32);
        assert_eq!(kept, Ok((Pixels::Float32(vec![0.0, 1.0]), false)));
    }
}
