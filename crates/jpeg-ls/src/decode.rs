//! From a stream to its samples.

use crate::error::JpegLsError;
use crate::header::Header;
use crate::segments::{Definitions, EOI, Markers, SOS};
use crate::transform;

/// An image that was decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Its header.
    pub header: Header,
    /// False if the end marker is missing; all samples are there.
    pub has_end: bool,
    /// The largest difference of a sample that encoding allowed; 0 without loss.
    pub near: u8,
}

/// The longest run that one bit stands for.
const LONGEST_RUN: u64 = 1 << 15;

/// Reads the header of an image, up to its first scan. The sizes in it are what the stream claims.
///
/// # Errors
/// [`JpegLsError`] where the stream is no JPEG-LS, is damaged before its first scan, or is not supported.
pub fn read_header(bytes: &[u8]) -> Result<Header, JpegLsError> {
    let mut markers = Markers::new(bytes)?;
    let mut definitions = Definitions::default();
    loop {
        match markers.next()? {
            (SOS, segment) => {
                definitions.scan(segment)?;
                return definitions.frame.ok_or(JpegLsError::Cut);
            }
            (EOI, _) => return Err(JpegLsError::Cut),
            (code, segment) => definitions.take(code, segment)?,
        }
    }
}

/// Decodes an image into `samples`: row by row, pixel by pixel, the components of each pixel one behind the other,
/// whatever the interleave mode. What `samples` held is replaced; its memory is used again.
///
/// Ask [`read_header`] first and compare the size with what is expected: one bit can stand for 32,768 samples.
///
/// # Errors
/// [`JpegLsError`] where the stream is damaged, incomplete, has data left over, or is not supported.
pub fn decode(bytes: &[u8], samples: &mut Vec<u16>) -> Result<Decoded, JpegLsError> {
    let mut markers = Markers::new(bytes)?;
    let mut definitions = Definitions::default();
    let mut done: Vec<bool> = Vec::new();
    let (mut near, mut has_end) = (0, true);
    loop {
        // Without an end marker, an image ends with the scan of its last component.
        if !done.is_empty() && markers.is_at_padding() {
            has_end = false;
            break;
        }
        let segment = match markers.next()? {
            (SOS, segment) => segment,
            (EOI, _) => break,
            (code, segment) => {
                definitions.take(code, segment)?;
                continue;
            }
        };
        let scan = definitions.scan(segment)?;
        let Some(frame) = &definitions.frame else { return Err(JpegLsError::Cut) };
        if done.is_empty() {
            make_room(frame, bytes.len(), samples)?;
            done.resize(frame.components.len(), false);
        }
        for &component in &scan.components {
            if std::mem::replace(&mut done[component], true) {
                return Err(JpegLsError::Segment { segment: "SOS" });
            }
        }
        near = near.max(scan.near);
        markers.at = scan.decode(&definitions, frame, bytes, markers.at, samples)?;
    }
    let Some(header) = definitions.frame.filter(|_| !done.is_empty() && done.iter().all(|&done| done)) else {
        return Err(JpegLsError::Missing);
    };
    if let Some(transform) = header.transform {
        transform::undo(transform, header.precision, samples);
    }
    Ok(Decoded { header, has_end, near })
}

/// Makes room for the image where the stream has a bit for each line, and for each run of the longest kind.
fn make_room(frame: &Header, bytes: usize, samples: &mut Vec<u16>) -> Result<(), JpegLsError> {
    let Header { rows, columns, .. } = *frame;
    let needed = u64::from(rows) * u64::from(columns).div_ceil(LONGEST_RUN);
    if needed > 8 * bytes as u64 {
        return Err(JpegLsError::Implausible { rows, columns });
    }
    samples.clear();
    samples.resize(frame.samples(), 0);
    Ok(())
}
