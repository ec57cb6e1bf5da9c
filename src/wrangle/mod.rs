//! From a link table and folders of files to a plan: which image goes with which contours.
//!
//! Opens no file but the link table (and a split file); everything else is decided by names. Every file
//! below the data directory is seen exactly once and ends either in the plan or in its list of skipped files.

mod error;
mod file_number;
mod folder_list;
mod folder_scan;
mod layout;
mod link_table;
mod pair;
mod plan;
mod records;
mod roots;
mod split;
mod split_file;
mod table;

pub use error::WrangleError;
pub use folder_scan::{ContourFolder, Folder, PatientFolder, Scan, scan};
pub use layout::Layout;
pub use link_table::{LinkRow, LinkTable, RejectedRow, parse_link_table, read_link_table};
pub use pair::{PairOptions, Require};
pub use plan::{PairPlan, Patient, PlannedSample, plan};
pub(crate) use roots::Roots;
pub use split::{SPLIT_RULE, SplitDraw, SplitError, SplitName, SplitSpec, assign_draws, assign_splits};
pub use split_file::{SplitFile, SplitFileError, apply_split_file, parse_split_file, read_split_file};
pub use table::{LinkError, MAX_TABLE_BYTES, MAX_TABLE_ROWS, TableError};
