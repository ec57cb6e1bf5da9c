//! Checks the values of a header and makes an [`ImageHeader`] of them. Only what is used is checked:
//! real headers have much else that is not as the standard wants it.

use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;

use crate::model::GridShape;

use super::attribute::{self, Attribute};
use super::color_space::ColorSpace;
use super::data_set::DataElement;
use super::error::{DicomFault, Located};
use super::header::{FrameHeader, ImageHeader};
use super::header_values::{FrameValues, HeaderValues, MAX_FRAMES};
use super::leniency::Leniency;
use super::modality::{ModalityLut, ModalityTransform};
use super::palette::Palette;
use super::stored_format::StoredFormat;
use super::transfer_syntax::TransferSyntax;
use super::value::RawValue;
use super::value_text::{decimal, shown, text};

impl HeaderValues<'_> {
    /// The header of an image with these values and with its pixels in the element `pixels`.
    pub(super) fn check(
        &self,
        transfer_syntax: TransferSyntax,
        pixels: &DataElement,
    ) -> Result<ImageHeader, Located> {
        let mut leniencies = self.leniencies.clone();
        let frames = self.check_frames(&mut leniencies)?;
        let photometric = self.photometric()?;
        let shape = GridShape::new(
            us(attribute::ROWS, self.rows)?.into(),
            us(attribute::COLUMNS, self.columns)?.into(),
        )
        .map_err(DicomFault::from)?;
        let stored = self.format(pixels.tag)?;
        let inverted = photometric == "MONOCHROME1";
        let color = self.color(photometric, stored, &mut leniencies)?;
        let is_planar = self.is_planar(color.as_ref())?;
        let mut per_frame = self.per_frame(frames, stored, color.is_some(), &mut leniencies)?;
        let FrameHeader { modality, geometry, rescale_type, trigger_time, unreadable } = match &*per_frame {
            [] => self.frame(&self.shared, stored, color.is_some(), &mut leniencies)?,
            [first, ..] => first.clone(),
        };
        if frames == 1 {
            per_frame = Arc::new([]);
        }
        self.note_bits(stored, inverted, &mut leniencies);
        let mut header = ImageHeader {
            shape,
            stored,
            frames,
            modality,
            inverted,
            color,
            is_planar,
            geometry,
            rescale_type,
            instance_number: self.instance_number.and_then(|value| text(value.bytes)?.parse().ok()),
            trigger_time,
            identity: self.identity.clone(),
            transfer_syntax,
            stored_extremes: self.stored_extremes(),
            padding: self.padding(stored),
            has_voi_lut: self.has_voi_lut,
            leniencies,
            unreadable,
            per_frame,
        };
        if header.inverted && header.is_quantity() {
            header.leniencies.insert(Leniency::QuantityNotInverted);
        }
        Ok(header)
    }

    /// Properties of each frame; empty where none has its own.
    fn per_frame(
        &self,
        frames: u32,
        stored: StoredFormat,
        is_color: bool,
        leniencies: &mut BTreeSet<Leniency>,
    ) -> Result<Arc<[FrameHeader]>, Located> {
        let said = self.per_frame.iter().map(|own| own.or(&self.shared));
        let unsaid = iter::repeat_with(|| self.shared.clone());
        let count = if self.per_frame.is_empty() { 0 } else { frames as usize };
        said.chain(unsaid)
            .take(count)
            .map(|values| self.frame(&values, stored, is_color, leniencies))
            .collect()
    }

    fn frame(
        &self,
        values: &FrameValues<'_>,
        stored: StoredFormat,
        is_color: bool,
        leniencies: &mut BTreeSet<Leniency>,
    ) -> Result<FrameHeader, Located> {
        let (geometry, unreadable) = values.geometry.parse();
        let rescale_type = self.rescale_type(values);
        let modality = match self.modality(values, stored, leniencies)? {
            modality if !is_color || modality == ModalityTransform::Identity => modality,
            _ => {
                leniencies.insert(Leniency::RescaleOfColor);
                ModalityTransform::Identity
            }
        };
        let of_image = || self.trigger_time.and_then(|value| decimal(text(value.bytes)?));
        let delay = values.trigger_delay.and_then(|value| {
            let delay = value.syntax.f64(*value.bytes.first_chunk()?);
            delay.is_finite().then_some(delay)
        });
        Ok(FrameHeader {
            modality,
            geometry,
            rescale_type,
            trigger_time: delay.or_else(of_image),
            unreadable,
        })
    }

    /// Smallest and Largest Image Pixel Value.
    fn stored_extremes(&self) -> Option<[i64; 2]> {
        Some([self.stored_value(self.smallest?)?, self.stored_value(self.largest?)?])
    }

    /// Pixel Padding Value, and Pixel Padding Range Limit or that value again (PS3.3 C.7.5.1.1.2); those of floats for
    /// floats (PS3.3 C.7.6.24, C.7.6.25).
    fn padding(&self, stored: StoredFormat) -> Option<[f64; 2]> {
        let integer = |value: RawValue<'_>| self.stored_value(value).map(|value| value as f64);
        let [value, limit] = match stored {
            StoredFormat::Integer { .. } => [self.padding, self.padding_limit].map(|value| integer(value?)),
            StoredFormat::Float32 => self.float_padding.map(|value| Some(f64::from(value?.f32()?))),
            StoredFormat::Float64 => self.double_padding.map(|value| value?.f64()),
        };
        Some([value?, limit.or(value)?])
    }

    /// A stored value, of the VR that Pixel Representation chooses (PS3.3 C.7.6.3), whatever VR was written.
    fn stored_value(&self, value: RawValue<'_>) -> Option<i64> {
        let signed = matches!(self.representation?.bytes, [1, 0] | [0, 1]);
        Some(match *value.bytes {
            [a, b] if signed => i64::from(value.syntax.u16([a, b]).cast_signed()),
            [a, b] => i64::from(value.syntax.u16([a, b])),
            [a, b, c, d] if signed => i64::from(value.syntax.u32([a, b, c, d]).cast_signed()),
            [a, b, c, d] => i64::from(value.syntax.u32([a, b, c, d])),
            _ => return None,
        })
    }

    /// PS3.3 C.8.2.1.1.2: what a rescale makes of CT is in Hounsfield Units, unless Rescale Type says otherwise.
    fn rescale_type(&self, values: &FrameValues<'_>) -> Option<String> {
        let said = values.rescale_type.and_then(|value| ascii(value.bytes));
        let is_given = |value: Option<RawValue<'_>>| value.is_some_and(|value| text(value.bytes) != Some(""));
        let is_rescaled = is_given(values.slope) || is_given(values.intercept);
        said.or_else(|| (is_rescaled && self.identity.is_ct()).then(|| "HU".to_owned()))
    }

    /// Notes what of the stored values is read otherwise than a reader might expect.
    fn note_bits(&self, stored: StoredFormat, inverted: bool, leniencies: &mut BTreeSet<Leniency>) {
        match stored {
            StoredFormat::Integer { bits_stored, high_bit, .. } if high_bit + 1 > bits_stored => {
                leniencies.insert(Leniency::HighBit);
            }
            StoredFormat::Float32 | StoredFormat::Float64 if inverted => {
                leniencies.insert(Leniency::FloatNotInverted);
            }
            _ => {}
        }
    }

    /// Number of Frames; 1 where it is absent, empty or 0: whether the pixels are of one frame is checked later.
    fn check_frames(&self, leniencies: &mut BTreeSet<Leniency>) -> Result<u32, Located> {
        let Some(RawValue { bytes, .. }) = self.frames else {
            return Ok(1);
        };
        let frames = match text(bytes) {
            Some("") => Some(0),
            text => text.and_then(|text| text.parse::<u32>().ok()),
        };
        match frames {
            Some(0) => {
                leniencies.insert(Leniency::NoNumberOfFrames);
                Ok(1)
            }
            Some(frames) if frames > MAX_FRAMES => {
                let fault = DicomFault::TooManyFrames { frames, limit: MAX_FRAMES };
                Err(fault.at(attribute::NUMBER_OF_FRAMES))
            }
            Some(frames) => Ok(frames),
            None => Err(bad(attribute::NUMBER_OF_FRAMES, bytes, "a number of frames")),
        }
    }

    /// Photometric Interpretation, one that is supported, with the Samples per Pixel that go with it.
    fn photometric(&self) -> Result<&str, Located> {
        let Some(RawValue { bytes, .. }) = self.photometric else {
            return Err(DicomFault::Missing.at(attribute::PHOTOMETRIC_INTERPRETATION));
        };
        let one_sample = ["MONOCHROME1", "MONOCHROME2", PALETTE_COLOR];
        let name =
            text(bytes).filter(|name| one_sample.contains(name) || ColorSpace::from_name(name).is_some());
        let Some(name) = name else {
            let supported = "MONOCHROME1, MONOCHROME2, PALETTE COLOR, RGB, YBR_FULL, YBR_FULL_422, YBR_RCT, \
                             YBR_ICT and XYB";
            let fault = DicomFault::Unsupported { value: shown(bytes), supported };
            return Err(fault.at(attribute::PHOTOMETRIC_INTERPRETATION));
        };
        let samples = self.samples.map(|value| us(attribute::SAMPLES_PER_PIXEL, Some(value))).transpose()?;
        let (wanted, supported) = match one_sample.contains(&name) {
            true => (1, "one sample of a monochrome image or a palette"),
            false => (3, "three samples of a true colour image"),
        };
        match samples.unwrap_or(1) {
            samples if samples == wanted => Ok(name),
            samples => {
                let fault = DicomFault::Unsupported { value: samples.to_string(), supported };
                Err(fault.at(attribute::SAMPLES_PER_PIXEL))
            }
        }
    }

    /// The colours of an image with this Photometric Interpretation; `None` where it is monochrome.
    fn color(
        &self,
        photometric: &str,
        stored: StoredFormat,
        leniencies: &mut BTreeSet<Leniency>,
    ) -> Result<Option<ColorSpace>, Located> {
        let signed = matches!(stored, StoredFormat::Integer { signed: true, .. });
        if photometric == PALETTE_COLOR {
            let palette = Palette::read(&self.palette, signed)?;
            if palette.is_dark() {
                leniencies.insert(Leniency::DarkPalette);
            }
            return Ok(Some(ColorSpace::Palette(Arc::new(palette))));
        }
        let Some(color) = ColorSpace::from_name(photometric) else {
            let presentation = self.presentation.and_then(|value| text(value.bytes));
            if presentation
                .is_some_and(|presentation| presentation.ends_with("COLOR") || presentation == "MIXED")
            {
                leniencies.insert(Leniency::SupplementalPalette);
            }
            return Ok(None);
        };
        let unsigned = matches!(stored, StoredFormat::Integer { signed: false, .. });
        if !unsigned {
            let (value, supported) =
                ("signed or floating point colour".to_owned(), "colour of unsigned integers");
            return Err(DicomFault::Unsupported { value, supported }.at(attribute::PIXEL_REPRESENTATION));
        }
        Ok(Some(color))
    }

    /// Planar Configuration, of true colour.
    fn is_planar(&self, color: Option<&ColorSpace>) -> Result<bool, Located> {
        let is_true_color = color.is_some_and(|color| !matches!(color, ColorSpace::Palette(_)));
        let Some(value) = self.planar.filter(|value| is_true_color && !value.bytes.is_empty()) else {
            return Ok(false);
        };
        match us(attribute::PLANAR_CONFIGURATION, Some(value))? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(bad(attribute::PLANAR_CONFIGURATION, value.bytes, "0 or 1")),
        }
    }

    fn format(&self, pixels: u32) -> Result<StoredFormat, Located> {
        let allocated = us(attribute::BITS_ALLOCATED, self.bits_allocated)?;
        if pixels != attribute::tag::PIXEL_DATA {
            let (bits, format) = match pixels {
                attribute::tag::FLOAT_PIXEL_DATA => (32, StoredFormat::Float32),
                _ => (64, StoredFormat::Float64),
            };
            let with = Attribute::from_tag(pixels);
            let agrees = allocated == bits;
            return agrees
                .then_some(format)
                .ok_or(DicomFault::Contradicts { with }.at(attribute::BITS_ALLOCATED));
        }
        if ![1, 8, 16, 32].contains(&allocated) {
            let fault =
                DicomFault::Unsupported { value: allocated.to_string(), supported: "1, 8, 16 and 32 bits" };
            return Err(fault.at(attribute::BITS_ALLOCATED));
        }
        let stored = us(attribute::BITS_STORED, self.bits_stored)?;
        let high = match self.high_bit {
            Some(value) => us(attribute::HIGH_BIT, Some(value))?,
            None => stored.saturating_sub(1),
        };
        if stored == 0 || stored > allocated || high >= allocated || high + 1 < stored {
            return Err(DicomFault::Bits { allocated, stored, high }.at(attribute::BITS_STORED));
        }
        let signed = match us(attribute::PIXEL_REPRESENTATION, self.representation)? {
            0 => false,
            1 => true,
            other => {
                let fault = DicomFault::Value { value: other.to_string(), expected: "0 or 1" };
                return Err(fault.at(attribute::PIXEL_REPRESENTATION));
            }
        };
        if allocated == 1 && signed {
            let fault =
                DicomFault::Unsupported { value: "a signed bit".to_owned(), supported: "unsigned bits" };
            return Err(fault.at(attribute::PIXEL_REPRESENTATION));
        }
        Ok(StoredFormat::Integer { bits_allocated: allocated, bits_stored: stored, high_bit: high, signed })
    }

    /// PS3.3 C.11.1: a LUT or a rescale. Where both are there, the LUT is applied.
    fn modality(
        &self,
        values: &FrameValues<'_>,
        stored: StoredFormat,
        leniencies: &mut BTreeSet<Leniency>,
    ) -> Result<ModalityTransform, Located> {
        if self.lut_descriptor.is_some() || self.lut_data.is_some() {
            if values.slope.or(values.intercept).is_some() {
                leniencies.insert(Leniency::LutBesideRescale);
            }
            return lut(self.lut_descriptor, self.lut_data, stored).map(ModalityTransform::Lut);
        }
        let is_empty = |value: Option<RawValue<'_>>| value.is_some_and(|value| text(value.bytes) == Some(""));
        if is_empty(values.slope) || is_empty(values.intercept) {
            leniencies.insert(Leniency::EmptyRescale);
        }
        let slope = rescale(attribute::RESCALE_SLOPE, values.slope, 1.0)?;
        if slope == 0.0 {
            let fault = DicomFault::Value { value: "0".to_owned(), expected: "a slope other than 0" };
            return Err(fault.at(attribute::RESCALE_SLOPE));
        }
        let intercept = rescale(attribute::RESCALE_INTERCEPT, values.intercept, 0.0)?;
        let identity = slope == 1.0 && intercept == 0.0;
        Ok(if identity {
            ModalityTransform::Identity
        } else {
            ModalityTransform::Linear { slope, intercept }
        })
    }
}

/// Photometric Interpretation of indices into a palette.
const PALETTE_COLOR: &str = "PALETTE COLOR";

/// PS3.3 C.11.1.1.1: the number of entries (0 for 65,536), the first stored value, and the bits.
fn lut(
    descriptor: Option<RawValue<'_>>,
    data: Option<RawValue<'_>>,
    stored: StoredFormat,
) -> Result<ModalityLut, Located> {
    let descriptor = descriptor.ok_or(DicomFault::Missing.at(attribute::LUT_DESCRIPTOR))?;
    let data = data.ok_or(DicomFault::Missing.at(attribute::LUT_DATA))?;
    let malformed = |expected| bad(attribute::LUT_DESCRIPTOR, descriptor.bytes, expected);
    let &[a, b, c, d, e, f] = descriptor.bytes else {
        return Err(malformed("three 16-bit numbers"));
    };
    let [entries, first, bits] = [[a, b], [c, d], [e, f]].map(|bytes| descriptor.syntax.u16(bytes));
    let StoredFormat::Integer { signed, .. } = stored else {
        let with = attribute::FLOAT_PIXEL_DATA;
        return Err(DicomFault::Contradicts { with }.at(attribute::MODALITY_LUT_SEQUENCE));
    };
    if !(8..=16).contains(&bits) {
        return Err(malformed("a table of 8 to 16 bits"));
    }
    let first = if signed { i64::from(first.cast_signed()) } else { i64::from(first) };
    let entries = if entries == 0 { 65_536 } else { usize::from(entries) };
    let table = lut_entries(entries, bits, data)?;
    if table.iter().any(|&entry| u32::from(entry) >= 1 << bits) {
        return Err(DicomFault::Contradicts { with: attribute::LUT_DATA }.at(attribute::LUT_DESCRIPTOR));
    }
    ModalityLut::new(first, table).ok_or(DicomFault::Missing.at(attribute::LUT_DATA))
}

/// The entries, 16 bits each, or 8 bits each where the table has 8 bits and the data are that short.
fn lut_entries(entries: usize, bits: u16, data: RawValue<'_>) -> Result<Vec<u16>, Located> {
    let RawValue { bytes, syntax } = data;
    if bytes.len() >= 2 * entries {
        let (pairs, _) = bytes.as_chunks::<2>();
        return Ok(pairs[..entries].iter().map(|&pair| syntax.u16(pair)).collect());
    }
    let padded = entries + entries % 2;
    if bits != 8 || bytes.len() < padded {
        let (needed, present) = (2 * entries as u64, bytes.len() as u64);
        return Err(DicomFault::PixelsShort { needed, present }.at(attribute::LUT_DATA));
    }
    // Bytes packed in 16-bit words: swapped in big endian.
    let swap = usize::from(syntax.big_endian);
    Ok((0..entries).map(|index| u16::from(bytes[index ^ swap])).collect())
}

/// An unsigned 16-bit number (US) that must be there.
fn us(attribute: Attribute, value: Option<RawValue<'_>>) -> Result<u16, Located> {
    let Some(RawValue { bytes, syntax }) = value else {
        return Err(DicomFault::Missing.at(attribute));
    };
    match bytes {
        &[a, b] => Ok(syntax.u16([a, b])),
        _ => Err(bad(attribute, bytes, "one 16-bit number")),
    }
}

/// A number of the rescale: `absent` where the attribute is not there or empty, an error where it is unreadable.
/// Taking another value for one that cannot be read would scale the image wrongly without a word.
fn rescale(attribute: Attribute, value: Option<RawValue<'_>>, absent: f64) -> Result<f64, Located> {
    let Some(RawValue { bytes, .. }) = value else {
        return Ok(absent);
    };
    if text(bytes) == Some("") {
        return Ok(absent);
    }
    text(bytes).and_then(decimal).ok_or_else(|| bad(attribute, bytes, "one decimal number"))
}

fn ascii(bytes: &[u8]) -> Option<String> {
    let text = text(bytes).filter(|text| !text.is_empty())?;
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte)).then(|| text.to_owned())
}

fn bad(attribute: Attribute, bytes: &[u8], expected: &'static str) -> Located {
    DicomFault::Value { value: shown(bytes), expected }.at(attribute)
}
