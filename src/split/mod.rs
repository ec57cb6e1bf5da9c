//! Splits of patients: train, val and test.

mod apportion;
mod draw;
mod file;
mod groups;

pub use apportion::{Unit, apportion, split_shares};
pub use draw::{SPLIT_RULE, SplitDraw, SplitError, SplitName, SplitSpec, assign_draws, assign_splits};
pub use file::{SplitFile, SplitFileError, apply_split_file, parse_split_file, read_split_file};
pub use groups::Groups;
