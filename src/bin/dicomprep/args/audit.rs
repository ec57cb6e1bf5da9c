//! Arguments of `audit`.

use std::path::PathBuf;

use clap::ValueHint;
use dicomprep::layout::StructurePatterns;
use dicomprep::raster::MaskRule;

use super::choice::one_of;
use super::prep::{AnnotationArgs, InputArgs, Offset, offset, structures};
use super::report::OnlyReportArgs;
use super::thresholds::{CheckArgs, ThresholdArgs, with_checks};

const AUDIT_EXAMPLES: &str = "\
Examples:
  dicomprep audit final_data/
      what looks wrong in the contours and their images, the worst first
  dicomprep audit final_data/ --json | jq -r '.findings[] | [.severity, .check, .file] | @tsv'
  dicomprep audit final_data/ --max-displaced 15 --report audit.json

Reads every annotation, and the pixels of every image.

Exit codes: 0 no errors, 1 it could not be done, 2 wrong usage, 3 errors were found, or files that cannot be read.";

/// Look for wrong annotations, and write nothing
#[derive(Debug, clap::Args)]
#[command(after_help = AUDIT_EXAMPLES, after_long_help = with_checks(AUDIT_EXAMPLES), allow_negative_numbers = true)]
pub(crate) struct AuditArgs {
    /// Folder of images and annotations, as for prep; one or several
    #[arg(value_name = "DATA_DIR", required = true, value_hint = ValueHint::DirPath)]
    pub(crate) data_dirs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) result: OnlyReportArgs,
    /// Number of threads; the findings do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The structures to look at, as for prep [default: all]
    #[arg(long, value_name = "LIST", value_parser = structures)]
    pub(crate) structures: Option<StructurePatterns>,
    /// Rule that assigns pixels to a contour [default: center-inclusive for RTSTRUCT, center for contour texts]
    #[arg(long, value_name = "RULE", value_parser = one_of!(MaskRule))]
    pub(crate) mask_rule: Option<MaskRule>,
    #[command(flatten)]
    pub(crate) annotation: AnnotationArgs,
    /// Added to every contour point, in pixels
    #[arg(
        long, value_name = "DX,DY", default_value = "0,0", allow_hyphen_values = true, value_parser = offset
    )]
    pub(crate) contour_offset: Offset,

    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) checks: CheckArgs,
    #[command(flatten)]
    pub(crate) thresholds: ThresholdArgs,
}
