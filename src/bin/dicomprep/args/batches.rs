//! Arguments of `batches`.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::ValueHint;
use dicomprep::order::Uneven;
use dicomprep::sink::{FORMATS, Format};
use dicomprep::stream::{
    AxisOrder, Condition, Edges, ImageDtype, MaskDtype, NormalizationName, StreamCursor,
};

use super::augment::{AUGMENTATION, AugmentArgs, StandardizeArgs};
use super::choice::{named, one_of};
use super::size::SizeArgs;

const BATCHES_EXAMPLES: &str = "\
Examples:
  dicomprep batches final_data.h5 --split train --epochs 0 | python train.py
      shuffled batches without end; in train.py, with
      pipe = types.SimpleNamespace(read=sys.stdin.buffer.read), numpy.lib.format.read_array(pipe) gives the images of a batch, and then its masks
  dicomprep batches final_data.h5 --split val --no-shuffle --normalize zscore -o val.arrows
      the validation split once, in the order of the file, normalized, as a file
  dicomprep batches final_data.h5 --split train --epochs 0 --seed 7 --start 31:12 | python train.py
      goes on at epoch 31, batch 12, with the bytes that an uninterrupted stream would have there
  dicomprep batches final_data.h5 --where 'mask_pixels.inner>50' --describe
      shapes, types and numbers of batches as JSON; reads no image

Normalizations, x being the stored value and y what leaves, computed in binary64:
  zscore         y = (x - mean) / std of the train split, for every split
  sample-zscore  y = (x - mean) / std of the image itself
  minmax         y = (x - min) / (max - min) of the train split; not clipped
  percentile     y = (x - low) / (high - low) of the 0.5 and 99.5 percentiles of the train split,
                 clipped to 0..1
  window         y = (x - (c - 0.5)) / (w - 1) + 0.5, clipped to 0..1 (DICOM PS3.3
                 C.11.2.1.2.1); an image's own window by its own VOI LUT Function, which may be
                 LINEAR_EXACT or SIGMOID (C.11.2.1.3)

Reads each image and mask of the batches against its checksum; --describe reads none.

Exit codes: 0 all done, or the reader has closed the pipe; 1 it could not be done; 2 wrong usage.";

/// Stream shuffled batches of images and masks out of a file
#[derive(Debug, clap::Args)]
#[command(after_help = BATCHES_EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct BatchesArgs {
    /// The HDF5 file that prep has made; or all shards of one plan, read as the file that merge would make of them
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// Output: a file, a named pipe, or - [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Print shapes, types and numbers of batches as JSON, and decode nothing
    #[arg(long, conflicts_with = "output")]
    pub(crate) describe: bool,

    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) order: OrderArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
    #[command(flatten)]
    pub(crate) augment: AugmentArgs,
    /// Augment a stream of val or test too
    #[arg(long, help_heading = AUGMENTATION)]
    pub(crate) augment_eval: bool,
    #[command(flatten)]
    pub(crate) standardize: StandardizeArgs,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Selection")]
pub(crate) struct SelectionArgs {
    /// Only this split, train, val or test. An error where a patient or an equal image of it is in another
    #[arg(long, value_name = "NAME")]
    pub(crate) split: Option<String>,
    /// Only the folds other than this one, counted from 0, of a file made with `prep --folds`: those to train with
    #[arg(long, value_name = "I")]
    pub(crate) fold: Option<u16>,
    /// Only the fold itself: that to validate with
    #[arg(long, requires = "fold")]
    pub(crate) held_out: bool,
    /// Stream a split that shares patients or images with another
    #[arg(long)]
    pub(crate) allow_leak: bool,
    /// Only samples that meet this, as in patient_id=SCD01, annotated.outer=1, mask_pixels.inner>50; can be
    /// given several times, and then all must be met
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) conditions: Vec<Condition>,
    /// Mask planes, in this order [default: all in the file]
    #[arg(long, value_name = "LIST", value_parser = names)]
    pub(crate) structures: Option<NameList>,
    /// Draw samples with replacement so that groups come equally often: with and without pixels of a structure,
    /// or by patient_id, original_id, split
    #[arg(long, value_name = "STRUCTURE|COLUMN")]
    pub(crate) balance: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Order")]
pub(crate) struct OrderArgs {
    /// Samples of a batch
    #[arg(short, long, value_name = "N", default_value = "32")]
    pub(crate) batch_size: NonZeroU64,
    /// Leave out the last batch of an epoch where it is short
    #[arg(long)]
    pub(crate) drop_last: bool,
    /// Number of epochs; 0 is without end
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) epochs: u64,
    /// Another seed makes other orders; nothing else does, neither threads nor batch size, ranks or format
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The order of the file, in every epoch
    #[arg(long)]
    pub(crate) no_shuffle: bool,
    /// Begin at this batch, counted from 0:0, exactly as the whole stream goes on there. A cursor that a stream has printed
    /// ends in @ and a digest; one of another file, selection, order, batch size or number of processes is refused
    #[arg(long, value_name = "EPOCH:BATCH[@STREAM]", default_value = "0:0")]
    pub(crate) start: StreamCursor,
    /// Take the cursor of --start though it is of another stream
    #[arg(long)]
    pub(crate) foreign_cursor: bool,
    /// Rank of this process, counted from 0
    #[arg(long, value_name = "R", default_value_t = 0, requires = "world_size")]
    pub(crate) rank: u64,
    /// Number of processes that share each epoch
    #[arg(long, value_name = "W", default_value = "1")]
    pub(crate) world_size: NonZeroU64,
    /// If the processes do not divide the samples: repeat some (pad), leave some out (drop), or allow shares
    /// that differ by one
    #[arg(long, value_name = "HOW", default_value = "pad", value_parser = named(unevens()))]
    pub(crate) uneven: Uneven,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Channels of other slices and phases")]
pub(crate) struct ContextArgs {
    /// Images of K slices before and K after as channels, 2K+1 in all: by Image Position along the normal, of all rows of
    /// the file, of the phase of the row. Masks are the row's own
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) neighbours: u16,
    /// Images of K phases before and K after as channels, by Trigger Time, in a cycle
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) phases: u16,
    /// Channels beyond the first and the last slice: the image of that slice, or zeros
    #[arg(long, value_name = "HOW", default_value = "repeat", value_parser = one_of!(Edges))]
    pub(crate) edges: Edges,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Format and values")]
pub(crate) struct FormArgs {
    #[command(flatten)]
    pub(crate) size: SizeArgs,
    /// npy: the records images and masks of each batch; webdataset: a tar of samples; arrow: an IPC stream
    /// [default: by the extension of --output, else npy]
    #[arg(long, value_name = "FORMAT", value_parser = named(formats()))]
    pub(crate) format: Option<&'static Format>,
    /// Axes of images and masks, always four
    #[arg(long, value_name = "LAYOUT", default_value = "nhwc", value_parser = one_of!(AxisOrder))]
    pub(crate) layout: AxisOrder,
    /// Type of the images
    #[arg(long, value_name = "TYPE", default_value = "float32", value_parser = one_of!(ImageDtype))]
    pub(crate) image_dtype: ImageDtype,
    /// Type of the masks
    #[arg(long, value_name = "TYPE", default_value = "uint8", value_parser = one_of!(MaskDtype))]
    pub(crate) mask_dtype: MaskDtype,
    /// Normalization of the image values; the formulas are below
    #[arg(long, value_name = "HOW", default_value = "none", value_parser = named(normalizations()))]
    pub(crate) normalize: NormalizationName,
    /// Center and width for --normalize window [default: each image's own]
    #[arg(long, value_name = "C,W", allow_hyphen_values = true, value_parser = window)]
    pub(crate) window: Option<Window>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Performance (the bytes do not depend on it)")]
pub(crate) struct WorkArgs {
    /// Threads that decode [default: one more than cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Batches in memory [default: 3 more than threads]
    #[arg(long, value_name = "N")]
    pub(crate) prefetch: Option<NonZeroUsize>,
    /// Memory for decoded samples that later epochs need again, as in 512M or 4G
    #[arg(long, value_name = "BYTES", default_value = "64M", value_parser = byte_count)]
    pub(crate) cache: ByteCount,
    /// Do not compare samples with their checksums
    #[arg(long)]
    pub(crate) no_verify: bool,
    /// Hand the pages of batches to a pipe instead of copying them: faster, and 17 MiB more memory. For a reader that
    /// reads the pipe itself, as Python does; a program between that passes pages on by splice must not hold more than
    /// 16 MiB
    #[arg(long)]
    pub(crate) vmsplice: bool,
}

/// Names, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameList(pub(crate) Vec<String>);

/// Center and width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window(pub(crate) (f64, f64));

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteCount(pub(crate) usize);

fn unevens() -> Vec<(&'static str, Uneven)> {
    vec![("pad", Uneven::Pad), ("drop", Uneven::Drop), ("allow", Uneven::Allow)]
}

fn formats() -> Vec<(&'static str, &'static Format)> {
    FORMATS.map(|format| (format.name, format)).to_vec()
}

fn normalizations() -> Vec<(&'static str, NormalizationName)> {
    NormalizationName::ALL.map(|name| (name.name(), name)).to_vec()
}

fn names(typed: &str) -> Result<NameList, String> {
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
    Ok(NameList(names))
}

fn window(typed: &str) -> Result<Window, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let parsed = typed.split_once(',').and_then(|(center, width)| Some((number(center)?, number(width)?)));
    let parsed = parsed.filter(|(_, width)| *width >= 1.0);
    parsed.map(Window).ok_or_else(|| "use center and width, of at least 1, as in 300,600".to_owned())
}

pub(super) fn byte_count(typed: &str) -> Result<ByteCount, String> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-zA-Z.,:+ -]{0,24}|\\PC{0,12}", number: usize) {
            if let Ok(Window((center, width))) = window(&text) {
                prop_assert!(center.is_finite() && width.is_finite() && width >= 1.0);
            }
            if let Ok(NameList(names)) = names(&text) {
                prop_assert!(names.iter().all(|name| !name.is_empty() && name.trim() == name));
            }
            let digits = text.chars().filter(char::is_ascii_digit).count();
            prop_assert!(byte_count(&text).is_err() || (1..24).contains(&digits));
            prop_assert_eq!(byte_count(&number.to_string()), Ok(ByteCount(number)));
        }
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
        assert_eq!(names("outer, inner"), Ok(NameList(vec!["outer".to_owned(), "inner".to_owned()])));
        assert!(names("a,a").is_err() && names("a,,b").is_err() && names("").is_err());
    }
}
