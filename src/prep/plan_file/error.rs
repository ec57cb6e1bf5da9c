//! Why a plan file cannot be written or used.

use std::io;
use std::path::PathBuf;

use crate::model::Place;

/// Why a plan file cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It cannot be read.
    #[error("cannot read the plan {}", path.display())]
    Read {
        /// The plan.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the plan {}", path.display())]
    Write {
        /// The plan.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// It is another kind of file.
    #[error("{} is not a plan; `dicomprep prep DATA_DIR --plan-only -o FILE` writes one", path.display())]
    NotAPlan {
        /// The file.
        path: PathBuf,
    },
    /// It is a plan of another version of the program.
    #[error("{} is a plan of {found}, and this is {}; make it again with --plan-only", path.display(), crate::store::GENERATOR)]
    Version {
        /// The plan.
        path: PathBuf,
        /// The program that made it.
        found: String,
    },
    /// Its bytes are not those that were written.
    #[error("the plan {} is damaged: {what}; copy it again, or make it again with --plan-only", path.display())]
    Damaged {
        /// The plan.
        path: PathBuf,
        /// The problem.
        what: String,
    },
    /// Its pseudonyms come from another key, or there is no key.
    #[error("the plan {}: {what}", path.display())]
    Key {
        /// The plan.
        path: PathBuf,
        /// The problem with the key.
        what: &'static str,
    },
    /// It allows more than the limits of the run.
    #[error("the plan {} was made with --{option} {planned}, and the limit is {limit}; give the option here too", path.display())]
    Limit {
        /// The plan.
        path: PathBuf,
        /// The option.
        option: &'static str,
        /// Its value in the plan.
        planned: u64,
        /// Its value here.
        limit: u64,
    },
    /// It was made with folders of images or contours elsewhere.
    #[error("the plan {} has {planned} folders of inputs, and there are {given}; give --dicoms and --contours as for --plan-only", path.display())]
    Folders {
        /// The plan.
        path: PathBuf,
        /// Folders of the plan.
        planned: usize,
        /// Folders that are given.
        given: usize,
    },
    /// An input is not as it was planned.
    #[error("{place}: {what}; the data directory has changed since the plan: make it again with --plan-only")]
    Differs {
        /// The input.
        place: Place,
        /// The difference.
        what: String,
    },
    /// A name that a plan file cannot hold.
    #[error("the folder {} has a name that is not UTF-8, which a plan cannot hold; rename it, or use --shard without --plan", path.display())]
    Name {
        /// The folder.
        path: PathBuf,
    },
}
