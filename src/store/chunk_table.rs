//! Where each chunk of a dataset stands in the file, so that it can be read without the library and its lock.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5::Dataset;
use hdf5::types::dyn_value::{DynFloat, DynInteger, DynScalar};
use hdf5::types::{DynValue, TypeDescriptor};

use super::chunk_codec::{ChunkDecoder, PADDING};
use super::filters::FilterPipeline;
use super::target::io_error;
use super::writer::hdf5_error;
use super::{CodecError, StoreError};

/// Chunks up to which the table is held in memory: 16 MiB of it. A larger one goes to an unnamed temporary
/// file.
const CHUNKS_IN_MEMORY: usize = 1 << 20;
/// Bytes of spans that are written to the temporary file together.
const SPILLED_TOGETHER: usize = 1 << 16;

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
}

#[derive(Debug)]
enum Spans {
    Memory(Vec<Span>),
    /// One [`Span`] after the other, as [`Span::to_bytes`] writes it.
    Spilled(File),
}

/// One chunk. An address of 0, where the file begins, stands for a chunk that was never written.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    address: u64,
    bytes: u32,
    filters_left_out: u32,
}

impl ChunkTable {
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
        let chunk = dataset.chunk().ok_or_else(|| layout("its data are not in chunks".to_owned()))?;
        let shape = dataset.shape();
        let (Some(&chunk_rows), Some(&rows)) = (chunk.first(), shape.first()) else {
            return Err(layout("it has no axis of rows".to_owned()));
        };
        if chunk[1..] != shape[1..] {
            return Err(layout(format!("its chunks, {chunk:?}, are no whole rows of {:?}", &shape[1..])));
        }
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
            spans: Spans::read(in_memory, dataset, (rows.div_ceil(chunk_rows), chunk_rows), path)?,
            filters,
            fill: fill_element(dataset).map_err(hdf5)?,
            chunk_rows,
            chunk_bytes,
            name,
        })
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

    /// Which bytes of the file chunk `chunk` is; `None` where it was never written, or the table cannot be read
    /// back.
    #[must_use]
    pub fn place(&self, chunk: usize) -> Option<Range<u64>> {
        let span = self.span(chunk).ok().flatten()?;
        Some(span.address..span.address.saturating_add(span.bytes.into()))
    }

    fn span(&self, chunk: usize) -> Result<Option<Span>, StoreError> {
        let span = match &self.spans {
            Spans::Memory(spans) => spans.get(chunk).copied().unwrap_or_default(),
            Spans::Spilled(file) => {
                let mut bytes = [0; Span::BYTES];
                let at = (chunk * Span::BYTES) as u64;
                file.read_exact_at(&mut bytes, at)
                    .map_err(io_error("read back the chunk index of", &self.path))?;
                Span::from_bytes(bytes)
            }
        };
        Ok(Some(span).filter(|span| span.address != 0))
    }

    /// The error for chunk `chunk` that is not as it was written.
    pub(super) fn damaged(&self, chunk: usize, source: CodecError) -> StoreError {
        let (dataset, path) = (self.name.clone(), self.path.clone());
        StoreError::Damaged { dataset, row: chunk * self.chunk_rows, path, source }
    }
}

impl Spans {
    /// The spans of the first `chunks` chunks of `dataset`.
    fn read(
        in_memory: usize,
        dataset: &Dataset,
        (chunks, chunk_rows): (usize, usize),
        path: &Path,
    ) -> Result<Self, StoreError> {
        let temporary = io_error("make a temporary file for the chunk index of", path);
        let mut gathered = if chunks <= in_memory {
            Gathered::Memory(vec![Span::default(); chunks])
        } else {
            Gathered::Spilled(SpilledSpans::new(chunks).map_err(&temporary)?)
        };
        let mut failed = None;
        let gather = |chunk: hdf5::dataset::ChunkInfoRef<'_>| {
            let number = usize::try_from(chunk.offset[0]).map_or(usize::MAX, |row| row / chunk_rows);
            // HDF5 has no larger chunks; one of 0 bytes is none.
            let span = Span {
                address: chunk.addr,
                bytes: u32::try_from(chunk.size).unwrap_or(0),
                filters_left_out: chunk.filter_mask,
            };
            failed = gathered.put(number, span).err();
            i32::from(failed.is_some())
        };
        let visited = dataset.chunks_visit(gather);
        if let Some(error) = failed {
            return Err(temporary(error));
        }
        visited.map_err(hdf5_error("read the chunk index of", path))?;
        match gathered {
            Gathered::Memory(spans) => Ok(Self::Memory(spans)),
            Gathered::Spilled(spilled) => spilled.finish().map(Self::Spilled).map_err(&temporary),
        }
    }
}

/// Spans that are being gathered.
enum Gathered {
    Memory(Vec<Span>),
    Spilled(SpilledSpans),
}

impl Gathered {
    fn put(&mut self, chunk: usize, span: Span) -> io::Result<()> {
        match self {
            Self::Memory(spans) => {
                if let Some(slot) = spans.get_mut(chunk) {
                    *slot = span;
                }
                Ok(())
            }
            Self::Spilled(spilled) => spilled.put(chunk, span),
        }
    }
}

/// Spans on their way to a temporary file; consecutive ones are written together.
struct SpilledSpans {
    file: File,
    chunks: usize,
    first: usize,
    run: Vec<u8>,
}

impl SpilledSpans {
    fn new(chunks: usize) -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        // What is not written reads as zeros: chunks that do not exist.
        file.set_len(chunks as u64 * Span::BYTES as u64)?;
        Ok(Self { file, chunks, first: 0, run: Vec::with_capacity(SPILLED_TOGETHER) })
    }

    fn put(&mut self, chunk: usize, span: Span) -> io::Result<()> {
        if chunk >= self.chunks {
            return Ok(());
        }
        if chunk != self.first + self.run.len() / Span::BYTES || self.run.len() >= SPILLED_TOGETHER {
            self.flush()?;
            self.first = chunk;
        }
        self.run.extend_from_slice(&span.to_bytes());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.run, (self.first * Span::BYTES) as u64)?;
        self.run.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<File> {
        self.flush()?;
        Ok(self.file)
    }
}

impl Span {
    const BYTES: usize = 16;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.address.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[12..].copy_from_slice(&self.filters_left_out.to_le_bytes());
        bytes
    }

    fn from_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]: [u8; Self::BYTES]) -> Self {
        Self {
            address: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            bytes: u32::from_le_bytes([i, j, k, l]),
            filters_left_out: u32::from_le_bytes([m, n, o, p]),
        }
    }
}

/// Reads and decodes chunks, for one thread; keeps its memory between chunks.
#[derive(Default)]
pub struct ChunkReader {
    encoded: Vec<u8>,
    decoder: ChunkDecoder,
}

impl ChunkReader {
    /// A reader that has read nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads chunk `chunk` of the dataset of `table` into `bytes`, which is as long as the chunk. Where
    /// the chunk was never written, `bytes` gets the fill value. Needs no lock: any number of threads can read
    /// at once.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it cannot be read, [`StoreError::Damaged`] where it cannot be decoded.
    pub fn read(&mut self, table: &ChunkTable, chunk: usize, bytes: &mut [u8]) -> Result<(), StoreError> {
        let Some(span) = table.span(chunk)? else {
            fill(bytes, &table.fill);
            return Ok(());
        };
        let applied = table.filters.applied(span.filters_left_out);
        let length = span.bytes as usize;
        let damaged = |source| table.damaged(chunk, source);
        // No encoder makes a chunk much larger than it was; a size that says so is not believed.
        if length > 2 * bytes.len() + 1024 {
            return Err(damaged(CodecError::Length { found: length, expected: bytes.len() }));
        }
        if !applied.deflated && applied.shuffled_elements.is_none() && length == bytes.len() {
            return table.read_at(bytes, span.address);
        }
        self.encoded.clear();
        self.encoded.resize(length + PADDING, 0);
        table.read_at(&mut self.encoded[..length], span.address)?;
        let end = if applied.deflated { length + PADDING } else { length };
        self.decoder.decode(&self.encoded[..end], applied, bytes).map_err(damaged)
    }
}

impl ChunkTable {
    fn read_at(&self, bytes: &mut [u8], address: u64) -> Result<(), StoreError> {
        self.file.read_exact_at(bytes, address).map_err(io_error("read a chunk of", &self.path))
    }
}

/// Fills `bytes` with copies of `element`, or with zeros where it is empty.
fn fill(bytes: &mut [u8], element: &[u8]) {
    if element.is_empty() {
        bytes.fill(0);
    } else {
        bytes.chunks_exact_mut(element.len()).for_each(|place| place.copy_from_slice(element));
    }
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
        if row % 7 == 0 { [-3; 4] } else { [row as i16, 1, -1, 300] }
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
