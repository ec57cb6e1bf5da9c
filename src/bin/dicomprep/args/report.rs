//! Arguments of all commands that report: the result as JSON.

use std::path::{Path, PathBuf};

use clap::ValueHint;

/// The result as JSON.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Print the result as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the same JSON to a file; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
}

/// The result as JSON, of a command that writes nothing else.
#[derive(Debug, clap::Args)]
pub(crate) struct OnlyReportArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Replace the report if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

impl ReportArgs {
    /// True if the report goes to standard output.
    pub(crate) fn to_stdout(&self) -> bool {
        self.json || self.report.as_deref() == Some(Path::new("-"))
    }

    /// The file of the report, if it goes to one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.report.as_deref().filter(|path| *path != Path::new("-"))
    }
}
