//! Arguments of `audit`, and the thresholds that `prep` shares with it.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, FromArgMatches, ValueHint};
use dicomprep::audit::{Check, Thresholds};
use dicomprep::layout::StructurePatterns;

use super::prep::{InputArgs, Offset, offset, structures};
use super::report::ReportArgs;

const AUDIT_EXAMPLES: &str = "\
Examples:
  dicomprep audit final_data/
      what looks wrong in the contours and their images, the worst first
  dicomprep audit final_data/ --json | jq -r '.findings[] | [.severity, .check, .file, .text] | @tsv'
  dicomprep audit final_data/ --max-displaced 15 --report audit.json

Exit codes: 0 no errors, 1 it could not be done, 2 wrong usage, 3 errors were found, or files that cannot be read.";

/// Look for wrong annotations, and write nothing
#[derive(Debug, clap::Args)]
#[command(after_help = AUDIT_EXAMPLES, after_long_help = with_checks(AUDIT_EXAMPLES), allow_negative_numbers = true)]
pub(crate) struct AuditArgs {
    /// Folder with link.csv, dicoms/ and contourfiles/, as for prep
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: PathBuf,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Replace the report if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Number of threads; the findings do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The structures to look at, as for prep [default: all]
    #[arg(long, value_name = "LIST", value_parser = structures)]
    pub(crate) structures: Option<StructurePatterns>,
    /// Added to every contour point, in pixels
    #[arg(
        long, value_name = "DX,DY", default_value = "0,0", allow_hyphen_values = true, value_parser = offset
    )]
    pub(crate) contour_offset: Offset,

    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) thresholds: ThresholdArgs,
}

/// `text` under the list of all checks.
pub(super) fn with_checks(text: &str) -> String {
    let width = Check::ALL.iter().map(|check| check.name().len()).max().unwrap_or(0);
    let line = |check: &Check| {
        let (name, severity) = (check.name(), check.severity().name());
        format!("  {name:width$}  {severity:7}  {}\n", check.meaning())
    };
    let lines: String = Check::ALL.iter().map(line).collect();
    format!("Checks of the audit:\n{lines}\n{text}")
}

/// Thresholds of findings: an option for each of [`Thresholds::ALL`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThresholdArgs(pub(crate) Thresholds);

impl FromArgMatches for ThresholdArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self(Thresholds::default());
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for threshold in Thresholds::ALL {
            if let Some(value) = matches.get_one::<f64>(threshold.name) {
                self.0.set(threshold.name, *value);
            }
        }
        Ok(())
    }
}

impl clap::Args for ThresholdArgs {
    fn augment_args(command: Command) -> Command {
        Thresholds::ALL.iter().fold(command, |command, threshold| {
            command.arg(
                Arg::new(threshold.name)
                    .long(threshold.name)
                    .value_name(threshold.unit)
                    .help(format!("{} [default: {}]", threshold.meaning, threshold.default))
                    .help_heading("Thresholds of the audit")
                    .hide_short_help(true)
                    .value_parser(limit),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn limit(typed: &str) -> Result<f64, String> {
    let number = typed.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "use a number of at least 0".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    #[test]
    fn thresholds_are_options_of_both_commands() {
        for (command, wanted) in [("audit", 12.5), ("prep", 0.0)] {
            let words = ["dicomprep", command, "d", "--max-displaced", &wanted.to_string()];
            let thresholds = match Args::try_parse_from(words).unwrap().command {
                Command::Audit(audit) => audit.thresholds,
                Command::Prep(prep) => prep.thresholds,
                _ => unreachable!(),
            };
            assert_eq!(thresholds.0, Thresholds { displaced: wanted, ..Thresholds::default() });
        }
        for bad in ["-1", "nan", "inf", "x"] {
            assert!(Args::try_parse_from(["dicomprep", "audit", "d", "--max-gap", bad]).is_err(), "{bad}");
        }
    }
}
