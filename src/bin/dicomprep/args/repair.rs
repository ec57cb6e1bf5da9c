//! Arguments of `repair`.

use std::path::PathBuf;

use clap::ValueHint;

use super::check::SourceArgs;
use super::report::ReportArgs;
use super::threads::ThreadArgs;

const REPAIR_EXAMPLES: &str = "\
Example:
  dicomprep repair final_data.h5 --against final_data/ -o repaired.h5
      rebuilds damaged images and masks and copies everything else byte for byte

Reads each image and mask against its checksum. A row is rebuilt only from files with the recorded digests, and only \
where the result has the recorded checksum. The copy is verified before it gets its name. Where more than images and \
masks is damaged, run prep again.

Exit codes: 0 all damaged rows were rebuilt; 1 it could not be done, and no file was written; 2 wrong usage; 3 some \
rows are as damaged as they were, and each is named with the reason.";

/// Rebuild the damaged rows of a file, in a copy of it
#[derive(Debug, clap::Args)]
#[command(after_help = REPAIR_EXAMPLES)]
pub(crate) struct RepairArgs {
    /// The damaged HDF5 file; it is not touched
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The folder it was made of. Can be given more than once
    #[arg(long, required = true, value_name = "DATA_DIR", value_hint = ValueHint::DirPath)]
    pub(crate) against: Vec<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Replace the output file and the report if they exist
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}
