//! Marks by which a plan knows a file again.

use serde::{Deserialize, Serialize};

/// First bytes of an image file that are read for its header; hardly any header is longer.
pub(super) const HEADER_BYTES: usize = 16 * 1024;

/// The size of a file and the checksum of its beginning, where the header of an image stands. It shows that a file was
/// replaced or changed, not that somebody meant to hide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Bytes of the file.
    pub bytes: u64,
    /// CRC-32C of its first 16 KiB, or of all it has.
    pub start: u32,
}

impl FileMark {
    /// The mark of a file of `bytes` bytes that begins with `start`.
    #[must_use]
    pub fn of(bytes: u64, start: &[u8]) -> Self {
        Self { bytes, start: crc32c::crc32c(&start[..start.len().min(HEADER_BYTES)]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_the_beginning_does_not_matter() {
        let mut bytes = vec![7; HEADER_BYTES + 10];
        let mark = FileMark::of(bytes.len() as u64, &bytes);
        assert_eq!(FileMark::of(bytes.len() as u64, &bytes[..HEADER_BYTES]), mark);
        bytes[HEADER_BYTES - 1] = 8;
        assert_ne!(FileMark::of(bytes.len() as u64, &bytes), mark);
    }
}
