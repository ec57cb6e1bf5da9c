//! Errors of streams.

use std::io;
use std::path::PathBuf;

use super::condition::ConditionError;
use super::convert_error::ConvertError;
use super::option_error::OptionError;
use super::stream_cursor::StreamCursor;
use crate::model::{Advice, GridShape, Hint};
use crate::order::OrderError;
use crate::prep::MergeError;
use crate::store::StoreError;

/// An error of a stream: it cannot be made, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The order cannot be followed.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// Options that are wrong, or do not go together.
    #[error(transparent)]
    Options(#[from] OptionError),
    /// Shards that cannot be joined.
    #[error(transparent)]
    Shards(#[from] MergeError),
    /// No place to join shards in.
    #[error("cannot make a temporary folder to join the shards in")]
    NoTemporaryFolder(#[source] io::Error),
    /// A condition does not go with the file.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// The file cannot give the stream at all.
    #[error("{}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ConvertError,
    },
    /// A name that the file does not have.
    #[error("{} has no {what} `{name}`; it has {}", path.display(), list(known))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// `structure`, `split`, `column to balance by`.
        what: &'static str,
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A fold is asked for, and there are none.
    #[error("{} has no folds; `dicomprep prep --folds N` makes them", path.display())]
    NoFolds {
        /// The file.
        path: PathBuf,
    },
    /// No row is left.
    #[error("no row of {} is selected: {why}", path.display())]
    NothingSelected {
        /// Of which file.
        path: PathBuf,
        /// The request.
        why: String,
    },
    /// Patients or images stand in the split and in another one.
    #[error("{leak}; nothing is streamed, because results on a split that leaks are worthless")]
    Leak {
        /// The patients or images that leak.
        leak: String,
    },
    /// A whitening file whose matrix is none.
    #[error("the matrix of {} is not square; make the file again with dicomprep whiten", path.display())]
    NoWhitening {
        /// The file.
        path: PathBuf,
    },
    /// A cursor of another stream.
    #[error(
        "the cursor {given} is of another stream: the file, the selected rows, their order, the batch size or the \
         number of processes is another; here it would be {here}"
    )]
    ForeignCursor {
        /// The cursor.
        given: StreamCursor,
        /// The same place in this stream.
        here: StreamCursor,
    },
    /// A file of a version that does not say where images lie.
    #[error(
        "{} was written before the format had the columns stack, stack_position and trigger_time, by which slices and \
         phases are found; dicomprep prep makes them from the DICOM files, without an option",
        path.display()
    )]
    NoStacks {
        /// The file.
        path: PathBuf,
    },
    /// Images with sizes of their own, of which no batch can be made.
    #[error(
        "the images of {} have sizes of their own, up to {largest}, as prep --size varied stores them; batches are of one size",
        path.display()
    )]
    OwnSizes {
        /// The file.
        path: PathBuf,
        /// Rows and columns of the chunks.
        largest: GridShape,
    },
    /// Images that are larger than they may be.
    #[error(
        "{rows} of the selected rows of {} are larger than {size}, row {row} the first with {own}; the crops random and \
         center cut them",
        path.display()
    )]
    LargerThanSize {
        /// The file.
        path: PathBuf,
        /// The first row.
        row: u64,
        /// Its size.
        own: GridShape,
        /// Number of such rows.
        rows: u64,
        /// The size of the batches.
        size: GridShape,
    },
    /// A size that is none.
    #[error("{}: row {row} has an image of {height} rows and {width} columns", path.display())]
    BadSize {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// Its rows.
        height: usize,
        /// Its columns.
        width: usize,
    },
    /// Slices or phases of several sizes.
    #[error(
        "row {row} of {} has an image of {own} and row {other} beside it one of {beside}: they are no channels of one image",
        path.display()
    )]
    MixedStack {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// Its size.
        own: GridShape,
        /// The row beside it.
        other: u64,
        /// The size of that.
        beside: GridShape,
    },
    /// Rows whose neighbours are unknown.
    #[error(
        "{rows} of the selected rows of {}, row {row} the first, have no stack: their headers have no Image Position \
         (0020,0032) or Image Orientation (0020,0037); --where 'stack>=0' selects the others",
        path.display()
    )]
    NoPlace {
        /// The file.
        path: PathBuf,
        /// The first row.
        row: u64,
        /// Number of such rows.
        rows: u64,
    },
    /// Rows whose phases have no order.
    #[error(
        "{rows} of the selected rows of {}, row {row} the first, lie in slices of several images that do not all have a \
         Trigger Time (0018,1060), so that their phases have no order",
        path.display()
    )]
    NoTriggerTime {
        /// The file.
        path: PathBuf,
        /// The first row.
        row: u64,
        /// Number of such rows.
        rows: u64,
    },
    /// A row that the file does not have.
    #[error("{} has no row {row}: it has {rows}, counted from 0", path.display())]
    NoSuchRow {
        /// The file.
        path: PathBuf,
        /// The row.
        row: u64,
        /// Number of rows.
        rows: u64,
    },
    /// A sample cannot be read.
    #[error("row {row} ({id})")]
    Row {
        /// The row.
        row: u64,
        /// Its `samples/id`.
        id: String,
        /// Why.
        source: StoreError,
    },
    /// A sample cannot be given the form that was asked for.
    #[error("row {row} ({id})")]
    Convert {
        /// The row.
        row: u64,
        /// Its `samples/id`.
        id: String,
        /// Why.
        source: ConvertError,
    },
    /// Threads cannot be started.
    #[error("cannot start the threads that decode")]
    Threads(#[source] io::Error),
    /// The batch does not fit into memory.
    #[error("a batch of {samples} samples of {sample_bytes} bytes does not fit into memory")]
    BatchTooLarge {
        /// Samples of a batch.
        samples: u64,
        /// Bytes of each.
        sample_bytes: usize,
    },
}

impl StreamError {
    /// The error and its causes in one line.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(source) = cause {
            text += &format!(": {source}");
            cause = source.source();
        }
        text
    }

    /// The option that helps.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Options(error) => error.hint(),
            Self::Unfit { source, .. } | Self::Convert { source, .. } => source.hint(),
            Self::ForeignCursor { .. } => Some(Hint::new("foreign_cursor", Advice::SwitchOn)),
            Self::OwnSizes { .. } => Some(Hint::new("size", Advice::Give("HxW"))),
            Self::LargerThanSize { .. } => Some(Hint::new("crop", Advice::Set("center"))),
            Self::Leak { .. } => Some(Hint::new("allow_leak", Advice::SwitchOn)),
            Self::Threads(_) => Some(Hint::new("threads", Advice::Lower)),
            Self::BatchTooLarge { .. } => Some(Hint::new("batch_size", Advice::Lower)),
            _ => None,
        }
    }

    /// True where options contradict each other, whatever the file is: wrong usage.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Options(OptionError::AugmentFile { .. } | OptionError::AugmentText { .. }) => false,
            Self::Options(_) => true,
            Self::Unfit { source, .. } => *source == ConvertError::StoredAugmented,
            _ => false,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
