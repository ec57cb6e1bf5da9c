//! Result of a merge.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::prep::finish::SplitSize;
use crate::prep::summary::OutputFile;

/// Result of a merge.
#[derive(Debug, Clone, Serialize)]
pub struct MergeSummary {
    /// The file.
    pub output: OutputFile,
    /// True if it refers to the shards instead of holding their images.
    #[serde(rename = "virtual")]
    pub is_virtual: bool,
    /// Number of shards.
    pub shards: usize,
    /// Rows of the file.
    pub samples: usize,
    /// Patients of these rows.
    pub patients: usize,
    /// Samples and patients of each split; without splits, one entry with an empty name.
    pub splits: BTreeMap<String, SplitSize>,
    /// Samples and patients of each fold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<SplitSize>,
    /// Patients that stand in one split because they share equal images: one entry for each group, the ids separated
    /// by commas.
    pub split_joined: Vec<String>,
    /// `id` of the samples that were left out because their image stands in another split.
    pub split_left_out: Vec<String>,
    /// Notes.
    pub notes: Vec<String>,
    /// Bytes of images and masks that were copied.
    pub bytes_copied: u64,
    /// Seconds it took.
    pub seconds: f64,
}
