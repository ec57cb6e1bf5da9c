//! Compressed pixels: from fragments to stored values (PS3.5 A.4).

use std::collections::BTreeSet;

use super::attribute;
use super::codec::codestream::Codestream;
use super::codec::{deflated, jpeg, jpeg_2000, jpeg_ls, jpeg_xl, rle};
use super::data_set::Syntax;
use super::error::{DicomFault, Located};
use super::header::ImageHeader;
use super::leniency::Leniency;
use super::limits::plausible_decoded_bytes;
use super::stored_format::StoredFormat;
use super::stored_pixels::StoredPixels;
use super::transfer_syntax::{Codec, TransferSyntax};

/// Decodes the compressed bytes of one frame into `stored`. `header` has been checked against the limits.
pub(super) fn decode(
    header: &ImageHeader,
    codec: Codec,
    frame: &[u8],
    stored: &mut StoredPixels,
) -> Result<(), Located> {
    decode_frame(header, codec, frame, stored).map_err(|fault| fault.at(attribute::PIXEL_DATA))?;
    let StoredPixels { values, decoded, .. } = stored;
    values.fill(header.stored, Syntax::EXPLICIT_LITTLE, decoded);
    Ok(())
}

/// Refuses a decoded size that so few compressed bytes cannot hold, before memory is asked for.
pub(super) fn check_plausible(needed: u64, encoded: u64) -> Result<(), DicomFault> {
    if needed > plausible_decoded_bytes(encoded) {
        return Err(DicomFault::Implausible { needed, encoded });
    }
    Ok(())
}

pub(super) fn decode_frame(
    header: &ImageHeader,
    codec: Codec,
    frame: &[u8],
    stored: &mut StoredPixels,
) -> Result<(), DicomFault> {
    let StoredPixels { decoded, samples, wide_samples, leniencies, .. } = stored;
    let needed = header.shape.pixels() * header.stored.bytes();
    check_plausible(needed as u64, frame.len() as u64)?;
    match codec {
        Codec::Rle => rle::decode(frame, header.shape.pixels(), header.stored.bytes(), decoded)
            .ok_or(DicomFault::Codestream { format: "RLE" }),
        Codec::Uncompressed => deflated::whole_frame(needed, frame).map(|native| {
            decoded.clear();
            decoded.extend_from_slice(native);
        }),
        Codec::Deflate => deflated::decode(needed, frame, decoded),
        Codec::JpegXl => {
            let image = jpeg_xl::open(frame, header.shape.pixels())?;
            check_stream(header, image.codestream)?;
            let lossless = header.transfer_syntax == TransferSyntax::JpegXlLossless;
            image.decode(header, lossless, samples)?;
            let samples = samples.iter().copied().map(i32::from);
            take_samples(header, image.codestream, samples, decoded, leniencies)
        }
        Codec::Jpeg => {
            let stream = jpeg::describe(header.transfer_syntax, frame)?;
            check_stream(header, stream)?;
            if !jpeg::decode(header.transfer_syntax, frame, samples)? {
                leniencies.insert(Leniency::NoEndMarker);
            }
            take_samples(header, stream, samples.iter().copied().map(i32::from), decoded, leniencies)
        }
        Codec::JpegLs => {
            let stream = jpeg_ls::describe(header.transfer_syntax, frame)?;
            check_stream(header, stream)?;
            if !jpeg_ls::decode(header.transfer_syntax, frame, samples)? {
                leniencies.insert(Leniency::NoEndMarker);
            }
            take_samples(header, stream, samples.iter().copied().map(i32::from), decoded, leniencies)
        }
        Codec::Jpeg2000 => {
            let image = jpeg_2000::open(frame)?;
            check_stream(header, image.stream)?;
            image.decode(header.transfer_syntax, wide_samples)?;
            take_samples(header, image.stream, wide_samples.iter().copied(), decoded, leniencies)
        }
    }
}

/// Writes the samples of a codec as bytes of the stored format, where both agree about the values.
fn take_samples(
    header: &ImageHeader,
    stream: Codestream,
    samples: impl Iterator<Item = i32> + Clone,
    decoded: &mut Vec<u8>,
    leniencies: &mut BTreeSet<Leniency>,
) -> Result<(), DicomFault> {
    let StoredFormat::Integer { bits_stored, high_bit, signed, .. } = header.stored else {
        return Err(DicomFault::Codestream { format: "compressed image" });
    };
    check_signs(signed, bits_stored, stream, samples.clone())?;
    let bytes = header.stored.bytes();
    decoded.clear();
    // Without loss, nothing but unused bits, which may hold an overlay, stands above the value (PS3.5 8.1.1). Where the
    // value stands higher, the stream has other bits as well.
    let is_exact = header.transfer_syntax.is_lossless() || high_bit + 1 != bits_stored;
    if is_exact || u16::from(stream.precision) <= bits_stored {
        decoded.extend(samples.flat_map(|sample| sample.to_le_bytes().into_iter().take(bytes)));
        return Ok(());
    }
    let (low, high) = header.stored.range().unwrap_or_default();
    for sample in samples {
        // Two's complement in a stream without sign may be of Bits Stored or of all bits.
        let shift = 32
            - if sample >> bits_stored == 0 { u32::from(bits_stored) } else { u32::from(stream.precision) };
        let value = if signed && !stream.signed { sample << shift >> shift } else { sample };
        let clamped = i64::from(value).clamp(low, high) as i32;
        if clamped != value {
            leniencies.insert(Leniency::Overshoot);
        }
        decoded.extend(clamped.to_le_bytes().into_iter().take(bytes));
    }
    Ok(())
}

/// Holds what the codestream says about itself against the header.
fn check_stream(header: &ImageHeader, stream: Codestream) -> Result<(), DicomFault> {
    let StoredFormat::Integer { bits_allocated, bits_stored, high_bit, signed } = header.stored else {
        return Ok(());
    };
    let (rows, columns) = (header.shape.rows() as u64, header.shape.columns() as u64);
    let precision = u16::from(stream.precision);
    // Where the value does not begin at bit 0, the stream must hold all bits up to it.
    let reaches_value = high_bit + 1 == bits_stored || precision > high_bit;
    let agrees = u64::from(stream.rows) == rows
        && u64::from(stream.columns) == columns
        && stream.components == 1
        && precision <= bits_allocated
        && reaches_value;
    if !agrees {
        let sign = |signed| if signed { "signed" } else { "unsigned" };
        let Codestream { rows, columns, components, .. } = stream;
        return Err(DicomFault::CodestreamDiffers {
            stream: format!(
                "{rows}x{columns} pixels of {components} components, {} with {precision} bits",
                sign(stream.signed)
            ),
            header: format!(
                "{} pixels of 1 component, {} with {bits_stored} bits stored of {bits_allocated}, high bit {high_bit}",
                header.shape,
                sign(signed)
            ),
        });
    }
    if precision > 24 {
        let supported = "compressed images of up to 24 bits";
        return Err(DicomFault::Unsupported { value: format!("{precision} bits"), supported });
    }
    Ok(())
}

/// Refuses values of which the stream and the header say different things: negative ones under an unsigned header; and
/// where the header says signed, the stream unsigned and with fewer bits, ones with the stream's highest bit, which may be
/// meant as negative or not.
fn check_signs(
    signed: bool,
    bits_stored: u16,
    stream: Codestream,
    mut samples: impl Iterator<Item = i32>,
) -> Result<(), DicomFault> {
    let top = stream.precision - 1;
    let differs = match (stream.signed, signed) {
        (true, false) => samples.any(|sample| sample < 0),
        (false, true) if u16::from(stream.precision) < bits_stored => {
            samples.any(|sample| sample >> top != 0)
        }
        _ => false,
    };
    if differs {
        let sign = |signed| if signed { "signed" } else { "unsigned" };
        return Err(DicomFault::CodestreamDiffers {
            stream: format!("{} values of {} bits", sign(stream.signed), stream.precision),
            header: format!("{} values of {bits_stored} bits", sign(signed)),
        });
    }
    Ok(())
}
