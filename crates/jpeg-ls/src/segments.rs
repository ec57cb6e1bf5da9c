//! Markers and their segments (T.87 annex C).

use crate::error::JpegLsError;
use crate::header::{ColorTransform, Header};
use crate::parameters::Preset;
use crate::scan::{Interleave, ScanHeader};

/// True for markers without a segment, and for codes that are no markers of JPEG-LS; all but EOI are out of place between
/// segments.
pub(crate) fn is_alone(code: u8) -> bool {
    matches!(code, 0x00..0x80 | 0xD0..=0xD8)
}

/// What the segments before a scan define.
#[derive(Default)]
pub(crate) struct Definitions {
    pub(crate) frame: Option<Header>,
    pub(crate) preset: Preset,
    /// Restart interval in lines; 0 for none.
    pub(crate) restart: u32,
    transform: Option<ColorTransform>,
}

fn unsupported<T>(what: impl Into<String>) -> Result<T, JpegLsError> {
    Err(JpegLsError::Unsupported { what: what.into() })
}

impl Definitions {
    /// Takes in a segment that is not EOI or SOS.
    pub(crate) fn take(&mut self, code: u8, segment: &[u8]) -> Result<(), JpegLsError> {
        match code {
            0xF7 => self.frame(segment),
            0xF8 => self.extension(segment),
            0xDD => {
                let mut word = [0; 4];
                let place = word.len().checked_sub(segment.len()).filter(|&place| place <= 2);
                word[place.ok_or(JpegLsError::Segment { segment: "DRI" })?..].copy_from_slice(segment);
                self.restart = u32::from_be_bytes(word);
                Ok(())
            }
            0xE8 if segment.starts_with(b"mrfx") => {
                self.transform = match segment.get(4) {
                    None | Some(0) => None,
                    Some(1) => Some(ColorTransform::Hp1),
                    Some(2) => Some(ColorTransform::Hp2),
                    Some(3) => Some(ColorTransform::Hp3),
                    Some(other) => return unsupported(format!("the colour transform {other} of HP")),
                };
                Ok(())
            }
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                unsupported("a frame of another JPEG process")
            }
            0xF9..=0xFD => unsupported("an extension of part 2"),
            _ => Ok(()),
        }
    }

    fn frame(&mut self, segment: &[u8]) -> Result<(), JpegLsError> {
        let damaged = JpegLsError::Segment { segment: "SOF" };
        let (&[precision, r0, r1, c0, c1, count], rest) =
            segment.split_first_chunk().ok_or(damaged.clone())?;
        let (rows, columns) = (u16::from_be_bytes([r0, r1]), u16::from_be_bytes([c0, c1]));
        let fits = (2..=16).contains(&precision) && rest.len() == 3 * usize::from(count) && count > 0;
        if self.frame.is_some() || !fits {
            return Err(damaged);
        }
        if rows == 0 || columns == 0 {
            return unsupported("an image whose size is not in its frame header");
        }
        if count > 4 {
            return unsupported(format!("a frame of {count} components"));
        }
        let mut components = Vec::with_capacity(count.into());
        for &[id, factors, _] in rest.as_chunks().0 {
            if factors != 0x11 {
                return unsupported("subsampling");
            }
            if components.contains(&id) {
                return Err(damaged);
            }
            components.push(id);
        }
        let transform = self.transform.filter(|_| count == 3);
        self.frame = Some(Header { rows, columns, precision, components, transform });
        Ok(())
    }

    /// LSE (T.87 C.2.4.1).
    fn extension(&mut self, segment: &[u8]) -> Result<(), JpegLsError> {
        match segment.split_first() {
            Some((1, parameters)) if parameters.len() == 10 => {
                let mut words = parameters.as_chunks().0.iter().map(|&pair| u16::from_be_bytes(pair));
                let mut word = || words.next().unwrap_or_default();
                self.preset = Preset { maxval: word(), thresholds: [word(), word(), word()], reset: word() };
                Ok(())
            }
            Some((2 | 3, _)) => unsupported("a mapping table"),
            Some((4, _)) => unsupported("an image whose size is not in its frame header"),
            Some((5.., _)) => unsupported("an extension of part 2"),
            _ => Err(JpegLsError::Segment { segment: "LSE" }),
        }
    }

    /// The scan that a segment SOS begins.
    pub(crate) fn scan(&self, segment: &[u8]) -> Result<ScanHeader, JpegLsError> {
        let damaged = JpegLsError::Segment { segment: "SOS" };
        let frame = self.frame.as_ref().ok_or(damaged.clone())?;
        let (&count, rest) = segment.split_first().ok_or(damaged.clone())?;
        let (selectors, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(damaged.clone())?;
        let &[near, interleave, transform] = rest else {
            return Err(damaged);
        };
        let mut components = Vec::with_capacity(count.into());
        for &[id, table] in selectors.as_chunks().0 {
            if table != 0 {
                return unsupported("a mapping table");
            }
            let index = frame.components.iter().position(|&known| known == id).ok_or(damaged.clone())?;
            if components.last().is_some_and(|&last| last >= index) {
                return Err(damaged);
            }
            components.push(index);
        }
        if transform & 0x0F != 0 {
            return unsupported("a point transform");
        }
        let interleave = match (interleave, components.len()) {
            (_, 0) => return Err(damaged),
            (0..=2, 1) => Interleave::None,
            (1, _) => Interleave::Line,
            (2, _) => Interleave::Sample,
            _ => return Err(damaged),
        };
        Ok(ScanHeader { components, near, interleave })
    }
}
