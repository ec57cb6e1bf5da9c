//! Why a file cannot be judged, repaired or compared.

use std::path::PathBuf;

use crate::prep::PrepError;
use crate::store::StoreError;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The file cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sources cannot be planned.
    #[error(transparent)]
    Prep(#[from] PrepError),
    /// The ids of the file are pseudonyms.
    #[error(
        "the ids in {} are pseudonyms, so its sources are found only with the key they were made with: \
         --pseudonym-key FILE", .0.display()
    )]
    KeyNeeded(PathBuf),
    /// None of the pseudonyms is that of a patient of the sources.
    #[error(
        "none of the pseudonyms in {} is that of a patient of the sources: --pseudonym-key is another key than the one \
         they were made with, or these are not its sources", .0.display()
    )]
    OtherKey(PathBuf),
    /// A key was given for a file without pseudonyms.
    #[error("the ids in {} are no pseudonyms: leave out --pseudonym-key", .0.display())]
    KeyNotNeeded(PathBuf),
    /// It is not, or not only, the chunks of rows that are damaged.
    #[error(
        "{} cannot be repaired row by row, because more than the pixels of rows is damaged: {what}; run \
         `dicomprep prep` again", path.display()
    )]
    BeyondRepair {
        /// The file.
        path: PathBuf,
        /// The first thing that is wrong.
        what: String,
    },
    /// The copy is not what it should be.
    #[error("the repaired copy of {} is not right, so it was not kept: {what}", path.display())]
    BadCopy {
        /// The file.
        path: PathBuf,
        /// The problem.
        what: String,
    },
    /// The system refused to write the copy.
    #[error("cannot write {}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}
