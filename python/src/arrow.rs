//! Streams and columns by the Arrow C stream interface, in the capsules of Arrow's PyCapsule interface.

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatchIterator, RecordBatchReader};
use dicomprep::sink::{RecordBatches, SinkError, columns_as_record_batch};
use dicomprep::stream::{Batches, Dataset, Stream};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::{exception, named};

/// The capsule of the batches of `stream`.
pub(crate) fn of_batches<'py>(
    py: Python<'py>,
    stream: &Stream,
    batches: Batches,
) -> PyResult<Bound<'py, PyCapsule>> {
    capsule(py, Box::new(RecordBatches::new(stream, batches).map_err(sink_exception)?))
}

/// The capsule of the columns of `dataset`, of `rows` or of all.
pub(crate) fn of_columns<'py>(
    py: Python<'py>,
    dataset: &Dataset,
    rows: Option<&[u64]>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let columns = py.detach(|| columns_as_record_batch(dataset, rows)).map_err(sink_exception)?;
    let schema = columns.schema();
    capsule(py, Box::new(RecordBatchIterator::new([Ok(columns)], schema)))
}

fn capsule<'py>(
    py: Python<'py>,
    reader: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
}

fn sink_exception(error: SinkError) -> PyErr {
    match error {
        SinkError::Stream(error) => exception(error),
        error => named("DataError", error.to_string()),
    }
}
