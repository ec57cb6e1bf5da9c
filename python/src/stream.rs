//! A stream: the batches of a data set under given options.

use std::process;

use dicomprep::order::{Cursor, PlannedSample};
use dicomprep::stream::{self, Batch, BatchPool, RowCache, SPARE_SAMPLE_BYTES, StreamError, TensorSchema};
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

/// Single batches whose memory is kept: one for each thread that asks for them.
const SPARE_BATCHES: usize = 4;

/// The batches that options make of a data set.
#[pyclass(frozen)]
pub(crate) struct Stream {
    stream: stream::Stream,
    batches: BatchPool,
    samples: BatchPool,
    process: u32,
}

impl Stream {
    pub(crate) fn new(stream: stream::Stream) -> Self {
        let schema = stream.schema();
        let sample_bytes = schema.image.sample_bytes() + schema.mask.sample_bytes();
        let samples = BatchPool::new((SPARE_SAMPLE_BYTES / sample_bytes.max(1)).clamp(1, 64));
        Self { stream, batches: BatchPool::new(SPARE_BATCHES), samples, process: process::id() }
    }

    /// What `make` makes in memory of `pool`, which its arrays give back.
    fn made_in<'py>(
        &self,
        py: Python<'py>,
        pool: &BatchPool,
        make: impl FnOnce(&stream::Stream, Batch) -> Result<Batch, StreamError> + Send,
    ) -> PyResult<RawBatch<'py>> {
        // In a forked child a thread that does not exist there may hold the lock of the pool for ever.
        let pool = (self.process == process::id()).then(|| pool.clone());
        let spare = pool.as_ref().map_or_else(Batch::default, BatchPool::take);
        let batch = py.detach(|| make(&self.stream, spare)).map_err(exception)?;
        raw_batch(py, &self.stream, batch, pool)
    }
}

#[pymethods]
impl Stream {
    /// The batches from the cursor `start` on.
    #[pyo3(signature = (start, given=None))]
    fn batches(&self, start: &str, given: Option<&Bound<'_, PyDict>>) -> PyResult<Batches> {
        let batches = self.stream.batches(cursor(start)?, &work(given)?).map_err(exception)?;
        Ok(Batches::new(self.stream.clone(), batches))
    }

    /// The batch at the cursor `at`, decoded on the calling thread.
    fn batch<'py>(&self, py: Python<'py>, at: &str) -> PyResult<RawBatch<'py>> {
        let at = cursor(at)?;
        self.made_in(py, &self.batches, |stream, spare| {
            stream.batch_into(spare, stream.check_cursor(at)?, &RowCache::new(0))
        })
    }

    /// The sample that `row` is in `epoch`: a batch of one.
    fn sample<'py>(&self, py: Python<'py>, epoch: u64, row: u64) -> PyResult<RawBatch<'py>> {
        self.made_in(py, &self.samples, |stream, spare| stream.sample_into(spare, epoch, row))
    }

    /// What is drawn for `row` in `epoch`, as JSON; `None` where the stream is not augmented.
    fn draw(&self, epoch: u64, row: u64) -> Option<String> {
        self.stream.draw(epoch, row).and_then(|params| serde_json::to_string(&params).ok())
    }

    /// The cursor of a batch.
    fn cursor(&self, epoch: u64, batch: u64) -> String {
        self.stream.cursor(Cursor { epoch, batch }).to_string()
    }

    #[getter]
    fn batches_per_epoch(&self) -> u64 {
        self.stream.plan().batches_per_epoch()
    }

    #[getter]
    fn samples_per_epoch(&self) -> u64 {
        self.stream.plan().samples_per_epoch()
    }

    /// Number of epochs; `None` without end.
    #[getter]
    fn epochs(&self) -> Option<u64> {
        self.stream.plan().options().epochs.map(std::num::NonZeroU64::get)
    }

    #[getter]
    fn structures(&self) -> Vec<String> {
        self.stream.schema().structures.clone()
    }

    #[getter]
    fn image(&self) -> RawSchema {
        raw_schema(&self.stream.schema().image)
    }

    #[getter]
    fn mask(&self) -> RawSchema {
        raw_schema(&self.stream.schema().mask)
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
