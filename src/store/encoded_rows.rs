//! Rows of a finished file as they were appended to it, for work that puts them into another one.

use std::sync::Arc;

use super::dataset_file::FileRef;
use super::sample_rows::SampleRows;
use super::{ChunkReader, CodecError, DatasetFile, EncodedRow, ImageStatistics, StoreError};

/// Reads one row after the other, for one thread: the chunks as they stand in the file, and everything that
/// [`DatasetWriter::append`](super::DatasetWriter::append) wants to know beside them. What it gives was decoded and
/// compared with its checksums.
pub struct EncodedRows<'f> {
    file: FileRef<'f>,
    columns: SampleRows<'f>,
    reader: ChunkReader,
    image: Vec<u8>,
    mask: Vec<u8>,
}

impl<'f> EncodedRows<'f> {
    /// A reader of the rows of `file`.
    ///
    /// # Errors
    /// [`StoreError`] where the file lacks a column, or has one of another type.
    pub fn new(file: &'f DatasetFile) -> Result<Self, StoreError> {
        Self::of(FileRef::Borrowed(file), SampleRows::new(file)?)
    }

    /// As [`EncodedRows::new`], for a reader that keeps the file open itself.
    ///
    /// # Errors
    /// As [`EncodedRows::new`].
    pub fn shared(file: Arc<DatasetFile>) -> Result<EncodedRows<'static>, StoreError> {
        let columns = SampleRows::shared(Arc::clone(&file))?;
        EncodedRows::of(FileRef::Shared(file), columns)
    }

    fn of(file: FileRef<'f>, columns: SampleRows<'f>) -> Result<Self, StoreError> {
        let (image, mask) = (vec![0; file.image_bytes()], vec![0; file.mask_bytes()]);
        Ok(Self { file, columns, reader: ChunkReader::new(), image, mask })
    }

    /// The image (H, W, C) of the row that was read last, little endian.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// The mask (H, W, K) of the row that was read last.
    #[must_use]
    pub fn mask(&self) -> &[u8] {
        &self.mask
    }

    /// Row `row`, one of the rows of the file. Appended to a file of the same shape, type and compression, it makes
    /// the same bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a chunk cannot be decoded or does not have its checksum,
    /// [`StoreError::Layout`] where it was not written as ours are, [`StoreError::Io`] where it cannot be read.
    pub fn read(&mut self, row: usize) -> Result<EncodedRow, StoreError> {
        let Self { file, columns, reader, image, mask } = self;
        let encoded_image = reader.read_encoded(file.images(), row, image)?;
        let encoded_mask = reader.read_encoded(file.masks(), row, mask)?;
        let cells = columns.read(row)?;
        for (table, bytes, expected) in
            [(file.images(), &*image, cells.checksum[0]), (file.masks(), &*mask, cells.checksum[1])]
        {
            if crc32c::crc32c(bytes) != expected {
                return Err(table.damaged(row, CodecError::Checksum));
            }
        }
        let counted = cells.counted(file.shape()).of_le_bytes(file.pixel_type(), image);
        let statistics = ImageStatistics::of_le_bytes(file.pixel_type(), &counted, file.channels());
        Ok(EncodedRow { row: cells, image: encoded_image, mask: encoded_mask, statistics })
    }

    /// The split of `row`, for [`DatasetWriter::finish`](super::DatasetWriter::finish).
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read.
    pub fn split(&mut self, row: usize) -> Result<String, StoreError> {
        self.columns.split(row)
    }
}
