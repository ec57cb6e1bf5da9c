//! The columns of `/samples` as one Arrow record batch.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int32Type, UInt8Type, UInt32Type};
use arrow_array::{ArrayRef, FixedSizeListArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{ArrowError, Field, Schema};

use super::error::SinkError;
use crate::store::{ColumnValues, TypedValues};
use crate::stream::Dataset;

/// All columns of `dataset`, one row for each of `rows`, or for each of the file where that is `None`. Cells of several
/// numbers are lists of fixed size. Numbers of all rows are not copied once they are read.
///
/// # Errors
/// [`SinkError::Stream`] where a column cannot be read, [`SinkError::Arrow`] where the columns make no record batch.
pub fn columns_as_record_batch(dataset: &Dataset, rows: Option<&[u64]>) -> Result<RecordBatch, SinkError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for name in dataset.column_names() {
        let column = array(dataset.column(name)?, rows)?;
        fields.push(Field::new(name, column.data_type().clone(), false));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn array(column: ColumnValues, rows: Option<&[u64]>) -> Result<ArrayRef, ArrowError> {
    let width = column.shape.iter().skip(1).product::<usize>();
    let values = match column.values {
        TypedValues::Text(texts) => Arc::new(StringArray::from(chosen(texts, width, rows))),
        TypedValues::UInt8(numbers) => primitive::<UInt8Type>(chosen(numbers, width, rows)),
        TypedValues::Int32(numbers) => primitive::<Int32Type>(chosen(numbers, width, rows)),
        TypedValues::UInt32(numbers) => primitive::<UInt32Type>(chosen(numbers, width, rows)),
        TypedValues::Float32(numbers) => primitive::<Float32Type>(chosen(numbers, width, rows)),
        TypedValues::Float64(numbers) => primitive::<Float64Type>(chosen(numbers, width, rows)),
    };
    // The axes of a cell, the last one first.
    column.shape.iter().skip(1).rev().try_fold(values, |values, &axis| {
        let item = Arc::new(Field::new("item", values.data_type().clone(), false));
        let size =
            i32::try_from(axis).map_err(|_| ArrowError::ComputeError(format!("{axis} numbers in a cell")))?;
        Ok(Arc::new(FixedSizeListArray::try_new(item, size, values, None)?) as ArrayRef)
    })
}

/// The cells, of `width` values each, of `rows`.
fn chosen<T: Clone>(values: Vec<T>, width: usize, rows: Option<&[u64]>) -> Vec<T> {
    match rows {
        None => values,
        Some(rows) => {
            let cell = |row: &u64| values.chunks(width.max(1)).nth(*row as usize).unwrap_or_default();
            rows.iter().flat_map(cell).cloned().collect()
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(numbers: Vec<T::Native>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(numbers), None))
}
