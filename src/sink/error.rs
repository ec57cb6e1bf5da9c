//! Errors of writing streams.

use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;

use crate::order::Cursor;
use crate::store::StoreError;
use crate::stream::StreamError;

/// An error of writing a stream.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A pipe or a device cannot be opened.
    #[error("cannot open {} for writing", path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The name of a file stands for another format.
    #[error("{} is not a name of format {format}: the extension .npy stands for npy, .tar for webdataset, .arrow and .arrows for arrow", path.display())]
    OtherExtension {
        /// The file.
        path: PathBuf,
        /// The format that would be written.
        format: String,
    },
    /// The system took no more bytes.
    #[error("cannot write to {to}")]
    Write {
        /// `standard output`, or a path.
        to: String,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The file cannot be created, or not be moved to its name.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sample has more numbers than an Arrow list of fixed size can have.
    #[error(
        "{numbers} numbers of one {column} are too many for arrow, which takes {}; use another format",
        i32::MAX
    )]
    SampleTooLarge {
        /// `image` or `mask`.
        column: &'static str,
        /// Number of them.
        numbers: usize,
    },
    /// Columns cannot be read.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Columns make no record batch.
    #[error("the columns make no Arrow record batch")]
    Arrow(#[from] ArrowError),
    /// A batch does not begin as the batch before it announced.
    #[error("batch {cursor} is not the one that follows the batch written before it")]
    NotTheNext {
        /// The batch.
        cursor: Cursor,
    },
    /// A batch is not as the schema of the stream says.
    #[error("batch {cursor}: its {part} do not fit its number of samples and the schema of the stream")]
    BatchDoesNotFit {
        /// The batch.
        cursor: Cursor,
        /// Its part.
        part: &'static str,
    },
}

impl SinkError {
    /// True if the reader of a pipe has closed it: it wants no more, and nothing went wrong here.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
