//! Puts other chunks in the place of damaged ones.

use std::path::{Path, PathBuf};

use hdf5::file::LibraryVersion;
use hdf5::{Dataset, File};

use super::error::hdf5_error;
use super::schema::{IMAGES, MASKS};
use super::{EncodedChunk, StoreError, direct_chunk};

/// Replaces chunks of rows of a file without other readers. A chunk of the same length stands where the old one
/// stood, and nothing else of the file changes.
pub struct ChunkReplacer {
    path: PathBuf,
    file: File,
    images: Dataset,
    masks: Dataset,
}

impl ChunkReplacer {
    /// Opens the file at `path`, a sound file of ours but for its chunks, to write to it.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = hdf5_error("open", path);
        let file = File::with_options()
            .with_fapl(|access| {
                access.libver_bounds(LibraryVersion::V110, LibraryVersion::V110).file_locking(false)
            })
            .open_rw(path)
            .map_err(&failed)?;
        let [images, masks] = [IMAGES, MASKS].map(|name| file.dataset(name).map_err(&failed));
        Ok(Self { path: path.to_owned(), images: images?, masks: masks?, file })
    }

    /// Replaces the image of `row`.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where it cannot be written.
    pub fn replace_image(&self, row: usize, chunk: &EncodedChunk) -> Result<(), StoreError> {
        self.replace(&self.images, row, chunk)
    }

    /// Replaces the mask of `row`.
    ///
    /// # Errors
    /// As [`ChunkReplacer::replace_image`].
    pub fn replace_mask(&self, row: usize, chunk: &EncodedChunk) -> Result<(), StoreError> {
        self.replace(&self.masks, row, chunk)
    }

    fn replace(&self, dataset: &Dataset, row: usize, chunk: &EncodedChunk) -> Result<(), StoreError> {
        let failed = hdf5_error("write a chunk to", &self.path);
        direct_chunk::write_chunk(dataset, &[row as u64, 0, 0, 0], chunk).map_err(failed)
    }

    /// Closes the file.
    ///
    /// # Errors
    /// [`StoreError::Hdf5`] where it cannot be written.
    pub fn finish(self) -> Result<(), StoreError> {
        let Self { path, file, images, masks } = self;
        drop((images, masks));
        file.close().map_err(hdf5_error("finish", &path))
    }
}
