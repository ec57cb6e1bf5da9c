//! Images and masks, row by row.

use super::column_reader::{ColumnPage, ColumnReader};
use super::{ChunkReader, ChunkTable, CodecError, DatasetTables, EncodedChunk, StoreError};

/// Reads images and masks, for one thread; keeps its memory between rows.
pub struct RowReader<'f> {
    file: &'f DatasetTables,
    checksums: Option<&'f ColumnReader>,
    reader: ChunkReader,
    page: ColumnPage,
    /// The rows whose images were inflated together and are not yet asked for.
    together: [Option<usize>; 2],
}

impl<'f> RowReader<'f> {
    /// A reader of the rows of `file`, which compares them with `checksums`,
    /// the column `samples/checksum`, if they are given.
    #[must_use]
    pub fn new(file: &'f DatasetTables, checksums: Option<&'f ColumnReader>) -> Self {
        Self::reusing(file, checksums, ChunkReader::new())
    }

    /// As [`RowReader::new`], with the memory of a reader of chunks, of any file.
    #[must_use]
    pub fn reusing(
        file: &'f DatasetTables,
        checksums: Option<&'f ColumnReader>,
        reader: ChunkReader,
    ) -> Self {
        Self { file, checksums, reader, page: ColumnPage::default(), together: [None; 2] }
    }

    /// The reader of chunks, whose memory another reader of rows can use.
    #[must_use]
    pub fn into_chunk_reader(self) -> ChunkReader {
        self.reader
    }

    /// As [`RowReader::new`], with a [strict](ChunkReader::strict) look at images and masks that are read whole.
    #[must_use]
    pub fn strict(file: &'f DatasetTables, checksums: Option<&'f ColumnReader>) -> Self {
        Self { reader: ChunkReader::strict(), ..Self::new(file, checksums) }
    }

    /// Reads the image of `row`, (H, W, C) in the file's type, little endian, into `bytes`, which is
    /// [`DatasetTables::image_bytes`] long.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where its chunk is damaged or its CRC-32C is another, [`StoreError::Io`] where
    /// it cannot be read.
    pub fn read_image(&mut self, row: usize, bytes: &mut [u8]) -> Result<(), StoreError> {
        let Some(number) = self.take_together(row) else {
            return self.read(self.file.images(), row, 0, bytes);
        };
        self.reader.pair().write(number, bytes);
        self.compare(self.file.images(), row, 0, || crc32c::crc32c(bytes))
    }

    /// Reads the images of two rows that [`RowReader::read_image`] and [`RowReader::read_image_parts`] will be asked for: both
    /// take less time so. What cannot be read, is read again then.
    pub fn read_images_together(&mut self, rows: [usize; 2]) {
        let together = self.reader.pair().read(self.file.images(), rows, self.file.image_bytes());
        self.together = rows.map(|row| together.then_some(row));
    }

    /// True if the image of `row` was read so.
    #[must_use]
    pub fn is_together(&self, row: usize) -> bool {
        self.together.contains(&Some(row))
    }

    fn take_together(&mut self, row: usize) -> Option<usize> {
        let number = self.together.iter().position(|together| *together == Some(row))?;
        self.together[number] = None;
        Some(number)
    }

    /// Reads the mask of `row`, (H, W, K), into `bytes`, which is [`DatasetTables::mask_bytes`] long.
    ///
    /// # Errors
    /// As [`RowReader::read_image`].
    pub fn read_mask(&mut self, row: usize, bytes: &mut [u8]) -> Result<(), StoreError> {
        self.read(self.file.masks(), row, 1, bytes)
    }

    /// As [`RowReader::read_image`], but hands the image to `take` in parts of whole pixels, in order. It is to be
    /// believed only where this returns no error.
    ///
    /// # Errors
    /// As [`RowReader::read_image`].
    pub fn read_image_parts(&mut self, row: usize, mut take: impl FnMut(&[u8])) -> Result<(), StoreError> {
        let (table, verify, mut found) = (self.file.images(), self.checksums.is_some(), 0);
        let taken = self.take_together(row);
        let checked = |part: &[u8]| {
            if verify {
                found = crc32c::crc32c_append(found, part);
            }
            take(part);
        };
        match taken {
            Some(number) => self.reader.pair().write_parts(number, checked),
            None => self.reader.read_parts(table, row, checked)?,
        }
        self.compare(table, row, 0, || found)
    }

    /// The encoded image and mask of `row`, decoded and compared with their checksums.
    ///
    /// # Errors
    /// As [`RowReader::read_image`], and [`StoreError::Layout`] where a chunk was not written as ours are.
    pub fn copy_checked(&mut self, row: usize) -> Result<[EncodedChunk; 2], StoreError> {
        let file = self.file;
        let mut copy = |table: &ChunkTable, component, length| {
            let mut bytes = vec![0; length];
            let chunk = self.reader.read_encoded(table, row, &mut bytes)?;
            self.compare(table, row, component, || crc32c::crc32c(&bytes))?;
            Ok(chunk)
        };
        Ok([copy(file.images(), 0, file.image_bytes())?, copy(file.masks(), 1, file.mask_bytes())?])
    }

    fn read(
        &mut self,
        table: &'f ChunkTable,
        row: usize,
        component: usize,
        bytes: &mut [u8],
    ) -> Result<(), StoreError> {
        self.reader.read(table, row, bytes)?;
        self.compare(table, row, component, || crc32c::crc32c(bytes))
    }

    /// Compares a checksum with that of the file, if there is one to compare with.
    fn compare(
        &mut self,
        table: &ChunkTable,
        row: usize,
        component: usize,
        found: impl FnOnce() -> u32,
    ) -> Result<(), StoreError> {
        let Some(checksums) = self.checksums else { return Ok(()) };
        let expected = checksums.cell(row, &mut self.page)?.number(component);
        let agree = expected == Some(found().into());
        if agree { Ok(()) } else { Err(table.damaged(row, CodecError::Checksum)) }
    }
}
