//! Parts of a data directory that are not where they should be.

use std::io;

use crate::model::Place;

/// A part of a data directory that is not where it should be.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A folder is absent, or the system does not let us see it.
    #[error("{place}: this folder cannot be opened; name {option}")]
    FolderUnreachable {
        /// The folder.
        place: Place,
        /// The place to name: the data directory or an option.
        option: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Something else stands where a folder should be.
    #[error("{place}: this is not a folder; name {option}")]
    NotAFolder {
        /// The place.
        place: Place,
        /// The place to name: the data directory or an option.
        option: &'static str,
    },
    /// A part of the layout is a symbolic link that leads out of the data directory.
    #[error("{place}: this symbolic link leads out of the data directory; if it is meant to, name {option}")]
    LeadsOut {
        /// The link.
        place: Place,
        /// The option that names its target.
        option: &'static str,
    },
    /// Images and contours are looked for in one and the same folder.
    #[error("{place}: --dicoms and --contours are the same folder; name two different ones")]
    SameFolder {
        /// The folder.
        place: Place,
    },
}
