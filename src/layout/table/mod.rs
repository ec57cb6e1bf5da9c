//! Layout `table`: a CSV of the user's own, one row an image or a series.
//!
//! ```text
//! image                 an image file, or the folder of a series; relative to the data directory
//! patient_id            what splits never tear apart; the folder of the image where there is no such column
//! frame                 the frame of a multi-frame object, from 1
//! split                 train, val or test
//! mask.<name>           PNG or TIFF of the image's size, RTSTRUCT, SEG, NIfTI or NRRD; with #value or #name
//! contour.<name>        contour text, or RTSTRUCT
//! ```

mod cells;
mod images;
mod pairing;
mod rows;

use std::path::Path;

use super::{ColumnNames, Layout, LayoutError, Reading, SampleSet, Select};
use crate::files::table::{TableName, read_table_bytes};
use crate::files::{FilesError, PlacePart, Places, Tree};

pub(super) use cells::SeriesOpener;
use pairing::Pairing;
use rows::TableRows;

const TABLE: PlacePart = PlacePart { default: "table.csv", option: "the table with --table" };

/// A data directory whose images and annotations a table names.
#[derive(Debug)]
pub struct Table {
    places: Places,
    columns: ColumnNames,
}

impl Table {
    /// The layout of `data_dir` by `table`, whose columns may have other names.
    ///
    /// # Errors
    /// [`FilesError`] where the folder does not exist.
    pub fn new(data_dir: &Path, table: Option<&Path>, columns: ColumnNames) -> Result<Self, FilesError> {
        Ok(Self { places: Places::new(data_dir)?.with_table(table, TABLE)?, columns })
    }
}

impl Layout for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn expects(&self, _: usize, _: &[Box<str>]) -> bool {
        true
    }

    fn pair(&self, tree: Tree, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        let table = &self.places.tables()[0];
        let name = TableName { file: table.name(), option: "--table" };
        let rows = TableRows::parse(&read_table_bytes(table.path(), name)?, table.name(), &self.columns)?;
        Pairing::new(tree, rows, select, self.places.data_dir(), reading)?.run()
    }
}
