//! Reads the columns of `/samples` without the library's lock: in order, or row by row from any thread.

use std::path::Path;
use std::sync::Arc;

use hdf5::Dataset;
use hdf5::types::TypeDescriptor;

use super::cell_type::CellType;
use super::element::is_swapped;
use super::error::hdf5_error;
use super::sample_row::TextWidth;
use super::{ChunkReader, ChunkTable, StoreError};

/// Decoded bytes up to which a column is held in memory for look-ups.
const BYTES_IN_MEMORY: usize = 32 << 20;

/// Decoded bytes of a chunk of a column above which it is refused; ours have 64 KiB.
const LARGEST_CHUNK: usize = 64 << 20;

/// One column: a cell for each row, of one or several components. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ColumnReader {
    table: Arc<ChunkTable>,
    kind: CellType,
    /// True for texts of the ASCII character set.
    is_ascii: bool,
    rows: usize,
    row_bytes: usize,
    /// Numbers or texts of each axis after the rows.
    axes: Vec<usize>,
    /// All cells, once [`ColumnReader::hold`] has read them.
    held: Option<Arc<[u8]>>,
}

/// Cell of a column in one row.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'c> {
    kind: CellType,
    bytes: &'c [u8],
}

/// The part of a column that a thread has decoded last.
#[derive(Default)]
pub struct ColumnPage {
    chunk: Option<usize>,
    bytes: Vec<u8>,
    reader: ChunkReader,
}

impl ColumnReader {
    pub(super) fn new(
        dataset: &Dataset,
        path: &Path,
        file: &Arc<std::fs::File>,
        rows: usize,
    ) -> Result<Self, StoreError> {
        let layout = |why: String| StoreError::Layout { path: path.to_owned(), dataset: dataset.name(), why };
        let shape = dataset.shape();
        if shape.first() != Some(&rows) {
            return Err(layout(format!("its shape is {shape:?}, but /images has {rows} rows")));
        }
        let element = dataset
            .dtype()
            .and_then(|element| Ok((element.to_descriptor()?, element.size(), element.byte_order())));
        let (descriptor, element_size, order) = element.map_err(hdf5_error("read", path))?;
        let kind = CellType::of(&descriptor).filter(|_| !is_swapped(order));
        let kind = kind.ok_or_else(|| layout(format!("its elements are {order:?} {descriptor}")))?;
        let row_bytes = element_size * shape[1..].iter().product::<usize>();
        let table = ChunkTable::read(dataset, path, file)?;
        if table.chunk_bytes() > LARGEST_CHUNK {
            return Err(layout(format!("its chunks have {} bytes", table.chunk_bytes())));
        }
        let is_ascii = matches!(descriptor, TypeDescriptor::FixedAscii(_));
        let (table, axes) = (Arc::new(table), shape[1..].to_vec());
        Ok(Self { table, kind, is_ascii, rows, row_bytes, axes, held: None })
    }

    /// Room of the texts.
    pub(super) fn text_width(&self) -> TextWidth {
        TextWidth { bytes: self.row_bytes, is_ascii: self.is_ascii }
    }

    /// Bytes of a cell.
    pub(super) fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Axes of a cell; none where it is a single number or text.
    pub(super) fn axes(&self) -> &[usize] {
        &self.axes
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Type of the numbers, or text.
    pub(super) fn kind(&self) -> CellType {
        self.kind
    }

    /// The column for one thread that goes through its rows in order.
    #[must_use]
    pub fn walk(self) -> ColumnWalk {
        ColumnWalk { column: self, page: ColumnPage::default() }
    }

    /// Reads the whole column into memory if it is small enough (32 MiB), so that [`ColumnReader::cell`] takes
    /// no time.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read.
    pub fn hold(mut self) -> Result<Self, StoreError> {
        let bytes = self.rows.saturating_mul(self.row_bytes);
        if bytes <= BYTES_IN_MEMORY {
            let (mut held, mut page) = (Vec::with_capacity(bytes), ColumnPage::default());
            for row in 0..self.rows {
                held.extend_from_slice(self.cell(row, &mut page)?.bytes);
            }
            self.held = Some(held.into());
        }
        Ok(self)
    }

    /// CRC-32C of the decoded bytes of all rows.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read.
    pub fn checksum(&self) -> Result<u32, StoreError> {
        let (mut sum, mut page) = (0, ColumnPage { reader: ChunkReader::strict(), ..ColumnPage::default() });
        let chunk_rows = self.table.chunk_rows();
        for first in (0..self.rows).step_by(chunk_rows) {
            page.turn_to(&self.table, first / chunk_rows)?;
            let rows = chunk_rows.min(self.rows - first);
            sum = crc32c::crc32c_append(sum, page.bytes.get(..rows * self.row_bytes).unwrap_or_default());
        }
        Ok(sum)
    }

    /// The cell of `row`, one of the rows of the file. `page` belongs to the calling thread and to this column.
    ///
    /// # Errors
    /// [`StoreError`] where the cell cannot be read.
    pub fn cell<'c>(&'c self, row: usize, page: &'c mut ColumnPage) -> Result<Cell<'c>, StoreError> {
        let bytes = match &self.held {
            Some(held) => held.get(row * self.row_bytes..).unwrap_or_default(),
            None => {
                page.turn_to(&self.table, row / self.table.chunk_rows())?;
                &page.bytes[row % self.table.chunk_rows() * self.row_bytes..]
            }
        };
        Ok(Cell { kind: self.kind, bytes: bytes.get(..self.row_bytes).unwrap_or_default() })
    }
}

/// A column and the part of it that was decoded last.
pub struct ColumnWalk {
    column: ColumnReader,
    page: ColumnPage,
}

impl ColumnWalk {
    /// The cell of `row`. One chunk of the column is held at a time: rows are best asked for in order.
    ///
    /// # Errors
    /// As [`ColumnReader::cell`].
    pub fn cell(&mut self, row: usize) -> Result<Cell<'_>, StoreError> {
        self.column.cell(row, &mut self.page)
    }
}

impl ColumnPage {
    fn turn_to(&mut self, table: &ChunkTable, chunk: usize) -> Result<(), StoreError> {
        if self.chunk != Some(chunk) {
            self.chunk = None;
            self.bytes.resize(table.chunk_bytes(), 0);
            self.reader.read(table, chunk, &mut self.bytes)?;
            self.chunk = Some(chunk);
        }
        Ok(())
    }
}

impl<'c> Cell<'c> {
    /// A cell of these bytes.
    #[cfg(test)]
    pub(super) fn of(kind: CellType, bytes: &'c [u8]) -> Self {
        Self { kind, bytes }
    }

    /// The text, up to its padding; `None` where the column holds numbers, or what is no UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&'c str> {
        let end = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(self.bytes.len());
        let text = std::str::from_utf8(&self.bytes[..end]).ok();
        text.filter(|_| self.kind == CellType::Text)
    }

    /// All components as they stand in the file.
    pub(super) fn bytes(&self) -> &'c [u8] {
        self.bytes
    }

    /// Component `component` as a number; `None` where there is no such component, or the column holds text.
    #[must_use]
    pub fn number(&self, component: usize) -> Option<f64> {
        let size = self.kind.size();
        let bytes = self.bytes.get(component * size..)?.get(..size)?;
        let word = || bytes.first_chunk::<4>().copied();
        Some(match self.kind {
            CellType::Text => return None,
            CellType::UInt8 => bytes[0].into(),
            CellType::Int32 => i32::from_le_bytes(word()?).into(),
            CellType::UInt32 => u32::from_le_bytes(word()?).into(),
            CellType::Float32 => f32::from_le_bytes(word()?).into(),
            CellType::Float64 => f64::from_le_bytes(*bytes.first_chunk()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use hdf5::types::FixedUnicode;

    use super::*;

    #[test]
    fn cells_are_the_same_held_and_in_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let hdf5 = hdf5::File::create(&path).unwrap();
        let texts: Vec<FixedUnicode<6>> = (0..25).map(|row| format!("é{row}").parse().unwrap()).collect();
        let numbers: Vec<[f32; 2]> = (0..25u8).map(|row| [row.into(), -f32::from(row)]).collect();
        let text =
            hdf5.new_dataset::<FixedUnicode<6>>().shape(25).chunk(7).deflate(1).create("text").unwrap();
        text.write_raw(&texts).unwrap();
        let number = hdf5.new_dataset::<f32>().shape((25, 2)).chunk((10, 2)).create("number").unwrap();
        number.write_raw(&numbers.concat()).unwrap();
        hdf5.flush().unwrap();
        let file = Arc::new(std::fs::File::open(&path).unwrap());
        let reader = |dataset: &Dataset| ColumnReader::new(dataset, &path, &file, 25).unwrap();
        for (texts, numbers) in [
            (reader(&text), reader(&number)),
            (reader(&text).hold().unwrap(), reader(&number).hold().unwrap()),
        ] {
            let [mut text_page, mut number_page] = [ColumnPage::default(), ColumnPage::default()];
            for row in (0..25).rev().chain(0..25) {
                let cell = texts.cell(row, &mut text_page).unwrap();
                assert_eq!((cell.text(), cell.number(0)), (Some(&*format!("é{row}")), None));
                let cell = numbers.cell(row, &mut number_page).unwrap();
                assert_eq!((cell.number(0), cell.number(1)), (Some(row as f64), Some(-(row as f64))));
                assert_eq!((cell.number(2), cell.text()), (None, None));
            }
        }
        let other = ColumnReader::new(&number, &path, &file, 26).unwrap_err();
        assert!(other.to_string().contains("[25, 2]"), "{other}");
    }
}
