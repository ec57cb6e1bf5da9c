//! Iteration over a stream.

use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dicomprep::stream::{self, BatchPool, CursorError, StreamCursor};
use pyo3::prelude::*;

use crate::errors::{exception, named};
use crate::stream::{RawBatch, raw_batch};

/// Batches that are decoded ahead on threads. Several Python threads may take from one.
#[pyclass(frozen)]
pub(crate) struct Batches {
    running: Mutex<Option<stream::Batches>>,
    stream: stream::Stream,
    pool: BatchPool,
    process: u32,
}

impl Batches {
    pub(crate) fn new(stream: stream::Stream, batches: stream::Batches) -> Self {
        let pool = batches.pool();
        Self { running: Mutex::new(Some(batches)), stream, pool, process: process::id() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<stream::Batches>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_process(&self) -> PyResult<()> {
        let same = self.process == process::id();
        let text = "these batches were begun before the process was forked; begin them again in the child";
        if same { Ok(()) } else { Err(named("UsageError", text.to_owned())) }
    }
}

#[pymethods]
impl Batches {
    /// The next batch, as the parts of a `dicomprep.Batch`; `None` after the last.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<RawBatch<'py>>> {
        self.check_process()?;
        let next = py.detach(|| self.lock().as_mut().and_then(Iterator::next));
        py.check_signals()?;
        match next {
            None => Ok(None),
            Some(Err(error)) => Err(exception(error)),
            Some(Ok(batch)) => raw_batch(py, &self.stream, batch, Some(self.pool.clone())).map(Some),
        }
    }

    /// Stops and joins the threads, and frees the memory of batches that were decoded ahead.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.check_process()?;
        py.detach(|| drop(self.lock().take()));
        Ok(())
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.process != process::id() {
            // The threads are not in a forked child: there is nothing to join.
            std::mem::forget(running);
        }
    }
}

/// A cursor from `EPOCH:BATCH` or `EPOCH:BATCH@STREAM`.
pub(crate) fn cursor(text: &str) -> PyResult<StreamCursor> {
    text.parse().map_err(|error: CursorError| named("UsageError", error.to_string()))
}
