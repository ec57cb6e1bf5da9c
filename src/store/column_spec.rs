//! A column of one file.

use hdf5::types::TypeDescriptor;

use super::sample_column::SampleColumn;
use super::sample_columns::SAMPLE_COLUMNS;
use super::sample_row::{TextWidth, TextWidths};

/// Texts of the attributes of a column, in ASCII.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnTexts {
    pub(super) units: &'static str,
    pub(super) description: &'static str,
}

/// A column of one file.
pub(super) struct ColumnSpec {
    pub(super) name: &'static str,
    pub(super) element: TypeDescriptor,
    /// Lengths of the axes beside the rows.
    pub(super) axes: Vec<usize>,
    /// `None` for a dataset that has no such attributes.
    pub(super) texts: Option<ColumnTexts>,
}

/// All columns of `/samples`, in the order of [`SAMPLE_COLUMNS`].
pub(super) fn sample_specs(structures: usize, widths: &TextWidths) -> Vec<ColumnSpec> {
    let spec = |column: &SampleColumn| ColumnSpec {
        name: column.name,
        element: column
            .cell_type
            .descriptor(column.row_cell().map_or_else(TextWidth::default, |cell| (cell.width)(widths))),
        axes: column.axis_lengths(structures),
        texts: Some(ColumnTexts { units: column.units, description: column.description }),
    };
    SAMPLE_COLUMNS.iter().map(spec).collect()
}
