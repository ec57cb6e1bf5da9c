//! Datasets whose chunks are encoded outside of the library.

use hdf5::plist::dataset_create::FillTime;
use hdf5::types::TypeDescriptor;
use hdf5::{Dataset, Group};

use super::column_spec::{ColumnSpec, ColumnTexts};
use super::schema::COMPACT;
use super::schema::attribute;
use super::{ChunkEncoder, Compression, EncodedChunk, Encoder, attributes, direct_chunk};

/// Bytes of a column's chunk before compression, unless the column is shorter.
const COLUMN_CHUNK_BYTES: usize = 64 * 1024;

/// Elements, shape, chunks and filters of a dataset for chunks that [`ChunkEncoder`] makes.
pub(super) struct ChunkedLayout<'l> {
    pub(super) element: &'l TypeDescriptor,
    /// Lengths of the axes; the first counts the rows.
    pub(super) shape: &'l [usize],
    /// Rows of a chunk, which has the whole length of all other axes.
    pub(super) chunk_rows: usize,
    pub(super) compression: Compression,
}

impl ChunkedLayout<'_> {
    /// Creates the dataset `name` in `parent`.
    pub(super) fn create(&self, parent: &Group, name: &str) -> hdf5::Result<Dataset> {
        let Self { element, shape, chunk_rows, compression } = *self;
        let mut chunk = shape.to_vec();
        chunk[0] = chunk_rows;
        let mut builder = parent.new_dataset_builder().empty_as(element).shape(shape).chunk(chunk);
        builder = builder.fill_time(FillTime::Never).obj_track_times(false);
        builder = builder.attr_phase_change(COMPACT.0, COMPACT.1);
        if compression.is_on() {
            if shuffled_size(element) > 1 {
                builder = builder.shuffle();
            }
            builder = builder.deflate(compression.level());
        }
        builder.create(name)
    }
}

/// Gives a dataset the number of rows that it really has.
pub(super) fn set_rows(dataset: &Dataset, rows: usize) -> hdf5::Result<()> {
    let mut shape = dataset.shape();
    if shape[0] == rows {
        return Ok(());
    }
    shape[0] = rows;
    dataset.resize(shape)
}

/// The element size that the shuffle filter works with; text is not shuffled.
fn shuffled_size(element: &TypeDescriptor) -> usize {
    match element {
        TypeDescriptor::FixedUnicode(_) | TypeDescriptor::FixedAscii(_) => 1,
        element => element.size(),
    }
}

/// A dataset that is filled row by row; no more than one chunk of it is held in memory.
pub(super) struct Column {
    dataset: Dataset,
    element_size: usize,
    row_bytes: usize,
    chunk_bytes: usize,
    /// Offset of the chunk that is being filled; the first number counts rows.
    offset: Vec<u64>,
    filled: Vec<u8>,
    /// CRC-32C of all rows so far.
    checksum: u32,
    texts: Option<ColumnTexts>,
}

/// Encodes the chunks of columns.
pub(super) struct ColumnEncoder {
    encoder: ChunkEncoder,
    chunk: EncodedChunk,
}

impl ColumnEncoder {
    pub(super) fn new(compression: Compression) -> Self {
        Self { encoder: ChunkEncoder::new(compression, Encoder::Library), chunk: EncodedChunk::default() }
    }
}

impl Column {
    /// Creates the dataset for at most `capacity` rows.
    pub(super) fn create(
        parent: &Group,
        spec: &ColumnSpec,
        capacity: usize,
        compression: Compression,
    ) -> hdf5::Result<Self> {
        let ColumnSpec { name, element, axes, texts } = spec;
        let row_bytes = element.size() * axes.iter().product::<usize>();
        let chunk_rows = (COLUMN_CHUNK_BYTES / row_bytes).clamp(1, capacity.max(1));
        let shape: Vec<usize> = std::iter::once(capacity).chain(axes.iter().copied()).collect();
        Ok(Self {
            dataset: ChunkedLayout { element, shape: &shape, chunk_rows, compression }
                .create(parent, name)?,
            element_size: shuffled_size(element),
            row_bytes,
            chunk_bytes: chunk_rows * row_bytes,
            offset: vec![0; shape.len()],
            filled: Vec::with_capacity(chunk_rows * row_bytes),
            checksum: 0,
            texts: *texts,
        })
    }

    /// Appends one row; text that is shorter than the column is padded with NUL.
    pub(super) fn push(&mut self, row: &[u8], encoder: &mut ColumnEncoder) -> hdf5::Result<()> {
        assert!(row.len() <= self.row_bytes, "a row of {} bytes in one of {}", row.len(), self.row_bytes);
        let start = self.filled.len();
        self.filled.extend_from_slice(row);
        self.filled.resize(start + self.row_bytes, 0);
        self.checksum = crc32c::crc32c_append(self.checksum, &self.filled[start..]);
        if self.filled.len() == self.chunk_bytes { self.write(encoder) } else { Ok(()) }
    }

    /// Writes what is left, gives the dataset its number of rows and its attributes.
    pub(super) fn finish(mut self, rows: usize, encoder: &mut ColumnEncoder) -> hdf5::Result<()> {
        if !self.filled.is_empty() {
            // The last chunk is stored whole; what lies beyond the last row is zero.
            self.filled.resize(self.chunk_bytes, 0);
            self.write(encoder)?;
        }
        set_rows(&self.dataset, rows)?;
        attributes::write_number(&self.dataset, attribute::CHECKSUM, self.checksum)?;
        let Some(ColumnTexts { units, description }) = self.texts else { return Ok(()) };
        attributes::write_ascii(&self.dataset, attribute::UNITS, units)?;
        attributes::write_ascii(&self.dataset, attribute::DESCRIPTION, description)
    }

    fn write(&mut self, encoder: &mut ColumnEncoder) -> hdf5::Result<()> {
        let ColumnEncoder { encoder, chunk } = encoder;
        encoder.encode(&self.filled, self.element_size, chunk);
        direct_chunk::write_chunk(&self.dataset, &self.offset, chunk)?;
        self.offset[0] += (self.filled.len() / self.row_bytes) as u64;
        self.filled.clear();
        Ok(())
    }
}
