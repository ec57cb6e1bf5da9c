//! Arguments of `merge`.

use std::path::PathBuf;

use clap::ValueHint;

use super::report::ReportArgs;

const MERGE_EXAMPLES: &str = "\
Example, with two machines that see the same folder:
  dicomprep prep final_data/ --shard 0/2 -o shard-0.h5     on the one
  dicomprep prep final_data/ --shard 1/2 -o shard-1.h5     on the other
  dicomprep merge -o final_data.h5 shard-*.h5
      the bytes that `dicomprep prep final_data/` would have written on one machine
  dicomprep merge --virtual -o all.h5 shard-*.h5
      a small file that refers to the shards, which have to stay where they are

Shards are all of one plan, each once, in any order. Images and masks are copied as they are compressed, and each one \
that is copied is decoded and compared with its checksum; --virtual copies none, and `dicomprep verify` reads them.

Exit codes: 0 all done; 1 it could not be done, and no file was written; 2 wrong usage; 3 done, but samples were left \
out, because their images stand in another split of a table.";

/// Join the shards of `prep --shard` to the file that one machine would have made
#[derive(Debug, clap::Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub(crate) struct MergeArgs {
    /// The shards, all of them, in any order
    #[arg(required = true, value_name = "SHARD", value_hint = ValueHint::FilePath)]
    pub(crate) shards: Vec<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Refer to the images and masks of the shards, by paths relative to the file, instead of copying them
    #[arg(long = "virtual")]
    pub(crate) is_virtual: bool,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Replace the output file and the report if they exist
    #[arg(long)]
    pub(crate) force: bool,
    /// Threads that count pixels again where patients have changed their split [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}
