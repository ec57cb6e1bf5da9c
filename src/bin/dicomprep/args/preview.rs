//! Arguments of `preview`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use dicomprep::stream::Condition;

use super::batches::{ByteCount, byte_count};
use super::check::SourceArgs;

const PREVIEW_EXAMPLES: &str = "\
Examples:
  dicomprep preview final_data.h5 -o report.html
      one page with everything in it: open it in a browser, offline, or send it
  dicomprep preview final_data.h5 -o report.html --report final_data.json
      the same, and where the files ended, from the report of prep --report
  dicomprep preview final_data.h5 -o report.html --against final_data/
      also the contours that the audit has left out of the file, dashed
  dicomprep preview final_data.h5 --png sheets --split val --where 'mask_pixels.inner<50'
      contact sheets sheets/sheet-0001.png and so on, of small masks of the validation split
  dicomprep preview final_data.h5 --terminal --where patient_id=SCD0000101
      the first samples of a patient in the terminal

The outline is the inner border of the mask: its pixels with one of the four neighbours outside of it. Images are \
drawn with the window of their header, else from their percentile 0.5 (black) to 99.5 (white).

Reads all columns, and each image and mask that it draws, against their checksums; with --against, headers and \
annotations of the data, and the images whose contours were left out.

Exit codes: 0 all done; 1 it could not be done; 2 wrong usage; 3 done, but a sample is damaged and has no picture.";

/// Draw the masks over the images: as a page, as contact sheets, in the terminal
#[derive(Debug, clap::Args)]
#[command(after_help = PREVIEW_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct PreviewArgs {
    /// The HDF5 file that prep has made
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The page [default: FILE with the ending .html, unless --png or --terminal is given]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Contact sheets, into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) png: Option<PathBuf>,
    /// Some samples in the terminal, in 24-bit colours: if standard output is one and NO_COLOR is not set, or always
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub(crate) terminal: Option<When>,
    /// Replace the output if it exists
    #[arg(long)]
    pub(crate) force: bool,

    /// Only samples of this split
    #[arg(long, value_name = "NAME")]
    pub(crate) split: Option<String>,
    /// Only samples that meet this, as in batches; can be given several times
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) conditions: Vec<Condition>,
    /// Samples that are shown at most: those with the worst findings, then one of each patient and split in rotation
    /// [default: 5000; in the terminal 4]
    #[arg(long, value_name = "N")]
    pub(crate) max_samples: Option<NonZeroUsize>,
    /// Size of the page at most, as in 50M
    #[arg(long, value_name = "BYTES", default_value = "256M", value_parser = byte_count)]
    pub(crate) max_bytes: ByteCount,
    /// Enlarge images by this whole number, on sheets up to 8192 pixels [default: by their size]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) zoom: Option<u8>,
    /// The report of prep --report, for the page: how many files were used, unlabelled, rejected and ignored
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// The folder that the file was made of: its audit is repeated, and the page also shows the contours that it left out,
    /// dashed. Can be given more than once
    #[arg(long, value_name = "DATA_DIR", conflicts_with_all = ["split", "conditions"], value_hint = ValueHint::DirPath)]
    pub(crate) against: Vec<PathBuf>,
    /// Number of threads; what is drawn does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    #[command(flatten)]
    pub(crate) sources: SourceArgs,
}

/// When something is done that suits a terminal only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// If standard output is a terminal
    Auto,
    /// In any case
    Always,
}
