//! Bins of the input files of a `prep` run, from its report.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::PreviewError;
use crate::store::{DatasetInfo, StoreError};

/// Counts of input files from a report. Names of files are not taken over.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PrepBins {
    samples: usize,
    structures: Vec<Named>,
    image_size: [usize; 2],
    /// Files found below the data directory.
    pub files: usize,
    /// Number of files in each bin.
    pub bins: BTreeMap<String, usize>,
    /// Number of files rejected or ignored for each reason.
    #[serde(default)]
    pub reasons: BTreeMap<String, usize>,
    /// Rows of the link table, used and rejected.
    #[serde(default)]
    pub link_rows: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Named {
    name: String,
}

impl PrepBins {
    /// Reads the report at `path` of the run that made the file of `info`.
    ///
    /// # Errors
    /// [`PreviewError::Store`] where it cannot be read, [`PreviewError::NoReport`] where it is something else,
    /// [`PreviewError::OtherReport`] where it is of another file.
    pub fn read(path: &Path, info: &DatasetInfo) -> Result<Self, PreviewError> {
        let io = |source| StoreError::Io { action: "read", path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(io)?;
        let no_report = |source| PreviewError::NoReport { path: path.to_owned(), source };
        let bins: Self = serde_json::from_str(&text).map_err(no_report)?;
        let structures: Vec<&str> = bins.structures.iter().map(|structure| structure.name.as_str()).collect();
        let compared = [
            ("samples", bins.samples.to_string(), info.samples.to_string()),
            ("structures", structures.join(", "), info.structures.join(", ")),
            ("image_size", format!("{:?}", bins.image_size), format!("{:?}", &info.images[1..3])),
        ];
        for (what, theirs, ours) in compared {
            if theirs != ours {
                return Err(PreviewError::OtherReport { path: path.to_owned(), what, theirs, ours });
            }
        }
        Ok(bins)
    }
}
