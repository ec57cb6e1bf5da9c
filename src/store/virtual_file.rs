//! Virtual files: images and masks stand in other files, the shards, and everything else in the file itself.

use std::fs;
use std::path::{Path, PathBuf};

use hdf5::types::TypeDescriptor;
use hdf5::{Dataset, File, Hyperslab, SliceOrIndex};

use super::chunk_table::{ChunkTable, Run};
use super::place::folder_of;
use super::schema::COMPACT;
use super::schema::{IMAGES, MASKS, virtual_attribute};
use super::{StoreError, attributes};

/// A file that a virtual file is about to refer to.
#[derive(Debug, Clone)]
pub struct VirtualSource {
    /// Its path, relative to the folder of the virtual file, or absolute.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    identity: SourceIdentity,
}

/// Identity of a file: its size, the checksum of its texts, and that of the checksums of all its
/// images and masks.
pub(super) type SourceIdentity = [u64; 3];

impl VirtualSource {
    pub(super) fn new(name: String, rows: usize, identity: SourceIdentity) -> Self {
        Self { name, rows, identity }
    }
}

/// An open file that a virtual file refers to.
pub(super) struct SourceTables {
    pub(super) rows: usize,
    /// `None` where it lacks a checksum.
    pub(super) identity: Option<SourceIdentity>,
    pub(super) images: ChunkTable,
    pub(super) masks: ChunkTable,
}

/// Opens the file at a path, which is not virtual.
type OpenSource<'o> = &'o dyn Fn(&Path) -> Result<SourceTables, StoreError>;

/// Places of the rows of a virtual file, while it is being written.
#[derive(Debug, Default)]
pub(super) struct VirtualMap {
    sources: Vec<VirtualSource>,
    runs: Vec<Run>,
}

impl VirtualMap {
    pub(super) fn new(sources: Vec<VirtualSource>) -> Self {
        Self { sources, runs: Vec::new() }
    }

    /// Appends a row: row `source_row` of file `file`.
    pub(super) fn push(&mut self, file: usize, source_row: usize) {
        let row = self.runs.last().map_or(0, |run| run.row + run.rows);
        match self.runs.last_mut() {
            Some(run) if run.file == file && run.source_row + run.rows == source_row => run.rows += 1,
            _ => self.runs.push(Run { row, file, source_row, rows: 1 }),
        }
    }

    /// Creates the dataset `name` of elements of `element` over those of the same name in the files; the first axis of
    /// `shape` counts the rows.
    pub(super) fn create(
        &self,
        at: &File,
        name: &str,
        element: &TypeDescriptor,
        shape: &[usize],
    ) -> hdf5::Result<Dataset> {
        let axes = &shape[1..];
        let of_rows =
            |rows: usize| -> Vec<usize> { std::iter::once(rows).chain(axes.iter().copied()).collect() };
        let slab = |first: usize, rows: usize| -> Hyperslab {
            let first = SliceOrIndex::from(first..first + rows);
            let others = axes.iter().map(|&side| SliceOrIndex::from(0..side));
            Hyperslab::from(std::iter::once(first).chain(others).collect::<Vec<_>>())
        };
        let mut builder = at.new_dataset_builder().empty_as(element).shape(shape);
        builder = builder.obj_track_times(false).attr_phase_change(COMPACT.0, COMPACT.1);
        for run in &self.runs {
            let source = &self.sources[run.file];
            builder = builder.virtual_map(
                // A per cent sign would begin a pattern.
                source.name.replace('%', "%%"),
                format!("/{name}"),
                of_rows(source.rows),
                slab(run.source_row, run.rows),
                shape,
                slab(run.row, run.rows),
            );
        }
        builder.create(name)
    }

    /// Places of the images of the rows, for a virtual file that will be at `path`.
    pub(super) fn images(&self, path: &Path, open: OpenSource<'_>) -> Result<ChunkTable, StoreError> {
        let images = |source: &VirtualSource| {
            let place = folder(path).join(&source.name);
            Ok(open_source(path, &place, &source.identity, open)?.images)
        };
        let tables = self.sources.iter().map(images).collect::<Result<_, StoreError>>()?;
        ChunkTable::over(tables, self.runs.clone(), path, IMAGES).ok_or_else(|| senseless(path))
    }

    /// Writes the attributes by which [`VirtualTables::open`] finds the rows.
    pub(super) fn write(&self, at: &File) -> hdf5::Result<()> {
        let names = self.sources.iter().map(|source| &*source.name);
        attributes::write_texts(at, virtual_attribute::FILES, names)?;
        let identities: Vec<u64> = self.sources.iter().flat_map(|source| source.identity).collect();
        let shape = [self.sources.len(), 3];
        attributes::write_numbers(at, virtual_attribute::IDENTITIES, &shape, &identities)?;
        let runs = self.runs.iter();
        let runs: Vec<u64> =
            runs.flat_map(|run| [run.row, run.file, run.source_row, run.rows].map(|n| n as u64)).collect();
        attributes::write_numbers(at, virtual_attribute::RUNS, &[runs.len() / 4, 4], &runs)
    }
}

/// Places of the rows of a virtual file.
pub(super) struct VirtualTables {
    pub(super) images: ChunkTable,
    pub(super) masks: ChunkTable,
}

impl VirtualTables {
    /// Opens the files of the virtual file `hdf5` at `path`, which has `rows` rows; `None` where it is no virtual
    /// file.
    ///
    /// # Errors
    /// [`StoreError::VirtualSource`] where one is missing or another one, [`StoreError::NotOurs`] where the attributes
    /// make no sense.
    pub(super) fn open(
        hdf5: &File,
        path: &Path,
        rows: usize,
        open: OpenSource<'_>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(names) = attributes::read_texts(hdf5, virtual_attribute::FILES) else { return Ok(None) };
        let identities = attributes::read_numbers::<u64>(hdf5, virtual_attribute::IDENTITIES);
        let identities = identities.unwrap_or_default();
        if identities.len() != 3 * names.len() {
            return Err(senseless(path));
        }
        let (mut images, mut masks, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        for (name, expected) in names.iter().zip(identities.chunks_exact(3)) {
            let source = beside(path, name);
            let source = open_source(path, &source, expected, open)?;
            sizes.push(source.rows);
            images.push(source.images);
            masks.push(source.masks);
        }
        let runs = attributes::read_numbers::<u64>(hdf5, virtual_attribute::RUNS).unwrap_or_default();
        let runs = parse_runs(&runs, &sizes, rows).ok_or_else(|| senseless(path))?;
        let over = |tables, name: &str| {
            ChunkTable::over(tables, runs.clone(), path, name).ok_or_else(|| senseless(path))
        };
        Ok(Some(Self { images: over(images, IMAGES)?, masks: over(masks, MASKS)? }))
    }
}

/// The folder that the names of sources are relative to: as HDF5 has it, that of the file with all links followed.
fn folder(path: &Path) -> PathBuf {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    folder_of(&real).to_owned()
}

/// The files of the virtual file `hdf5` at `path`; none where it is not virtual.
pub(super) fn sources(hdf5: &File, path: &Path) -> Vec<PathBuf> {
    let names = attributes::read_texts(hdf5, virtual_attribute::FILES).unwrap_or_default();
    names.iter().map(|name| folder(path).join(name)).collect()
}

/// A file beside the one at `path`; where there is none and `path` is a symbolic link, beside what that leads to, as the
/// HDF5 library looks for it.
fn beside(path: &Path, name: &str) -> PathBuf {
    let source = folder(path).join(name);
    if source.exists() {
        return source;
    }
    let behind_link = fs::canonicalize(path).ok().map(|real| folder(&real).join(name));
    behind_link.filter(|source| source.exists()).unwrap_or(source)
}

fn senseless(path: &Path) -> StoreError {
    StoreError::NotOurs { path: path.to_owned(), why: "its list of files makes no sense".to_owned() }
}

/// Opens a file of the virtual file at `path`, if it is the one that was there when that was written.
fn open_source(
    path: &Path,
    source: &Path,
    expected: &[u64],
    open: OpenSource<'_>,
) -> Result<SourceTables, StoreError> {
    let failed =
        |why: String| StoreError::VirtualSource { path: path.to_owned(), file: source.to_owned(), why };
    let tables = open(source).map_err(|error| failed(error.with_cause()))?;
    if tables.identity.is_none_or(|found| found != *expected) {
        return Err(failed(
            "it is not the file that was there: its size or its checksums are others".to_owned(),
        ));
    }
    Ok(tables)
}

/// The runs, if they cover `rows` rows one after the other and stay within the files.
fn parse_runs(numbers: &[u64], sizes: &[usize], rows: usize) -> Option<Vec<Run>> {
    let mut next = 0usize;
    let mut runs = Vec::with_capacity(numbers.len() / 4);
    for run in numbers.chunks(4) {
        let [row, file, source_row, count] = *run else { return None };
        let whole = |number: u64| usize::try_from(number).ok();
        let run =
            Run { row: whole(row)?, file: whole(file)?, source_row: whole(source_row)?, rows: whole(count)? };
        let end = run.source_row.checked_add(run.rows)?;
        if run.row != next || run.rows == 0 || end > *sizes.get(run.file)? {
            return None;
        }
        next = next.checked_add(run.rows)?;
        runs.push(run);
    }
    (next == rows).then_some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_run() {
        let mut map = VirtualMap::default();
        for (file, row) in [(0, 0), (0, 1), (1, 0), (1, 2), (0, 2)] {
            map.push(file, row);
        }
        let runs: Vec<_> = map.runs.iter().map(|run| (run.row, run.file, run.source_row, run.rows)).collect();
        assert_eq!(runs, [(0, 0, 0, 2), (2, 1, 0, 1), (3, 1, 2, 1), (4, 0, 2, 1)]);
    }

    #[test]
    fn runs_that_lead_nowhere_are_refused() {
        assert_eq!(parse_runs(&[0, 0, 1, 2, 2, 1, 0, 1], &[3, 1], 3).unwrap().len(), 2);
        for (numbers, rows) in [
            (&[0, 0, 1, 3][..], 3),
            (&[0, 2, 0, 1], 1),
            (&[1, 0, 0, 1], 1),
            (&[0, 0, 0, 0], 0),
            (&[0, 0, u64::MAX, 2], 2),
            (&[0, 0, 0, 1], 2),
            (&[0, 0, 0], 0),
        ] {
            assert_eq!(parse_runs(numbers, &[3, 1], rows), None, "{numbers:?}");
        }
    }
}
