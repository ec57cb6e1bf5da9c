//! Errors of the HDF5 file.

use std::io;
use std::path::{Path, PathBuf};

use super::chunk_codec::CodecError;

/// Why the file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The target exists and must not be replaced.
    #[error("{} exists already and was not touched; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// Another process is writing the target.
    #[error("another dicomprep is writing {}; wait until it is done, or write another file", .0.display())]
    Busy(PathBuf),
    /// The system refused an operation on the file.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The action: `create`, `sync`, `rename` …
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The system refused what HDF5 wanted to do with the file.
    #[error("cannot {action} {}", path.display())]
    System {
        /// The action.
        action: String,
        /// On which file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// HDF5 refused an operation on the file.
    #[error("cannot {action} {}", path.display())]
    Hdf5 {
        /// The action.
        action: String,
        /// On which file.
        path: PathBuf,
        /// Error of HDF5.
        source: hdf5::Error,
    },
    /// A chunk cannot be decoded, or is not what was written.
    #[error("{dataset} of {} is damaged at row {row}", path.display())]
    Damaged {
        /// Of which dataset.
        dataset: String,
        /// The row, the first one of the chunk.
        row: usize,
        /// Of which file.
        path: PathBuf,
        /// The flaw.
        source: CodecError,
    },
    /// A heap with the texts of attributes cannot be walked through.
    #[error(
        "the texts of the attributes of {} are damaged: in the heap at byte {address}, {why}", path.display()
    )]
    TextHeap {
        /// The file.
        path: PathBuf,
        /// Byte at which the heap begins.
        address: u64,
        /// The flaw.
        why: String,
    },
    /// Something outside of images and masks is not what was written.
    #[error("{} is damaged: {place}: {what}; `dicomprep verify` lists all that is wrong", path.display())]
    Flawed {
        /// The file.
        path: PathBuf,
        /// The dataset or attribute: `/@text_checksum`.
        place: String,
        /// The flaw.
        what: String,
    },
    /// It is not a file of ours.
    #[error("{} is not a dicomprep file: {why}", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The property that is missing.
        why: String,
    },
    /// A dataset is stored in a way that no file of ours is.
    #[error(
        "{dataset} of {} cannot be read directly: {why}. dicomprep stores it in chunks of whole rows with no other \
         filters than shuffle and deflate; prepare the file again, or undo what has rewritten it",
        path.display()
    )]
    Layout {
        /// The file.
        path: PathBuf,
        /// The dataset.
        dataset: String,
        /// The difference.
        why: String,
    },
    /// A file that a virtual file refers to cannot be read, or is another one.
    #[error(
        "{} is a virtual file, and one of those it refers to, {}, cannot be used: {why}; bring it back, or run `dicomprep \
         merge --virtual` again",
        path.display(), file.display()
    )]
    VirtualSource {
        /// The virtual file.
        path: PathBuf,
        /// The other one.
        file: PathBuf,
        /// The flaw.
        why: String,
    },
    /// It has a format version that this program does not read.
    #[error("{} has format version {found}; this program reads versions 1.x", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// It was made for another file.
    #[error(
        "{} was made for another data set than {}: {what}; `dicomprep whiten` makes one for this",
        path.display(), data.display()
    )]
    OtherData {
        /// The file.
        path: PathBuf,
        /// The data set that it does not go with.
        data: PathBuf,
        /// The difference.
        what: String,
    },
}

impl StoreError {
    /// The error and its causes in one line.
    #[must_use]
    pub fn with_cause(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(source) = cause {
            text += &format!(": {source}");
            cause = source.source();
        }
        text
    }
}

/// The error of the system where `action` on `path` failed.
pub(super) fn io_error<'p>(action: &'static str, path: &'p Path) -> impl Fn(io::Error) -> StoreError + 'p {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

/// The error of HDF5, or of the system under it, where `action` on `path` failed.
pub(super) fn hdf5_error(action: &str, path: &Path) -> impl Fn(hdf5::Error) -> StoreError {
    let (action, path): (String, PathBuf) = (action.to_owned(), path.to_owned());
    move |source| {
        let (action, path) = (action.clone(), path.clone());
        match os_error(&source.to_string()) {
            Some(source) => StoreError::System { action, path, source },
            None => StoreError::Hdf5 { action, path, source },
        }
    }
}

/// The system's error that made HDF5 fail, which stands in the library's message as `errno = 28`.
fn os_error(message: &str) -> Option<io::Error> {
    let number = message.split("errno = ").nth(1)?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok().filter(|&number| number != 0).map(io::Error::from_raw_os_error)
}
