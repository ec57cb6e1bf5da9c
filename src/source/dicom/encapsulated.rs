//! Compressed pixels: from fragments to stored values (PS3.5 A.4).

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_encoding::transfer_syntax::TransferSyntaxIndex;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use flate2::{Decompress, FlushDecompress, Status};

use super::attribute;
use super::codestream::{self, Codestream};
use super::data_set::Syntax;
use super::error::{DicomFault, Located};
use super::header::ImageHeader;
use super::jpeg_2000;
use super::jpeg_xl;
use super::limits::plausible_decoded_bytes;
use super::rle;
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
    let StoredPixels { values, decoded, .. } = stored;
    decode_frame(header, codec, frame, decoded).map_err(|fault| fault.at(attribute::PIXEL_DATA))?;
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
    decoded: &mut Vec<u8>,
) -> Result<(), DicomFault> {
    let needed = header.shape.pixels() * header.stored.bytes();
    check_plausible(needed as u64, frame.len() as u64)?;
    match codec {
        Codec::Rle => rle::decode(frame, header.shape.pixels(), header.stored.bytes(), decoded)
            .ok_or(DicomFault::Codestream { format: "RLE" }),
        Codec::Uncompressed => whole_frame(needed, frame).map(|native| {
            decoded.clear();
            decoded.extend_from_slice(native);
        }),
        Codec::Deflate => inflate_frame(needed, frame, decoded),
        Codec::JpegXl => {
            let image = jpeg_xl::open(frame, header.shape.pixels())?;
            check_stream(header, image.codestream)?;
            let lossless = header.transfer_syntax == TransferSyntax::JpegXlLossless;
            image.decode(header, lossless, decoded)?;
            check_fits(header, image.codestream, decoded)?;
            resize_samples(decoded, 2, header.stored.bytes(), false);
            Ok(())
        }
        Codec::Jpeg => {
            let stream = codestream::jpeg(frame)?;
            check_stream(header, stream.frame)?;
            stream.check_complete()?;
            decode_registered(header, stream.frame, true, frame, decoded)
        }
        Codec::Jpeg2000 => decode_registered(header, jpeg_2000::jpeg_2000(frame)?, false, frame, decoded),
    }
}

/// Decodes by the codec that is registered for the transfer syntax.
fn decode_registered(
    header: &ImageHeader,
    stream: Codestream,
    is_jpeg: bool,
    frame: &[u8],
    decoded: &mut Vec<u8>,
) -> Result<(), DicomFault> {
    check_stream(header, stream)?;
    // The JPEG codec gives 8 bits for 8 bits and 16 for all else; the JPEG 2000 codec what it is asked for.
    let coded_bytes = if is_jpeg && stream.precision == 8 { 1 } else { 2 };
    run_codec(header, coded_bytes, frame, decoded)?;
    let needed = header.shape.pixels() * coded_bytes;
    if decoded.len() != needed {
        return Err(DicomFault::PixelsShort { needed: needed as u64, present: decoded.len() as u64 });
    }
    check_signs(header, stream, coded_bytes, decoded)?;
    if coded_bytes == 2 {
        check_fits(header, stream, decoded)?;
    }
    resize_samples(decoded, coded_bytes, header.stored.bytes(), stream.signed);
    Ok(())
}

/// The `needed` bytes of a frame that is not compressed: no byte less, and none more but the one that
/// makes its length even (PS3.5 A.4).
pub(super) fn whole_frame(needed: usize, frame: &[u8]) -> Result<&[u8], DicomFault> {
    let present = frame.len();
    if present != needed && present != needed + needed % 2 {
        return Err(DicomFault::FrameLength { needed: needed as u64, present: present as u64 });
    }
    Ok(&frame[..needed])
}

/// Inflates a frame up to what is needed (PS3.5 A.4.13). The stream must come to its end there.
pub(super) fn inflate_frame(needed: usize, frame: &[u8], decoded: &mut Vec<u8>) -> Result<(), DicomFault> {
    decoded.clear();
    // One byte that makes the length even, and one that shows that there is more.
    decoded.reserve(needed + 2);
    let mut inflate = Decompress::new(false);
    let done = inflate.decompress_vec(frame, decoded, FlushDecompress::Finish);
    match done {
        Ok(Status::StreamEnd) => {}
        _ if decoded.len() > needed + needed % 2 => {}
        _ => return Err(DicomFault::Codestream { format: "deflate" }),
    }
    whole_frame(needed, decoded)?;
    decoded.truncate(needed);
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
        && reaches_value
        && (signed || !stream.signed);
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
    if precision > 16 {
        let supported = "compressed images of up to 16 bits";
        return Err(DicomFault::Unsupported { value: format!("{precision} bits"), supported });
    }
    Ok(())
}

/// Where the header says signed, the stream unsigned and with fewer bits, a value with the stream's
/// highest bit may be meant as negative or not. Nothing tells which, so such an image is refused.
fn check_signs(
    header: &ImageHeader,
    stream: Codestream,
    coded_bytes: usize,
    decoded: &[u8],
) -> Result<(), DicomFault> {
    let StoredFormat::Integer { bits_stored, signed: true, .. } = header.stored else {
        return Ok(());
    };
    if stream.signed || u16::from(stream.precision) >= bits_stored {
        return Ok(());
    }
    let top = stream.precision - 1;
    let ambiguous = if coded_bytes == 1 {
        decoded.iter().any(|&value| value >> top != 0)
    } else {
        decoded.as_chunks().0.iter().any(|&pair| u16::from_le_bytes(pair) >> top != 0)
    };
    if ambiguous {
        return Err(DicomFault::CodestreamDiffers {
            stream: format!("unsigned values of {} bits", stream.precision),
            header: format!("signed values of {bits_stored} bits"),
        });
    }
    Ok(())
}

/// Refuses 16-bit samples that Bits Stored does not hold: a lossy stream that is deeper goes beyond the
/// largest value, and what is cut off at the top would come out small. Not where the value stands higher:
/// there the stream has other bits as well.
fn check_fits(header: &ImageHeader, stream: Codestream, decoded: &[u8]) -> Result<(), DicomFault> {
    let StoredFormat::Integer { bits_stored, high_bit, signed, .. } = header.stored else {
        return Ok(());
    };
    // Without loss, nothing but unused bits, which may hold an overlay, stands above the value (PS3.5 8.1.1).
    let is_exact = header.transfer_syntax.is_lossless();
    if is_exact || u16::from(stream.precision) <= bits_stored || high_bit + 1 != bits_stored {
        return Ok(());
    }
    let low = if signed { -(1_i32 << (bits_stored - 1)) } else { 0 };
    let fits = |pair: [u8; 2]| {
        let sample = u16::from_le_bytes(pair);
        // Two's complement in a stream without sign may be of Bits Stored or of all bits.
        let cut = signed && !stream.signed && sample >> bits_stored == 0;
        let value = if signed { i32::from(sample.cast_signed()) } else { i32::from(sample) };
        cut || (low..low + (1 << bits_stored)).contains(&value)
    };
    if decoded.as_chunks().0.iter().all(|&pair| fits(pair)) {
        return Ok(());
    }
    Err(DicomFault::CodestreamDiffers {
        stream: format!("values of more than {bits_stored} bits"),
        header: format!("{bits_stored} bits stored"),
    })
}

/// Lets the registered codec decode the frame as samples of `coded_bytes` little endian bytes.
fn run_codec(
    header: &ImageHeader,
    coded_bytes: usize,
    frame: &[u8],
    decoded: &mut Vec<u8>,
) -> Result<(), DicomFault> {
    let syntax = header.transfer_syntax;
    let failed = |message: String| DicomFault::Codec { syntax: syntax.to_string(), message };
    let Some(reader) = TransferSyntaxRegistry.get(syntax.uid()).and_then(|known| known.pixel_data_reader())
    else {
        return Err(failed("this build has no codec for it".to_owned()));
    };
    decoded.clear();
    let source = OneFrame { header, coded_bits: 8 * coded_bytes as u16, frame };
    // The codecs index and assert on what the stream says; a panic in them is a damaged stream.
    match catch_unwind(AssertUnwindSafe(|| reader.decode_frame(&source, 0, decoded))) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(innermost(&error))),
        Err(_) => Err(failed("the codec failed on damaged data".to_owned())),
    }
}

/// What the codec itself said, on one line.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Makes samples of `from` little endian bytes ones of `to` bytes.
fn resize_samples(bytes: &mut Vec<u8>, from: usize, to: usize, signed: bool) {
    if from == to {
        return;
    }
    let samples = bytes.len() / from;
    if to < from {
        for sample in 0..samples {
            bytes.copy_within(sample * from..sample * from + to, sample * to);
        }
        bytes.truncate(samples * to);
        return;
    }
    bytes.resize(samples * to, 0);
    for sample in (0..samples).rev() {
        bytes.copy_within(sample * from..(sample + 1) * from, sample * to);
        let filled = sample * to + from;
        let negative = signed && bytes[filled - 1] & 0x80 != 0;
        bytes[filled..(sample + 1) * to].fill(if negative { 0xFF } else { 0 });
    }
}

/// One compressed frame as the codecs want to see it.
struct OneFrame<'a> {
    header: &'a ImageHeader,
    coded_bits: u16,
    frame: &'a [u8],
}

impl PixelDataObject for OneFrame<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        self.header.transfer_syntax.uid()
    }

    fn rows(&self) -> Option<u16> {
        u16::try_from(self.header.shape.rows()).ok()
    }

    fn cols(&self) -> Option<u16> {
        u16::try_from(self.header.shape.columns()).ok()
    }

    fn samples_per_pixel(&self) -> Option<u16> {
        Some(1)
    }

    fn bits_allocated(&self) -> Option<u16> {
        Some(self.coded_bits)
    }

    fn bits_stored(&self) -> Option<u16> {
        Some(self.coded_bits)
    }

    fn photometric_interpretation(&self) -> Option<&str> {
        Some("MONOCHROME2")
    }

    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }

    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }

    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.frame))
    }

    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        Some(Cow::Borrowed(&[]))
    }

    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        let fragments = std::iter::once(self.frame.to_vec()).collect();
        Some(RawPixelData { fragments, offset_table: std::iter::empty().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_change_their_width() {
        let mut bytes = vec![1, 0x80];
        resize_samples(&mut bytes, 1, 2, false);
        assert_eq!(bytes, [1, 0, 0x80, 0]);
        resize_samples(&mut bytes, 2, 1, false);
        assert_eq!(bytes, [1, 0x80]);
        let mut signed = vec![0, 0x80, 5, 0];
        resize_samples(&mut signed, 2, 4, true);
        assert_eq!(signed, [0, 0x80, 0xFF, 0xFF, 5, 0, 0, 0]);
    }
}
