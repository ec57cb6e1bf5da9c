//! Reads the frames of a file one at a time.

use super::attribute;
use super::data_set::DataElement;
use super::error::{DicomError, DicomFault, Located};
use super::frames::{FrameIndex, ReadAt, frame_in_memory, read_exactly, read_frame};
use super::header::ImageHeader;
use super::image::{decode_frame, header_and_pixels};
use super::limits::Limits;
use super::part10;
use super::stored_pixels::StoredPixels;

/// First bytes that are read for the header; four times as many where these do not suffice.
const FIRST_BYTES: usize = 16 << 10;

/// An image file whose frames are read one at a time: what it holds is the header and where the frames stand.
///
/// Only a deflated data set, which has no beginning to read a frame from, is held inflated.
#[derive(Debug)]
pub struct FrameReader {
    header: ImageHeader,
    pixels: DataElement,
    index: FrameIndex,
    inflated: Option<Vec<u8>>,
}

impl FrameReader {
    /// Reads the header of the image in `file`, which is `source` and has `file_len` bytes, and finds its frames.
    ///
    /// # Errors
    /// As [`parse_header`](super::parse_header); [`DicomFault::FrameCount`] where the pixel data has not as many frames
    /// as the header says; [`DicomFault::Read`] where the system cannot read.
    pub fn open(
        file: &str,
        source: &(impl ReadAt + ?Sized),
        file_len: u64,
        limits: &Limits,
    ) -> Result<Self, DicomError> {
        Self::find(source, file_len, limits).map_err(|located| located.in_file(file))
    }

    fn find(source: &(impl ReadAt + ?Sized), file_len: u64, limits: &Limits) -> Result<Self, Located> {
        let total = usize::try_from(file_len).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        loop {
            let wanted = total.min(FIRST_BYTES.max(4 * bytes.len()));
            limits.check_bytes("the header of the file", wanted as u64)?;
            bytes.resize(wanted, 0);
            read_exactly(source, &mut bytes, 0)?;
            let parsed = match part10::open(&bytes, total, limits)? {
                Some(data_set) => header_and_pixels(&data_set, limits)?.map(|parsed| (parsed, data_set)),
                None => None,
            };
            let Some(((header, pixels), data_set)) = parsed else {
                if wanted == total {
                    return Err(DicomFault::Cut { at: total }.into());
                }
                continue;
            };
            let inflated = match data_set.bytes {
                std::borrow::Cow::Borrowed(_) => None,
                std::borrow::Cow::Owned(inflated) => Some(inflated),
            };
            let index = match &inflated {
                Some(inflated) => FrameIndex::find(&header, &pixels, &**inflated, data_set.total as u64)?,
                None => FrameIndex::find(&header, &pixels, source, file_len)?,
            };
            return Ok(Self { header, pixels, index, inflated });
        }
    }

    /// The header of the image.
    #[must_use]
    pub fn header(&self) -> &ImageHeader {
        &self.header
    }

    /// Reads the stored values of a `frame` of the image in `file`, which is `source`, into `stored`. Returns the header
    /// of the frame. Frames count from 1; 0 is the only one of a single-frame image.
    ///
    /// # Errors
    /// [`DicomFault::NoSuchFrame`] where there is no such frame; where its pixels are too short or cannot be decoded.
    pub fn read(
        &self,
        file: &str,
        source: &(impl ReadAt + ?Sized),
        frame: u32,
        stored: &mut StoredPixels,
    ) -> Result<ImageHeader, DicomError> {
        self.decode(source, frame, stored).map_err(|located| located.in_file(file))
    }

    fn decode(
        &self,
        source: &(impl ReadAt + ?Sized),
        frame: u32,
        stored: &mut StoredPixels,
    ) -> Result<ImageHeader, Located> {
        let index = self.header.index_of(frame)?;
        let header = self.header.of_frame(frame).unwrap_or_else(|| self.header.clone());
        let extents = self.index.extents(index);
        let mut joined = std::mem::take(&mut stored.joined);
        let bytes = match &self.inflated {
            Some(inflated) => frame_in_memory(inflated, &extents, &mut joined),
            None => read_frame(source, &extents, &mut joined).map(|()| &*joined),
        };
        let decoded = bytes
            .map_err(|fault| fault.at(attribute::PIXEL_DATA))
            .and_then(|bytes| decode_frame(&header, &self.pixels, index, bytes, stored));
        stored.joined = joined;
        stored.leniencies.extend(self.index.leniency);
        decoded.map(|()| header)
    }
}
