//! A stream: the batches of a data set under given options.

use dicomprep::order::{Cursor, PlannedSample};
use dicomprep::stream::{self, Batch, BatchPool, TensorSchema};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arrays;
use crate::batches::{Batches, cursor};
use crate::errors::exception;
use crate::options::work;

/// Images, masks, rows, positions in the epoch, and the batch's epoch and number in it.
pub(crate) type RawBatch<'py> =
    (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, u64, u64, Option<String>);

/// Type, shape and axes of a sample's image or mask.
type RawSchema = (&'static str, [usize; 3], [&'static str; 3]);

/// The batches that options make of a data set.
#[pyclass(frozen)]
pub(crate) struct Stream(pub(crate) stream::Stream);

#[pymethods]
impl Stream {
    /// The batches from the cursor `start` on.
    #[pyo3(signature = (start, given=None))]
    fn batches(&self, start: &str, given: Option<&Bound<'_, PyDict>>) -> PyResult<Batches> {
        let batches = self.0.batches(cursor(start)?, &work(given)?).map_err(exception)?;
        Ok(Batches::new(self.0.clone(), batches))
    }

    /// The batch at the cursor `at`, decoded on the calling thread.
    fn batch<'py>(&self, py: Python<'py>, at: &str) -> PyResult<RawBatch<'py>> {
        let at = cursor(at)?;
        let batch = py.detach(|| self.0.batch(at)).map_err(exception)?;
        raw_batch(py, &self.0, batch, None)
    }

    /// The sample that `row` is in `epoch`: a batch of one.
    fn sample<'py>(&self, py: Python<'py>, epoch: u64, row: u64) -> PyResult<RawBatch<'py>> {
        let batch = py.detach(|| self.0.sample(epoch, row)).map_err(exception)?;
        raw_batch(py, &self.0, batch, None)
    }

    /// What is drawn for `row` in `epoch`, as JSON; `None` where the stream is not augmented.
    fn draw(&self, epoch: u64, row: u64) -> Option<String> {
        self.0.draw(epoch, row).and_then(|params| serde_json::to_string(&params).ok())
    }

    /// The cursor of a batch.
    fn cursor(&self, epoch: u64, batch: u64) -> String {
        self.0.cursor(Cursor { epoch, batch }).to_string()
    }

    #[getter]
    fn batches_per_epoch(&self) -> u64 {
        self.0.plan().batches_per_epoch()
    }

    #[getter]
    fn samples_per_epoch(&self) -> u64 {
        self.0.plan().samples_per_epoch()
    }

    /// Number of epochs; `None` without end.
    #[getter]
    fn epochs(&self) -> Option<u64> {
        self.0.plan().options().epochs.map(std::num::NonZeroU64::get)
    }

    #[getter]
    fn structures(&self) -> Vec<String> {
        self.0.schema().structures.clone()
    }

    #[getter]
    fn image(&self) -> RawSchema {
        raw_schema(&self.0.schema().image)
    }

    #[getter]
    fn mask(&self) -> RawSchema {
        raw_schema(&self.0.schema().mask)
    }
}

fn raw_schema(schema: &TensorSchema) -> RawSchema {
    (schema.element.name(), schema.shape, schema.axes)
}

pub(crate) fn raw_batch<'py>(
    py: Python<'py>,
    stream: &stream::Stream,
    batch: Batch,
    pool: Option<BatchPool>,
) -> PyResult<RawBatch<'py>> {
    let options = stream.plan().options();
    // Of all ranks together.
    let epoch = stream.plan().samples_per_epoch().saturating_mul(options.rank.world_size().get());
    let rows = numbers(py, &batch, stream.dataset().rows() as u64, |sample| sample.row);
    let positions = numbers(py, &batch, epoch, |sample| sample.position);
    let (at, next) = (batch.cursor, batch.next.map(|next| stream.cursor(next.cursor).to_string()));
    let schema = stream.schema();
    let [images, masks] = arrays::of_batch(py, batch, [&schema.image, &schema.mask], pool)?;
    Ok((images, masks, rows, positions, at.epoch, at.batch, next))
}

/// A number of each sample, below `end`: int32 where all such numbers fit, which JAX takes as it is, otherwise int64.
fn numbers<'py>(
    py: Python<'py>,
    batch: &Batch,
    end: u64,
    of: fn(&PlannedSample) -> u64,
) -> Bound<'py, PyAny> {
    let all = batch.samples.iter().map(of);
    if i32::try_from(end).is_ok() {
        let numbers: Vec<i32> = all.map(|number| number as i32).collect();
        numbers.into_pyarray(py).into_any()
    } else {
        let numbers: Vec<i64> = all.map(|number| number as i64).collect();
        numbers.into_pyarray(py).into_any()
    }
}
