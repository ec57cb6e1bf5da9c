//! Arguments of `structures`.

use std::path::PathBuf;

use clap::ValueHint;

use super::prep::{AnnotationArgs, InputArgs};
use super::report::OnlyReportArgs;
use super::threads::ThreadArgs;

const STRUCTURES_EXAMPLES: &str = "\
Examples:
  dicomprep structures scans/
      every name in RTSTRUCT, SEG, contours and tables, with its images and patients
  dicomprep structures scans/ --json | jq -r '.structures[] | select(.patients > 1) | .selection'
      what --structures takes for the names that several patients have

Reads names, headers and annotations, and no pixels of images.

Exit codes: 0 done, 1 it could not be done, 2 wrong usage, 3 an annotation file or a row cannot be used.";

/// List the structures of a data directory, and write nothing
#[derive(Debug, clap::Args)]
#[command(after_help = STRUCTURES_EXAMPLES)]
pub(crate) struct StructuresArgs {
    /// Folder of images and annotations, as for prep; one or several
    #[arg(value_name = "DATA_DIR", required = true, value_hint = ValueHint::DirPath)]
    pub(crate) data_dirs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) result: OnlyReportArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,

    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) annotation: AnnotationArgs,
}
