//! From a stream to its samples.

use crate::bits::BitReader;
use crate::error::JpegError;
use crate::header::{Header, Process};
use crate::lossless::LosslessImage;
use crate::lossy::LossyImage;
use crate::markers::{EOI, Markers, SOS};
use crate::segments::{Definitions, is_alone};

/// An image that was decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Its header.
    pub header: Header,
    /// False if the end marker is missing; all samples are there.
    pub has_end: bool,
}

/// More scans than any encoder makes: each costs a pass over the image.
const MOST_SCANS: usize = 256;

/// Reads the header of an image, up to its first scan. The sizes in it are what the stream claims.
///
/// # Errors
/// [`JpegError`] where the stream is no JPEG, is damaged before its first scan, or of a process that is not supported.
pub fn read_header(bytes: &[u8]) -> Result<Header, JpegError> {
    let mut markers = Markers::new(bytes)?;
    let mut definitions = Definitions::default();
    loop {
        match markers.next_segment(is_alone)? {
            (SOS, segment) => {
                definitions.scan(segment)?;
                return definitions.frame.ok_or(JpegError::Cut);
            }
            (EOI, _) => return Err(JpegError::Cut),
            // The tables are not needed, and are checked when the image is decoded.
            (0xC4 | 0xDB, _) => {}
            (code, segment) => definitions.take(code, segment)?,
        }
    }
}

/// Decodes an image into `samples`: row by row, pixel by pixel, the components of each pixel one behind the other.
/// What `samples` held is replaced; its memory is used again.
///
/// Ask [`read_header`] first and compare the size with what is expected.
///
/// # Errors
/// [`JpegError`] where the stream is damaged, incomplete, has data left over, or is of a process that is not supported.
pub fn decode(bytes: &[u8], samples: &mut Vec<u16>) -> Result<Decoded, JpegError> {
    let mut markers = Markers::new(bytes)?;
    let mut definitions = Definitions::default();
    let mut image = None;
    let mut has_end = true;
    for _ in 0..MOST_SCANS {
        let Some(scan) = next_scan(&mut markers, &mut definitions, image.is_some(), &mut has_end)? else {
            let Some(image) = image else { return Err(JpegError::Cut) };
            Image::finish(image, samples)?;
            let header = definitions.frame.ok_or(JpegError::Cut)?;
            return Ok(Decoded { header, has_end });
        };
        let scan = definitions.scan(scan)?;
        let image = match (&mut image, &definitions.frame) {
            (Some(image), _) => image,
            (none, Some(frame)) => none.insert(Image::new(frame, bytes.len(), samples)?),
            (None, None) => return Err(JpegError::Segment { segment: "SOS" }),
        };
        let bits = BitReader::new(bytes, markers.at());
        let end = match image {
            Image::Lossless(image) => image.scan(&definitions, &scan, bits, samples)?,
            Image::Lossy(image) => image.scan(&definitions, &scan, bits)?,
        };
        markers.go_to(end);
    }
    Err(JpegError::Unsupported { what: format!("an image of more than {MOST_SCANS} scans") })
}

/// The segment of the next scan; `None` at the end of the image.
fn next_scan<'a>(
    markers: &mut Markers<'a>,
    definitions: &mut Definitions,
    has_scan: bool,
    has_end: &mut bool,
) -> Result<Option<&'a [u8]>, JpegError> {
    loop {
        if has_scan && markers.is_at_padding() {
            *has_end = false;
            return Ok(None);
        }
        match markers.next_segment(is_alone)? {
            (SOS, segment) => return Ok(Some(segment)),
            (EOI, _) => return Ok(None),
            (code, segment) => definitions.take(code, segment)?,
        }
    }
}

/// An image on the way.
enum Image {
    Lossless(LosslessImage),
    Lossy(LossyImage),
}

impl Image {
    /// Makes room where `bytes` of stream can hold the image.
    fn new(frame: &Header, bytes: usize, samples: &mut Vec<u16>) -> Result<Self, JpegError> {
        let Header { rows, columns, .. } = *frame;
        // A sample takes a bit at least, or a block of 64.
        let held = 8 * bytes as u64;
        let units = if frame.process == Process::Lossless { 1 } else { 64 };
        let needed = u64::from(rows) * u64::from(columns) / units;
        if needed > held {
            return Err(JpegError::Implausible { rows, columns });
        }
        match frame.process {
            Process::Lossless => LosslessImage::new(frame, samples).map(Self::Lossless),
            _ => LossyImage::new(frame).map(Self::Lossy),
        }
    }

    fn finish(self, samples: &mut Vec<u16>) -> Result<(), JpegError> {
        match self {
            Self::Lossless(image) => image.finish(),
            Self::Lossy(image) => image.finish(samples),
        }
    }
}
