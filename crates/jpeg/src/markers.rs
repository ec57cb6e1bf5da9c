//! Markers and their segments (T.81 B.1.1), for JPEG and for the formats that share them, as JPEG-LS does (T.87 C.1).

/// End of image.
pub const EOI: u8 = 0xD9;
/// Start of scan.
pub const SOS: u8 = 0xDA;

/// Why the next marker cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerError {
    /// The bytes do not begin with SOI.
    NoImage,
    /// The stream ends before a marker or within a segment.
    Cut,
    /// Something other than a marker with a segment stands where one is expected.
    NoMarker {
        /// Offset in the stream.
        at: usize,
    },
}

/// A walk over the markers of a stream.
pub struct Markers<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Markers<'a> {
    /// Begins behind SOI.
    ///
    /// # Errors
    /// [`MarkerError::NoImage`] where there is none.
    pub fn new(data: &'a [u8]) -> Result<Self, MarkerError> {
        if data.starts_with(&[0xFF, 0xD8]) { Ok(Self { data, at: 2 }) } else { Err(MarkerError::NoImage) }
    }

    /// Offset in the stream of what comes next.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes on at the offset `at`, as behind the data of a scan.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// True if nothing but padding is left: zeros, spaces and fill bytes.
    #[must_use]
    pub fn is_at_padding(&self) -> bool {
        self.data.get(self.at..).is_none_or(|rest| rest.iter().all(|byte| matches!(byte, 0 | b' ' | 0xFF)))
    }

    /// The code and the segment, without its length, of the next marker. EOI has no segment. Other codes without a
    /// segment, for which `is_alone` is true, are out of place between segments.
    ///
    /// # Errors
    /// [`MarkerError::Cut`], [`MarkerError::NoMarker`].
    pub fn next_segment(&mut self, is_alone: impl Fn(u8) -> bool) -> Result<(u8, &'a [u8]), MarkerError> {
        let code = loop {
            match self.data.get(self.at..) {
                Some([0xFF, 0xFF, ..]) => self.at += 1,
                Some(&[0xFF, code, ..]) => break code,
                None | Some([] | [0xFF]) => return Err(MarkerError::Cut),
                Some(_) => return Err(MarkerError::NoMarker { at: self.at }),
            }
        };
        if code == EOI {
            return Ok((EOI, &[]));
        }
        if is_alone(code) {
            return Err(MarkerError::NoMarker { at: self.at });
        }
        let rest = &self.data[self.at + 2..];
        let length = rest.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)));
        let segment = length.filter(|&length| length >= 2).and_then(|length| rest.get(2..length));
        let segment = segment.ok_or(MarkerError::Cut)?;
        self.at += 4 + segment.len();
        Ok((code, segment))
    }
}

/// The offset behind the restart marker with this number, 0 to 7, if it and nothing but fill bytes stand at `at`.
#[must_use]
pub fn behind_restart(data: &[u8], mut at: usize, number: u8) -> Option<usize> {
    while data.get(at..).is_some_and(|rest| rest.starts_with(&[0xFF, 0xFF])) {
        at += 1;
    }
    match data.get(at..) {
        Some(&[0xFF, code, ..]) if code == 0xD0 + number => Some(at + 2),
        _ => None,
    }
}

/// True for bytes that fill a fragment behind an image without an end marker: zeros and spaces.
#[must_use]
pub fn is_padding(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0 || byte == b' ')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

    use super::*;

    #[test]
    fn segments_follow_each_other_up_to_the_end() {
        let stream = [0xFF, 0xD8, 0xFF, 0xFF, 0xE0, 0, 3, 7, 0xFF, 0xD9];
        let mut markers = Markers::new(&stream).unwrap();
        assert_eq!(markers.next_segment(|_| false), Ok((0xE0, &[7][..])));
        assert_eq!((markers.at(), markers.next_segment(|_| false)), (8, Ok((EOI, &[][..]))));
        markers.go_to(2);
        assert_eq!(markers.next_segment(|code| code == 0xE0), Err(MarkerError::NoMarker { at: 3 }));
        assert!(matches!(Markers::new(&stream[2..]), Err(MarkerError::NoImage)));
        for cut in 3..8 {
            assert_eq!(Markers::new(&stream[..cut]).unwrap().next_segment(|_| false), Err(MarkerError::Cut));
        }
    }

    #[test]
    fn a_restart_marker_is_the_one_with_its_number() {
        assert_eq!(behind_restart(&[0xFF, 0xFF, 0xD3, 5], 0, 3), Some(3));
        assert_eq!(behind_restart(&[0xFF, 0xD3], 0, 2), None);
        assert_eq!(behind_restart(&[0xFF, 0xD3], 9, 3), None);
    }
}
