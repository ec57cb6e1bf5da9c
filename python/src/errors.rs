//! Errors of the library as the exceptions of `dicomprep._errors`, with the text that the command prints.

use dicomprep::stream::StreamError;
use pyo3::prelude::*;

/// The name of the exception class for `error`.
fn class(error: &StreamError) -> &'static str {
    match error {
        error if error.is_usage() => "UsageError",
        StreamError::Row { .. } => "DamageError",
        _ => "DataError",
    }
}

/// `error` with all its causes, and the option that helps, as a Python exception.
pub(crate) fn exception(error: StreamError) -> PyErr {
    let mut text = error.with_causes();
    if let Some(hint) = error.hint() {
        text += &format!("; {}", hint.for_python());
    }
    named(class(&error), text)
}

/// The exception `class` with this text.
pub(crate) fn named(class: &str, text: String) -> PyErr {
    Python::attach(|py| {
        let made = py.import("dicomprep._errors").and_then(|module| module.getattr(class)?.call1((text,)));
        made.map_or_else(|error| error, PyErr::from_value)
    })
}
