//! Shapes, statistics and chunk tables of a data set: what its rows are read with, without the HDF5 library.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};

use rustix::fs::Advice;

use super::column_reader::ColumnReader;
use super::{ChunkTable, DatasetIdentity, TrainFigures};
use crate::model::{GridShape, PixelType};

/// Shapes, statistics and chunk tables of a data set. Images and masks are read with them by any number of threads at
/// once.
#[derive(Debug)]
pub struct DatasetTables {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) rows: usize,
    pub(super) shape: GridShape,
    pub(super) channels: usize,
    pub(super) pixel_type: PixelType,
    pub(super) structures: Vec<String>,
    pub(super) train: TrainFigures,
    pub(super) without_fold: Vec<TrainFigures>,
    pub(super) identity: DatasetIdentity,
    pub(super) split_disjoint: Vec<String>,
    pub(super) images: ChunkTable,
    pub(super) masks: ChunkTable,
    pub(super) is_virtual: bool,
}

/// A data set whose HDF5 handle is closed. Its rows and columns are read from the file that was opened, whatever stands
/// under its name since.
#[derive(Debug)]
pub struct ClosedFile {
    pub(super) tables: DatasetTables,
    pub(super) columns: BTreeMap<String, ColumnReader>,
}

impl Deref for ClosedFile {
    type Target = DatasetTables;

    fn deref(&self) -> &DatasetTables {
        &self.tables
    }
}

impl ClosedFile {
    /// The names of the columns of `/samples` that can be read, sorted.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }
}

impl DatasetTables {
    /// True if its images and masks stand in other files.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.is_virtual
    }

    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rows and columns of every image and mask.
    #[must_use]
    pub fn shape(&self) -> GridShape {
        self.shape
    }

    /// Channels of every image.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The type of the pixels.
    #[must_use]
    pub fn pixel_type(&self) -> PixelType {
        self.pixel_type
    }

    /// The mask planes, in order.
    #[must_use]
    pub fn structures(&self) -> &[String] {
        &self.structures
    }

    /// Properties that no two splits share, as far as the file records it: `patient_id`, `image`.
    #[must_use]
    pub fn split_disjoint(&self) -> &[String] {
        &self.split_disjoint
    }

    /// Size of the file in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The statistics of the train split.
    #[must_use]
    pub fn train(&self) -> &TrainFigures {
        &self.train
    }

    /// The statistics of the rows that are trained with when `fold` is held out: those of all other folds. Without a fold,
    /// and of files older than version 1.4, which have none for folds, those of the train split.
    #[must_use]
    pub fn trained_with(&self, fold: Option<u16>) -> &TrainFigures {
        fold.and_then(|fold| self.without_fold.get(usize::from(fold))).unwrap_or(&self.train)
    }

    /// Number of folds that have statistics.
    #[must_use]
    pub fn folds(&self) -> usize {
        self.without_fold.len()
    }

    /// Identity of the data set.
    #[must_use]
    pub fn identity(&self) -> &DatasetIdentity {
        &self.identity
    }

    /// Bytes of one image (H, W, C) as it is stored.
    #[must_use]
    pub fn image_bytes(&self) -> usize {
        self.images.chunk_bytes()
    }

    /// Bytes of one mask (H, W, K).
    #[must_use]
    pub fn mask_bytes(&self) -> usize {
        self.masks.chunk_bytes()
    }

    /// Byte range of the encoded image of `row` in the file; `None` where it was never written.
    #[must_use]
    pub fn image_place(&self, row: usize) -> Option<Range<u64>> {
        self.images.place(row)
    }

    /// As [`DatasetTables::image_place`], for the mask.
    #[must_use]
    pub fn mask_place(&self, row: usize) -> Option<Range<u64>> {
        self.masks.place(row)
    }

    /// Tells the system that the image and the mask of `row` will be read soon, so that a disk has many requests
    /// at a time to choose from.
    pub fn will_need(&self, row: usize) {
        let [image, mask] = [&self.images, &self.masks].map(|table| table.place(row).unwrap_or_default());
        let file = self.images.resolve(row).0.file();
        // As they are written, one stands right after the other.
        let (first, second) =
            if image.end == mask.start { (image.start..mask.end, 0..0) } else { (image, mask) };
        for place in [first, second] {
            if let Some(bytes) = NonZeroU64::new(place.end.saturating_sub(place.start)) {
                // What is not read ahead is read later.
                let _ = rustix::fs::fadvise(file, place.start, Some(bytes), Advice::WillNeed);
            }
        }
    }

    /// Locations of the chunks of `/images`.
    pub(super) fn images(&self) -> &ChunkTable {
        &self.images
    }

    /// Locations of the chunks of `/masks`.
    pub(super) fn masks(&self) -> &ChunkTable {
        &self.masks
    }
}
