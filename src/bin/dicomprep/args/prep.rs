//! Arguments of `prep`.

use std::path::PathBuf;

use clap::ValueHint;
use dicomprep::assemble::Fit;
use dicomprep::audit::Thresholds;
use dicomprep::layout::{Require, StructurePatterns};
use dicomprep::model::{Padding, PixelType};
use dicomprep::prep::{ColorChoice, ImageSize, OnFinding, ResumeOptions, Share, Unlabelled};
use dicomprep::raster::{Combine, MaskRule};
use dicomprep::source::{AnnotationOptions, ContourSpacing, JoinBy, Limits, Monochrome1};
use dicomprep::store::{Compression, Encoder};

use super::choice::{named, one_of};
use super::places::PlaceArgs;
use super::report::ReportArgs;
use super::splits::SplitArgs;
use super::thresholds::{CheckArgs, ThresholdArgs, with_checks};

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
  dicomprep prep final_data/ -o new.h5 --reuse old.h5
      after a contour was edited: all other rows are taken out of old.h5
  dicomprep prep final_data/ --shard 0/2 -o shard-0.h5
      the first half, on one of two machines; see `dicomprep merge --help`
  dicomprep prep final_data/ --plan-only -o final_data.dicomplan
  dicomprep prep final_data/ --plan final_data.dicomplan --shard 0/2 -o shard-0.h5
      the same, where the folder is so large that it should be walked once

An interrupted run continues when the same command is given again: finished rows are kept in \
final_data.h5.parts/ until the file is complete.

Reads the pixels of each image that it uses, and each image and mask that it takes from --reuse or an interrupted run \
against its checksum. --dry-run and --plan-only read headers and annotations, and pixels only where the headers do not \
tell their type.

Exit codes: 0 all done, 1 it could not be done, 2 wrong usage, 3 done, but something was rejected.";

/// Options that a plan has decided.
const PLANNED: [&str; 39] = [
    "dry_run",
    "on_finding",
    "layout",
    "columns",
    "allow_missing",
    "structures",
    "require",
    "unlabelled",
    "mask_rule",
    "combine",
    "contour_spacing",
    "fractional",
    "resample_labels",
    "plane_tol",
    "mask_invert",
    "volume_join",
    "contour_offset",
    "dtype",
    "size",
    "fit",
    "spacing",
    "padding",
    "monochrome1",
    "split",
    "split_seed",
    "split_file",
    "split_from",
    "on_shared",
    "group",
    "stratify",
    "folds",
    "color",
    "profile",
    "check",
    "image_name",
    "contour_name",
    "compression",
    "encoder",
    "plan_only",
];

/// The same, with the thresholds of the audit.
fn planned() -> impl Iterator<Item = &'static str> {
    PLANNED.into_iter().chain(Thresholds::ALL.iter().map(|threshold| threshold.name))
}

/// Read images and contours once and write one HDF5 file
#[derive(Debug, clap::Args)]
#[command(after_help = PREP_EXAMPLES, after_long_help = with_checks(PREP_EXAMPLES), allow_negative_numbers = true)]
pub(crate) struct PrepArgs {
    /// Folder with link.csv, dicoms/ and contourfiles/, or of another --layout. Several are read as one: each file is
    /// called by its folder, and an id that stands in several becomes <id>@<folder>, in one split by --on-shared
    #[arg(value_name = "DATA_DIR", required = true, value_hint = ValueHint::DirPath)]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// Options from a TOML file, under the names of the flags; flags that are typed win
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Print all options as such a file, and do nothing else
    #[arg(long)]
    pub(crate) print_config: bool,
    /// The file to write [default: <name of DATA_DIR>.h5 in the current folder; of a shard,
    /// <name of DATA_DIR>.shard-I-of-N.h5]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file and the report if they exist
    #[arg(long)]
    pub(crate) force: bool,
    /// Write nothing and exit with 1 where anything was rejected
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print the plan and what it would take, and write nothing. Names, image headers and contours are read; bad
    /// pixels, and equal images that join splits, are not seen
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Handling of a contour in which the audit finds an error
    #[arg(long, value_name = "WHAT", default_value = "reject", value_parser = one_of!(OnFinding))]
    pub(crate) on_finding: OnFinding,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// How the report names patients: by their true ids, or by the pseudonyms of --pseudonym-key, for a report that may
    /// travel. Messages and plans always have the true ids
    #[arg(long, value_name = "WHICH", default_value = "true", value_parser = named(report_ids()))]
    pub(crate) report_ids: ReportIdsChoice,
    /// Plan everything and make only share I of N, counted from 0: a file that `dicomprep merge` joins with the others
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<Share>,
    /// Write the plan to --output instead of the file: `prep --plan` makes shards of it, and the folder is walked once
    #[arg(long, conflicts_with_all = ["dry_run", "shard", "plan", "reuse", "fresh", "segment_rows"])]
    pub(crate) plan_only: bool,
    /// Make the share of a plan that `prep --plan-only` has written, with the options of the plan; those that a file of
    /// --config has are not used. An input with another name, size or header than planned is an error. The report tells
    /// of this share alone, that of --plan-only of what was left out while planning
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "shard",
        conflicts_with_all = planned())]
    pub(crate) plan: Option<PathBuf>,
    /// Number of threads; the file does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    #[command(flatten)]
    pub(crate) resume: ResumeArgs,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
    #[command(flatten)]
    pub(crate) splits: SplitArgs,
    #[command(flatten)]
    pub(crate) checks: CheckArgs,
    #[command(flatten)]
    pub(crate) thresholds: ThresholdArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Resuming and reuse")]
pub(crate) struct ResumeArgs {
    /// Take the rows of which nothing has changed out of this file, made with the same options; the result is the same
    /// without. Can be given more than once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    reuse: Vec<PathBuf>,
    /// Start over: remove what an interrupted run of this output has kept
    #[arg(long)]
    fresh: bool,
    /// Keep what is finished every so many rows, the most that a stopped run loses; 0 keeps nothing
    /// [default: 256 MiB of images and masks]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32))]
    segment_rows: Option<u32>,
}

impl ResumeArgs {
    /// Resuming and reuse.
    pub(crate) fn options(&self) -> ResumeOptions {
        ResumeOptions {
            reuse: self.reuse.clone(),
            fresh: self.fresh,
            segment_rows: self.segment_rows.map(|rows| rows as usize),
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    #[command(flatten)]
    pub(crate) places: PlaceArgs,
    /// The largest input file read and the largest image decoded, in bytes
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_image_bytes)]
    max_image_bytes: u64,
    /// The most pixels of an image, rows times columns
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_image_pixels)]
    max_image_pixels: u64,
}

impl InputArgs {
    /// Limits of the inputs.
    pub(crate) fn limits(&self) -> Limits {
        Limits { max_image_bytes: self.max_image_bytes, max_image_pixels: self.max_image_pixels }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Content of the file")]
pub(crate) struct ContentArgs {
    /// Mask planes, in this order, each as NAME or NAME=WHAT: WHAT it is called in the data, re:EXPRESSION, #NUMBER, or
    /// several joined with + [default: inner; for tables and DICOM trees, all there are]
    #[arg(long, value_name = "LIST", value_parser = structures)]
    pub(crate) structures: Option<StructurePatterns>,
    /// Number of structures a sample needs
    #[arg(long, value_name = "HOW MANY", default_value = "any", value_parser = one_of!(Require))]
    pub(crate) require: Require,
    /// Images without a contour; included, they have `annotated` 0 and an empty mask
    #[arg(long, value_name = "WHAT", default_value = "skip", value_parser = one_of!(Unlabelled))]
    pub(crate) unlabelled: Unlabelled,
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
    /// Type of the pixels; a value that does not fit rejects its image. auto keeps a stored type that all images share,
    /// else takes the smallest that holds what the images hold
    #[arg(long, value_name = "TYPE", default_value = "auto", value_parser = named(pixel_types()))]
    pub(crate) dtype: Auto<PixelType>,
    /// Size of the images: auto (all must have one), HxW, or varied: each image is stored at its own, and batches --size
    /// makes batches of one
    #[arg(long, value_name = "SIZE", default_value = "auto", value_parser = size)]
    pub(crate) size: Auto<ImageSize>,
    /// Handling of images of another size than --size: pad refuses larger ones, crop cuts and pads, resize keeps the
    /// proportions and pads
    #[arg(long, value_name = "HOW", default_value = "pad", value_parser = one_of!(Fit))]
    pub(crate) fit: Fit,
    /// Distance between rows and between columns in mm that all images are resampled to, as in 1x1: images linearly,
    /// contours by moving their points, label maps by area
    #[arg(long, value_name = "ROWxCOL", value_parser = spacing)]
    pub(crate) spacing: Option<Spacing>,
    /// Padding (Pixel Padding Value, Pixel Padding Range Limit) in the statistics of the train split
    #[arg(long, value_name = "WHAT", default_value = "exclude", value_parser = one_of!(Padding))]
    pub(crate) padding: Padding,
    /// MONOCHROME1 images, whose small values are bright; inverted, they are dark
    #[arg(long, value_name = "WHAT", default_value = "invert", value_parser = one_of!(Monochrome1))]
    pub(crate) monochrome1: Monochrome1,
    /// Colour images: auto keeps colour and refuses a mix with monochrome ones, keep gives these three equal channels, gray
    /// makes all grey (luma of BT.601)
    #[arg(long, value_name = "WHAT", default_value = "auto", value_parser = one_of!(ColorChoice))]
    pub(crate) color: ColorChoice,
    /// 0 (none) to 9 (smallest). Between, it matters for images that repeat themselves; most do not
    #[arg(long, value_name = "LEVEL", default_value = "4", value_parser = compression)]
    pub(crate) compression: Compression,
    /// Deflate encoder of the images: planes is several times as fast, library makes smaller files of images that repeat
    /// themselves; auto takes planes where a few images come out no more than half a per cent larger
    #[arg(long, value_name = "WHICH", default_value = "auto", value_parser = named(encoders()))]
    pub(crate) encoder: Auto<Encoder>,
    /// Replace the ids in the file by HMAC-SHA-256 keyed with this file's bytes, at least 16, which may come from a pipe:
    /// head -c 32 /dev/urandom makes good ones. Rows are in the order of the pseudonyms, and digests of sources are
    /// keyed too. Reports, plans and messages of the run have the true ids
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pseudonym_key: Option<PathBuf>,
}

/// Names of patients in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportIdsChoice {
    True,
    Pseudonyms,
}

/// A value, or `None` for `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Auto<T>(pub(crate) Option<T>);

/// `[x, y]` in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offset(pub(crate) [f64; 2]);

/// Distances between rows and between columns, in mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spacing(pub(crate) [f64; 2]);

pub(super) fn structures(typed: &str) -> Result<StructurePatterns, String> {
    StructurePatterns::parse(typed).map_err(|error| error.to_string())
}

fn report_ids() -> Vec<(&'static str, ReportIdsChoice)> {
    vec![("true", ReportIdsChoice::True), ("pseudonyms", ReportIdsChoice::Pseudonyms)]
}

fn pixel_types() -> Vec<(&'static str, Auto<PixelType>)> {
    let types = PixelType::ALL.iter().map(|&pixel_type| (pixel_type.name(), Auto(Some(pixel_type))));
    std::iter::once(("auto", Auto(None))).chain(types).collect()
}

fn encoders() -> Vec<(&'static str, Auto<Encoder>)> {
    let encoders = Encoder::ALL.iter().map(|&encoder| (encoder.name(), Auto(Some(encoder))));
    std::iter::once(("auto", Auto(None))).chain(encoders).collect()
}

fn spacing(typed: &str) -> Result<Spacing, String> {
    let wrong = || "use two distances in mm, rows x columns, as in 1x1 or 0.5x0.75".to_owned();
    let (rows, columns) = typed.split_once(['x', 'X']).ok_or_else(wrong)?;
    let mm = |text: &str| text.parse::<f64>().ok().filter(|mm| (1e-4..=1e4).contains(mm)).ok_or_else(wrong);
    Ok(Spacing([mm(rows)?, mm(columns)?]))
}

fn shard(typed: &str) -> Result<Share, String> {
    Share::parse(typed).ok_or_else(|| "use I/N with I from 0 to N-1, as in 0/4".to_owned())
}

fn size(typed: &str) -> Result<Auto<ImageSize>, String> {
    match typed {
        "auto" => Ok(Auto(None)),
        "varied" => Ok(Auto(Some(ImageSize::Varied))),
        _ if typed.contains(['x', 'X']) => typed.parse().map(|size| Auto(Some(size))),
        _ => Err("use auto, varied, or rows x columns as in 256x256".to_owned()),
    }
}

pub(super) fn offset(typed: &str) -> Result<Offset, String> {
    let wrong = || "use two numbers of pixels, as in -0.5,-0.5".to_owned();
    let (x, y) = typed.split_once(',').ok_or_else(wrong)?;
    let pixels =
        |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.abs() <= 65_535.0).ok_or_else(wrong);
    Ok(Offset([pixels(x)?, pixels(y)?]))
}

fn compression(typed: &str) -> Result<Compression, String> {
    let level = typed.parse().ok().and_then(Compression::new);
    level.ok_or_else(|| "use a level from 0 to 9".to_owned())
}

#[cfg(test)]
mod tests {
    use dicomprep::model::GridShape;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9xX.,+eE-]{0,20}|\\PC{0,12}", rows: u16, columns: u16) {
            let _ = structures(&text);
            if let Ok(Share { index, count }) = shard(&text) {
                prop_assert!(index < count);
            }
            if let Ok(Auto(Some(ImageSize::Fixed(shape)))) = size(&text) {
                prop_assert!(shape.rows() >= 1 && shape.columns() >= 1);
            }
            if let Ok(Offset(offset)) = offset(&text) {
                prop_assert!(offset.iter().all(|pixels| pixels.abs() <= 65_535.0));
            }
            let read = size(&format!("{rows}x{columns}"));
            prop_assert_eq!(read.is_ok(), rows > 0 && columns > 0);
        }
    }

    /// Options of a run, which `--plan` takes beside those of the plan.
    const OF_THE_RUN: [&str; 21] = [
        "config",
        "print-config",
        "output",
        "force",
        "strict",
        "report",
        "json",
        "report-ids",
        "shard",
        "plan",
        "threads",
        "reuse",
        "fresh",
        "segment-rows",
        "link",
        "dicoms",
        "contours",
        "table",
        "pseudonym-key",
        "max-image-bytes",
        "max-image-pixels",
    ];

    #[test]
    fn every_option_is_one_of_a_plan_or_of_a_run() {
        let command = <PrepArgs as clap::Args>::augment_args(clap::Command::new("prep"));
        let planned: Vec<String> = planned().map(|name| name.replace('_', "-")).collect();
        for name in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(OF_THE_RUN.contains(&name) != planned.iter().any(|planned| planned == name), "--{name}");
        }
    }

    #[test]
    fn reads_structures_in_any_order() {
        assert_eq!(structures("outer, inner").unwrap().to_string(), "outer,inner");
        assert!(structures("inner,inner").is_err() && structures("").is_err() && structures("a/b").is_err());
    }

    #[test]
    fn reads_sizes_and_offsets() {
        assert_eq!(size("256x128"), Ok(Auto(Some(ImageSize::Fixed(GridShape::new(256, 128).unwrap())))));
        assert_eq!(size("varied"), Ok(Auto(Some(ImageSize::Varied))));
        assert_eq!(spacing("1x0.75"), Ok(Spacing([1.0, 0.75])));
        assert!(spacing("1").is_err() && spacing("0x1").is_err() && spacing("nanx1").is_err());
        assert!(size("256").is_err() && size("0x5").is_err() && size("-1x5").is_err());
        assert_eq!(offset("-0.5, 1"), Ok(Offset([-0.5, 1.0])));
        assert!(offset("1").is_err() && offset("nan,0").is_err() && offset("1e9,0").is_err());
    }
}

/// How annotation files of several structures are read.
#[derive(Debug, clap::Args)]
pub(crate) struct AnnotationArgs {
    /// Contours of one structure on one image: a contour within another is a hole, or all are united
    #[arg(long, value_name = "WAY", default_value = "even-odd", value_parser = one_of!(Combine))]
    pub(crate) combine: Combine,
    /// Correction of contours that were written with the two values of Pixel Spacing exchanged, as rt-utils does
    #[arg(long, value_name = "WAY", default_value = "as-stored", value_parser = one_of!(ContourSpacing))]
    contour_spacing: ContourSpacing,
    /// Share of its maximum from which on a pixel of a FRACTIONAL segmentation belongs to the structure
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = share_of_one)]
    fractional: f64,
    /// Map labels on another grid to the nearest pixel of the image
    #[arg(long)]
    resample_labels: bool,
    /// Largest distance in mm of a contour or label plane that names no image from the image that it belongs to [default:
    /// half the way to the next image, and never more]
    #[arg(long, value_name = "MM", value_parser = millimetres)]
    plane_tol: Option<f64>,
    /// Exchange structure and background of mask images (PNG, TIFF)
    #[arg(long)]
    mask_invert: bool,
    /// Join of label volumes (NIfTI, NRRD) to the images of their series: by position in the patient, or in their order
    #[arg(long, value_name = "HOW", default_value = "geometry", value_parser = one_of!(JoinBy))]
    volume_join: JoinBy,
}

impl AnnotationArgs {
    /// The options of the library.
    pub(crate) fn options(&self) -> AnnotationOptions {
        let Self {
            contour_spacing, fractional, resample_labels, mask_invert, plane_tol, volume_join, ..
        } = *self;
        let plane_tolerance = plane_tol;
        AnnotationOptions {
            contour_spacing,
            fractional,
            resample_labels,
            mask_invert,
            plane_tolerance,
            volume_join,
        }
    }
}

fn millimetres(text: &str) -> Result<f64, String> {
    let length = text.parse().ok().filter(|length: &f64| length.is_finite() && *length > 0.0);
    length.ok_or_else(|| format!("{text} is no length in mm above 0"))
}

fn share_of_one(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("{text} is no number from 0 to 1"))
}
