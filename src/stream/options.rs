//! What decides a stream.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use super::{ImageDtype, Layout, MaskDtype, NormalizationChoice, NormalizationName, RowOptions};
use crate::augment::AugmentSpec;
use crate::order::{Rank, Uneven};

/// Samples of a batch where nobody asks for another number.
const BATCH_SIZE: NonZeroU64 = NonZeroU64::MIN.saturating_add(31);

/// Everything that decides a stream. What decides its bytes stands before `verify`; the rest decides what they cost.
#[derive(Debug, Clone)]
pub struct StreamOptions {
    /// Which rows.
    pub rows: RowOptions,
    /// Which mask planes, in this order; `None` for all of the file.
    pub structures: Option<Vec<String>>,
    /// Chooses everything that is left to chance: the shuffle, balanced draws, augmentation.
    pub seed: u64,
    /// Whether rows are shuffled, in each epoch anew, or come in the order of the file.
    pub shuffle: bool,
    /// How many epochs; `None` is without end.
    pub epochs: Option<NonZeroU64>,
    /// Whose share.
    pub rank: Rank,
    /// What happens where the ranks do not divide the rows.
    pub uneven: Uneven,
    /// Samples of a batch.
    pub batch_size: NonZeroU64,
    /// Whether the last batch of an epoch is left out where it is short.
    pub drop_last: bool,
    /// The order of the axes.
    pub layout: Layout,
    /// The type of the images.
    pub image_dtype: ImageDtype,
    /// The type of the masks.
    pub mask_dtype: MaskDtype,
    /// What is done to the values of the images.
    pub normalization: NormalizationChoice,
    /// What happens to samples at random.
    pub augment: Option<AugmentSpec>,
    /// Whether it also happens where a split is named, by [`RowOptions::split`] or a condition, and no row of it is of
    /// train.
    pub augment_eval: bool,
    /// A file of `dicomprep whiten` that images are whitened with, after all else; it centers and rescales them itself,
    /// so that no normalization goes with it.
    pub zca_whitening: Option<PathBuf>,
    /// Whether batches get the texts of their samples.
    pub texts: bool,
    /// Whether every row is compared with its checksum.
    pub verify: bool,
    /// Threads that decode.
    pub threads: NonZeroUsize,
    /// Batches in memory, the one that is being taken included.
    pub prefetch: NonZeroUsize,
    /// Bytes of decoded rows that are kept for later epochs.
    pub cache_bytes: usize,
}

impl Default for StreamOptions {
    /// All rows once, in the order of the file: images of float32, masks of uint8, on one thread.
    fn default() -> Self {
        Self {
            rows: RowOptions::default(),
            structures: None,
            seed: 0,
            shuffle: false,
            epochs: Some(NonZeroU64::MIN),
            rank: Rank::ALONE,
            uneven: Uneven::Pad,
            batch_size: BATCH_SIZE,
            drop_last: false,
            layout: Layout::Nhwc,
            image_dtype: ImageDtype::Float32,
            mask_dtype: MaskDtype::UInt8,
            normalization: NormalizationChoice::Named(NormalizationName::None),
            augment: None,
            augment_eval: false,
            zca_whitening: None,
            texts: false,
            verify: true,
            threads: NonZeroUsize::MIN,
            prefetch: NonZeroUsize::MIN,
            cache_bytes: 0,
        }
    }
}
