//! Places of the chunks of a dataset in the file, so that it can be read without the library and its lock.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5::Dataset;
use hdf5::types::dyn_value::{DynFloat, DynInteger, DynScalar};
use hdf5::types::{DynValue, TypeDescriptor};

use super::chunk_span::{Span, Spans};
use super::error::{hdf5_error, io_error};
use super::filters::{Applied, FilterPipeline};
use super::{CodecError, EncodedChunk, StoreError, rewritten};

/// Chunks up to which the table is held in memory: 16 MiB of it. A larger one goes to an unnamed temporary
/// file.
const CHUNKS_IN_MEMORY: usize = 1 << 20;

/// Addresses, sizes and filter masks of the chunks of a dataset whose chunks are whole rows, and the file they
/// stand in.
#[derive(Debug)]
pub struct ChunkTable {
    path: PathBuf,
    file: Arc<File>,
    /// The dataset, for messages.
    name: String,
    spans: Spans,
    filters: FilterPipeline,
    /// The bytes of the element that stands where nothing was written; empty for zeros.
    fill: Vec<u8>,
    chunk_rows: usize,
    chunk_bytes: usize,
    /// Of a virtual dataset, the tables of the datasets that it refers to; its own has no chunks.
    parts: Option<Parts>,
}

/// Rows of a virtual file that follow each other in one of its files too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The first of them.
    pub(super) row: usize,
    /// The file.
    pub(super) file: usize,
    /// The first of them there.
    pub(super) source_row: usize,
    /// Number of them.
    pub(super) rows: usize,
}

#[derive(Debug)]
struct Parts {
    tables: Vec<ChunkTable>,
    runs: Vec<Run>,
}

impl ChunkTable {
    /// The table of the virtual dataset `name` of the file at `path`, whose rows stand where `runs` says in the datasets
    /// of `tables`; `None` where these have not one row a chunk, or rows of different sizes.
    pub(super) fn over(tables: Vec<Self>, runs: Vec<Run>, path: &Path, name: &str) -> Option<Self> {
        let first = tables.first()?;
        let (chunk_bytes, filters, file) = (first.chunk_bytes, first.filters, Arc::clone(&first.file));
        let alike = |table: &Self| table.chunk_rows == 1 && table.chunk_bytes == chunk_bytes;
        tables.iter().all(alike).then(|| Self {
            path: path.to_owned(),
            file,
            name: name.to_owned(),
            spans: Spans::Memory(Vec::new()),
            filters,
            fill: Vec::new(),
            chunk_rows: 1,
            chunk_bytes,
            parts: Some(Parts { tables, runs }),
        })
    }

    /// The table in which chunk `chunk` really stands, and its number there.
    pub(super) fn resolve(&self, chunk: usize) -> (&Self, usize) {
        let found = self.parts.as_ref().and_then(|Parts { tables, runs }| {
            let run = runs.get(runs.partition_point(|run| run.row <= chunk).checked_sub(1)?)?;
            Some((tables.get(run.file)?, run.source_row + chunk - run.row))
        });
        found.unwrap_or((self, chunk))
    }

    /// The file that its addresses are of.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Reads the chunk index of `dataset` in the file at `path`, open as `file`, in one pass.
    ///
    /// # Errors
    /// [`StoreError::Layout`] where it is not chunked by rows, or has filters that no file of ours has.
    pub(super) fn read(dataset: &Dataset, path: &Path, file: &Arc<File>) -> Result<Self, StoreError> {
        Self::read_within(CHUNKS_IN_MEMORY, dataset, path, file)
    }

    /// [`ChunkTable::read`] with another number of chunks in memory.
    fn read_within(
        in_memory: usize,
        dataset: &Dataset,
        path: &Path,
        file: &Arc<File>,
    ) -> Result<Self, StoreError> {
        let hdf5 = |error| hdf5_error("read the chunk index of", path)(error);
        let name = dataset.name();
        let layout = |why: String| StoreError::Layout { path: path.to_owned(), dataset: name.clone(), why };
        // Addresses count from the beginning of the file that the dataset is in.
        if Path::new(&dataset.filename()) != path {
            return Err(layout(format!("it is linked from another file, {}", dataset.filename())));
        }
        if let Some(why) = rewritten::flaw(dataset).map_err(hdf5)? {
            return Err(layout(why));
        }
        let (chunk, shape) = (dataset.chunk().unwrap_or_default(), dataset.shape());
        let (Some(&chunk_rows), Some(&rows)) = (chunk.first(), shape.first()) else {
            return Err(layout("it has no axis of rows".to_owned()));
        };
        let filters = FilterPipeline::of(dataset).map_err(hdf5)?;
        let filters = filters.map_err(|filter| layout(format!("it is stored with the filter {filter}")))?;
        let element_size = dataset.dtype().map_err(hdf5)?.size();
        let bytes = chunk.iter().try_fold(element_size, |bytes, side| bytes.checked_mul(*side));
        // HDF5 has no larger chunks.
        let chunk_bytes = bytes.filter(|bytes| u32::try_from(*bytes).is_ok());
        let chunk_bytes = chunk_bytes.ok_or_else(|| layout("its chunks are too large".to_owned()))?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::clone(file),
            spans: Spans::read(in_memory, dataset, rows.div_ceil(chunk_rows), chunk_rows, path)?,
            filters,
            fill: fill_element(dataset).map_err(hdf5)?,
            chunk_rows,
            chunk_bytes,
            parts: None,
            name,
        })
    }

    /// Copies the bytes of chunk `chunk` as they stand in the file, without decoding them.
    ///
    /// # Errors
    /// [`StoreError::Layout`] where the chunk was never written or has left out a filter of its dataset,
    /// [`StoreError::Damaged`] where it has a length that none has, [`StoreError::Io`] where it cannot be read.
    pub(super) fn copy_encoded(&self, chunk: usize, into: &mut EncodedChunk) -> Result<(), StoreError> {
        let span = self.whole_span(chunk)?;
        let (length, raw) = (span.bytes as usize, self.chunk_bytes);
        let is_plain = self.applied(0) == Applied { deflated: false, shuffled_elements: None };
        if length == 0 || is_longer_than_any(length, raw) || (is_plain && length != raw) {
            return Err(self.damaged(chunk, CodecError::Length { found: length, expected: raw }));
        }
        self.read_at(into.refill(length), span.address)
    }

    /// The span of chunk `chunk`, which went through all filters of its dataset.
    ///
    /// # Errors
    /// [`StoreError::Layout`] where it was never written or has left one out: then it stands in no other file for the
    /// same rows.
    pub(super) fn whole_span(&self, chunk: usize) -> Result<Span, StoreError> {
        let whole = self.span(chunk)?.filter(|span| span.filters_left_out == 0);
        whole.ok_or_else(|| self.layout(format!("chunk {chunk} was never written, or without all filters")))
    }

    /// Rows of a chunk; the last chunk may have more than the dataset.
    #[must_use]
    pub fn chunk_rows(&self) -> usize {
        self.chunk_rows
    }

    /// Bytes of a decoded chunk.
    #[must_use]
    pub fn chunk_bytes(&self) -> usize {
        self.chunk_bytes
    }

    /// Bytes of the file that chunk `chunk` takes; `None` where it was never written, or the table cannot be read
    /// back.
    #[must_use]
    pub fn place(&self, chunk: usize) -> Option<Range<u64>> {
        let (table, number) = self.resolve(chunk);
        let span = table.span(number).ok().flatten()?;
        Some(span.address..span.address.saturating_add(span.bytes.into()))
    }

    pub(super) fn span(&self, chunk: usize) -> Result<Option<Span>, StoreError> {
        let span = self.spans.get(chunk).map_err(io_error("read back the chunk index of", &self.path))?;
        Ok(Some(span).filter(|span| span.address != 0))
    }

    /// Reads the bytes at `address`.
    pub(super) fn read_at(&self, bytes: &mut [u8], address: u64) -> Result<(), StoreError> {
        self.file.read_exact_at(bytes, address).map_err(io_error("read a chunk of", &self.path))
    }

    /// Filters of a chunk that left out these filters.
    pub(super) fn applied(&self, filters_left_out: u32) -> Applied {
        self.filters.applied(filters_left_out)
    }

    /// The bytes of the element that stands where nothing was written; empty for zeros.
    pub(super) fn fill(&self) -> &[u8] {
        &self.fill
    }

    /// The error for a dataset that is stored in another way than ours.
    pub(super) fn layout(&self, why: String) -> StoreError {
        StoreError::Layout { path: self.path.clone(), dataset: self.name.clone(), why }
    }

    /// The error for chunk `chunk` that is not as it was written.
    pub(super) fn damaged(&self, chunk: usize, source: CodecError) -> StoreError {
        let (dataset, path) = (self.name.clone(), self.path.clone());
        StoreError::Damaged { dataset, row: chunk * self.chunk_rows, path, source }
    }
}

/// True if no encoder makes a chunk of `raw` bytes so long.
pub(super) fn is_longer_than_any(length: usize, raw: usize) -> bool {
    length > 2 * raw + 1024
}

/// The bytes of the fill value of `dataset`, empty where it is zero or no number.
fn fill_element(dataset: &Dataset) -> hdf5::Result<Vec<u8>> {
    let is_number = matches!(
        dataset.dtype()?.to_descriptor()?,
        TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) | TypeDescriptor::Float(_)
    );
    if !is_number {
        return Ok(Vec::new());
    }
    let value = dataset.fill_value()?;
    let bytes = match value.as_ref().map(|value| value.get()) {
        Some(DynValue::Scalar(DynScalar::Integer(integer))) => integer_bytes(&integer),
        Some(DynValue::Scalar(DynScalar::Float(DynFloat::Float32(float)))) => float.to_le_bytes().to_vec(),
        Some(DynValue::Scalar(DynScalar::Float(DynFloat::Float64(float)))) => float.to_le_bytes().to_vec(),
        _ => Vec::new(),
    };
    Ok(if bytes.iter().all(|byte| *byte == 0) { Vec::new() } else { bytes })
}

fn integer_bytes(integer: &DynInteger) -> Vec<u8> {
    match integer {
        DynInteger::Int8(x) => x.to_le_bytes().to_vec(),
        DynInteger::Int16(x) => x.to_le_bytes().to_vec(),
        DynInteger::Int32(x) => x.to_le_bytes().to_vec(),
        DynInteger::Int64(x) => x.to_le_bytes().to_vec(),
        DynInteger::UInt8(x) => x.to_le_bytes().to_vec(),
        DynInteger::UInt16(x) => x.to_le_bytes().to_vec(),
        DynInteger::UInt32(x) => x.to_le_bytes().to_vec(),
        DynInteger::UInt64(x) => x.to_le_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use hdf5::Group;

    use super::super::ChunkReader;
    use super::*;

    const ROWS: usize = 9000;

    /// A dataset of rows of four numbers, of which every seventh was never written.
    fn write_rows(parent: &Group, name: &str, filters: bool) -> Dataset {
        let builder = parent.new_dataset::<i16>().shape((ROWS, 4)).chunk((1, 4)).fill_value(-3i16);
        let builder = if filters { builder.shuffle().deflate(4) } else { builder };
        let dataset = builder.create(name).unwrap();
        for row in (0..ROWS).filter(|row| row % 7 != 0) {
            dataset.write_slice(&row_of(row), (row, ..)).unwrap();
        }
        dataset
    }

    fn row_of(row: usize) -> [i16; 4] {
        if row.is_multiple_of(7) { [-3; 4] } else { [row as i16, 1, -1, 300] }
    }

    #[test]
    fn chunks_are_read_from_memory_and_from_a_spilled_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let hdf5 = hdf5::File::create(&path).unwrap();
        let datasets = [write_rows(&hdf5, "plain", false), write_rows(&hdf5, "filtered", true)];
        hdf5.flush().unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        for dataset in &datasets {
            for in_memory in [ROWS, ROWS - 1] {
                let table = ChunkTable::read_within(in_memory, dataset, &path, &file).unwrap();
                assert_eq!(matches!(table.spans, Spans::Spilled(_)), in_memory < ROWS);
                let (mut reader, mut bytes) = (ChunkReader::new(), [0; 8]);
                for row in 0..ROWS {
                    reader.read(&table, row, &mut bytes).unwrap();
                    let found = bytes.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes));
                    assert!(found.eq(row_of(row)), "row {row} of {}", dataset.name());
                    assert_eq!(table.place(row).is_none(), row % 7 == 0);
                }
            }
        }
    }

    #[test]
    fn a_size_that_no_chunk_has_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let hdf5 = hdf5::File::create(&path).unwrap();
        let dataset = write_rows(&hdf5, "filtered", true);
        hdf5.flush().unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        let mut table = ChunkTable::read(&dataset, &path, &file).unwrap();
        table.spans = Spans::Memory(vec![Span { address: 8, bytes: u32::MAX, filters_left_out: 0 }]);
        let error = ChunkReader::new().read(&table, 0, &mut [0; 8]).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { row: 0, source: CodecError::Length { .. }, .. }));
        table.spans = Spans::Memory(vec![Span { address: 1 << 40, bytes: 8, filters_left_out: 0 }]);
        assert!(ChunkReader::new().read(&table, 0, &mut [0; 8]).is_err());
    }

    #[test]
    fn other_layouts_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let hdf5 = hdf5::File::create(&path).unwrap();
        let new = |shape| hdf5.new_dataset::<i16>().shape(shape);
        let datasets = [
            new((6, 4)).create("contiguous").unwrap(),
            new((6, 4)).chunk((1, 2)).create("parts of rows").unwrap(),
            new((6, 4)).chunk((1, 4)).fletcher32().create("another filter").unwrap(),
        ];
        let file = Arc::new(File::open(&path).unwrap());
        let why = ["not in chunks", "no whole rows", "Fletcher32"];
        for (dataset, why) in datasets.iter().zip(why) {
            let refused = ChunkTable::read(dataset, &path, &file).unwrap_err();
            assert!(
                matches!(refused, StoreError::Layout { .. }) && refused.to_string().contains(why),
                "{refused}"
            );
        }
    }
}
