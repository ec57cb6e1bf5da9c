//! The photometric interpretation of a TIFF, taken out of the decoder's hands.
//!
//! The decoder refuses palettes, and inverts values whose smallest is white. A mask wants the values as they are stored:
//! the tag of the first page is read here, and the decoder is given a copy of the file that says BlackIsZero.

use super::LabelFault;

/// Meaning of the stored values (TIFF 6.0, PhotometricInterpretation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Photometric {
    /// Grey, or the indices of a palette: a larger value is no less.
    Stored,
    /// Grey, the smallest value is white.
    WhiteIsZero,
    /// Red, green, blue.
    Rgb,
    /// Any other colour.
    Other,
}

const PHOTOMETRIC: u16 = 262;

/// A copy of the file `bytes` whose first page says BlackIsZero where its values are grey or indices, and its own
/// interpretation.
pub(super) fn as_stored(bytes: &[u8]) -> Result<(Vec<u8>, Photometric), LabelFault> {
    let file = Reader::new(bytes).ok_or(LabelFault::NotThisFormat { format: "TIFF" })?;
    let cut =
        LabelFault::Damaged { format: "TIFF", message: "the directory of the first page is cut".to_owned() };
    let entry = file.photometric().ok_or(cut)?;
    let missing = || LabelFault::header("PhotometricInterpretation", "missing");
    let at = entry.ok_or_else(missing)?;
    let value = file.u16(at).ok_or_else(missing)?;
    let photometric = match value {
        0 => Photometric::WhiteIsZero,
        1 | 3 | 4 => Photometric::Stored,
        2 => Photometric::Rgb,
        _ => Photometric::Other,
    };
    let mut copy = bytes.to_vec();
    if matches!(photometric, Photometric::Stored | Photometric::WhiteIsZero) {
        let one = if file.big_endian { 1_u16.to_be_bytes() } else { 1_u16.to_le_bytes() };
        copy[at..at + 2].copy_from_slice(&one);
    }
    Ok((copy, photometric))
}

/// Numbers of a TIFF in its byte order; `None` beyond its end.
struct Reader<'b> {
    bytes: &'b [u8],
    big_endian: bool,
    big_tiff: bool,
}

impl<'b> Reader<'b> {
    fn new(bytes: &'b [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..2)? {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        let reader = Self { bytes, big_endian, big_tiff: false };
        match reader.u16(2)? {
            42 => Some(reader),
            43 => Some(Self { big_tiff: true, ..reader }),
            _ => None,
        }
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let pair: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    }

    fn unsigned(&self, at: usize, size: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let fold = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
        let value =
            if self.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) };
        usize::try_from(value).ok()
    }

    /// Offset of the value of PhotometricInterpretation in the first directory; `Some(None)` where it has none.
    fn photometric(&self) -> Option<Option<usize>> {
        // BigTIFF: 8-byte offsets and counts, entries of 20 bytes.
        let (directory, count_size, entry_size, value_at) =
            if self.big_tiff { (self.unsigned(8, 8)?, 8, 20, 12) } else { (self.unsigned(4, 4)?, 2, 12, 8) };
        let entries = self.unsigned(directory, count_size)?;
        let first = directory.checked_add(count_size)?;
        for number in 0..entries {
            let entry = first.checked_add(number.checked_mul(entry_size)?)?;
            if self.u16(entry)? == PHOTOMETRIC {
                return Some(entry.checked_add(value_at));
            }
        }
        Some(None)
    }
}
