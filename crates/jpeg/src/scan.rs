//! The header of a scan (T.81 B.2.3).

use crate::header::Header;

/// A component of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanComponent {
    /// Its index in the frame.
    pub(crate) index: usize,
    /// Numbers of its Huffman tables.
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// What a scan holds.
#[derive(Debug, Clone)]
pub(crate) struct ScanHeader {
    pub(crate) components: Vec<ScanComponent>,
    /// First and last coefficient; the first is the predictor of the lossless process.
    pub(crate) start: u8,
    pub(crate) end: u8,
    /// Successive approximation, before and now; now is the point transform of the lossless process.
    pub(crate) high: u8,
    pub(crate) low: u8,
}

impl ScanHeader {
    /// `None` where the segment does not fit the frame.
    pub(crate) fn parse(segment: &[u8], frame: &Header) -> Option<Self> {
        let (&count, rest) = segment.split_first()?;
        let (selectors, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let &[start, end, approximation] = rest else {
            return None;
        };
        let mut components: Vec<ScanComponent> = Vec::with_capacity(count.into());
        for &[id, tables] in selectors.as_chunks().0 {
            let index = frame.components.iter().position(|component| component.id == id)?;
            let (dc, ac) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc > 3 || ac > 3 || components.iter().any(|known| known.index >= index) {
                return None;
            }
            components.push(ScanComponent { index, dc, ac });
        }
        let is_known = (1..=4).contains(&count);
        is_known.then_some(Self { components, start, end, high: approximation >> 4, low: approximation & 15 })
    }
}
