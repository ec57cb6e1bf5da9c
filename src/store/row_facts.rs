//! Columns of one row.

use std::fmt::Write;

use super::schema::column;
use super::{Cell, SampleColumns, StoreError};

/// Origin of a row. `docs/format.md` describes the columns.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RowFacts {
    /// Its number, counted from 0.
    pub row: u64,
    /// `samples/id`.
    pub id: String,
    /// `samples/patient_id`.
    pub patient_id: String,
    /// `samples/original_id`.
    pub original_id: String,
    /// `samples/split`.
    pub split: String,
    /// `samples/instance`.
    pub instance: i64,
    /// `samples/source`.
    pub source: String,
    /// `samples/source_sha256` in hexadecimal.
    pub source_sha256: String,
    /// One for each structure that was annotated, in the order of the mask planes.
    pub annotations: Vec<RowAnnotation>,
}

/// Origin of one mask plane of a row.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RowAnnotation {
    /// The structure.
    pub structure: String,
    /// Its plane of `samples/annotation_sha256` in hexadecimal: of the contour file.
    pub sha256: String,
    /// Its plane of `samples/mask_pixels`.
    pub mask_pixels: i64,
    /// Its plane of `samples/contour_area`, in pixels.
    pub contour_area: f64,
}

impl RowFacts {
    /// The facts about `row`, one of the rows of `file`.
    ///
    /// # Errors
    /// [`StoreError`] where a column cannot be read.
    pub fn read(file: &impl SampleColumns, row: usize) -> Result<Self, StoreError> {
        let text = |name| with_cell(file, name, row, |cell| cell.text().unwrap_or_default().to_owned());
        let whole =
            |name, part| with_cell(file, name, row, |cell| cell.number(part).unwrap_or_default() as i64);
        let hex = |name, first| with_cell(file, name, row, |cell| hexadecimal(cell, first));
        let mut annotations = Vec::new();
        for (plane, structure) in file.tables().structures().iter().enumerate() {
            if whole(column::ANNOTATED, plane)? != 0 {
                annotations.push(RowAnnotation {
                    structure: structure.clone(),
                    sha256: hex(column::ANNOTATION_SHA256, plane * DIGEST_BYTES)?,
                    mask_pixels: whole(column::MASK_PIXELS, plane)?,
                    contour_area: with_cell(file, column::CONTOUR_AREA, row, |cell| {
                        cell.number(plane).unwrap_or(f64::NAN)
                    })?,
                });
            }
        }
        Ok(Self {
            row: row as u64,
            id: text(column::ID)?,
            patient_id: text(column::PATIENT_ID)?,
            original_id: text(column::ORIGINAL_ID)?,
            split: text(column::SPLIT)?,
            instance: whole(column::INSTANCE, 0)?,
            source: text(column::SOURCE)?,
            source_sha256: hex(column::SOURCE_SHA256, 0)?,
            annotations,
        })
    }
}

fn with_cell<T>(
    file: &impl SampleColumns,
    name: &str,
    row: usize,
    read: impl Fn(Cell<'_>) -> T,
) -> Result<T, StoreError> {
    Ok(read(file.column(name)?.walk().cell(row)?))
}

const DIGEST_BYTES: usize = 32;

/// The digest that begins at component `first`.
fn hexadecimal(cell: Cell<'_>, first: usize) -> String {
    (first..first + DIGEST_BYTES).fold(String::new(), |mut text, part| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:02x}", cell.number(part).unwrap_or_default() as u8);
        text
    })
}
