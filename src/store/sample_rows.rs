//! The columns of `/samples`, read back row by row.

use std::sync::Arc;

use super::dataset_file::FileRef;
use super::sample_column::{SampleColumn, digest};
use super::sample_columns::SAMPLE_COLUMNS;
use super::schema::column;
use super::{Cell, ColumnWalk, DatasetFile, SampleRow, StoreError};

const DIGEST_BYTES: usize = 32;

/// Reads what the columns say about one row after the other, for one thread; rows are best asked for in order.
pub struct SampleRows<'f> {
    file: FileRef<'f>,
    columns: Vec<(&'static SampleColumn, ColumnWalk)>,
}

impl<'f> SampleRows<'f> {
    /// A reader of the columns of `file`.
    ///
    /// # Errors
    /// [`StoreError`] where the file lacks a column of its version, or has one of another type.
    pub fn new(file: &'f DatasetFile) -> Result<Self, StoreError> {
        Self::of(FileRef::Borrowed(file))
    }

    /// As [`SampleRows::new`], for a reader that keeps the file open itself.
    pub(super) fn shared(file: Arc<DatasetFile>) -> Result<SampleRows<'static>, StoreError> {
        SampleRows::of(FileRef::Shared(file))
    }

    fn of(file: FileRef<'f>) -> Result<Self, StoreError> {
        let mut columns = Vec::with_capacity(SAMPLE_COLUMNS.len());
        for column in &SAMPLE_COLUMNS {
            if file.must_have(column.name) || file.has_column(column.name) {
                columns.push((column, file.column(column.name)?.walk()));
            }
        }
        Ok(Self { file, columns })
    }

    /// The columns of `row`, one of the rows of the file. What an earlier version of the format lacks is as for a row
    /// about which nothing is known.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read, or says what no row says.
    pub fn read(&mut self, row: usize) -> Result<SampleRow, StoreError> {
        let mut cells = SampleRow::unknown(self.file.structures().len());
        cells.image_shape = self.file.shape();
        for (column, walk) in &mut self.columns {
            let Some(cell) = column.row_cell() else { continue };
            (cell.get)(walk.cell(row)?, &mut cells)
                .map_err(|why| wrong(&self.file, row, column.name, &why))?;
        }
        let (own, stored) = (cells.image_shape, self.file.shape());
        if own.rows() > stored.rows() || own.columns() > stored.columns() {
            let why = format!("are {own}, more than the {stored} that are stored");
            return Err(wrong(&self.file, row, "image_rows and image_columns", &why));
        }
        Ok(cells)
    }

    /// The path of the image file of `row`, and the digest of its bytes.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read.
    pub fn source(&mut self, row: usize) -> Result<(String, [u8; DIGEST_BYTES]), StoreError> {
        let source = self.text(column::SOURCE, row)?;
        Ok((source, self.cell(column::SOURCE_SHA256, row, |cell| digest(cell, 0))?))
    }

    /// The frame of a multi-frame object that `row` is, from 1; 0 where the object is one image.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read.
    pub fn frame(&mut self, row: usize) -> Result<u32, StoreError> {
        self.cell(column::FRAME, row, |cell| cell.number(0).map_or(0, |frame| frame as u32))
    }

    /// For each structure of `row`, the digest of its annotation; `None` where it is not annotated.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read.
    pub fn annotation_digests(&mut self, row: usize) -> Result<Vec<Option<[u8; DIGEST_BYTES]>>, StoreError> {
        let mut digests = Vec::with_capacity(self.file.structures().len());
        for plane in 0..self.file.structures().len() {
            let annotated = self.cell(column::ANNOTATED, row, |cell| cell.number(plane))? == Some(1.0);
            digests.push(if annotated { Some(self.annotation_digest(row, plane)?) } else { None });
        }
        Ok(digests)
    }

    /// The cell of `annotation_sha256` of `row`, whether it is annotated or not.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read.
    pub fn annotation_digest(&mut self, row: usize, plane: usize) -> Result<[u8; DIGEST_BYTES], StoreError> {
        self.cell(column::ANNOTATION_SHA256, row, |cell| digest(cell, plane))
    }

    /// The split of `row`.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read, or is no UTF-8.
    pub fn split(&mut self, row: usize) -> Result<String, StoreError> {
        self.text(column::SPLIT, row)
    }

    /// The fold of `row`; `None` where it is in none.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read.
    pub fn fold(&mut self, row: usize) -> Result<Option<u16>, StoreError> {
        let column = self.columns.iter_mut().find(|(known, _)| known.name == column::FOLD);
        let Some((_, walk)) = column else { return Ok(None) };
        Ok(walk.cell(row)?.number(0).filter(|fold| *fold >= 0.0).map(|fold| fold as u16))
    }

    /// The split of `row` and its fold, as people see them: `train`, `train, fold 2`, `fold 2`, or nothing.
    ///
    /// # Errors
    /// As [`SampleRows::split`] and [`SampleRows::fold`].
    pub fn part(&mut self, row: usize) -> Result<String, StoreError> {
        let split = self.split(row)?;
        Ok(match self.fold(row)? {
            None => split,
            Some(fold) if split.is_empty() => format!("fold {fold}"),
            Some(fold) => format!("{split}, fold {fold}"),
        })
    }

    /// Reads a cell of the column `name`, which every version of the format has.
    fn cell<T>(&mut self, name: &str, row: usize, read: impl Fn(Cell<'_>) -> T) -> Result<T, StoreError> {
        let column = self.columns.iter_mut().find(|(known, _)| known.name == name);
        let (_, walk) = column.expect("every column of the format was opened");
        Ok(read(walk.cell(row)?))
    }

    fn text(&mut self, name: &'static str, row: usize) -> Result<String, StoreError> {
        let text = self.cell(name, row, |cell| cell.text().map(str::to_owned))?;
        text.ok_or_else(|| wrong(&self.file, row, name, "is no UTF-8"))
    }
}

fn wrong(file: &DatasetFile, row: usize, name: &str, why: &str) -> StoreError {
    StoreError::NotOurs { path: file.path().to_owned(), why: format!("row {row}: {name} {why}") }
}
