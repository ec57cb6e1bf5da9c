//! Why there is no preview.

use std::io;
use std::path::PathBuf;

use crate::store::StoreError;
use crate::stream::StreamError;

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The file cannot be read, or what is made cannot be put in its place.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The samples cannot be selected.
    #[error(transparent)]
    Select(#[from] StreamError),
    /// The picture cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The destination.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The picture cannot be written to the stream.
    #[error("cannot write the preview")]
    Stream(#[from] io::Error),
    /// The report of a run cannot be read.
    #[error("{} is no report of dicomprep prep", path.display())]
    NoReport {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The report is of another run.
    #[error("{} is the report of another file: its {what} are {theirs}, not {ours}", path.display())]
    OtherReport {
        /// The report.
        path: PathBuf,
        /// `samples`, `structures` or `image_size`.
        what: &'static str,
        /// In the report.
        theirs: String,
        /// In the file.
        ours: String,
    },
    /// The user asked to stop.
    #[error("interrupted; what was not finished is not there")]
    Interrupted,
    /// One sample fills the page.
    #[error("not one sample fits into a page of {max_bytes} bytes; allow more with --max-bytes")]
    TooSmall {
        /// The limit.
        max_bytes: u64,
    },
    /// Threads cannot be started.
    #[error("cannot start the threads; try fewer with --threads")]
    Threads(#[source] rayon::ThreadPoolBuildError),
}
