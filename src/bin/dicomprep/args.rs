//! Command line arguments.

mod audit;
mod augment;
mod batches;
mod check;
mod choice;
mod explain;
mod merge;
mod places;
mod prep;
mod preview;
mod repair;
mod report;
#[cfg(feature = "serve")]
mod serve;
mod size;
mod splits;
mod structures;
mod threads;
mod thresholds;
mod whiten;

use std::path::PathBuf;

use clap::builder::styling::Styles;
use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub(crate) use audit::AuditArgs;
pub(crate) use batches::{BatchesArgs, Window, WorkArgs};
pub(crate) use check::{DiffArgs, SourceArgs, VerifyArgs};
pub(crate) use explain::{At, ExplainArgs, SampleName};
pub(crate) use merge::MergeArgs;
pub(crate) use places::PlaceArgs;
pub(crate) use prep::{PrepArgs, ReportIdsChoice};
pub(crate) use preview::{PreviewArgs, When};
pub(crate) use repair::RepairArgs;
pub(crate) use report::{OnlyReportArgs, ReportArgs};
#[cfg(feature = "serve")]
pub(crate) use serve::{Log, ServeArgs};
pub(crate) use splits::SplitArgs;
pub(crate) use structures::StructuresArgs;
pub(crate) use threads::all_cores;
pub(crate) use whiten::WhitenArgs;

const PIXELS: &str = "\
Which commands read pixels: prep, batches, preview, explain, whiten, verify, repair; diff without --quick and merge \
without --virtual; audit those of contours that accuse each other. None: info, prep --dry-run, batches --describe.";

/// Turns folders of DICOM images and contours into one HDF5 file of images and exact masks.
#[derive(Debug, Parser)]
#[command(after_help = PIXELS)]
#[command(name = "dicomprep", version, styles = Styles::styled(), max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Progress and verbosity.
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArgs {
    /// Progress display on standard error
    #[arg(long, global = true, value_name = "HOW", default_value = "auto")]
    pub(crate) progress: ProgressMode,
    /// Show errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// List every file that was left out, not just the first ones
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A bar on a terminal, lines otherwise
    Auto,
    /// A bar
    Bar,
    /// A line every few seconds
    Plain,
    /// Nothing
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Prep(Box<PrepArgs>),
    Merge(MergeArgs),
    Audit(Box<AuditArgs>),
    Structures(Box<StructuresArgs>),
    Batches(Box<BatchesArgs>),
    #[cfg(feature = "serve")]
    Serve(Box<ServeArgs>),
    Explain(Box<ExplainArgs>),
    Preview(Box<PreviewArgs>),
    Whiten(WhitenArgs),
    Info(InfoArgs),
    Verify(VerifyArgs),
    Repair(RepairArgs),
    Diff(DiffArgs),
    /// Print a completion script for a shell
    ///
    /// Example: dicomprep completions bash > ~/.local/share/bash-completion/completions/dicomprep
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

const INFO_EXAMPLE: &str = "\
Examples:
  dicomprep info final_data.h5
  dicomprep info final_data.h5 --json | jq .splits

Reads the attributes and the columns that it counts, against their checksum, and no image or mask.";

/// Print what a file contains
#[derive(Debug, clap::Args)]
#[command(after_help = INFO_EXAMPLE)]
pub(crate) struct InfoArgs {
    /// The HDF5 file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) result: OnlyReportArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Args::command().debug_assert();
    }
}
