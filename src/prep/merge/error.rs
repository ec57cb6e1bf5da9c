//! Why shards cannot be merged.

use std::path::PathBuf;

use crate::prep::PrepError;
use crate::store::StoreError;

/// Why no file was made.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file that is no shard.
    #[error("{} is no shard; `dicomprep prep DATA_DIR --shard I/N` makes them", path.display())]
    NotAShard {
        /// The file.
        path: PathBuf,
    },
    /// Shards of different plans.
    #[error("{} does not go with {}: {what}", path.display(), first.display())]
    Differs {
        /// The one.
        path: PathBuf,
        /// The other.
        first: PathBuf,
        /// The difference.
        what: String,
    },
    /// The same share twice.
    #[error("shard {index} of {count} is there twice: {} and {}", first.display(), second.display())]
    Double {
        /// The shard.
        index: u32,
        /// Of how many.
        count: u32,
        /// One file that holds it.
        first: PathBuf,
        /// Another.
        second: PathBuf,
    },
    /// Shares that no file holds.
    #[error("{list} missing")]
    Missing {
        /// `shard 3 of 8 is`, `shards 1, 2 of 8 are`.
        list: String,
    },
    /// A shard that is not as it was written.
    #[error(
        "{} is damaged: {what}; `dicomprep verify` lists all that is wrong, and preparing this shard again mends it",
        path.display()
    )]
    Damaged {
        /// The shard.
        path: PathBuf,
        /// The problem.
        what: String,
    },
    /// A file that a virtual file could not refer to.
    #[error("{} cannot be named in an HDF5 file: {why}", path.display())]
    Name {
        /// The shard.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No shard has a row.
    #[error("no shard holds a sample, so no file was written")]
    Nothing,
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Of the recorded options, the threads, or an interruption.
    #[error(transparent)]
    Prep(#[from] PrepError),
}
