//! The options of a stream.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::augment_source::AugmentSource;
use super::condition::Condition;
use super::convert_mask::MaskDtype;
use super::crop_mode::CropMode;
use super::edges::Edges;
use super::image_dtype::ImageDtype;
use super::layout::AxisOrder;
use super::normalize::NormalizationName;
use super::option_value::{
    count, epochs, factor, fold, list, number, range, shift, switch, window, yes_or_no, zoom,
};
use super::row_cache::RowCache;
use crate::augment::{FillMode, Interpolation, Range, ShiftRange};
use crate::model::GridShape;
use crate::order::Uneven;

/// Samples of a batch by default.
const BATCH_SIZE: NonZeroU64 = NonZeroU64::MIN.saturating_add(31);

/// Everything that decides the bytes of a stream, under the names of the flags of `dicomprep batches`, in snake case. The
/// default is that of the flags.
///
/// Fields are read from values of their type and from texts as the command line takes them, so that Python's keyword
/// arguments, query strings and TOML make the same options: see [`StreamOptions::set`].
/// [`Dataset::stream`](super::Dataset::stream) checks that they go together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamOptions {
    /// Only the rows of this split.
    pub split: Option<String>,
    /// The fold that is held out: only the rows of the others.
    #[serde(deserialize_with = "fold")]
    pub fold: Option<u16>,
    /// True for the rows of the fold instead.
    #[serde(deserialize_with = "yes_or_no")]
    pub held_out: bool,
    /// True to stream a split though patients or images of it are in another split too.
    #[serde(deserialize_with = "yes_or_no")]
    pub allow_leak: bool,
    /// Only the rows that meet all of these.
    #[serde(rename = "where", deserialize_with = "list")]
    pub conditions: Vec<Condition>,
    /// The mask planes, in this order; none for all of the file.
    #[serde(deserialize_with = "list")]
    pub structures: Vec<String>,
    /// A structure or a column: rows are drawn so that every group of it comes equally often.
    pub balance: Option<String>,

    /// Samples of a batch.
    #[serde(deserialize_with = "count")]
    pub batch_size: NonZeroU64,
    /// True to leave out the last batch of an epoch where it is short.
    #[serde(deserialize_with = "yes_or_no")]
    pub drop_last: bool,
    /// Number of epochs; `None`, in text 0, is without end.
    #[serde(with = "epochs")]
    pub epochs: Option<NonZeroU64>,
    /// Chooses everything that is left to chance: the shuffle, balanced draws, augmentation.
    #[serde(deserialize_with = "count")]
    pub seed: u64,
    /// True to shuffle rows again in each epoch; false for the order of the file.
    #[serde(deserialize_with = "yes_or_no")]
    pub shuffle: bool,
    /// The rank of this process, from 0.
    #[serde(deserialize_with = "count")]
    pub rank: u64,
    /// Number of processes that share each epoch.
    #[serde(deserialize_with = "count")]
    pub world_size: NonZeroU64,
    /// Handling of rows that the number of processes does not divide.
    pub uneven: Uneven,
    /// True to begin at a cursor of another stream: of another file, selection, order or batch size.
    #[serde(deserialize_with = "yes_or_no")]
    pub foreign_cursor: bool,

    /// Number of slices before, and as many after, whose images are channels beside that of a row: in the order of their
    /// positions along the normal, those of the row's phase.
    #[serde(deserialize_with = "count")]
    pub neighbours: u16,
    /// Number of phases before, and as many after, whose images are channels beside that of a row: in the order of Trigger
    /// Time, in a cycle.
    #[serde(deserialize_with = "count")]
    pub phases: u16,
    /// The channels of neighbours beyond the ends of a stack.
    pub edges: Edges,

    /// Rows and columns of images and masks; `None` leaves them as they are stored, which is an error where images have
    /// sizes of their own.
    #[serde(with = "super::option_value::size")]
    pub size: Option<GridShape>,
    /// The part of an image that is larger; `None` is the middle.
    pub crop: Option<CropMode>,

    /// The order of the axes.
    pub layout: AxisOrder,
    /// The type of the images.
    pub image_dtype: ImageDtype,
    /// The type of the masks.
    pub mask_dtype: MaskDtype,
    /// Normalization of the image values.
    pub normalize: NormalizationName,
    /// Center and width for the normalization `window`; `None` takes each row's own.
    #[serde(deserialize_with = "window")]
    pub window: Option<[f64; 2]>,

    /// Augmentation: a preset, a TOML file, or a specification. The fields below replace values of it.
    pub augment: Option<AugmentSource>,
    /// Keras: rotation by -r to r degrees.
    #[serde(deserialize_with = "number")]
    pub rotation_range: Option<f64>,
    /// Keras: shift to the left and right.
    #[serde(deserialize_with = "shift")]
    pub width_shift_range: Option<ShiftRange>,
    /// Keras: shift up and down.
    #[serde(deserialize_with = "shift")]
    pub height_shift_range: Option<ShiftRange>,
    /// Keras: shear by -s to s degrees.
    #[serde(deserialize_with = "number")]
    pub shear_range: Option<f64>,
    /// Keras: zoom of height and width.
    #[serde(deserialize_with = "zoom")]
    pub zoom_range: Option<Range>,
    /// True to zoom height and width by the same number.
    #[serde(deserialize_with = "switch")]
    pub zoom_isotropic: Option<bool>,
    /// Keras: -c to c is added to all pixels.
    #[serde(deserialize_with = "number")]
    pub channel_shift_range: Option<f64>,
    /// Keras: factor of the distances from black.
    #[serde(deserialize_with = "range")]
    pub brightness_range: Option<Range>,
    /// Keras: left and right are exchanged in half of the samples.
    #[serde(deserialize_with = "switch")]
    pub horizontal_flip: Option<bool>,
    /// Keras: top and bottom are exchanged in half of the samples.
    #[serde(deserialize_with = "switch")]
    pub vertical_flip: Option<bool>,
    /// Keras: pixels outside an image.
    pub fill_mode: Option<FillMode>,
    /// Keras: the value outside for the fill mode `constant`.
    #[serde(deserialize_with = "number")]
    pub cval: Option<f64>,
    /// Interpolation of images: 0, 1 or 3.
    #[serde(deserialize_with = "super::option_value::interpolation")]
    pub interpolation_order: Option<Interpolation>,
    /// True to augment a stream of val or test too.
    #[serde(deserialize_with = "yes_or_no")]
    pub augment_eval: bool,

    /// Keras: factor of all pixels, a number of float32 that is not 0.
    #[serde(deserialize_with = "factor")]
    pub rescale: f64,
    /// Keras: subtract the mean of each image.
    #[serde(deserialize_with = "yes_or_no")]
    pub samplewise_center: bool,
    /// Keras: divide by the standard deviation of each image, and center.
    #[serde(deserialize_with = "yes_or_no")]
    pub samplewise_std_normalization: bool,
    /// Keras: subtract the mean of the train split.
    #[serde(deserialize_with = "yes_or_no")]
    pub featurewise_center: bool,
    /// Keras: divide by the standard deviation of the train split, and center.
    #[serde(deserialize_with = "yes_or_no")]
    pub featurewise_std_normalization: bool,
    /// A file of `dicomprep whiten` that images are whitened with, after all else; it centers and rescales by itself.
    pub zca_whitening: Option<PathBuf>,

    /// True to give batches the texts of their samples: ids, patient ids, splits, drawn augmentations.
    #[serde(skip)]
    pub texts: bool,
}

impl Default for StreamOptions {
    /// All rows once, shuffled with seed 0: images of float32, masks of uint8.
    fn default() -> Self {
        Self {
            split: None,
            fold: None,
            held_out: false,
            allow_leak: false,
            conditions: Vec::new(),
            structures: Vec::new(),
            balance: None,
            batch_size: BATCH_SIZE,
            drop_last: false,
            epochs: Some(NonZeroU64::MIN),
            seed: 0,
            shuffle: true,
            rank: 0,
            world_size: NonZeroU64::MIN,
            uneven: Uneven::Pad,
            foreign_cursor: false,
            neighbours: 0,
            phases: 0,
            edges: Edges::Repeat,
            size: None,
            crop: None,
            layout: AxisOrder::Nhwc,
            image_dtype: ImageDtype::Float32,
            mask_dtype: MaskDtype::UInt8,
            normalize: NormalizationName::None,
            window: None,
            augment: None,
            rotation_range: None,
            width_shift_range: None,
            height_shift_range: None,
            shear_range: None,
            zoom_range: None,
            zoom_isotropic: None,
            channel_shift_range: None,
            brightness_range: None,
            horizontal_flip: None,
            vertical_flip: None,
            fill_mode: None,
            cval: None,
            interpolation_order: None,
            augment_eval: false,
            rescale: 1.0,
            samplewise_center: false,
            samplewise_std_normalization: false,
            featurewise_center: false,
            featurewise_std_normalization: false,
            zca_whitening: None,
            texts: false,
        }
    }
}

impl StreamOptions {
    /// The files that the options name, beside the data set: of augmentation, of whitening. A service that takes
    /// options from others refuses them.
    #[must_use]
    pub fn files(&self) -> Vec<&Path> {
        let augment = match &self.augment {
            Some(AugmentSource::File(path)) => Some(path.as_path()),
            _ => None,
        };
        augment.into_iter().chain(self.zca_whitening.as_deref()).collect()
    }
}

/// The way in which batches are decoded. Their bytes do not depend on it.
#[derive(Debug, Clone)]
pub struct StreamWork {
    /// Threads that decode.
    pub threads: NonZeroUsize,
    /// Batches in memory, the one that was taken last included.
    pub prefetch: NonZeroUsize,
    /// Bytes of decoded rows that are kept for later epochs; without effect where `shared_cache` is given.
    pub cache_bytes: usize,
    /// True to compare every row with its checksum.
    pub verify: bool,
    /// Decoded rows that several streams of one [`Dataset`](super::Dataset) share.
    pub shared_cache: Option<RowCache>,
}

impl Default for StreamWork {
    /// One thread, one batch, no cache; rows are verified.
    fn default() -> Self {
        Self {
            threads: NonZeroUsize::MIN,
            prefetch: NonZeroUsize::MIN,
            cache_bytes: 0,
            verify: true,
            shared_cache: None,
        }
    }
}

impl StreamWork {
    /// One thread more than `cores` and three batches more than threads, as `dicomprep batches` does by default.
    /// A thread and batches more than needed let the others go on while one waits for the reader: a fifth more samples
    /// a second through a pipe.
    #[must_use]
    pub fn for_cores(cores: usize) -> Self {
        let threads = NonZeroUsize::MIN.saturating_add(cores);
        let prefetch = threads.saturating_add(3);
        Self { threads, prefetch, cache_bytes: 64 << 20, ..Self::default() }
    }
}
