//! The compiled part of the Python package `dicomprep`: data sets and streams of the library, with arrays that are handed
//! over without a copy. Options, documentation and adaptors for frameworks are in `python/dicomprep/*.py`.

mod arrays;
mod arrow;
mod batches;
mod dataset;
mod errors;
mod options;
mod stream;

use pyo3::prelude::*;

/// The module `dicomprep._dicomprep`.
#[pymodule]
#[pyo3(name = "_dicomprep")]
fn dicomprep_module(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<dataset::Dataset>()?;
    module.add_class::<stream::Stream>()?;
    module.add_class::<batches::Batches>()?;
    module.add_function(wrap_pyfunction!(options::option_names, module)?)
}
