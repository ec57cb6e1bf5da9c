//! The images' own sizes, read back row by row.

use super::dataset_columns::SampleColumns;
use super::schema::column;
use super::{ColumnWalk, StoreError};
use crate::model::GridShape;

/// Reads the size of one image after the other; rows are best asked for in order.
pub struct ImageSizes {
    stored: GridShape,
    /// None in files of earlier versions, whose images are as large as they are stored.
    sides: Option<[ColumnWalk; 2]>,
}

impl ImageSizes {
    /// A reader of the columns of `file`.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read.
    pub fn new(file: &impl SampleColumns) -> Result<Self, StoreError> {
        let names = [column::IMAGE_ROWS, column::IMAGE_COLUMNS];
        let sides = if names.iter().all(|name| file.has_column(name)) {
            Some([file.column(names[0])?.walk(), file.column(names[1])?.walk()])
        } else {
            None
        };
        Ok(Self { stored: file.tables().shape(), sides })
    }

    /// Rows and columns of the image of `row`, as its columns say.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read.
    pub fn sides(&mut self, row: usize) -> Result<[usize; 2], StoreError> {
        let Some([rows, columns]) = &mut self.sides else {
            return Ok([self.stored.rows(), self.stored.columns()]);
        };
        Ok([rows.cell(row)?, columns.cell(row)?].map(|cell| cell.number(0).unwrap_or(0.0) as usize))
    }

    /// The size of these sides; `None` where it is none, or larger than what is stored.
    #[must_use]
    pub fn of_sides(&self, [rows, columns]: [usize; 2]) -> Option<GridShape> {
        let fits = rows <= self.stored.rows() && columns <= self.stored.columns();
        GridShape::new(rows, columns).ok().filter(|_| fits)
    }
}
