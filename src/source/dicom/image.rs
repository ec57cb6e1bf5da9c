//! Reads one DICOM image: its header, and its stored values.

use std::mem;

use super::attribute::{self, Attribute};
use super::big_endian::{swap_bytes, wide_numbers};
use super::color_space::ColorSpace;
use super::data_set::{DataElement, Syntax};
use super::encapsulated;
use super::error::{DicomError, DicomFault, Located};
use super::frames::{FrameIndex, frame_in_memory, is_in_words};
use super::header::ImageHeader;
use super::header_values::HeaderValues;
use super::image_color::{check_components, check_halved, to_rgb};
use super::leniency::Leniency;
use super::limits::Limits;
use super::native::SampleOrder;
use super::part10::{self, DataSet};
use super::stored_format::StoredFormat;
use super::stored_pixels::StoredPixels;

/// Reads the header of the image in `file`, of which `bytes` are the first bytes and `file_len` is the
/// length in bytes. Everything that the header alone can show to be wrong is checked.
///
/// `None` where `bytes` end before Pixel Data while the file goes on: call again with more of the file.
/// A deflated file always needs the whole.
///
/// # Errors
/// [`DicomError`] where the file is no DICOM image, contradicts itself, is of a kind that is not supported
/// or goes beyond `limits`.
pub fn parse_header(
    file: &str,
    bytes: &[u8],
    file_len: u64,
    limits: &Limits,
) -> Result<Option<ImageHeader>, DicomError> {
    let parse = || {
        let total = usize::try_from(file_len).unwrap_or(usize::MAX).max(bytes.len());
        let Some(data_set) = part10::open(bytes, total, limits)? else {
            return Ok(None);
        };
        let parsed = header_and_pixels(&data_set, limits)?;
        // Of a multi-frame file, one frame at a time is held.
        if parsed.as_ref().is_some_and(|(header, _)| header.frames == 1) {
            limits.check_bytes("the file", file_len)?;
        }
        Ok(parsed.map(|(header, _)| header))
    };
    let parse = || match parse() {
        // The header alone is longer than a file may be.
        Ok(None) if bytes.len() as u64 >= limits.max_image_bytes => {
            limits.check_bytes("the file", file_len).map(|()| None)
        }
        parsed => parsed,
    };
    parse().map_err(|located: Located| located.in_file(file))
}

/// Reads the header and the stored values of the single-frame image in `file`, which is `bytes`. The values replace
/// what `stored` held; its memory is used again.
///
/// # Errors
/// As [`parse_header`]; also where the pixels are too short or cannot be decoded, or there are several frames.
pub fn parse_image(
    file: &str,
    bytes: &[u8],
    limits: &Limits,
    stored: &mut StoredPixels,
) -> Result<ImageHeader, DicomError> {
    parse_frame(file, bytes, 0, limits, stored)
}

/// Reads the header and the stored values of a `frame` of the image in `file`, which is `bytes`, as [`parse_image`]
/// does. Frames count from 1; 0 is the only one of a single-frame image. The header is that of the frame.
///
/// # Errors
/// As [`parse_image`]; [`DicomFault::NoSuchFrame`] where there is no such frame.
pub fn parse_frame(
    file: &str,
    bytes: &[u8],
    frame: u32,
    limits: &Limits,
    stored: &mut StoredPixels,
) -> Result<ImageHeader, DicomError> {
    let mut parse = || {
        limits.check_bytes("the file", bytes.len() as u64)?;
        let cut = DicomFault::Cut { at: bytes.len() };
        let Some(data_set) = part10::open(bytes, bytes.len(), limits)? else {
            return Err(cut.into());
        };
        let Some((header, pixels)) = header_and_pixels(&data_set, limits)? else {
            return Err(cut.into());
        };
        let index = header.index_of(frame)?;
        let header = if header.frames == 1 { header } else { header.of_frame(frame).unwrap_or(header) };
        read_pixels(&header, &data_set, &pixels, index, stored)?;
        Ok(header)
    };
    parse().map_err(|located: Located| located.in_file(file))
}

/// The header, checked, and the element of the pixels; `None` where the bytes at hand end before these.
pub(super) fn header_and_pixels(
    data_set: &DataSet<'_>,
    limits: &Limits,
) -> Result<Option<(ImageHeader, DataElement)>, Located> {
    let Some((values, pixels)) = HeaderValues::collect(data_set)? else {
        return Ok(None);
    };
    let mut header = values.check(data_set.transfer_syntax, &pixels)?;
    let says_frames = values.number_of_frames().is_some();
    check_size(&mut header, says_frames, &pixels, data_set.total, limits)?;
    Ok(Some((header, pixels)))
}

/// Checks the image's size against the limits and the bytes there are, before memory is asked for.
fn check_size(
    header: &mut ImageHeader,
    says_frames: bool,
    pixels: &DataElement,
    total: usize,
    limits: &Limits,
) -> Result<(), Located> {
    let attribute = Attribute::from_tag(pixels.tag);
    let frame = header.decoded_bytes() as u64;
    limits.check_bytes("the decoded image", frame)?;
    limits.check_pixels(header.shape.pixels() as u64)?;
    let is_float = !matches!(header.stored, StoredFormat::Integer { .. });
    match (pixels.end, header.transfer_syntax.codec()) {
        (Some(end), None) => {
            check_native(header, says_frames, pixels, end).map_err(|fault| fault.at(attribute))?;
            check_halved(header).map_err(|fault| fault.at(attribute::COLUMNS))
        }
        (None, Some(_)) if !is_float => {
            let encoded = (total - pixels.start) as u64;
            // Each frame has a fragment, which has a header.
            let needed = if u64::from(header.frames) * 8 > encoded { u64::MAX } else { frame };
            encapsulated::check_plausible(needed, encoded).map_err(|fault| fault.at(attribute))
        }
        (end, _) => {
            let syntax = header.transfer_syntax.to_string();
            Err(DicomFault::Encapsulation { encapsulated: end.is_none(), syntax }.at(attribute))
        }
    }
}

/// Checks that native pixels, which end at `end`, are as long as the header says, and notes what is longer.
fn check_native(
    header: &mut ImageHeader,
    says_frames: bool,
    pixels: &DataElement,
    end: usize,
) -> Result<(), DicomFault> {
    let present = (end - pixels.start) as u64;
    let all = |header: &ImageHeader| header.decoded_bytes() as u64 * u64::from(header.frames);
    if header.color == Some(ColorSpace::YbrFull422) && present >= all(header) {
        header.color = Some(ColorSpace::YbrFull);
        header.leniencies.insert(Leniency::NotHalved);
    }
    let needed = (SampleOrder::of(header).frame_bits(header) * u64::from(header.frames)).div_ceil(8);
    let needed = if is_in_words(header, pixels) { needed.next_multiple_of(2) } else { needed };
    if present < needed {
        return Err(DicomFault::PixelsShort { needed, present });
    }
    // One byte more makes the length even (PS3.5 7.1.1).
    if present <= needed + 1 {
        return Ok(());
    }
    if present >= 2 * needed && !says_frames {
        let found = format!("{present} bytes, which {} frames would fill", present / needed);
        return Err(DicomFault::FrameCount { frames: 1, found });
    }
    header.leniencies.insert(Leniency::ExcessPixels);
    Ok(())
}

/// Reads pixels whose size has been checked, of the frame with this index, from 0.
fn read_pixels(
    header: &ImageHeader,
    data_set: &DataSet<'_>,
    pixels: &DataElement,
    index: u32,
    stored: &mut StoredPixels,
) -> Result<(), Located> {
    let frames = FrameIndex::find(header, pixels, &*data_set.bytes, data_set.total as u64)?;
    let mut joined = mem::take(&mut stored.joined);
    let frame = frame_in_memory(&data_set.bytes, &frames.extents(index), &mut joined)
        .map_err(|fault| fault.at(attribute::PIXEL_DATA));
    let decoded = frame.and_then(|frame| decode_frame(header, pixels, index, frame, stored));
    stored.joined = joined;
    stored.leniencies.extend(frames.leniency);
    decoded
}

/// Decodes the bytes of one frame into `stored`. `index` counts from 0.
pub(super) fn decode_frame(
    header: &ImageHeader,
    pixels: &DataElement,
    index: u32,
    frame: &[u8],
    stored: &mut StoredPixels,
) -> Result<(), Located> {
    stored.leniencies.clear();
    if let Some(codec) = header.transfer_syntax.codec() {
        return encapsulated::decode(header, codec, frame, stored);
    }
    let StoredPixels { values, joined: _, decoded, leniencies, .. } = stored;
    let order = SampleOrder::of(header);
    let bits = order.frame_bits(header);
    // A frame may begin in the middle of a byte, or of a word.
    let unit = if is_in_words(header, pixels) { 16 } else { 8 };
    let skipped = (u64::from(index) * bits % unit) as usize;
    let mut syntax = pixels.syntax;
    if is_in_words(header, pixels) {
        swap_bytes(frame, decoded);
        syntax = Syntax::EXPLICIT_LITTLE;
    } else if pixels.syntax.big_endian && header.stored.is_wide_integer() {
        let leniency = wide_numbers(header, &frame[..bits as usize / 8], decoded)
            .map_err(|fault| fault.at(Attribute::from_tag(pixels.tag)))?;
        leniencies.extend(leniency);
    } else {
        decoded.clear();
    }
    let bytes = if decoded.is_empty() { frame } else { &**decoded };
    let (whole, rest) = (skipped / 8, skipped % 8);
    let bytes = &bytes[whole..whole + (rest + bits as usize).div_ceil(8)];
    let mut ordered = Vec::new();
    if order.arrange(header, bytes, rest, &mut ordered) {
        values.fill(header.stored, syntax, &ordered);
    } else {
        values.fill(header.stored, syntax, bytes);
    }
    check_components(header).map_err(|fault| fault.at(attribute::PHOTOMETRIC_INTERPRETATION))?;
    to_rgb(header, header.color.as_ref().is_some_and(ColorSpace::is_ybr_full), stored)
}
