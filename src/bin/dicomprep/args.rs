//! What can be typed.

use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::builder::styling::Styles;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use dicomprep::assemble::Fit;
use dicomprep::model::{GridShape, PixelType, Structure};
use dicomprep::order::{Cursor, Uneven};
use dicomprep::prep::Unlabelled;
use dicomprep::raster::MaskRule;
use dicomprep::sink::Format;
use dicomprep::source::{Limits, Monochrome1};
use dicomprep::store::Compression;
use dicomprep::stream::{Condition, ImageDtype, Layout, MaskDtype, NormalizationName};
use dicomprep::wrangle::{Require, SplitSpec};

/// Turns folders of DICOM images and contours into one HDF5 file of images and exact masks.
#[derive(Debug, Parser)]
#[command(name = "dicomprep", version, styles = Styles::plain(), max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What is shown on the way.
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArgs {
    /// How progress is shown on standard error
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
    Batches(Box<BatchesArgs>),
    Whiten(WhitenArgs),
    Info(InfoArgs),
    /// Print a completion script for a shell
    ///
    /// Example: dicomprep completions bash > ~/.local/share/bash-completion/completions/dicomprep
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

const PREP_EXAMPLES: &str = "\
Layout of DATA_DIR:
  link.csv                       columns patient_id, original_id
  dicoms/<patient_id>/<n>.dcm
  contourfiles/<original_id>/i-contours/IM-0001-<nnnn>-icontour-manual.txt   (inner)
  contourfiles/<original_id>/o-contours/IM-0001-<nnnn>-ocontour-manual.txt   (outer)

Examples:
  dicomprep prep final_data/
      writes final_data.h5 with the inner contours as masks
  dicomprep prep final_data/ -o both.h5 --structures inner,outer --report both.json
      two mask planes, and every file that was left out, with its reason, in a JSON file
  dicomprep prep final_data/ --dry-run
      what would be done: rows, bytes, memory

Exit codes: 0 all done, 1 it could not be done, 2 wrong usage, 3 done, but something was rejected.";

/// Read images and contours once and write one HDF5 file
#[derive(Debug, clap::Args)]
#[command(after_help = PREP_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct PrepArgs {
    /// Folder with link.csv, dicoms/ and contourfiles/
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: PathBuf,

    /// The file to write [default: <name of DATA_DIR>.h5 in the current folder]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file and the report if they exist
    #[arg(long)]
    pub(crate) force: bool,
    /// Write nothing and exit with 1 where anything was rejected
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print the plan and what it would take, and write nothing. Only names and image headers are read: bad
    /// pixels, bad contours, and equal images that join splits are not seen
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the summary as JSON, with every file that was left out; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: Option<PathBuf>,
    /// Number of threads; the file does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,

    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// The link table [default: DATA_DIR/link.csv]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) link: Option<PathBuf>,
    /// The folder of the images [default: DATA_DIR/dicoms]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dicoms: Option<PathBuf>,
    /// The folder of the contours [default: DATA_DIR/contourfiles]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) contours: Option<PathBuf>,
    /// The largest input file read and the largest image decoded, in bytes
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_image_bytes)]
    pub(crate) max_image_bytes: u64,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Content of the file")]
pub(crate) struct ContentArgs {
    /// Mask planes, in this order: inner, outer, or both
    #[arg(long, value_name = "LIST", default_value = "inner", value_parser = structures)]
    pub(crate) structures: Structures,
    /// How many of the structures a sample needs
    #[arg(long, value_name = "HOW MANY", default_value = "any", value_parser = named(require()))]
    pub(crate) require: Require,
    /// Images without a contour; included, they have `annotated` 0 and an empty mask
    #[arg(long, value_name = "WHAT", default_value = "skip", value_parser = named(unlabelled()))]
    pub(crate) unlabelled: Unlabelled,
    /// Which pixels a contour owns
    #[arg(long, value_name = "RULE", default_value = "center", value_parser = named(mask_rules()))]
    pub(crate) mask_rule: MaskRule,
    /// Added to every contour point, in pixels
    #[arg(
        long, value_name = "DX,DY", default_value = "0,0", allow_hyphen_values = true, value_parser = offset
    )]
    pub(crate) contour_offset: Offset,
    /// Type of the pixels; a value that does not fit rejects its image
    #[arg(long, value_name = "TYPE", default_value = "auto", value_parser = named(pixel_types()))]
    pub(crate) dtype: Auto<PixelType>,
    /// Size of the images: auto (all must have one) or HxW
    #[arg(long, value_name = "SIZE", default_value = "auto", value_parser = size)]
    pub(crate) size: Auto<GridShape>,
    /// What to do with images of another size than --size: pad refuses larger ones, crop cuts and pads
    #[arg(long, value_name = "HOW", default_value = "pad", value_parser = named(fits()))]
    pub(crate) fit: Fit,
    /// MONOCHROME1 images, whose small values are bright; inverted, they are dark
    #[arg(long, value_name = "WHAT", default_value = "invert", value_parser = named(monochrome1()))]
    pub(crate) monochrome1: Monochrome1,
    /// Fractions of the patients, or none
    #[arg(long, value_name = "SPEC", default_value = "train=0.8,val=0.1,test=0.1", value_parser = split)]
    pub(crate) split: SplitSpec,
    /// Another seed makes other splits
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) split_seed: u64,
    /// Table with the columns patient_id and split, instead of fractions
    #[arg(
        long, value_name = "CSV", conflicts_with_all = ["split", "split_seed"], value_hint = ValueHint::FilePath
    )]
    pub(crate) split_file: Option<PathBuf>,
    /// 0 (none) to 9 (smallest). Between, it matters for images that repeat themselves; most do not
    #[arg(long, value_name = "LEVEL", default_value = "4", value_parser = compression)]
    pub(crate) compression: Compression,
    /// Replace the ids by HMAC-SHA-256 keyed with this file's bytes
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pseudonym_key: Option<PathBuf>,
}

const BATCHES_EXAMPLES: &str = "\
Examples:
  dicomprep batches final_data.h5 --split train --epochs 0 | python train.py
      shuffled batches without end; in train.py, with pipe = types.SimpleNamespace(read=sys.stdin.buffer.read),
      numpy.lib.format.read_array(pipe) gives the images of a batch, and then its masks
  dicomprep batches final_data.h5 --split val --no-shuffle --normalize zscore --format arrow -o val.arrows
      the validation split once, in the order of the file, normalized, as a file
  dicomprep batches final_data.h5 --split train --epochs 100 --seed 7 --start 31:12 | python train.py
      goes on at epoch 31, batch 12, with the bytes that an uninterrupted stream would have there
  dicomprep batches final_data.h5 --where 'mask_pixels.inner>50' --describe
      shapes, types and numbers of batches as JSON; reads no image

Normalizations, x being the stored value and y what leaves, computed in binary64:
  zscore         y = (x - mean) / std of the train split, for every split
  sample-zscore  y = (x - mean) / std of the image itself
  minmax         y = (x - min) / (max - min) of the train split; not clipped
  percentile     y = (x - low) / (high - low) of the 0.5 and 99.5 percentiles of the train split; clipped to 0..1
  window         y = (x - (c - 0.5)) / (w - 1) + 0.5 clipped to 0..1 (DICOM PS3.3 C.11.2.1.2.1)

Exit codes: 0 all done, or the reader has closed the pipe; 1 it could not be done; 2 wrong usage.";

/// Stream shuffled batches of images and masks out of a file
#[derive(Debug, clap::Args)]
#[command(after_help = BATCHES_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct BatchesArgs {
    /// The HDF5 file that prep has made
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// Where to write: a file, a named pipe, or - [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Print shapes, types and numbers of batches as JSON, and decode nothing
    #[arg(long)]
    pub(crate) describe: bool,

    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) order: OrderArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which samples")]
pub(crate) struct SelectionArgs {
    /// Only this split, train, val or test. An error where a patient or an equal image of it is in another
    #[arg(long, value_name = "NAME")]
    pub(crate) split: Option<String>,
    /// Stream a split that shares patients or images with another
    #[arg(long, requires = "split")]
    pub(crate) allow_leak: bool,
    /// Only samples that meet this, as in patient_id=SCD01, annotated.outer=1, mask_pixels.inner>50; can be
    /// given several times, and then all must be met
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) conditions: Vec<Condition>,
    /// Mask planes, in this order [default: all in the file]
    #[arg(long, value_name = "LIST", value_parser = names)]
    pub(crate) structures: Option<Names>,
    /// Draw samples with replacement so that groups come equally often: with and without pixels of a structure,
    /// or by patient_id, original_id, split
    #[arg(long, value_name = "STRUCTURE|COLUMN")]
    pub(crate) balance: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "In which order")]
pub(crate) struct OrderArgs {
    /// Samples of a batch
    #[arg(short, long, value_name = "N", default_value = "32")]
    pub(crate) batch_size: NonZeroU64,
    /// Leave out the last batch of an epoch where it is short
    #[arg(long)]
    pub(crate) drop_last: bool,
    /// How often all samples; 0 is without end
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) epochs: u64,
    /// Another seed makes other orders; nothing else does, neither threads nor batch size, ranks or format
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The order of the file, in every epoch
    #[arg(long)]
    pub(crate) no_shuffle: bool,
    /// Begin at this batch, counted from 0:0, exactly as the whole stream goes on there
    #[arg(long, value_name = "EPOCH:BATCH", default_value = "0:0")]
    pub(crate) start: Cursor,
    /// Which of several processes this one is, counted from 0
    #[arg(long, value_name = "R", default_value_t = 0, requires = "world_size")]
    pub(crate) rank: u64,
    /// How many processes share each epoch
    #[arg(long, value_name = "W", default_value = "1")]
    pub(crate) world_size: NonZeroU64,
    /// Where the processes do not divide the samples: repeat some (pad), leave some out (drop), or allow shares
    /// that differ by one
    #[arg(long, value_name = "HOW", default_value = "pad", value_parser = named(unevens()))]
    pub(crate) uneven: Uneven,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "In which form")]
pub(crate) struct FormArgs {
    /// npy: the records images and masks of each batch; webdataset: a tar of samples; arrow: an IPC stream
    #[arg(long, value_name = "FORMAT", default_value = "npy", value_parser = named(formats()))]
    pub(crate) format: Format,
    /// Axes of images and masks, always four
    #[arg(long, value_name = "LAYOUT", default_value = "nhwc", value_parser = named(layouts()))]
    pub(crate) layout: Layout,
    /// Type of the images
    #[arg(long, value_name = "TYPE", default_value = "float32", value_parser = named(image_dtypes()))]
    pub(crate) image_dtype: ImageDtype,
    /// Type of the masks
    #[arg(long, value_name = "TYPE", default_value = "uint8", value_parser = named(mask_dtypes()))]
    pub(crate) mask_dtype: MaskDtype,
    /// What is done to the values of the images; the formulas are below
    #[arg(long, value_name = "HOW", default_value = "none", value_parser = named(normalizations()))]
    pub(crate) normalize: NormalizationName,
    /// Center and width for --normalize window [default: each image's own]
    #[arg(long, value_name = "C,W", allow_hyphen_values = true, value_parser = window)]
    pub(crate) window: Option<Window>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How it is done (the bytes do not depend on it)")]
pub(crate) struct WorkArgs {
    /// Threads that decode [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroU16>,
    /// Batches in memory [default: 4, or one more than threads]
    #[arg(long, value_name = "N")]
    pub(crate) prefetch: Option<NonZeroUsize>,
    /// Memory for decoded samples that later epochs need again, as in 512M or 4G
    #[arg(long, value_name = "BYTES", default_value = "64M", value_parser = byte_count)]
    pub(crate) cache: ByteCount,
    /// Do not compare samples with their checksums
    #[arg(long)]
    pub(crate) no_verify: bool,
}

const WHITEN_EXAMPLES: &str = "\
Examples:
  dicomprep prep final_data/ -o small.h5 --size 64x64 --fit resize
  dicomprep whiten small.h5
      writes small.zca.h5

The matrix W of Keras' zca_whitening=True, over the train split (all samples where there are no splits):
  y = x * F - mean of the train split after rescaling; W = U diag(sqrt(m) / (s + E)) U^T, with U and s of the singular
  value decomposition of the m images y. W y is the whitened image. Directions in which no two images differ are
  left out.

Images have up to 4096 numbers (64 x 64). With n numbers, the matrix takes 4 n^2 bytes in the file and in memory,
and computing it 40 n^2, whatever the number of images: for 32 x 32, 4 MB and 42 MB; for 64 x 64, 67 MB and 670 MB.

Exit codes: 0 all done; 1 it could not be done; 2 wrong usage.";

/// Compute the ZCA whitening matrix of the train split and write it to a file of its own
#[derive(Debug, clap::Args)]
#[command(after_help = WHITEN_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct WhitenArgs {
    /// The HDF5 file that prep has made
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    /// The file to write [default: FILE with the ending .zca.h5]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Added to the singular values: less amplification of directions in which images hardly differ
    #[arg(long, value_name = "E", default_value = "1e-6", value_parser = epsilon)]
    pub(crate) zca_epsilon: f64,
    /// Multiply pixels with this first [default: 1]
    #[arg(long, value_name = "F", value_parser = factor)]
    pub(crate) rescale: Option<f64>,
    /// Centre pixels with the mean of the train split; always so, as in Keras
    #[arg(long)]
    pub(crate) featurewise_center: bool,
    /// Changes nothing: whitening replaces it, as in Keras
    #[arg(long)]
    pub(crate) featurewise_std_normalization: bool,
    /// Number of threads; the file does not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroU16>,
}

const INFO_EXAMPLE: &str = "\
Examples:
  dicomprep info final_data.h5
  dicomprep info final_data.h5 --json | jq .splits";

/// Print what a file contains
#[derive(Debug, clap::Args)]
#[command(after_help = INFO_EXAMPLE)]
pub(crate) struct InfoArgs {
    /// The HDF5 file
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A value, or `None` for `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Auto<T>(pub(crate) Option<T>);

/// Structures, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Structures(pub(crate) Vec<Structure>);

/// `[x, y]` in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offset(pub(crate) [f64; 2]);

/// Names, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names(pub(crate) Vec<String>);

/// Center and width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window(pub(crate) (f64, f64));

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteCount(pub(crate) usize);

/// The one of `choices` whose name was typed.
fn choose<T: Copy>(typed: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == typed);
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
        format!("possible values: {}", names.join(", "))
    })
}

fn structures(typed: &str) -> Result<Structures, String> {
    let mut structures = Vec::new();
    for name in typed.split(',') {
        let structure = choose(name.trim(), &Structure::ALL.map(|structure| (structure.name(), structure)))?;
        if structures.contains(&structure) {
            return Err(format!("{structure} is named twice"));
        }
        structures.push(structure);
    }
    Ok(Structures(structures))
}

/// Takes one of the names of `choices`, and offers them in help and completions.
fn named<T: Copy + Send + Sync + 'static>(
    choices: Vec<(&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let names: Vec<&'static str> = choices.iter().map(|&(name, _)| name).collect();
    PossibleValuesParser::new(names).try_map(move |typed| choose(&typed, &choices))
}

fn require() -> Vec<(&'static str, Require)> {
    vec![("any", Require::Any), ("all", Require::All)]
}

fn unlabelled() -> Vec<(&'static str, Unlabelled)> {
    vec![("skip", Unlabelled::Skip), ("include", Unlabelled::Include)]
}

fn mask_rules() -> Vec<(&'static str, MaskRule)> {
    MaskRule::ALL.iter().map(|&rule| (rule.name(), rule)).collect()
}

fn pixel_types() -> Vec<(&'static str, Auto<PixelType>)> {
    let types = PixelType::ALL.iter().map(|&pixel_type| (pixel_type.name(), Auto(Some(pixel_type))));
    std::iter::once(("auto", Auto(None))).chain(types).collect()
}

fn fits() -> Vec<(&'static str, Fit)> {
    [Fit::Pad, Fit::Crop, Fit::Resize].map(|fit| (fit.name(), fit)).to_vec()
}

fn monochrome1() -> Vec<(&'static str, Monochrome1)> {
    vec![("invert", Monochrome1::Invert), ("keep", Monochrome1::Keep)]
}

fn size(typed: &str) -> Result<Auto<GridShape>, String> {
    if typed == "auto" {
        return Ok(Auto(None));
    }
    let wrong = || "use auto, or rows x columns as in 256x256".to_owned();
    let (rows, columns) = typed.split_once(['x', 'X']).ok_or_else(wrong)?;
    let side = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    let shape = GridShape::new(side(rows)?, side(columns)?).map_err(|error| error.to_string())?;
    Ok(Auto(Some(shape)))
}

fn unevens() -> Vec<(&'static str, Uneven)> {
    vec![("pad", Uneven::Pad), ("drop", Uneven::Drop), ("allow", Uneven::Allow)]
}

fn formats() -> Vec<(&'static str, Format)> {
    Format::ALL.map(|format| (format.name(), format)).to_vec()
}

fn layouts() -> Vec<(&'static str, Layout)> {
    Layout::ALL.map(|layout| (layout.name(), layout)).to_vec()
}

fn image_dtypes() -> Vec<(&'static str, ImageDtype)> {
    ImageDtype::ALL.map(|dtype| (dtype.name(), dtype)).to_vec()
}

fn mask_dtypes() -> Vec<(&'static str, MaskDtype)> {
    MaskDtype::ALL.map(|dtype| (dtype.name(), dtype)).to_vec()
}

fn normalizations() -> Vec<(&'static str, NormalizationName)> {
    NormalizationName::ALL.map(|name| (name.name(), name)).to_vec()
}

fn names(typed: &str) -> Result<Names, String> {
    let mut names: Vec<String> = Vec::new();
    for name in typed.split(',').map(str::trim) {
        if name.is_empty() {
            return Err("a name is empty".to_owned());
        }
        if names.iter().any(|known| known == name) {
            return Err(format!("{name} is named twice"));
        }
        names.push(name.to_owned());
    }
    Ok(Names(names))
}

fn window(typed: &str) -> Result<Window, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let parsed = typed.split_once(',').and_then(|(center, width)| Some((number(center)?, number(width)?)));
    let parsed = parsed.filter(|(_, width)| *width >= 1.0);
    parsed.map(Window).ok_or_else(|| "use center and width, of at least 1, as in 300,600".to_owned())
}

fn epsilon(typed: &str) -> Result<f64, String> {
    let number = typed.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "use a number that is not negative, as in 1e-6".to_owned())
}

fn factor(typed: &str) -> Result<f64, String> {
    let number = typed.parse::<f64>().ok().filter(|number| number.is_finite() && *number != 0.0);
    number.ok_or_else(|| "use a number that is not 0, as in 0.00390625".to_owned())
}

fn byte_count(typed: &str) -> Result<ByteCount, String> {
    let digits = typed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match typed[digits.len()..].to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B')
    {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err("use a number of bytes, or with K, M, G or T for powers of 1024".to_owned()),
    };
    let number = digits.parse::<usize>().map_err(|_| "use a whole number of bytes, as in 512M".to_owned())?;
    number.checked_mul(1 << shift).map(ByteCount).ok_or_else(|| "that is more than memory can be".to_owned())
}

fn offset(typed: &str) -> Result<Offset, String> {
    let wrong = || "use two numbers of pixels, as in -0.5,-0.5".to_owned();
    let (x, y) = typed.split_once(',').ok_or_else(wrong)?;
    let pixels =
        |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.abs() <= 65_535.0).ok_or_else(wrong);
    Ok(Offset([pixels(x)?, pixels(y)?]))
}

fn split(typed: &str) -> Result<SplitSpec, String> {
    SplitSpec::parse(typed).map_err(|error| error.to_string())
}

fn compression(typed: &str) -> Result<Compression, String> {
    let level = typed.parse().ok().and_then(Compression::new);
    level.ok_or_else(|| "use a level from 0 to 9".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn reads_structures_in_any_order() {
        let both = Structures(vec![Structure::Outer, Structure::Inner]);
        assert_eq!(structures("outer, inner"), Ok(both));
        assert!(structures("inner,inner").is_err() && structures("").is_err() && structures("both").is_err());
    }

    #[test]
    fn reads_numbers_of_bytes() {
        for (typed, bytes) in [("0", 0), ("512", 512), ("64M", 64 << 20), ("2GiB", 2 << 30), ("3kb", 3 << 10)]
        {
            assert_eq!(byte_count(typed), Ok(ByteCount(bytes)), "{typed}");
        }
        for typed in ["", "M", "-1", "1.5G", "1X", "1MM", "99999999999T"] {
            assert!(byte_count(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn reads_windows_and_names() {
        assert_eq!(window("-600, 1500"), Ok(Window((-600.0, 1500.0))));
        assert!(window("1").is_err() && window("1,0.5").is_err() && window("nan,2").is_err());
        assert_eq!(names("outer, inner"), Ok(Names(vec!["outer".to_owned(), "inner".to_owned()])));
        assert!(names("a,a").is_err() && names("a,,b").is_err() && names("").is_err());
    }

    #[test]
    fn reads_sizes_and_offsets() {
        assert_eq!(size("256x128"), Ok(Auto(Some(GridShape::new(256, 128).unwrap()))));
        assert!(size("256").is_err() && size("0x5").is_err() && size("-1x5").is_err());
        assert_eq!(offset("-0.5, 1"), Ok(Offset([-0.5, 1.0])));
        assert!(offset("1").is_err() && offset("nan,0").is_err() && offset("1e9,0").is_err());
    }
}
