//! The columns of `/samples`, read back row by row.

use std::sync::Arc;

use super::columns::{TextWidths, specs};
use super::dataset_file::FileRef;
use super::schema::column;
use super::{AnnotationCell, Cell, ColumnWalk, DatasetFile, SampleRow, StoreError};
use crate::model::{Geometry, GridShape};

const DIGEST_BYTES: usize = 32;

/// Reads what the columns say about one row after the other, for one thread; rows are best asked for in order.
pub struct SampleRows<'f> {
    file: FileRef<'f>,
    /// In the order of [`specs`].
    columns: Vec<(&'static str, ColumnWalk)>,
    splits: ColumnWalk,
}

impl<'f> SampleRows<'f> {
    /// A reader of the columns of `file`.
    ///
    /// # Errors
    /// [`StoreError`] where the file lacks a column, or has one of another type.
    pub fn new(file: &'f DatasetFile) -> Result<Self, StoreError> {
        Self::of(FileRef::Borrowed(file))
    }

    /// As [`SampleRows::new`], for a reader that keeps the file open itself.
    pub(super) fn shared(file: Arc<DatasetFile>) -> Result<SampleRows<'static>, StoreError> {
        SampleRows::of(FileRef::Shared(file))
    }

    fn of(file: FileRef<'f>) -> Result<Self, StoreError> {
        let walk = |name| Ok((name, file.column(name)?.walk()));
        let columns = specs(file.structures().len(), TextWidths::default());
        let columns = columns.iter().map(|spec| walk(spec.name)).collect::<Result<_, StoreError>>()?;
        let splits = file.column(column::SPLIT)?.walk();
        Ok(Self { file, columns, splits })
    }

    /// The columns of `row`, one of the rows of the file.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read, or says what no row says.
    pub fn read(&mut self, row: usize) -> Result<SampleRow, StoreError> {
        let side = |rows: &mut Self, name| Ok::<_, StoreError>(rows.whole(name, row)?.max(0) as usize);
        let sides = (side(self, column::ROWS)?, side(self, column::COLUMNS)?);
        let source_shape =
            GridShape::new(sides.0, sides.1).map_err(|error| self.wrong(row, error.to_string()))?;
        let spacing = self.numbers(column::PIXEL_SPACING, row)?;
        Ok(SampleRow {
            id: self.text(column::ID, row)?,
            patient_id: self.text(column::PATIENT_ID, row)?,
            original_id: self.text(column::ORIGINAL_ID, row)?,
            instance: self.whole(column::INSTANCE, row)? as i32,
            frame: self.whole(column::FRAME, row)? as i32,
            source: self.text(column::SOURCE, row)?,
            source_sha256: self.cell(column::SOURCE_SHA256, row, |cell| digest(cell, 0))?,
            annotations: self.annotations(row)?,
            source_shape,
            geometry: Geometry {
                pixel_spacing: spacing,
                image_position: self.numbers(column::IMAGE_POSITION, row)?,
                image_orientation: self.numbers(column::IMAGE_ORIENTATION, row)?,
                window: self.numbers(column::WINDOW, row)?.map(|x| x as f32),
            },
            value_range: self.numbers(column::VALUE_RANGE, row)?.map(|x| x as f32),
            checksum: self.numbers(column::CHECKSUM, row)?.map(|x| x as u32),
        })
    }

    /// The path of the image file of `row`, and the digest of its bytes.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read.
    pub fn source(&mut self, row: usize) -> Result<(String, [u8; DIGEST_BYTES]), StoreError> {
        let source = self.text(column::SOURCE, row)?;
        Ok((source, self.cell(column::SOURCE_SHA256, row, |cell| digest(cell, 0))?))
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
        self.cell(column::ANNOTATION_SHA256, row, |cell| digest(cell, plane * DIGEST_BYTES))
    }

    /// The split of `row`.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read, or is no UTF-8.
    pub fn split(&mut self, row: usize) -> Result<String, StoreError> {
        let text = self.splits.cell(row)?.text().map(str::to_owned);
        text.ok_or_else(|| self.wrong(row, format!("{} is no UTF-8", column::SPLIT)))
    }

    fn annotations(&mut self, row: usize) -> Result<Vec<AnnotationCell>, StoreError> {
        let mut cells = Vec::with_capacity(self.file.structures().len());
        for plane in 0..self.file.structures().len() {
            let number = |cell: Cell<'_>| cell.number(plane).unwrap_or(f64::NAN);
            let annotated = self.cell(column::ANNOTATED, row, number)? != 0.0;
            let sha256 =
                self.cell(column::ANNOTATION_SHA256, row, |cell| digest(cell, plane * DIGEST_BYTES))?;
            cells.push(AnnotationCell {
                sha256: annotated.then_some(sha256),
                mask_pixels: self.cell(column::MASK_PIXELS, row, number)? as i32,
                contour_area: self.cell(column::CONTOUR_AREA, row, number)? as f32,
            });
        }
        Ok(cells)
    }

    /// Reads a cell of the column `name`.
    fn cell<T>(&mut self, name: &str, row: usize, read: impl Fn(Cell<'_>) -> T) -> Result<T, StoreError> {
        let column = self.columns.iter_mut().find(|(known, _)| *known == name);
        let (_, walk) = column.expect("every column of the format was opened");
        Ok(read(walk.cell(row)?))
    }

    fn text(&mut self, name: &'static str, row: usize) -> Result<String, StoreError> {
        let text = self.cell(name, row, |cell| cell.text().map(str::to_owned))?;
        text.ok_or_else(|| self.wrong(row, format!("{name} is no UTF-8")))
    }

    fn whole(&mut self, name: &'static str, row: usize) -> Result<i64, StoreError> {
        Ok(self.numbers::<1>(name, row)?[0] as i64)
    }

    fn numbers<const N: usize>(&mut self, name: &'static str, row: usize) -> Result<[f64; N], StoreError> {
        let read =
            |cell: Cell<'_>| std::array::from_fn(|component| cell.number(component).unwrap_or(f64::NAN));
        self.cell(name, row, read)
    }

    fn wrong(&self, row: usize, why: String) -> StoreError {
        let path = self.file.path().to_owned();
        StoreError::NotOurs { path, why: format!("row {row}: {why}") }
    }
}

/// The digest that begins at component `first`.
fn digest(cell: Cell<'_>, first: usize) -> [u8; DIGEST_BYTES] {
    std::array::from_fn(|byte| cell.number(first + byte).unwrap_or_default() as u8)
}
