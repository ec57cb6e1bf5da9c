//! What a compressed image says about itself, read before a codec gets it.
//!
//! Codecs believe the size inside the codestream and fill in what is missing at its end. Here the size is
//! found first, and a stream that does not come to its proper end is refused.

use super::error::DicomFault;
use super::jpeg_scan::Scan;

/// Size and depth that a JPEG or JPEG 2000 codestream declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Codestream {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) components: u16,
    /// Bits of a sample.
    pub(super) precision: u8,
    /// Whether samples are signed.
    pub(super) signed: bool,
}

/// Reads a JPEG stream's frame header (ISO/IEC 10918-1 B.2.2) and looks for its end.
///
/// The codec has 12 bits in lossless frames (SOF3) only, which is said here rather than by its failure. In
/// these it takes up prediction wrongly behind a restart marker and under a point transform: such streams,
/// which are rare, are refused.
pub(super) fn jpeg(bytes: &[u8]) -> Result<JpegStream<'_>, DicomFault> {
    let header = jpeg_header(bytes)
        .filter(|_| unpadded(bytes).ends_with(&[0xFF, 0xD9]))
        .ok_or(DicomFault::Codestream { format: "JPEG" })?;
    let JpegHeader { frame, code, scan, point_transform } = header;
    let lossless = scan.lossless;
    let unsupported = |value: String, supported| Err(DicomFault::Unsupported { value, supported });
    if !lossless && frame.precision != 8 {
        let supported = "lossy JPEG of 8 bits, and lossless JPEG";
        return unsupported(format!("{} bits", frame.precision), supported);
    }
    if lossless && scan.restart > 0 {
        return unsupported("a restart interval".to_owned(), "lossless JPEG without restarts");
    }
    if lossless && point_transform != 0 {
        let supported = "lossless JPEG without point transform";
        return unsupported(format!("point transform {point_transform}"), supported);
    }
    Ok(JpegStream { frame, scan: matches!(code, 0xC0 | 0xC1 | 0xC3).then_some(scan) })
}

/// A JPEG whose scan has not been looked at.
pub(super) struct JpegStream<'a> {
    pub(super) frame: Codestream,
    /// Of a sequential frame with Huffman codes.
    scan: Option<Scan<'a>>,
}

impl JpegStream<'_> {
    /// Refuses a scan that ends early. The frame has been held against the header.
    pub(super) fn check_complete(&self) -> Result<(), DicomFault> {
        let Codestream { rows, columns, .. } = self.frame;
        match &self.scan {
            Some(scan) if !scan.is_complete(rows, columns) => Err(DicomFault::Codestream { format: "JPEG" }),
            _ => Ok(()),
        }
    }
}

/// What stands before the first scan of a JPEG.
struct JpegHeader<'a> {
    frame: Codestream,
    /// The marker of the frame.
    code: u8,
    scan: Scan<'a>,
    point_transform: u8,
}

fn jpeg_header(bytes: &[u8]) -> Option<JpegHeader<'_>> {
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
    let mut frame = None;
    let mut restart = 0;
    let mut tables = Vec::new();
    loop {
        let marker = rest.strip_prefix(&[0xFF])?;
        let (&code, after) = marker.split_first()?;
        if code == 0xFF {
            rest = marker;
            continue;
        }
        // Markers without a segment, out of place here.
        if matches!(code, 0x01 | 0xD0..=0xD9) {
            return None;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?)).max(2);
        let (segment, following) = after.split_at_checked(length)?;
        match code {
            // Start of frame: all but DHT, JPG and DAC in this range.
            0xC0..=0xCF if ![0xC4, 0xC8, 0xCC].contains(&code) => {
                if frame.is_some() {
                    return None;
                }
                frame = Some((code, jpeg_frame(segment)?));
            }
            0xC4 => tables.push(&segment[2..]),
            0xDD => restart = u16::from_be_bytes(*segment.get(2..)?.first_chunk()?).into(),
            // Start of scan (B.2.3): the point transform is the low half of its last byte.
            0xDA => {
                let (code, frame) = frame?;
                let point_transform = segment.last()? & 0x0F;
                let (selectors, lossless) = (*segment.get(4)?, code == 0xC3);
                let scan = Scan { data: following, tables, selectors, restart, lossless };
                return Some(JpegHeader { frame, code, scan, point_transform });
            }
            _ => {}
        }
        rest = following;
    }
}

/// Reads the segment of a frame header, its length first.
fn jpeg_frame(segment: &[u8]) -> Option<Codestream> {
    let &[_, _, precision, r0, r1, c0, c1, components, ..] = segment else {
        return None;
    };
    Some(Codestream {
        rows: u16::from_be_bytes([r0, r1]).into(),
        columns: u16::from_be_bytes([c0, c1]).into(),
        components: components.into(),
        precision,
        signed: false,
    })
}

/// A fragment without what makes its length even (PS3.5 A.4): a zero, or a fill byte; some writers add more.
pub(super) fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0 && byte != 0xFF).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_frame_behind_other_segments() {
        let mut stream = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC3];
        stream.extend([0, 11, 12, 0, 5, 0, 7, 1, 1, 0x11, 0, 0xFF, 0xDD, 0, 4, 0, 0]);
        stream.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0]);
        assert!(jpeg(&stream).is_err());
        stream.extend([0xFF, 0xD9, 0]);
        let found = jpeg(&stream).unwrap().frame;
        assert_eq!((found.rows, found.columns, found.components, found.precision), (5, 7, 1, 12));
        for cut in 0..stream.len() - 1 {
            assert!(jpeg(&stream[..cut]).is_err(), "cut at {cut}");
        }
        let changed = |at: usize, value: u8| {
            let mut stream = stream.clone();
            stream[at] = value;
            jpeg(&stream).err().unwrap().to_string()
        };
        assert!(changed(27, 7).contains("restart"));
        assert!(changed(37, 2).contains("point transform 2"));
        assert!(changed(10, 0xC1).contains("12 bits"));
    }
}
