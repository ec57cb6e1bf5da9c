//! The list of checks, and thresholds of findings.

use clap::{Arg, ArgMatches, Command, FromArgMatches};
use dicomprep::audit::{AuditProfile, Check, CheckLevels, Thresholds};

use super::choice::one_of;

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

/// Checks of the audit by choice.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Audit")]
pub(crate) struct CheckArgs {
    /// Kind of images: cardiac supposes that blood (inner) is brighter than the muscle around it and lies within outer,
    /// and that all slices have as many phases; general supposes nothing; auto is cardiac for the layouts link, scd2009
    /// and rvsc2012
    #[arg(long, value_name = "KIND", default_value = "auto", value_parser = one_of!(AuditProfile))]
    pub(crate) profile: AuditProfile,
    /// Severity of a check: off, note, warning or error. Can be given more than once
    #[arg(long = "check", value_name = "NAME=LEVEL", value_parser = level)]
    check: Vec<String>,
}

impl CheckArgs {
    /// Severities by choice.
    pub(crate) fn levels(&self) -> CheckLevels {
        let mut levels = CheckLevels::default();
        for text in &self.check {
            // Each was parsed before.
            _ = levels.add(text);
        }
        levels
    }
}

fn level(typed: &str) -> Result<String, String> {
    CheckLevels::default().add(typed).map_err(|error| error.to_string())?;
    Ok(typed.to_owned())
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
