//! Arguments of `explain`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueHint;

use super::augment::{AUGMENTATION, AugmentArgs};
use super::report::ReportArgs;
use super::size::SizeArgs;

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  dicomprep explain final_data.h5 --at 0:3:17 --augment cardiac
      where row 17 comes from, and what is drawn for it in epoch 3 of a stream with seed 0
  dicomprep explain final_data.h5 --at 0:3:17 --augment cardiac -o seen.png
      the same, and the image before and after, with the outlines of its masks

Reads the columns of the row, and its image and mask against their checksum.";

/// Show where a sample comes from, and what augmentation makes of it
#[derive(Debug, clap::Args)]
#[command(after_help = EXPLAIN_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct ExplainArgs {
    /// The HDF5 file that prep has made
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Seed and epoch of the stream, and the sample: its row in the file, or its id; rows and epochs count from 0. An id
    /// alone is of seed 0 and epoch 0
    #[arg(long, value_name = "SEED:EPOCH:ROW")]
    pub(crate) at: At,
    /// Draw the image before and after as PNG
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file and the report if they exist
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) size: SizeArgs,
    #[command(flatten)]
    pub(crate) augment: AugmentArgs,
    /// The split of the stream, which augments train alone
    #[arg(long, value_name = "NAME", help_heading = AUGMENTATION)]
    pub(crate) split: Option<String>,
    /// Augment a stream of val or test too
    #[arg(long, requires = "split", help_heading = AUGMENTATION)]
    pub(crate) augment_eval: bool,
}

/// A sample of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    pub(crate) sample: SampleName,
}

/// Name of a sample of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SampleName {
    Row(u64),
    Id(String),
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = |text: &str| match text.parse() {
            Ok(row) => Some(SampleName::Row(row)),
            // Every id has a slash.
            Err(_) => text.contains('/').then(|| SampleName::Id(text.to_owned())),
        };
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let at = match parts[..] {
            [seed, epoch, sample] if let (Ok(seed), Ok(epoch)) = (seed.parse(), epoch.parse()) => {
                name(sample).map(|sample| Self { seed, epoch, sample })
            }
            _ if text.contains('/') => name(text).map(|sample| Self { seed: 0, epoch: 0, sample }),
            _ => None,
        };
        at.ok_or_else(|| {
            "use SEED:EPOCH:ROW, three whole numbers from 0, as in 0:3:17, or an id for the row".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9:+-]{0,20}|\\PC{0,12}", seed: u64, epoch: u64, row: u64) {
            prop_assert!(text.parse::<At>().is_err() || text.contains('/') || text.matches(':').count() == 2);
            let sample = SampleName::Row(row);
            prop_assert_eq!(format!("{seed}:{epoch}:{row}").parse(), Ok(At { seed, epoch, sample }));
        }
    }

    #[test]
    fn reads_a_sample() {
        assert_eq!("1:2:3".parse(), Ok(At { seed: 1, epoch: 2, sample: SampleName::Row(3) }));
        let sample = SampleName::Id("P:1/3".to_owned());
        assert_eq!("1:2:P:1/3".parse(), Ok(At { seed: 1, epoch: 2, sample: sample.clone() }));
        assert_eq!("P:1/3".parse(), Ok(At { seed: 0, epoch: 0, sample }));
        for text in ["", "1:2", "1:2:3:4", "a:b:c", "-1:0:0"] {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
    }
}
