//! All values of a column at once.

use super::StoreError;
use super::cell_type::CellType;
use super::column_reader::{ColumnPage, ColumnReader};

/// All values of a column of `/samples`.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnValues {
    /// Rows, and then the axes of each cell: none for one text or number a row, structures or parts otherwise.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: TypedValues,
}

/// Values in the type of their column.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedValues {
    /// Texts, without their padding.
    Text(Vec<String>),
    /// 8-bit unsigned.
    UInt8(Vec<u8>),
    /// 32-bit signed.
    Int32(Vec<i32>),
    /// 32-bit unsigned.
    UInt32(Vec<u32>),
    /// IEEE 754 binary32.
    Float32(Vec<f32>),
    /// IEEE 754 binary64.
    Float64(Vec<f64>),
}

impl ColumnReader {
    /// All values of the column.
    ///
    /// # Errors
    /// [`StoreError`] where the column cannot be read.
    pub fn values(&self) -> Result<ColumnValues, StoreError> {
        let mut bytes = Vec::with_capacity(self.rows() * self.row_bytes());
        let mut page = ColumnPage::default();
        for row in 0..self.rows() {
            bytes.extend_from_slice(self.cell(row, &mut page)?.bytes());
        }
        let shape: Vec<usize> = std::iter::once(self.rows()).chain(self.axes().iter().copied()).collect();
        let width = self.row_bytes() / self.axes().iter().product::<usize>().max(1);
        let words = || bytes.as_chunks::<4>().0.iter().copied();
        let values = match self.kind() {
            CellType::Text => TypedValues::Text(bytes.chunks_exact(width.max(1)).map(text).collect()),
            CellType::Int32 => TypedValues::Int32(words().map(i32::from_le_bytes).collect()),
            CellType::UInt32 => TypedValues::UInt32(words().map(u32::from_le_bytes).collect()),
            CellType::Float32 => TypedValues::Float32(words().map(f32::from_le_bytes).collect()),
            CellType::Float64 => TypedValues::Float64(
                bytes.as_chunks().0.iter().map(|&word| f64::from_le_bytes(word)).collect(),
            ),
            CellType::UInt8 => TypedValues::UInt8(bytes),
        };
        Ok(ColumnValues { shape, values })
    }
}

/// A text of fixed length, up to its padding; a replacement character stands for what is no UTF-8.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
