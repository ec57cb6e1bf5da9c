//! The share of a plan that was read from a file, where only that share is known.

use std::collections::BTreeMap;

use crate::assemble::FileMark;
use crate::audit::CheckSet;
use crate::store::{ShardBond, TextWidths};

/// Facts about the whole plan, beside the samples of one share. Samples, patients and files of the plan are numbered
/// within the share then.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// Number of the first sample of the share in the whole plan.
    pub(super) first_row: u32,
    /// For each patient of the share, its number in the whole plan.
    pub(super) patient_numbers: Vec<u32>,
    /// Rows of the whole plan.
    pub(super) plan_rows: u64,
    /// Patients of the whole plan.
    pub(super) patients: u64,
    /// Digest over all that the plan decides.
    pub(super) digest: [u8; 32],
    /// The options that decide the content of the file, as its attribute `config` has them.
    pub(super) config: String,
    /// Patients of the whole plan that no split tears apart.
    pub(super) bonds: Vec<ShardBond>,
    /// The longest names of all samples.
    pub(super) widths: TextWidths,
    /// For each sample, the mark of its image.
    pub(super) marks: Vec<FileMark>,
    /// Checks that have found something, by sample.
    pub(super) found: BTreeMap<u32, CheckSet>,
}
