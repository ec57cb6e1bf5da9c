//! From a stream to its samples.

use dicomprep_jpeg::markers::{EOI, Markers, SOS};

use crate::bits::BitReader;
use crate::error::JpegLsError;
use crate::header::Header;
use crate::segments::{Definitions, is_alone};
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
        match markers.next_segment(is_alone)? {
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
        let segment = match markers.next_segment(is_alone)? {
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
        let bits = BitReader::new(bytes, markers.at());
        markers.go_to(scan.decode(&definitions, frame, bits, samples)?);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

    use super::*;

    /// 13 rows of 11 samples of 8 bits, `(y * y * 2654435761 + x * 40503 + x * y * 977) mod 256`, encoded by CharLS.
    const STREAM: &str = "\
        ffd8ffe80020535049464600020000010000000d0000000b0a0806010000012c0000012cffe8000800000001ffd8fff7000b08000d000b\
        01011100ffda0008010100000000800000b6000000b60ada59c000005b1958d857c0000067023980c000002e4a4712000002ba00c00002\
        800000ae1dacabaa800000ae29800000ae800000bc000000f4000004000000ae9e00400000057000000d0f1680000058cdc5e2001c00eb\
        9ac046388ecbb09e27800000ae10980c1ecb820164ac30e45efc00015707bc582e000000baca00000162ff7befcb765635a51000001bc0\
        00001816a0000015d203f3433323e000000aebdac09825329b1684663de2f245c713f8a4da23291387a2b0d8889accbc25a130b43f0000\
        015c555a1aeddbce000002ba7fb35e00ffd9\
    ";

    fn stream() -> Vec<u8> {
        let digits: String = STREAM.chars().filter(char::is_ascii_hexdigit).collect();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    fn samples() -> Vec<u16> {
        let value = |at: u64| {
            let (y, x) = (at / 11, at % 11);
            ((y * y * 2_654_435_761 + x * 40_503 + x * y * 977) % 256) as u16
        };
        (0..13 * 11).map(value).collect()
    }

    #[test]
    fn a_stream_is_decoded_with_and_without_its_end_marker() {
        let stream = stream();
        let mut out = vec![7];
        let decoded = decode(&stream, &mut out).unwrap();
        assert_eq!(
            (decoded.header.rows, decoded.header.columns, decoded.has_end, decoded.near),
            (13, 11, true, 0)
        );
        assert_eq!(out, samples());
        let body = stream.strip_suffix(&[0xFF, 0xD9]).unwrap();
        for padding in [&[][..], &[0], b"  "] {
            assert!(!decode(&[body, padding].concat(), &mut out).unwrap().has_end);
            assert_eq!(out, samples());
        }
        assert!(decode(&[body, &[0x12, 0x34, 0x56, 0xFF, 0xD9]].concat(), &mut out).is_err());
    }

    #[test]
    fn cuts_are_refused_and_damage_never_panics() {
        let stream = stream();
        let mut out = Vec::new();
        for at in 0..stream.len() {
            assert!(at + 2 >= stream.len() || decode(&stream[..at], &mut out).is_err(), "cut at {at}");
            for flip in 1..=0xFF {
                let mut damaged = stream.clone();
                damaged[at] ^= flip;
                let small = read_header(&damaged).is_ok_and(|header| header.samples() < 1 << 16);
                if small && decode(&damaged, &mut out).is_ok() {
                    assert_eq!(out.len(), read_header(&damaged).unwrap().samples());
                }
            }
        }
    }

    #[test]
    fn mapping_tables_are_refused_by_name() {
        let mut stream = stream();
        let scan = stream.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap();
        stream[scan + 6] = 1;
        let refused = decode(&stream, &mut Vec::new()).unwrap_err().to_string();
        assert!(refused.contains("mapping table"), "{refused}");
    }
}
