//! The packing half as one call: plan a data directory, then make the file.
//!
//! [`plan`] pairs the files and reads the headers; it decodes no pixel and writes nothing. [`run`]
//! reads, decodes, rasterizes and compresses on all threads, and writes the rows in the order of the plan,
//! so that the bytes of the file do not depend on the threads. [`Sources`] rebuilds the rows of a finished file.

mod audit;
mod audit_run;
mod config;
mod control;
mod dataset_spec;
mod earlier_splits;
mod encoder_choice;
mod equal_images;
mod error;
mod estimate;
mod excerpt;
mod finding_entry;
mod finish;
mod folds;
mod given_splits;
mod grouping;
mod identities;
mod image_digests;
mod in_order;
mod input;
mod ledger;
mod merge;
mod names;
mod options;
mod ordered_rows;
mod plan;
mod plan_digest;
mod plan_file;
mod plan_table;
mod planned_split;
mod planning;
mod pool;
mod pseudonym;
mod recorded_options;
mod report_ids;
mod resume;
mod run;
mod sink;
mod source_digest;
mod sources;
mod split_choice;
mod splits;
mod stack_places;
mod structures;
mod summary;
mod survey;
mod together;
mod usual_rule;
mod value_survey;
mod worker;
mod written_rows;

pub(crate) use in_order::InOrder;
pub(crate) use pool::pool;

pub use audit_run::{AuditRequest, AuditSummary, audit};
pub use control::{Control, Progress};
pub use earlier_splits::{EarlierSplits, EarlierSplitsError};
pub use error::PrepError;
pub use estimate::Estimate;
pub use finding_entry::FindingEntry;
pub use finish::SplitSize;
pub use grouping::{Grouping, GroupingError};
pub use merge::{MergeError, MergeOptions, MergeSummary, MergedAs, merge};
pub use options::{ColorChoice, ImageSize, OnFinding, OnShared, PrepOptions, Share, Unlabelled};
pub use plan::{KnownImages, PrepPlan};
pub use plan_file::{PlanFile, PlanFileError, PlanRun, write_plan};
pub use planning::{plan, plan_for_file, plan_to_show};
pub use recorded_options::RecordedOptions;
pub use report_ids::ReportIds;
pub use resume::{PartsFolder, ResumeOptions, RowOrigins};
pub use run::run;
pub use sources::{FreshRow, RejectedAnnotation, SourceRows, Sources};
pub use splits::Splits;
pub use structures::{StructureEntry, StructuresRequest, StructuresSummary, VariantEntry, structures};
pub use summary::{
    Bins, GroundEntry, LeftOutEntry, LinkRows, NoteEntry, OutputFile, PrepSummary, ShardEntry, StageSeconds,
    StructureCount, UnmatchedEntry,
};
