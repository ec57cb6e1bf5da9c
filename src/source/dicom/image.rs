//! Reads one DICOM image: its header, and its stored values.

use super::attribute::Attribute;
use super::data_set::{Element, Syntax};
use super::encapsulated;
use super::error::{DicomError, DicomFault, Located};
use super::header::ImageHeader;
use super::header_values::HeaderValues;
use super::limits::Limits;
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
        limits.check_bytes("the file", file_len)?;
        let total = usize::try_from(file_len).unwrap_or(usize::MAX).max(bytes.len());
        let Some(data_set) = part10::open(bytes, total, limits)? else {
            return Ok(None);
        };
        let Some((values, pixels)) = HeaderValues::collect(&data_set)? else {
            return Ok(None);
        };
        let header = values.check(data_set.transfer_syntax, &pixels)?;
        check_size(&header, &pixels, data_set.total, limits)?;
        Ok(Some(header))
    };
    parse().map_err(|located: Located| located.in_file(file))
}

/// Reads the header and the stored values of the image in `file`, which is `bytes`. The values replace
/// what `stored` held; its memory is used again.
///
/// # Errors
/// As [`parse_header`]; also where the pixels are too short or cannot be decoded.
pub fn parse_image(
    file: &str,
    bytes: &[u8],
    limits: &Limits,
    stored: &mut StoredPixels,
) -> Result<ImageHeader, DicomError> {
    let mut parse = || {
        limits.check_bytes("the file", bytes.len() as u64)?;
        let cut = DicomFault::Cut { at: bytes.len() };
        let Some(data_set) = part10::open(bytes, bytes.len(), limits)? else {
            return Err(cut.into());
        };
        let Some((values, pixels)) = HeaderValues::collect(&data_set)? else {
            return Err(cut.into());
        };
        let header = values.check(data_set.transfer_syntax, &pixels)?;
        check_size(&header, &pixels, data_set.total, limits)?;
        read_pixels(&header, &data_set, &pixels, stored)?;
        Ok(header)
    };
    parse().map_err(|located: Located| located.in_file(file))
}

/// Checks the image's size against the limits and the bytes there are, before memory is asked for.
fn check_size(header: &ImageHeader, pixels: &Element, total: usize, limits: &Limits) -> Result<(), Located> {
    let attribute = Attribute::from_tag(pixels.tag);
    let needed = header.shape.pixels() as u64 * header.stored.bytes() as u64;
    limits.check_bytes("the decoded image", needed)?;
    limits.check_pixels(header.shape.pixels() as u64)?;
    let is_float = !matches!(header.stored, StoredFormat::Integer { .. });
    match (pixels.end, header.transfer_syntax.codec()) {
        (Some(end), None) => {
            let present = (end - pixels.start) as u64;
            if present < needed {
                return Err(DicomFault::PixelsShort { needed, present }.at(attribute));
            }
            Ok(())
        }
        (None, Some(_)) if !is_float => {
            let encoded = (total - pixels.start) as u64;
            encapsulated::check_plausible(needed, encoded).map_err(|fault| fault.at(attribute))
        }
        (end, _) => {
            let syntax = header.transfer_syntax.to_string();
            Err(DicomFault::Encapsulation { encapsulated: end.is_none(), syntax }.at(attribute))
        }
    }
}

/// Reads pixels whose size has been checked.
fn read_pixels(
    header: &ImageHeader,
    data_set: &DataSet<'_>,
    pixels: &Element,
    stored: &mut StoredPixels,
) -> Result<(), Located> {
    if let Some(codec) = header.transfer_syntax.codec() {
        return encapsulated::decode(header, codec, &data_set.bytes, pixels, stored);
    }
    let needed = header.shape.pixels() * header.stored.bytes();
    let rest = &data_set.bytes[pixels.start..];
    let syntax = pixels.syntax;
    if syntax.big_endian && header.stored.bytes() == 1 && pixels.vr == *b"OW" {
        return read_swapped(header, rest, needed, stored);
    }
    stored.values.fill(header.stored, syntax, &rest[..needed]);
    Ok(())
}

/// Reads 8-bit pixels in 16-bit words of big endian: the first pixel is in the low byte (PS3.5 8.2, 7.3).
fn read_swapped(
    header: &ImageHeader,
    rest: &[u8],
    needed: usize,
    stored: &mut StoredPixels,
) -> Result<(), Located> {
    let Some(words) = rest.get(..needed + needed % 2) else {
        let (needed, present) = (needed as u64 + 1, rest.len() as u64);
        return Err(DicomFault::PixelsShort { needed, present }.into());
    };
    stored.decoded.clear();
    stored.decoded.extend(words.as_chunks::<2>().0.iter().flat_map(|&[high, low]| [low, high]));
    stored.values.fill(header.stored, Syntax::EXPLICIT_BIG, &stored.decoded[..needed]);
    Ok(())
}
