//! Why `prep` makes no file.

use std::path::PathBuf;

use super::{EarlierSplitsError, GroupingError, PlanFileError};
use crate::layout::LayoutError;
use crate::model::{GridShape, PixelType};
use crate::split::SplitFileError;
use crate::store::StoreError;

/// Why no file was made. Single bad inputs never are a reason.
#[derive(Debug, thiserror::Error)]
pub enum PrepError {
    /// The data directory cannot be planned.
    #[error(transparent)]
    Layout(#[from] Box<LayoutError>),
    /// The table of splits does not fit the data.
    #[error(transparent)]
    SplitFile(#[from] Box<SplitFileError>),
    /// The splits of an earlier file cannot be kept.
    #[error(transparent)]
    EarlierSplits(#[from] Box<EarlierSplitsError>),
    /// Patients cannot be drawn as asked for.
    #[error(transparent)]
    Grouping(#[from] Box<GroupingError>),
    /// A plan file cannot be written or used.
    #[error(transparent)]
    PlanFile(#[from] PlanFileError),
    /// The images have several sizes.
    #[error(
        "{}: the images have {count} sizes: {sizes}; --size HxW with --fit pad, crop or resize makes them one, --size varied keeps them",
        data_dir.display()
    )]
    Sizes {
        /// The data directory.
        data_dir: PathBuf,
        /// Number of sizes.
        count: usize,
        /// The most frequent ones, with their numbers of images.
        sizes: String,
    },
    /// Contours of two kinds have two usual rules.
    #[error(
        "contour texts and RTSTRUCT are mixed, and their usual mask rules differ: --mask-rule center or --mask-rule \
         center-inclusive says which one makes all masks"
    )]
    MixedRules,
    /// There are colour and monochrome images.
    #[error(
        "{}: {color} {} in colour ({color_example}) and {monochrome} monochrome ({monochrome_example}); --color gray makes \
         all grey, --color keep gives monochrome images three equal channels",
        data_dir.display(), if *.color == 1 { "image is" } else { "images are" }
    )]
    MixedColor {
        /// The data directory.
        data_dir: PathBuf,
        /// Number of images in colour.
        color: usize,
        /// The first of them.
        color_example: String,
        /// Number of monochrome images.
        monochrome: usize,
        /// The first of them.
        monochrome_example: String,
    },
    /// The size asked for is beyond the limit.
    #[error(
        "--size {shape}: an image of {} takes {bytes} bytes, and the limit is {limit}; --max-image-bytes raises it",
        pixel_type.name()
    )]
    TooLarge {
        /// The size.
        shape: GridShape,
        /// The type of the pixels.
        pixel_type: PixelType,
        /// Bytes of an image.
        bytes: u64,
        /// Limit in bytes.
        limit: u64,
    },
    /// The options of a finished file cannot be read back.
    #[error(
        "the file's attribute `config`: {message}; a newer version of this program may have made the file"
    )]
    Config {
        /// The option, and the problem.
        message: String,
    },
    /// The user asked to stop.
    #[error("interrupted: no file was written")]
    Interrupted,
    /// The output file cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The threads cannot be started.
    #[error("cannot start {threads} threads; --threads takes a smaller number")]
    Threads {
        /// Number that was asked for.
        threads: usize,
        /// Error of the operating system.
        source: rayon::ThreadPoolBuildError,
    },
}
