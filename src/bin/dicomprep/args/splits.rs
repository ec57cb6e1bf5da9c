//! Arguments of `prep` about splits.

use std::path::PathBuf;

use clap::ValueHint;
use dicomprep::prep::OnShared;
use dicomprep::split::SplitSpec;

use super::choice::one_of;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Splits")]
pub(crate) struct SplitArgs {
    /// Fractions of the patients, or none [default: train=0.8,val=0.1,test=0.1; those of --split-from]
    #[arg(long, value_name = "SPEC", value_parser = split)]
    pub(crate) split: Option<SplitSpec>,
    /// Another seed makes other splits [default: 0; that of --split-from]
    #[arg(long, value_name = "N")]
    pub(crate) split_seed: Option<u64>,
    /// Table with the columns patient_id and split, instead of fractions
    #[arg(
        long, value_name = "CSV", conflicts_with_all = ["split", "split_seed"], value_hint = ValueHint::FilePath
    )]
    pub(crate) split_file: Option<PathBuf>,
    /// Earlier output of prep: every patient stays in the split that it has there, and only new ones are drawn
    #[arg(long, value_name = "FILE", conflicts_with = "split_file", value_hint = ValueHint::FilePath)]
    pub(crate) split_from: Option<PathBuf>,
    /// Column of the table whose values no split and no fold tears apart, as in --group site
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,
    /// Column of the table whose values have equal shares in all splits and folds, as in --stratify diagnosis
    #[arg(long, value_name = "COLUMN")]
    pub(crate) stratify: Option<String>,
    /// Folds of cross-validation, 2 to 1000, of the train split; without --split there are no splits, and the folds are of
    /// all patients. `batches --fold I` streams them
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub(crate) folds: Option<u16>,
    /// Patients whose images have one Study Instance UID, or one Patient ID and birth date: join puts them into one
    /// split, reject leaves out all but the first, ignore takes them for different persons
    #[arg(long, value_name = "HOW", default_value = "join", value_parser = one_of!(OnShared))]
    pub(crate) on_shared: OnShared,
}

fn split(typed: &str) -> Result<SplitSpec, String> {
    SplitSpec::parse(typed).map_err(|error| error.to_string())
}
