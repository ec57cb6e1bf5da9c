//! JPEG XL images of integer samples (ISO/IEC 18181).

use std::panic::{AssertUnwindSafe, catch_unwind};

use jxl_oxide::image::BitDepth;
use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, JxlThreadPool};

use super::super::error::DicomFault;
use super::super::header::ImageHeader;
use super::super::stored_format::StoredFormat;
use super::codestream::Codestream;

/// An image whose stream has been read to its end and not yet been decoded.
pub(in super::super) struct JpegXlImage {
    image: JxlImage,
    pub(in super::super) codestream: Codestream,
}

/// A still image has one frame, and few more to draw patches from. Each may cost as much as the image.
const MOST_FRAMES: usize = 8;

/// The codec works in 32-bit samples and holds several planes of them.
fn memory_limit(pixels: usize) -> usize {
    pixels.saturating_mul(48).saturating_add(64 << 20)
}

/// Reads the headers of a stream with the image of `pixels` pixels, and finds all its frames complete.
pub(in super::super) fn open(bytes: &[u8], pixels: usize) -> Result<JpegXlImage, DicomFault> {
    let incomplete = DicomFault::Codestream { format: "JPEG XL" };
    let image = unwinding(|| read(bytes, pixels))?.filter(JxlImage::is_loading_done).ok_or(incomplete)?;
    let codestream = described(&image)?;
    if image.num_loaded_keyframes() != 1 || image.num_loaded_frames() > MOST_FRAMES {
        let value = format!("{} JPEG XL frames", image.num_loaded_frames());
        return Err(DicomFault::Unsupported { value, supported: "a still image" });
    }
    Ok(JpegXlImage { image, codestream })
}

/// Feeds the header in growing pieces: the frames that follow are read only behind a header that says how
/// large they may be.
fn read(bytes: &[u8], pixels: usize) -> Option<JxlImage> {
    let builder = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(memory_limit(pixels)));
    let mut unread = builder.build_uninit();
    let mut at = 0;
    let mut piece = 64;
    let mut image = loop {
        let end = bytes.len().min(at + piece);
        let consumed = unread.feed_bytes(bytes.get(at..end)?).ok()?;
        if consumed == 0 && end == bytes.len() {
            return None;
        }
        at += consumed;
        piece *= 2;
        match unread.try_init().ok()? {
            InitializeResult::NeedMoreData(more) => unread = more,
            InitializeResult::Initialized(image) => break image,
        }
    };
    if u64::from(image.width()) * u64::from(image.height()) == pixels as u64 {
        while at < bytes.len() && !image.is_loading_done() {
            match image.feed_bytes(&bytes[at..]).ok()? {
                0 => break,
                consumed => at += consumed,
            }
        }
    }
    Some(image)
}

fn described(image: &JxlImage) -> Result<Codestream, DicomFault> {
    let metadata = &image.image_header().metadata;
    let supported = "JPEG XL with integer samples, as stored";
    let unsupported = |value: String| DicomFault::Unsupported { value, supported };
    let precision = match metadata.bit_depth {
        BitDepth::IntegerSample { bits_per_sample } => bits_per_sample,
        BitDepth::FloatSample { .. } => return Err(unsupported("floating point".to_owned())),
    };
    if metadata.orientation != 1 {
        return Err(unsupported(format!("orientation {}", metadata.orientation)));
    }
    let colours = if metadata.grayscale() { 1 } else { 3 };
    Ok(Codestream {
        rows: image.height(),
        columns: image.width(),
        components: colours + metadata.ec_info.len() as u16,
        precision: u8::try_from(precision).unwrap_or(u8::MAX),
        signed: false,
    })
}

impl JpegXlImage {
    /// True where the stream holds its colours in another space, which decoding undoes.
    pub(in super::super) fn is_transformed(&self) -> bool {
        let is_xyb = self.image.image_header().metadata.xyb_encoded;
        is_xyb || self.image.frame_header(0).is_some_and(|frame| frame.do_ycbcr)
    }

    /// Writes the samples into `values`. `lossless` demands samples that are integers already.
    pub(in super::super) fn decode(
        &self,
        header: &ImageHeader,
        lossless: bool,
        values: &mut Vec<u16>,
    ) -> Result<(), DicomFault> {
        if matches!(header.stored, StoredFormat::Integer { signed: true, .. }) {
            let supported = "JPEG XL, which has unsigned samples only, where Pixel Representation is 0";
            return Err(DicomFault::Unsupported { value: "signed".to_owned(), supported });
        }
        let failed =
            |message: String| DicomFault::Codec { syntax: header.transfer_syntax.to_string(), message };
        let render = unwinding(|| self.image.render_frame(0))?.map_err(|error| failed(error.to_string()))?;
        let mut samples = vec![0_f32; header.shape.pixels() * header.samples()];
        if unwinding(|| render.stream().write_to_buffer(&mut samples))? != samples.len() {
            return Err(failed("it has too few samples".to_owned()));
        }
        let largest = ((1_u32 << self.codestream.precision) - 1) as f32;
        values.clear();
        values.reserve(samples.len());
        for sample in samples {
            let scaled = sample * largest;
            let value = scaled.round().clamp(0.0, largest);
            // What the codec computes in f32 is off by much less than this.
            if scaled.is_nan() || (lossless && (scaled - value).abs() > 0.05) {
                return Err(failed("it has samples that are no integers of its depth".to_owned()));
            }
            values.push(value as u16);
        }
        Ok(())
    }
}

/// Runs a part of the codec; a panic in it is a damaged stream.
fn unwinding<T>(run: impl FnOnce() -> T) -> Result<T, DicomFault> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| DicomFault::Codestream { format: "JPEG XL" })
}
