//! Keyword arguments as the options of a stream.

use std::num::NonZeroUsize;

use dicomprep::stream::{StreamOptions, StreamWork};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::errors::{exception, named};

/// Names of all options that decide the bytes of a stream.
#[pyfunction]
pub(crate) fn option_names() -> Vec<&'static str> {
    StreamOptions::names()
}

/// Options that a JSON object names, as keyword arguments have them.
pub(crate) fn stream_options(json: &str) -> PyResult<StreamOptions> {
    let fields: serde_json::Map<String, Value> =
        serde_json::from_str(json).map_err(|error| named("UsageError", error.to_string()))?;
    let mut options = StreamOptions::default();
    for (name, value) in &fields {
        options.set(name, value).map_err(|error| exception(error.into()))?;
    }
    Ok(options)
}

/// How batches are decoded: `threads`, `prefetch`, `cache` in bytes, `verify`. What is not given is as the command has it.
pub(crate) fn work(given: Option<&Bound<'_, PyDict>>) -> PyResult<StreamWork> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut work = StreamWork::for_cores(cores);
    let Some(given) = given else { return Ok(work) };
    let count = |name: &str| -> PyResult<Option<NonZeroUsize>> {
        given.get_item(name)?.map(|value| value.extract()).transpose()
    };
    if let Some(threads) = count("threads")? {
        work.threads = threads;
        work.prefetch = threads.saturating_add(3);
    }
    if let Some(prefetch) = count("prefetch")? {
        work.prefetch = prefetch;
    }
    if let Some(bytes) = given.get_item("cache")? {
        work.cache_bytes = bytes.extract()?;
    }
    if let Some(verify) = given.get_item("verify")? {
        work.verify = verify.extract()?;
    }
    Ok(work)
}
