//! Mask images as TIFF (TIFF 6.0, BigTIFF).

use std::io::Cursor;

use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::bounds::{check_file, check_image, check_inflated, decode};
use super::mask_image::{MaskImage, Samples};
use super::tiff_photometric::{self, Photometric};
use super::values::LabelValues;
use super::{LabelError, LabelFault};
use crate::model::GridShape;
use crate::source::Limits;

/// Reads the mask in `file`, which is `bytes` of TIFF: grey values of 1 to 32 bits, or the indices of a palette. A colour
/// image is read where each pixel is a shade of grey.
///
/// Where the smallest value is white (WhiteIsZero), white is the structure, as Pillow and OpenCV read it; except in a
/// file of 1 bit by tifffile, which stores true as 1 under that tag. The decision is among the notes.
///
/// # Errors
/// [`LabelError`] where it is no TIFF, damaged, in colour, of several pages, compressed with loss, of a kind that is not
/// read, or beyond `limits`.
pub fn parse_tiff(file: &str, bytes: &[u8], limits: &Limits) -> Result<MaskImage, LabelError> {
    decode("TIFF", || parse(bytes, limits)).map_err(|fault| fault.in_file(file))
}

type TiffDecoder = Decoder<Cursor<Vec<u8>>>;

fn parse(bytes: &[u8], limits: &Limits) -> Result<MaskImage, LabelFault> {
    check_file(bytes, limits)?;
    let (stored, photometric) = tiff_photometric::as_stored(bytes)?;
    let mut decoder = Decoder::new(Cursor::new(stored)).map_err(damaged)?.with_limits(decoder_limits(limits));
    let (width, height) = decoder.dimensions().map_err(damaged)?;
    let shape = GridShape::new(height as usize, width as usize)?;
    check_kind(&mut decoder, photometric)?;
    check_pages(&mut decoder)?;
    let samples = samples(&mut decoder, photometric)?;
    check_image(shape, samples.row_bytes(shape.columns()), limits)?;
    check_plausible(&mut decoder, shape, samples, bytes.len() as u64)?;
    let mut image = read(&mut decoder, shape, samples, limits)?;
    if photometric == Photometric::WhiteIsZero {
        // Of masks of bool, which have 1 bit; deeper ones have the tag where somebody has asked for it.
        let by_tifffile =
            samples.bits == 1 && software(&mut decoder).is_some_and(|name| name.starts_with("tifffile"));
        white_is_zero(&mut image, samples, by_tifffile, limits)?;
    }
    Ok(image)
}

fn decoder_limits(limits: &Limits) -> tiff::decoder::Limits {
    let most = usize::try_from(limits.max_image_bytes).unwrap_or(usize::MAX);
    let mut decoder = tiff::decoder::Limits::default();
    decoder.decoding_buffer_size = most;
    decoder.intermediate_buffer_size = most;
    decoder
}

/// Refuses what would not be read as it is meant.
fn check_kind(decoder: &mut TiffDecoder, photometric: Photometric) -> Result<(), LabelFault> {
    let number = |decoder: &mut TiffDecoder, tag, default: u64| -> Result<u64, LabelFault> {
        Ok(decoder.find_tag_unsigned(tag).map_err(damaged)?.unwrap_or(default))
    };
    let compression = number(decoder, Tag::Compression, 1)?;
    match compression {
        // None, facsimile T.6, LZW, Deflate by both numbers, PackBits.
        1 | 4 | 5 | 8 | 32_946 | 32_773 => {}
        6 | 7 => {
            return Err(LabelFault::unsupported(
                "the mask image is compressed as JPEG, which changes values",
                "save masks without loss",
            ));
        }
        _ => {
            let remedy = "save masks without compression, or with LZW, Deflate or PackBits";
            return Err(LabelFault::unsupported(format!("compression {compression} is not read"), remedy));
        }
    }
    if photometric == Photometric::Other {
        let remedy = "save masks as grey values or as indices of a palette";
        return Err(LabelFault::unsupported("the mask image is in colour", remedy));
    }
    if number(decoder, Tag::Orientation, 1)? != 1 {
        let remedy = "save masks with the first row at the top and the first column at the left";
        return Err(LabelFault::unsupported("the tag Orientation turns or mirrors the mask image", remedy));
    }
    if number(decoder, Tag::FillOrder, 1)? != 1 {
        let remedy = "save masks with FillOrder 1";
        return Err(LabelFault::unsupported("the bits of each byte are in reverse (FillOrder 2)", remedy));
    }
    let samples = number(decoder, Tag::SamplesPerPixel, 1)?;
    if samples > 1 && number(decoder, Tag::PlanarConfiguration, 1)? != 1 {
        let found = format!("the {samples} channels of the mask image are stored one after the other");
        return Err(LabelFault::unsupported(found, "save masks with one channel"));
    }
    Ok(())
}

/// Refuses a file of several pages. Smaller copies of the first page (a pyramid, a thumbnail) are no pages.
fn check_pages(decoder: &mut TiffDecoder) -> Result<(), LabelFault> {
    const MOST: usize = 32;
    for _ in 0..MOST {
        if !decoder.more_images() {
            return decoder.seek_to_image(0).map_err(damaged);
        }
        let reduced =
            decoder.next_image().and_then(|()| decoder.find_tag_unsigned::<u64>(Tag::NewSubfileType));
        // NewSubfileType: bit 0 is a reduced version of another image in the file.
        if !matches!(reduced, Ok(Some(kind)) if kind & 1 == 1) {
            break;
        }
    }
    let remedy = "save one mask a file, or a label volume as NIfTI";
    Err(LabelFault::unsupported("the TIFF has several pages", remedy))
}

fn samples(decoder: &mut TiffDecoder, photometric: Photometric) -> Result<Samples, LabelFault> {
    let bits: u64 = decoder
        .find_tag_unsigned_vec(Tag::BitsPerSample)
        .map_err(damaged)?
        .and_then(|bits| bits.first().copied())
        .unwrap_or(1);
    let channels: u64 = decoder.find_tag_unsigned(Tag::SamplesPerPixel).map_err(damaged)?.unwrap_or(1);
    let colours: usize = if photometric == Photometric::Rgb { 3 } else { 1 };
    let refused =
        |found: String| LabelFault::unsupported(found, "save masks with one channel of 1, 8 or 16 bits");
    let bits = match (bits, colours) {
        (8 | 16, _) | (1 | 2 | 4 | 32 | 64, 1) => bits as u8,
        _ => return Err(refused(format!("the mask image has {bits} bits a sample"))),
    };
    let alpha = channels == colours as u64 + 1;
    if !(alpha && matches!(bits, 8 | 16)) && channels != colours as u64 {
        return Err(refused(format!("the mask image has {channels} channels")));
    }
    Ok(Samples { bits, colours, alpha, big_endian: cfg!(target_endian = "big") })
}

fn check_plausible(
    decoder: &mut TiffDecoder,
    shape: GridShape,
    samples: Samples,
    encoded: u64,
) -> Result<(), LabelFault> {
    let needed = samples.row_bytes(shape.columns()) as u64 * shape.rows() as u64;
    let compression: u64 = decoder.find_tag_unsigned(Tag::Compression).map_err(damaged)?.unwrap_or(1);
    if compression == 1 && needed > encoded {
        return Err(LabelFault::Cut { present: encoded, needed });
    }
    // LZW and facsimile codes gain more than DEFLATE; their images are bounded by the limits alone.
    if matches!(compression, 8 | 32_946) { check_inflated(needed, encoded) } else { Ok(()) }
}

fn read(
    decoder: &mut TiffDecoder,
    shape: GridShape,
    samples: Samples,
    limits: &Limits,
) -> Result<MaskImage, LabelFault> {
    if samples.bits <= 16 {
        let whole = decoder.find_tag_unsigned_vec::<u64>(Tag::SampleFormat).map_err(damaged)?;
        if whole.is_none_or(|formats| formats.iter().all(|&format| format == 1)) {
            let needed = samples.row_bytes(shape.columns()) * shape.rows();
            let layout = decoder.image_buffer_layout().map_err(damaged)?;
            let mut rows = vec![0; layout.len.max(needed)];
            decoder.read_image_bytes(&mut rows).map_err(damaged)?;
            return MaskImage::from_rows(shape, samples, &rows, limits);
        }
    }
    let decoded = decoder.read_image().map_err(damaged)?;
    let mut values = LabelValues::with_capacity(shape.pixels(), limits.max_image_bytes)?;
    push_all(&decoded, &mut values)?;
    if values.len() != shape.pixels() {
        return Err(LabelFault::unsupported(
            "the mask image has several channels",
            "save masks with one channel",
        ));
    }
    Ok(MaskImage { shape, values, notes: Vec::new() })
}

/// Appends numbers that are not small unsigned integers.
fn push_all(decoded: &DecodingResult, values: &mut LabelValues) -> Result<(), LabelFault> {
    fn push<T: Copy>(
        from: &[T],
        values: &mut LabelValues,
        label: impl Fn(usize, T) -> Result<i64, LabelFault>,
    ) -> Result<(), LabelFault> {
        from.iter().enumerate().try_for_each(|(index, &value)| values.push(label(index, value)?))
    }
    let whole = |index: usize, value: f64| {
        let refused = LabelFault::NotWhole { index, value };
        if value.fract() == 0.0 && value.abs() < 1e15 { Ok(value as i64) } else { Err(refused) }
    };
    match decoded {
        DecodingResult::U8(from) => push(from, values, |_, v| Ok(v.into())),
        DecodingResult::U16(from) => push(from, values, |_, v| Ok(v.into())),
        DecodingResult::U32(from) => push(from, values, |_, v| Ok(v.into())),
        DecodingResult::U64(from) => push(from, values, |index, v| {
            i64::try_from(v).map_err(|_| LabelFault::NotWhole { index, value: v as f64 })
        }),
        DecodingResult::I8(from) => push(from, values, |_, v| Ok(v.into())),
        DecodingResult::I16(from) => push(from, values, |_, v| Ok(v.into())),
        DecodingResult::I32(from) => push(from, values, |_, v| Ok(v.into())),
        DecodingResult::I64(from) => push(from, values, |_, v| Ok(v)),
        DecodingResult::F16(from) => push(from, values, |index, v| whole(index, v.to_f64())),
        DecodingResult::F32(from) => push(from, values, |index, v| whole(index, v.into())),
        DecodingResult::F64(from) => push(from, values, whole),
    }
}

/// Makes white the structure of an image whose smallest value is white, unless `by_tifffile`.
fn white_is_zero(
    image: &mut MaskImage,
    samples: Samples,
    by_tifffile: bool,
    limits: &Limits,
) -> Result<(), LabelFault> {
    if by_tifffile {
        let note = "WhiteIsZero by tifffile: the stored values are taken as they are; see --mask-invert";
        image.notes.push(note.to_owned());
        return Ok(());
    }
    if samples.bits > 16 {
        return Err(LabelFault::unsupported(
            "the smallest value of the mask image is white (WhiteIsZero)",
            "save masks of 32 bits with BlackIsZero",
        ));
    }
    let white = (1 << samples.bits) - 1;
    let mut values = LabelValues::with_capacity(image.values.len(), limits.max_image_bytes)?;
    for index in 0..image.values.len() {
        values.push(white - image.values.get(index))?;
    }
    image.values = values;
    let note = "WhiteIsZero: stored zeros are white and count as the structure; see --mask-invert";
    image.notes.push(note.to_owned());
    Ok(())
}

fn software(decoder: &mut TiffDecoder) -> Option<String> {
    decoder.get_tag_ascii_string(Tag::Software).ok()
}

fn damaged(error: TiffError) -> LabelFault {
    LabelFault::Damaged { format: "TIFF", message: error.to_string() }
}

#[cfg(test)]
mod tests;
