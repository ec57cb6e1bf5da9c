//! HDF5 files that are safe to read: every heap of texts was checked before the library reads one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5::{Dataset, File};

use super::error::{hdf5_error, io_error};
use super::file_kind::other_kind;
use super::object_headers::{HeapReferences, heap_references};
use super::schema::{FORMAT_MAJOR, attribute};
use super::{StoreError, attributes, text_heap};

/// A file whose structure was walked, so that the HDF5 library comes to the end of whatever it reads there.
///
/// Nothing else in this crate opens an existing HDF5 file, and every [`DatasetFile`](super::DatasetFile) and
/// [`WhiteningFile`](super::WhiteningFile) is read out of one: data sets, the shards behind a virtual file, parts of an
/// interrupted run, files whose rows are reused. It is opened for reading and not locked.
#[derive(Debug)]
pub struct SoundFile {
    path: PathBuf,
    hdf5: File,
    file: Arc<std::fs::File>,
    bytes: u64,
}

impl SoundFile {
    /// Walks the structure of the file at `path` and opens it. The walk reads the headers of all objects and the heaps
    /// of texts, not the index of chunks: a millisecond for any number of rows.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] where it is no HDF5 file, [`StoreError::TextHeap`] where a heap of texts is damaged,
    /// [`StoreError::Layout`] where a link leads to another file, [`StoreError::Hdf5`] and [`StoreError::Io`] where it
    /// cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let metadata = std::fs::metadata(path).map_err(io_error("open", path))?;
        // Opening a named pipe would wait for a writer.
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "it is a folder" } else { "it is not a file" };
            return Err(not_ours(path, what));
        }
        let file = std::fs::File::open(path).map_err(io_error("open", path))?;
        if let Some(kind) = other_kind(&file).map_err(io_error("read", path))? {
            return Err(not_ours(path, kind));
        }
        let has_more = walk(path, &file)?;
        let hdf5 = File::with_options()
            .with_fapl(|access| access.file_locking(false))
            .open(path)
            .map_err(hdf5_error("open", path))?;
        if has_more {
            let datasets = all_datasets(&hdf5).map_err(hdf5_error("read", path))?;
            text_heap::check_gaps(path, &file, &datasets)?;
        }
        let bytes = file.metadata().map_err(io_error("open", path))?.len();
        Ok(Self { path: path.to_owned(), hdf5, file: Arc::new(file), bytes })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file as the library has it open.
    pub(super) fn hdf5(&self) -> &File {
        &self.hdf5
    }

    /// The file for reading past the library.
    pub(super) fn file(&self) -> &Arc<std::fs::File> {
        &self.file
    }

    /// Checks that it is of the format `format`. Returns its version.
    pub(super) fn check_format(&self, format: &str) -> Result<String, StoreError> {
        let text = |name: &str| attributes::read_text(&self.hdf5, name).unwrap_or_default();
        if text(attribute::FORMAT) != format {
            return Err(self.not_ours(format!("its attribute `format` is not {format:?}")));
        }
        let format_version = text(attribute::FORMAT_VERSION);
        if format_version.split('.').next() != Some(FORMAT_MAJOR) {
            return Err(StoreError::Version { path: self.path.clone(), found: format_version });
        }
        Ok(format_version)
    }

    /// The dataset `name`.
    pub(super) fn dataset(&self, name: &str) -> Result<Dataset, StoreError> {
        self.hdf5.dataset(name).map_err(|_| self.not_ours(format!("it has no dataset /{name}")))
    }

    /// The error for a file of another kind.
    pub(super) fn not_ours(&self, why: impl Into<String>) -> StoreError {
        not_ours(&self.path, why)
    }
}

fn not_ours(path: &Path, why: impl Into<String>) -> StoreError {
    StoreError::NotOurs { path: path.to_owned(), why: why.into() }
}

/// Checks the heaps that the objects of the file refer to. Returns whether there may be others, which only the index of
/// chunks tells from the chunks.
fn walk(path: &Path, file: &std::fs::File) -> Result<bool, StoreError> {
    #[cfg(test)]
    WALKS.set(WALKS.get() + 1);
    match heap_references(file).map_err(io_error("read", path))? {
        None => text_heap::check_whole(path, file).map(|()| false),
        Some(HeapReferences { external_link: Some(name), .. }) => Err(StoreError::Layout {
            path: path.to_owned(),
            dataset: format!("/{name}"),
            why: "it is linked from another file".to_owned(),
        }),
        Some(HeapReferences { collections, has_dense_attributes, .. }) => {
            text_heap::check(path, file, collections).map(|()| has_dense_attributes)
        }
    }
}

/// Every dataset of the root and of its groups.
pub(super) fn all_datasets(file: &File) -> hdf5::Result<Vec<Dataset>> {
    let mut datasets = file.datasets()?;
    for group in file.groups()? {
        datasets.extend(group.datasets()?);
    }
    Ok(datasets)
}

#[cfg(test)]
thread_local! {
    /// Number of files that this thread has walked.
    pub(super) static WALKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::super::source_scan::files_whose_lines;
    use super::super::writer::create_file;
    use super::*;

    /// The calls to the library that open an existing file, in the sources of this crate.
    #[test]
    fn nothing_else_opens_an_hdf5_file() {
        let uses_hdf5 = files_whose_lines(|line| line.contains("hdf5::"));
        let opens = ["hdf5::File::open", "File::with_options", "File::append", "File::open_as", "H5Fopen"];
        let mut openers = files_whose_lines(|line| opens.iter().any(|call| line.contains(call)));
        openers.retain(|file| uses_hdf5.contains(file));
        // The replacer writes to a copy that was opened here before; the writer makes new files.
        assert_eq!(openers, ["store/chunk_replacer.rs", "store/sound_file.rs", "store/writer.rs"]);
    }

    #[test]
    fn a_damaged_heap_is_refused_before_the_library_looks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let hdf5 = create_file(&path).unwrap();
        attributes::write_text(&hdf5, "a", "text").unwrap();
        hdf5.close().unwrap();
        assert_eq!(SoundFile::open(&path).unwrap().bytes(), std::fs::metadata(&path).unwrap().len());
        let mut bytes = std::fs::read(&path).unwrap();
        let heap = bytes.windows(4).position(|window| window == b"GCOL").unwrap();
        // A damage that the library refuses too.
        bytes[heap] = b'X';
        std::fs::write(&path, bytes).unwrap();
        let before = WALKS.get();
        assert!(matches!(SoundFile::open(&path), Err(StoreError::TextHeap { .. })));
        assert_eq!(WALKS.get(), before + 1);
    }
}
