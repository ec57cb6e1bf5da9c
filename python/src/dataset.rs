//! An open data set.

use std::path::PathBuf;

use dicomprep::store::TypedValues;
use dicomprep::stream;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList};

use crate::batches::cursor;
use crate::errors::exception;
use crate::options::{stream_options, work};
use crate::stream::Stream;
use crate::{arrays, arrow};

/// An open data set: tables in memory, the HDF5 handle closed.
#[pyclass(frozen)]
pub(crate) struct Dataset(stream::Dataset);

#[pymethods]
impl Dataset {
    /// Opens a file, or the shards of one plan.
    #[new]
    fn new(py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<Self> {
        let opened = py.detach(|| match &paths[..] {
            [path] => stream::Dataset::open(path),
            paths => stream::Dataset::open_shards(paths),
        });
        opened.map(Self).map_err(exception)
    }

    fn __len__(&self) -> usize {
        self.0.rows()
    }

    /// The stored image (H, W, C) and mask (H, W, K) of `row`.
    fn row<'py>(&self, py: Python<'py>, row: u64) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let stored = self.0.row(row).map_err(exception)?;
        let pool = self.0.tensor_pool();
        let image = arrays::of_tensor(py, stored.image, &stored.image_schema, pool)?;
        Ok((image, arrays::of_tensor(py, stored.mask, &stored.mask_schema, pool)?))
    }

    /// Rows, columns and channels of each image.
    #[getter]
    fn image_shape(&self) -> (usize, usize, usize) {
        let tables = self.0.tables();
        (tables.shape().rows(), tables.shape().columns(), tables.channels())
    }

    #[getter]
    fn structures(&self) -> Vec<String> {
        self.0.tables().structures().to_vec()
    }

    /// Mean, standard deviation, smallest and largest value, and outer percentiles of the train split.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (train, fields) = (self.0.tables().train(), PyDict::new(py));
        fields.set_item("mean", train.mean)?;
        fields.set_item("std", train.std)?;
        fields.set_item("min", train.min)?;
        fields.set_item("max", train.max)?;
        fields.set_item("percentile_0_5", train.outer_percentiles.map(|outer| outer[0]))?;
        fields.set_item("percentile_99_5", train.outer_percentiles.map(|outer| outer[1]))?;
        Ok(fields)
    }

    fn column_names(&self) -> Vec<String> {
        self.0.column_names().into_iter().map(str::to_owned).collect()
    }

    /// All values of a column, one after the other, and their shape.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<(Bound<'py, PyAny>, Vec<usize>)> {
        let column = py.detach(|| self.0.column(name)).map_err(exception)?;
        let values = match column.values {
            TypedValues::Text(texts) => PyList::new(py, texts)?.into_any(),
            TypedValues::UInt8(numbers) => numbers.into_pyarray(py).into_any(),
            TypedValues::Int32(numbers) => numbers.into_pyarray(py).into_any(),
            TypedValues::UInt32(numbers) => numbers.into_pyarray(py).into_any(),
            TypedValues::Float32(numbers) => numbers.into_pyarray(py).into_any(),
            TypedValues::Float64(numbers) => numbers.into_pyarray(py).into_any(),
        };
        Ok((values, column.shape))
    }

    /// Rows that a split, a fold and conditions, in options as JSON, select.
    fn select(&self, options: &str) -> PyResult<Vec<u64>> {
        let options = stream_options(options)?;
        let rows = stream::RowOptions {
            split: options.split,
            fold: options.fold,
            held_out: options.held_out,
            conditions: options.conditions,
            ..stream::RowOptions::default()
        };
        self.0.select(&rows).map_err(exception)
    }

    /// All columns as one Arrow record batch, of `rows` or of all rows: a capsule `arrow_array_stream`.
    #[pyo3(signature = (rows=None))]
    fn arrow_columns<'py>(&self, py: Python<'py>, rows: Option<Vec<u64>>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::of_columns(py, &self.0, rows.as_deref())
    }

    /// The batches of options as Arrow record batches, from the cursor `start` on: a capsule `arrow_array_stream`.
    #[pyo3(signature = (options, start, given=None))]
    fn arrow_batches<'py>(
        &self,
        py: Python<'py>,
        options: &str,
        start: &str,
        given: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let options = stream::StreamOptions { texts: true, ..stream_options(options)? };
        let (start, work) = (cursor(start)?, work(given)?);
        let stream = py.detach(|| self.0.stream(&options)).map_err(exception)?;
        let batches = stream.batches(start, &work).map_err(exception)?;
        arrow::of_batches(py, &stream, batches)
    }

    /// The stream that options, as a JSON object, make.
    fn stream(&self, py: Python<'_>, options: &str) -> PyResult<Stream> {
        let options = stream_options(options)?;
        py.detach(|| self.0.stream(&options)).map(Stream::new).map_err(exception)
    }
}
