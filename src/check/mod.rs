//! Checks of a finished file: [`verify`] looks at all of it, with its sources if they are there;
//! [`repair`] rebuilds damaged rows; [`diff`] compares two files and says why rows differ.

mod against;
mod blocks;
mod diff;
mod diff_rows;
mod error;
mod fold_counts;
mod pixel_counts;
mod problem;
mod repair;
mod row_check;
mod totals;
mod train_counts;
mod verify;

pub use against::{SourceOptions, sources_of, sources_with_rejected};
pub use diff::{Diff, DiffOptions, diff};
pub use diff_rows::{ChangedRow, DamagedRow, ImageChange, MaskChange};
pub use error::CheckError;
pub use problem::{Problem, ProblemKind, Problems};
pub use repair::{RepairSummary, Unrepaired, repair};
pub use verify::{VerifySummary, verify};
