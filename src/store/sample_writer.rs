//! Writes the columns of `/samples`, row by row.

use std::borrow::Cow;

use hdf5::Group;

use super::Compression;
use super::cell_type::CellType;
use super::chunked_dataset::{Column, ColumnEncoder};
use super::column_spec::{ColumnSpec, sample_specs};
use super::sample_column::{ColumnContent, LateCell, RowCell};
use super::sample_columns::SAMPLE_COLUMNS;
use super::sample_row::{LateCells, SampleRow, TextWidth, TextWidths};

/// Writes all columns of `/samples`.
pub(super) struct SampleWriter {
    group: Group,
    columns: Vec<(&'static RowCell, Column)>,
    late: Vec<(LateCell, ColumnSpec)>,
    encoder: ColumnEncoder,
    compression: Compression,
    cell: Vec<u8>,
    rows: usize,
}

impl SampleWriter {
    /// Creates the columns in `group`, for at most `capacity` rows and `structures` mask planes.
    pub(super) fn create(
        group: Group,
        capacity: usize,
        structures: usize,
        widths: TextWidths,
        compression: Compression,
    ) -> hdf5::Result<Self> {
        let (mut columns, mut late) = (Vec::new(), Vec::new());
        for (column, spec) in SAMPLE_COLUMNS.iter().zip(sample_specs(structures, &widths)) {
            match &column.content {
                ColumnContent::Row(cell) => {
                    columns.push((cell, Column::create(&group, &spec, capacity, compression)?));
                }
                ColumnContent::Late(cell) => late.push((*cell, spec)),
            }
        }
        let encoder = ColumnEncoder::new(compression);
        Ok(Self { group, columns, late, encoder, compression, cell: Vec::new(), rows: 0 })
    }

    /// Number of rows pushed.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends one row.
    pub(super) fn push(&mut self, row: &SampleRow) -> hdf5::Result<()> {
        for (cell, column) in &mut self.columns {
            self.cell.clear();
            (cell.put)(row, &mut self.cell);
            column.push(&self.cell, &mut self.encoder)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds the columns that are known only now, and completes all columns.
    pub(super) fn finish(mut self, cells: &LateCells<'_>) -> hdf5::Result<()> {
        for (_, column) in self.columns {
            column.finish(self.rows, &mut self.encoder)?;
        }
        let of_texts = |texts: &[&str]| CellType::Text.descriptor(TextWidth::of(texts.iter().copied()));
        for (late, mut spec) in self.late {
            let late: Vec<Cow<'_, [u8]>> = match late {
                LateCell::Split | LateCell::Findings => {
                    let texts = if matches!(late, LateCell::Split) { cells.splits } else { cells.findings };
                    spec.element = of_texts(texts);
                    texts.iter().map(|text| text.as_bytes().into()).collect()
                }
                LateCell::Fold => cells.folds.iter().map(|fold| fold.to_le_bytes().to_vec().into()).collect(),
            };
            // A chunk has at least one row, even where a shard has none.
            let mut column = Column::create(&self.group, &spec, self.rows.max(1), self.compression)?;
            for cell in late {
                column.push(&cell, &mut self.encoder)?;
            }
            column.finish(self.rows, &mut self.encoder)?;
        }
        Ok(())
    }
}
