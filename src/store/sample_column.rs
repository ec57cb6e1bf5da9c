//! A column of `/samples`, and the conversion between a row and its cells.

use super::cell_type::CellType;
use super::column_reader::Cell;
use super::sample_row::{SampleRow, TextWidth, TextWidths};
use crate::model::GridShape;

/// A column of `/samples`.
#[derive(Debug)]
pub struct SampleColumn {
    /// Name of the dataset in `/samples`.
    pub name: &'static str,
    /// Type of its cells, or of their parts.
    pub cell_type: CellType,
    /// Axes after the rows; none where a row has one text or number.
    pub axes: &'static [Axis],
    /// Attribute `units` of the dataset, in ASCII.
    pub units: &'static str,
    /// Attribute `description` of the dataset, in ASCII.
    pub description: &'static str,
    /// Minor version of the format that the column came with. A file of an earlier one may lack it.
    pub since: u32,
    pub(super) content: ColumnContent,
}

/// An axis of the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// The structures of the file, in the order of the mask planes.
    Structures,
    /// Parts with these names.
    Parts(&'static [&'static str]),
    /// So many bytes of a digest.
    Digest(usize),
}

/// Source of the cells of a column.
#[derive(Debug)]
pub(super) enum ColumnContent {
    /// The samples, written as they come.
    Row(RowCell),
    /// A text or number of each row that is known once all rows are.
    Late(LateCell),
}

/// Cell of a row that is written after the last row.
#[derive(Debug, Clone, Copy)]
pub(super) enum LateCell {
    /// Name of the split.
    Split,
    /// Number of the fold.
    Fold,
    /// Names of checks.
    Findings,
}

/// Conversion between a row and its cell in one column.
#[derive(Debug)]
pub(super) struct RowCell {
    /// Room of a text; of other columns, none.
    pub(super) width: fn(&TextWidths) -> TextWidth,
    /// Appends the bytes of the cell, little endian.
    pub(super) put: fn(&SampleRow, &mut Vec<u8>),
    /// Takes over what the cell says, or says why no row has such a cell.
    pub(super) get: fn(Cell<'_>, &mut SampleRow) -> Result<(), String>,
}

impl SampleColumn {
    /// The lengths of the axes after the rows, in a file of `structures` mask planes.
    #[must_use]
    pub fn axis_lengths(&self, structures: usize) -> Vec<usize> {
        let length = |axis: &Axis| match axis {
            Axis::Structures => structures,
            Axis::Parts(names) => names.len(),
            Axis::Digest(bytes) => *bytes,
        };
        self.axes.iter().map(length).collect()
    }

    /// The conversion of the cells of a column that is written as samples come.
    pub(super) fn row_cell(&self) -> Option<&RowCell> {
        match &self.content {
            ColumnContent::Row(cell) => Some(cell),
            ColumnContent::Late(_) => None,
        }
    }

    /// True if two rows have different cells in this column, to the bit. Columns that are known only after the last row
    /// are not part of a [`SampleRow`], and never differ.
    #[must_use]
    pub fn differs(&self, a: &SampleRow, b: &SampleRow) -> bool {
        self.row_cell().is_some_and(|cell| {
            let [mut first, mut second] = [Vec::new(), Vec::new()];
            (cell.put)(a, &mut first);
            (cell.put)(b, &mut second);
            first != second
        })
    }
}

/// The cells of a column of numbers.
pub(super) const fn numbers(
    put: fn(&SampleRow, &mut Vec<u8>),
    get: fn(Cell<'_>, &mut SampleRow) -> Result<(), String>,
) -> ColumnContent {
    ColumnContent::Row(RowCell { width: |_| TextWidth { bytes: 0, is_ascii: true }, put, get })
}

/// The text of a cell.
pub(super) fn text(cell: Cell<'_>) -> Result<String, String> {
    cell.text().map(str::to_owned).ok_or_else(|| "is no UTF-8".to_owned())
}

/// Appends numbers of `B` bytes.
pub(super) fn put<const B: usize>(bytes: &mut Vec<u8>, values: impl IntoIterator<Item = [u8; B]>) {
    bytes.extend(values.into_iter().flatten());
}

/// Component `component` of a cell; NaN where the cell has no such number.
pub(super) fn number(cell: Cell<'_>, component: usize) -> f64 {
    cell.number(component).unwrap_or(f64::NAN)
}

/// The first `N` components.
pub(super) fn parts<const N: usize>(cell: Cell<'_>) -> [f64; N] {
    std::array::from_fn(|component| number(cell, component))
}

/// Digest number `index` of a cell.
pub(super) fn digest(cell: Cell<'_>, index: usize) -> [u8; 32] {
    std::array::from_fn(|byte| cell.number(index * 32 + byte).unwrap_or_default() as u8)
}

/// The shape of a source image.
pub(super) fn grid(rows: f64, columns: f64) -> Result<GridShape, String> {
    GridShape::new(rows as usize, columns as usize).map_err(|error| format!("is not of {error}"))
}
