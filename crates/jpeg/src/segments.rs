//! Markers and their segments (T.81 annex B).

use crate::error::JpegError;
use crate::header::{Component, Header, Process};
use crate::huffman::HuffmanTable;
use crate::scan::ScanHeader;

/// True for markers without a segment; all but EOI are out of place between segments.
pub(crate) fn is_alone(code: u8) -> bool {
    matches!(code, 0x00 | 0x01 | 0xD0..=0xD8)
}

/// What the segments before a scan define.
#[derive(Default)]
pub(crate) struct Definitions {
    pub(crate) quantization: [Option<Box<[u16; 64]>>; 4],
    pub(crate) dc: [Option<HuffmanTable>; 4],
    pub(crate) ac: [Option<HuffmanTable>; 4],
    /// Restart interval in MCUs; 0 for none.
    pub(crate) restart: u32,
    pub(crate) frame: Option<Header>,
    jfif: bool,
    adobe_transform: Option<u8>,
}

impl Definitions {
    /// Takes in a segment that is not EOI or SOS.
    pub(crate) fn take(&mut self, code: u8, segment: &[u8]) -> Result<(), JpegError> {
        match code {
            0xC4 => self.huffman(segment).ok_or(JpegError::Segment { segment: "DHT" }),
            0xC0..=0xCF => self.frame(code, segment),
            0xDB => self.quantization(segment).ok_or(JpegError::Segment { segment: "DQT" }),
            0xDC => {
                Err(JpegError::Unsupported { what: "a number of rows behind the image (DNL)".to_owned() })
            }
            0xDD => {
                let &[high, low] = segment else {
                    return Err(JpegError::Segment { segment: "DRI" });
                };
                self.restart = u16::from_be_bytes([high, low]).into();
                Ok(())
            }
            0xE0 if self.frame.is_none() => {
                self.jfif |= segment.starts_with(b"JFIF\0");
                Ok(())
            }
            0xEE if self.frame.is_none() && segment.starts_with(b"Adobe") => {
                self.adobe_transform = segment.get(11).copied();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&selector, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, rest) = rest.split_at_checked(total)?;
            let tables = match selector >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(selector & 15))? = Some(HuffmanTable::new(counts, values).ok()?);
            segment = rest;
        }
        Some(())
    }

    fn quantization(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&selector, mut rest)) = segment.split_first() {
            let mut table = Box::new([0; 64]);
            for &place in &crate::coefficients::ZIGZAG {
                let value;
                (value, rest) = match selector >> 4 {
                    0 => rest.split_first().map(|(&byte, rest)| (u16::from(byte), rest))?,
                    1 => rest.split_first_chunk().map(|(&pair, rest)| (u16::from_be_bytes(pair), rest))?,
                    _ => return None,
                };
                table[usize::from(place)] = value;
            }
            *self.quantization.get_mut(usize::from(selector & 15))? = Some(table);
            segment = rest;
        }
        Some(())
    }

    fn frame(&mut self, code: u8, segment: &[u8]) -> Result<(), JpegError> {
        let unsupported = |what: String| Err(JpegError::Unsupported { what });
        let process = match code {
            0xC0 => Process::Baseline,
            0xC1 => Process::Extended,
            0xC2 => Process::Progressive,
            0xC3 => Process::Lossless,
            0xC5..=0xC7 | 0xCD..=0xCF => return unsupported("hierarchical coding".to_owned()),
            _ => return unsupported("arithmetic coding".to_owned()),
        };
        let damaged = JpegError::Segment { segment: "SOF" };
        let (&[precision, r0, r1, c0, c1, count], rest) =
            segment.split_first_chunk().ok_or(damaged.clone())?;
        let (rows, columns) = (u16::from_be_bytes([r0, r1]), u16::from_be_bytes([c0, c1]));
        if self.frame.is_some() || columns == 0 || count == 0 || rest.len() != 3 * usize::from(count) {
            return Err(damaged);
        }
        if rows == 0 {
            return unsupported("a number of rows behind the image (DNL)".to_owned());
        }
        if count > 4 {
            return unsupported(format!("a frame of {count} components"));
        }
        let is_known =
            if process.is_lossy() { matches!(precision, 8 | 12) } else { (2..=16).contains(&precision) };
        if !is_known || process == Process::Baseline && precision != 8 {
            return unsupported(format!("a precision of {precision} bits"));
        }
        let mut components = Vec::with_capacity(count.into());
        for &[id, factors, quantization] in rest.as_chunks().0 {
            let (horizontal, vertical) = (factors >> 4, factors & 15);
            let fits = (1..=4).contains(&horizontal) && (1..=4).contains(&vertical) && quantization < 4;
            if !fits || components.iter().any(|component: &Component| component.id == id) {
                return Err(damaged);
            }
            components.push(Component { id, horizontal, vertical, quantization });
        }
        let (jfif, adobe_transform) = (self.jfif, self.adobe_transform);
        self.frame = Some(Header { rows, columns, precision, process, components, jfif, adobe_transform });
        Ok(())
    }

    /// The scan that a segment SOS begins.
    pub(crate) fn scan(&self, segment: &[u8]) -> Result<ScanHeader, JpegError> {
        let frame = self.frame.as_ref().ok_or(JpegError::Segment { segment: "SOS" })?;
        ScanHeader::parse(segment, frame).ok_or(JpegError::Segment { segment: "SOS" })
    }
}
