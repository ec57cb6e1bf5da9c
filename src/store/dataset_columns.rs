//! The columns of a data set, with its HDF5 handle open or closed.

use super::StoreError;
use super::column_reader::ColumnReader;
use super::dataset_file::DatasetFile;
use super::dataset_tables::{ClosedFile, DatasetTables};
use super::schema::column;
use super::without_pixels::without_pixels;

/// A data set whose columns can be read, with its HDF5 handle open or closed.
pub trait SampleColumns {
    /// Its shapes and tables.
    fn tables(&self) -> &DatasetTables;

    /// The column `name` of `/samples`.
    ///
    /// # Errors
    /// [`StoreError`] where the file has no such column, or one of another type.
    fn column(&self, name: &str) -> Result<ColumnReader, StoreError>;

    /// True if the file has the column `name`, readable or not.
    fn has_column(&self, name: &str) -> bool;

    /// The structures of which no row has a pixel in its mask; none where the file has no rows.
    ///
    /// # Errors
    /// As [`SampleColumns::column`].
    fn structures_without_pixels(&self) -> Result<Vec<String>, StoreError> {
        without_pixels(self.column(column::MASK_PIXELS)?, self.tables().structures())
    }

    /// The column of the checksums, for [`RowReader::new`](super::RowReader::new).
    ///
    /// # Errors
    /// As [`SampleColumns::column`].
    fn checksums(&self) -> Result<ColumnReader, StoreError> {
        self.column(column::CHECKSUM)?.hold()
    }
}

impl SampleColumns for DatasetFile {
    fn tables(&self) -> &DatasetTables {
        self
    }

    fn column(&self, name: &str) -> Result<ColumnReader, StoreError> {
        Self::column(self, name)
    }

    fn has_column(&self, name: &str) -> bool {
        Self::has_column(self, name)
    }
}

impl SampleColumns for ClosedFile {
    fn tables(&self) -> &DatasetTables {
        self
    }

    fn column(&self, name: &str) -> Result<ColumnReader, StoreError> {
        match self.columns.get(name) {
            Some(column) => Ok(column.clone()),
            // Which of the errors it is, only the file knows.
            None => DatasetFile::open(self.path())?.column(name),
        }
    }

    fn has_column(&self, name: &str) -> bool {
        self.columns.contains_key(name)
            || DatasetFile::open(self.path()).is_ok_and(|file| file.has_column(name))
    }
}
