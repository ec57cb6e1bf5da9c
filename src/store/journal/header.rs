//! The beginning of a journal.

use serde::{Deserialize, Serialize};

use crate::model::{GridShape, PixelType};

/// The first bytes of every journal.
pub(super) const MAGIC: &[u8; 20] = b"dicomprep journal 2\n";

/// The longest header that is read.
const MAX_BYTES: usize = 1 << 20;

/// Says what the rows of a journal are, and which options made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalHeader {
    /// As the root attribute `generator`.
    pub generator: String,
    /// As the root attribute `format_version`.
    pub format_version: String,
    /// As the root attribute `config`.
    pub config: String,
    /// numpy's name of the pixel type.
    pub pixel_type: String,
    /// Rows and columns of each image.
    pub shape: [usize; 2],
    /// Channels of each image.
    pub channels: usize,
    /// Planes of each mask.
    pub structures: usize,
    /// True if chunks are shuffled and deflated.
    pub is_compressed: bool,
}

impl JournalHeader {
    /// The type of the pixels, if there is one of this name.
    #[must_use]
    pub fn pixel_type(&self) -> Option<PixelType> {
        PixelType::ALL.into_iter().find(|pixel_type| pixel_type.name() == self.pixel_type)
    }

    /// Size of each stored image.
    pub(super) fn grid(&self) -> Option<GridShape> {
        let [rows, columns] = self.shape;
        GridShape::new(rows, columns).ok()
    }

    /// Bytes of a decoded image and of a decoded mask.
    #[must_use]
    pub fn row_bytes(&self) -> Option<[usize; 2]> {
        let product = |sizes: [usize; 4]| sizes.into_iter().try_fold(1_usize, usize::checked_mul);
        let [rows, columns] = self.shape;
        let image = product([rows, columns, self.channels, self.pixel_type()?.size()])?;
        Some([image, product([rows, columns, self.structures, 1])?])
    }

    /// The beginning of a journal with this header.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let text = serde_json::to_vec(self).expect("names and numbers are JSON");
        let length = u32::try_from(text.len()).expect("options are no larger").to_le_bytes();
        let checksum = crc32c::crc32c(&text).to_le_bytes();
        [&MAGIC[..], &length, &text, &checksum].concat()
    }

    /// The header at the beginning of a journal, and its length; what is wrong where there is none.
    pub(super) fn parse(start: &[u8]) -> Result<(Self, u64), &'static str> {
        let rest = start.strip_prefix(MAGIC).ok_or("it does not begin as a journal does")?;
        let (length, rest) = rest.split_first_chunk().ok_or("it ends within its header")?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_BYTES {
            return Err("its header says that it is larger than any");
        }
        let (text, rest) = rest.split_at_checked(length).ok_or("it ends within its header")?;
        let checksum = rest.first_chunk().ok_or("it ends within its header")?;
        if u32::from_le_bytes(*checksum) != crc32c::crc32c(text) {
            return Err("the CRC-32C of its header is another one");
        }
        let header = serde_json::from_slice(text).map_err(|_| "its header is one of another version")?;
        Ok((header, (MAGIC.len() + 8 + length) as u64))
    }

    /// The most bytes that [`JournalHeader::parse`] looks at.
    pub(super) const LONGEST: u64 = (MAGIC.len() + 8 + MAX_BYTES) as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_or_refused() {
        let header = JournalHeader {
            generator: "dicomprep 0".to_owned(),
            format_version: "1.1".to_owned(),
            config: "{}".to_owned(),
            pixel_type: "int16".to_owned(),
            shape: [4, 5],
            channels: 3,
            structures: 2,
            is_compressed: true,
        };
        let bytes = header.to_bytes();
        assert_eq!(
            JournalHeader::parse(&[&bytes[..], b"more"].concat()),
            Ok((header.clone(), bytes.len() as u64))
        );
        assert_eq!(header.row_bytes(), Some([120, 40]));
        assert_eq!(header.grid(), GridShape::new(4, 5).ok());
        for end in 0..bytes.len() {
            assert!(JournalHeader::parse(&bytes[..end]).is_err());
            let mut flipped = bytes.clone();
            flipped[end] ^= 1;
            assert!(JournalHeader::parse(&flipped).is_err(), "{end}");
        }
        assert_eq!(JournalHeader { pixel_type: "int8".to_owned(), ..header.clone() }.row_bytes(), None);
        assert_eq!(JournalHeader { shape: [usize::MAX, 5], ..header }.row_bytes(), None);
    }
}
