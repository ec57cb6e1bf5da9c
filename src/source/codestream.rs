//! What a compressed image says about itself, read before a codec gets it.
//!
//! Codecs believe the size inside the codestream and fill in what is missing at its end. Here the size is
//! found first, and a stream that does not come to its proper end is refused.

use super::error::DicomFault;

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
/// The codec has 12 bits in lossless frames (SOF3) only, which is said here rather than by its failure.
pub(super) fn jpeg(bytes: &[u8]) -> Result<Codestream, DicomFault> {
    let (code, frame) = jpeg_frame(bytes)
        .filter(|_| unpadded(bytes).ends_with(&[0xFF, 0xD9]))
        .ok_or(DicomFault::Codestream { format: "JPEG" })?;
    if code != 0xC3 && frame.precision != 8 {
        let supported = "lossy JPEG of 8 bits, and lossless JPEG";
        return Err(DicomFault::Unsupported { value: format!("{} bits", frame.precision), supported });
    }
    Ok(frame)
}

/// The marker of the frame and what it says.
fn jpeg_frame(bytes: &[u8]) -> Option<(u8, Codestream)> {
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        let marker = rest.strip_prefix(&[0xFF])?;
        let (&code, after) = marker.split_first()?;
        rest = match code {
            0xFF => marker,
            // Start of frame: all but DHT, JPG and DAC in this range.
            0xC0..=0xCF if ![0xC4, 0xC8, 0xCC].contains(&code) => {
                let &[_, _, precision, r0, r1, c0, c1, components, ..] = after else {
                    return None;
                };
                let frame = Codestream {
                    rows: u16::from_be_bytes([r0, r1]).into(),
                    columns: u16::from_be_bytes([c0, c1]).into(),
                    components: components.into(),
                    precision,
                    signed: false,
                };
                return Some((code, frame));
            }
            // Markers without a segment, or out of place before the frame.
            0x01 | 0xD0..=0xDA => return None,
            _ => after.get(usize::from(u16::from_be_bytes(*after.first_chunk()?)).max(2)..)?,
        };
    }
}

/// Reads a JPEG 2000 codestream's SIZ segment (ISO/IEC 15444-1 A.5.1) and follows its tile-parts to the
/// end of the codestream.
pub(super) fn jpeg_2000(bytes: &[u8]) -> Result<Codestream, DicomFault> {
    siz(bytes).filter(|_| tile_parts_complete(bytes)).ok_or(DicomFault::Codestream { format: "JPEG 2000" })
}

fn siz(bytes: &[u8]) -> Option<Codestream> {
    let segment = bytes.strip_prefix(&[0xFF, 0x4F, 0xFF, 0x51])?;
    let word = |at: usize| Some(u32::from_be_bytes(*segment.get(at..)?.first_chunk()?));
    let (width, height, left, top) = (word(4)?, word(8)?, word(12)?, word(16)?);
    let components = u16::from_be_bytes(*segment.get(36..)?.first_chunk()?);
    let &[depth, dx, dy] = segment.get(38..)?.first_chunk()?;
    if (dx, dy) != (1, 1) {
        return None;
    }
    Some(Codestream {
        rows: height.checked_sub(top)?,
        columns: width.checked_sub(left)?,
        components,
        precision: (depth & 0x7F) + 1,
        signed: depth & 0x80 != 0,
    })
}

/// Whether the main header leads to tile-parts whose lengths lead to the end marker.
fn tile_parts_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(&[0xFF, code, l0, l1]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            // The end marker may be the last two bytes.
            return at > 2 && bytes.get(at..).is_some_and(|rest| rest.starts_with(&[0xFF, 0xD9]));
        };
        match code {
            0xD9 => return true,
            // SOT (A.4.2): the tile-part's length is counted from its marker; 0 means up to the end.
            0x90 => {
                let Some(length) = bytes.get(at + 6..).and_then(|rest| rest.first_chunk::<4>()) else {
                    return false;
                };
                match u32::from_be_bytes(*length) as usize {
                    0 => return unpadded(bytes).ends_with(&[0xFF, 0xD9]),
                    length @ 14.. => at += length,
                    _ => return false,
                }
            }
            _ => at += 2 + usize::from(u16::from_be_bytes([l0, l1]).max(2)),
        }
    }
}

/// A fragment without what makes its length even (PS3.5 A.4): a zero, or a fill byte; some writers add more.
fn unpadded(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0 && byte != 0xFF).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_frame_behind_other_segments() {
        let mut stream = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xC3, 0, 11, 12, 0, 5, 0, 7, 1];
        assert!(jpeg(&stream).is_err());
        stream.extend([0xFF, 0xD9, 0]);
        let found = jpeg(&stream).unwrap();
        assert_eq!((found.rows, found.columns, found.components, found.precision), (5, 7, 1, 12));
        for cut in 0..17 {
            assert!(jpeg(&stream[..cut]).is_err());
        }
    }

    #[test]
    fn a_codestream_must_reach_its_end() {
        let mut stream = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        for word in [300_u32, 200, 0, 0, 300, 200, 0, 0] {
            stream.extend(word.to_be_bytes());
        }
        stream.extend([0, 1, 0x8D, 1, 1]);
        stream.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 16, 0, 1, 0xFF, 0x93, 1, 2]);
        assert!(jpeg_2000(&stream).is_err());
        stream.extend([0xFF, 0xD9]);
        let found = jpeg_2000(&stream).unwrap();
        assert_eq!((found.rows, found.columns, found.precision, found.signed), (200, 300, 14, true));
        assert!(jpeg_2000(&stream[..stream.len() - 3]).is_err());
    }
}
