//! Arguments of `verify` and `diff`, and the sources that `repair` shares.

use std::path::PathBuf;

use clap::ValueHint;

use super::places::PlaceArgs;
use super::report::OnlyReportArgs;
use super::threads::ThreadArgs;

const VERIFY_EXAMPLES: &str = "\
Examples:
  dicomprep verify final_data.h5
      every checksum, and every promise of the format
  dicomprep verify final_data.h5 --against final_data/
      also whether today's images and contours give the same rows, byte for byte
  dicomprep verify final_data.h5 --json | jq '.problems.list[] | .place'

Reads everything: each image and mask, and of a virtual file also its shards.

Exit codes: 0 nothing is wrong; 1 something is, and each problem is listed with its row, or it could not be done; 2 \
wrong usage.";

/// Check every row and every promise of the format, and list what is damaged
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The HDF5 file that prep has made
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The folder it was made of: read, decode and rasterize it again, and compare every row. Can be given more than once
    #[arg(long, value_name = "DATA_DIR", value_hint = ValueHint::DirPath)]
    pub(crate) against: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
    #[command(flatten)]
    pub(crate) result: OnlyReportArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}

/// Location of the sources of a file.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sources")]
pub(crate) struct SourceArgs {
    #[command(flatten)]
    pub(crate) places: PlaceArgs,
    /// The key that the pseudonyms of the file were made with
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pseudonym_key: Option<PathBuf>,
}

impl SourceArgs {
    /// True if any is given.
    pub(crate) fn is_given(&self) -> bool {
        self.places.is_given() || self.pseudonym_key.is_some()
    }
}

const DIFF_EXAMPLES: &str = "\
Examples:
  dicomprep diff monday.h5 friday.h5
  dicomprep diff center.h5 pillow.h5 --json | jq '.changed_rows[].masks[].dice'

Rows are matched by their id. Causes: `image source`, `inner annotation`, `option mask_rule`, `split`, `column window`; \
`unknown` where neither a source nor an option has changed.

All images and masks of rows that both files have are read against their checksums. --quick reads only those whose \
recorded checksums differ, and does not see damage.

Exit codes: 0 the files hold the same rows in the same order; 1 it could not be done, or a row is damaged; 2 wrong \
usage; 3 they differ.";

/// Compare two files row by row, and say why rows differ
#[derive(Debug, clap::Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The first HDF5 file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) a: PathBuf,
    /// The second HDF5 file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) b: PathBuf,
    /// Compare recorded checksums instead of the data: damage within images and masks is not seen
    #[arg(long)]
    pub(crate) quick: bool,
    #[command(flatten)]
    pub(crate) result: OnlyReportArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}
