//! Compressed pixels: from fragments to stored values (PS3.5 A.4).

use std::collections::BTreeSet;

use super::attribute;
use super::codec::codestream::Codestream;
use super::codec::{deflated, jpeg, jpeg_2000, jpeg_color, jpeg_ls, jpeg_xl, rle};
use super::color_space::ColorSpace;
use super::data_set::Syntax;
use super::error::{DicomFault, Located};
use super::header::ImageHeader;
use super::image_color::{check_components, check_halved, to_rgb};
use super::leniency::Leniency;
use super::limits::plausible_decoded_bytes;
use super::native::SampleOrder;
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
    let is_ybr =
        decode_frame(header, codec, frame, stored).map_err(|fault| fault.at(attribute::PIXEL_DATA))?;
    let StoredPixels { values, decoded, .. } = stored;
    values.fill(header.stored, Syntax::EXPLICIT_LITTLE, decoded);
    to_rgb(header, is_ybr, stored)
}

/// Refuses a decoded size that so few compressed bytes cannot hold, before memory is asked for.
pub(super) fn check_plausible(needed: u64, encoded: u64) -> Result<(), DicomFault> {
    if needed > plausible_decoded_bytes(encoded) {
        return Err(DicomFault::Implausible { needed, encoded });
    }
    Ok(())
}

/// Decodes a frame into bytes of the stored format, the samples of each pixel one behind the other. True where they are
/// luma and colour differences.
pub(super) fn decode_frame(
    header: &ImageHeader,
    codec: Codec,
    frame: &[u8],
    stored: &mut StoredPixels,
) -> Result<bool, DicomFault> {
    let threads = stored.threads();
    let StoredPixels { decoded, samples, wide_samples, leniencies, .. } = stored;
    check_plausible(header.decoded_bytes() as u64, frame.len() as u64)?;
    let order = SampleOrder::of(header);
    let needed = order.frame_bits(header).div_ceil(8) as usize;
    let is_ybr = header.color.as_ref().is_some_and(ColorSpace::is_ybr_full);
    if !matches!(codec, Codec::Jpeg2000 | Codec::JpegXl) {
        check_components(header)?;
    }
    match codec {
        Codec::Rle if order == SampleOrder::Bits => {
            let mut packed = Vec::new();
            rle::decode(frame, needed, 1, 1, &mut packed).ok_or(DicomFault::Codestream { format: "RLE" })?;
            order.arrange(header, &packed, 0, decoded);
        }
        Codec::Rle => {
            rle::decode(frame, header.shape.pixels(), header.samples(), header.stored.bytes(), decoded)
                .ok_or(DicomFault::Codestream { format: "RLE" })?;
        }
        Codec::Uncompressed | Codec::Deflate => {
            check_halved(header)?;
            let mut inflated = Vec::new();
            let native = match codec {
                Codec::Deflate => {
                    deflated::decode(needed, frame, &mut inflated)?;
                    &*inflated
                }
                _ => deflated::whole_frame(needed, frame)?,
            };
            if !order.arrange(header, native, 0, decoded) {
                decoded.extend_from_slice(native);
            }
        }
        Codec::JpegXl => {
            let image = jpeg_xl::open(frame, header.shape.pixels())?;
            check_stream(header, image.codestream)?;
            let lossless = header.transfer_syntax == TransferSyntax::JpegXlLossless;
            image.decode(header, lossless, samples)?;
            take_samples(header, image.codestream, samples, decoded, leniencies)?;
            return Ok(is_ybr && !image.is_transformed());
        }
        Codec::Jpeg => {
            let (stream, jpeg) = jpeg::describe(header.transfer_syntax, frame)?;
            check_stream(header, stream)?;
            if !jpeg::decode(header.transfer_syntax, frame, samples)? {
                leniencies.insert(Leniency::NoEndMarker);
            }
            take_samples(header, stream, samples, decoded, leniencies)?;
            let Some(color) = header.color.as_ref().filter(|_| header.samples() > 1) else {
                return Ok(false);
            };
            let (is_ybr, leniency) = jpeg_color::is_ybr(color, &jpeg);
            leniencies.extend(leniency);
            return Ok(is_ybr);
        }
        Codec::JpegLs => {
            let stream = jpeg_ls::describe(header.transfer_syntax, frame)?;
            check_stream(header, stream)?;
            if !jpeg_ls::decode(header.transfer_syntax, frame, samples)? {
                leniencies.insert(Leniency::NoEndMarker);
            }
            take_samples(header, stream, samples, decoded, leniencies)?;
        }
        Codec::Jpeg2000 => {
            let image = jpeg_2000::open(frame)?;
            check_stream(header, image.stream)?;
            image.decode(header.transfer_syntax, threads, wide_samples)?;
            let stream = sign_by_header(header, image.stream, wide_samples, leniencies);
            take_samples(header, stream, wide_samples, decoded, leniencies)?;
        }
    }
    Ok(is_ybr)
}

/// Writes the samples of a codec as bytes of the stored format, where both agree about the values.
fn take_samples<S: Copy + Into<i32>>(
    header: &ImageHeader,
    stream: Codestream,
    samples: &[S],
    decoded: &mut Vec<u8>,
    leniencies: &mut BTreeSet<Leniency>,
) -> Result<(), DicomFault> {
    let StoredFormat::Integer { bits_stored, high_bit, signed, .. } = header.stored else {
        return Err(DicomFault::Codestream { format: "compressed image" });
    };
    check_signs(signed, bits_stored, stream, samples)?;
    let bytes = header.stored.bytes();
    // Without loss, nothing but unused bits, which may hold an overlay, stands above the value (PS3.5 8.1.1). Where the
    // value stands higher, the stream has other bits as well.
    let is_exact = header.transfer_syntax.is_lossless() || high_bit + 1 != bits_stored;
    if is_exact || u16::from(stream.precision) <= bits_stored {
        match bytes {
            1 => put_samples::<1, S>(samples, decoded),
            2 => put_samples::<2, S>(samples, decoded),
            _ => put_samples::<4, S>(samples, decoded),
        }
        return Ok(());
    }
    let (low, high) = header.stored.range().unwrap_or_default();
    decoded.clear();
    for &sample in samples {
        let sample = sample.into();
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

/// Writes the lowest `SIZE` bytes of each sample, little endian. What `decoded` held is written over.
fn put_samples<const SIZE: usize, S: Copy + Into<i32>>(samples: &[S], decoded: &mut Vec<u8>) {
    decoded.resize(samples.len() * SIZE, 0);
    for (place, &sample) in decoded.as_chunks_mut::<SIZE>().0.iter_mut().zip(samples) {
        place.copy_from_slice(&sample.into().to_le_bytes()[..SIZE]);
    }
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
        && usize::from(stream.components) == header.samples()
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
                "{} pixels of {}, {} with {bits_stored} bits stored of {bits_allocated}, high bit {high_bit}",
                header.shape,
                if header.samples() == 1 { "1 component" } else { "3 components" },
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

/// Gives the samples of a JPEG 2000 stream the sign that the header says, as the usual readers do, where the stream says
/// another: the bits of an unsigned stream are two's complement; a signed stream of all bits allocated is unsigned.
/// Returns what the stream is then.
fn sign_by_header(
    header: &ImageHeader,
    stream: Codestream,
    samples: &mut [i32],
    leniencies: &mut BTreeSet<Leniency>,
) -> Codestream {
    let StoredFormat::Integer { bits_allocated, bits_stored, signed, .. } = header.stored else {
        return stream;
    };
    let precision = u16::from(stream.precision);
    let top = stream.precision - 1;
    match (stream.signed, signed) {
        (false, true) if precision < bits_stored && samples.iter().any(|sample| sample >> top != 0) => {
            let unused = 32 - u32::from(stream.precision);
            samples.iter_mut().for_each(|sample| *sample = *sample << unused >> unused);
        }
        (true, false) if precision == bits_allocated && samples.iter().any(|&sample| sample < 0) => {
            let bits = ((1_u64 << precision) - 1) as u32 as i32;
            samples.iter_mut().for_each(|sample| *sample &= bits);
        }
        _ => return stream,
    }
    leniencies.insert(Leniency::SignOfHeader);
    Codestream { signed, ..stream }
}

/// Refuses values of which the stream and the header say different things: negative ones under an unsigned header; and
/// where the header says signed, the stream unsigned and with fewer bits, ones with the stream's highest bit, which may be
/// meant as negative or not.
fn check_signs<S: Copy + Into<i32>>(
    signed: bool,
    bits_stored: u16,
    stream: Codestream,
    samples: &[S],
) -> Result<(), DicomFault> {
    let top = stream.precision - 1;
    let any = |is: fn(i32, u8) -> bool| samples.iter().any(|&sample| is(sample.into(), top));
    let differs = match (stream.signed, signed) {
        (true, false) => any(|sample, _| sample < 0),
        (false, true) if u16::from(stream.precision) < bits_stored => any(|sample, top| sample >> top != 0),
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
