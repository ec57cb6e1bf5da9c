//! Colours of a JPEG stream: what the header of the image and the stream say of them.

use dicomprep_jpeg::Header;

use super::super::color_space::ColorSpace;
use super::super::leniency::Leniency;

/// True where the components of a stream under a header of true colour are luma and colour differences, and how the stream
/// departs from the header.
///
/// Photometric Interpretation is the colour space of the samples (PS3.5 8.2.1), whatever a decoder would guess. Where the
/// stream contradicts it by a marker, the stream is right: old ultrasound says RGB above JFIF.
pub(in super::super) fn is_ybr(color: &ColorSpace, stream: &Header) -> (bool, Option<Leniency>) {
    let ids: Vec<u8> = stream.components.iter().map(|component| component.id).collect();
    let says_rgb = stream.adobe_transform == Some(0) || ids == *b"RGB" || ids == *b"rgb";
    let first = stream.components.first().map(|first| [first.horizontal, first.vertical]);
    let is_subsampled =
        stream.components.iter().any(|component| Some([component.horizontal, component.vertical]) != first);
    let says_ybr = !says_rgb && (stream.jfif || stream.adobe_transform == Some(1) || is_subsampled);
    match color.is_ybr_full() {
        true if says_rgb => (false, Some(Leniency::RgbInJpeg)),
        false if says_ybr => (true, Some(Leniency::YbrInJpeg)),
        is_ybr => (is_ybr, None),
    }
}
