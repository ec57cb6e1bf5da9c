//! The columns of `/samples`, gathered row by row in packed form and written once.

use hdf5::types::{FloatSize, IntSize, TypeDescriptor};

use super::schema::column;
use crate::model::{Geometry, GridShape};

/// Everything the file says about one sample beside its pixels and its split. `FORMAT.md` says what each field means.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRow {
    /// Unique: `<patient_id>/<file stem>`.
    pub id: String,
    /// From the link table, or its pseudonym.
    pub patient_id: String,
    /// From the link table, or its pseudonym.
    pub original_id: String,
    /// The number that paired image and contour.
    pub instance: i32,
    /// Frame in a multi-frame object, 0 otherwise.
    pub frame: i32,
    /// Image path relative to the data directory.
    pub source: String,
    /// SHA-256 of the image file's bytes.
    pub source_sha256: [u8; 32],
    /// One entry per structure, in the order of the mask planes.
    pub annotations: Vec<AnnotationCell>,
    /// Size of the source image.
    pub source_shape: GridShape,
    /// Geometry of the source image.
    pub geometry: Geometry,
    /// Smallest and largest pixel value.
    pub value_range: [f32; 2],
    /// CRC-32C of the decoded bytes of the image and of the mask.
    pub checksum: [u32; 2],
}

/// What the file says about one structure of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnnotationCell {
    /// SHA-256 of the annotation file's bytes, `None` where the structure was not annotated.
    pub sha256: Option<[u8; 32]>,
    /// Number of ones in the mask.
    pub mask_pixels: i32,
    /// Shoelace area of the contour in pixels, NaN where not annotated.
    pub contour_area: f32,
}

/// One column: rows of a fixed number of equal elements, or of text.
pub(super) struct Column {
    pub(super) name: &'static str,
    data: ColumnData,
}

enum ColumnData {
    Numbers { element: TypeDescriptor, axes: Vec<usize>, bytes: Vec<u8> },
    Text { bytes: Vec<u8>, ends: Vec<u64> },
}

/// A column ready for writing: its element type, the axes behind the first, and all rows.
pub(super) struct PackedColumn {
    pub(super) name: &'static str,
    pub(super) element: TypeDescriptor,
    pub(super) axes: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl Column {
    fn numbers(name: &'static str, element: TypeDescriptor, axes: &[usize]) -> Self {
        Self { name, data: ColumnData::Numbers { element, axes: axes.to_vec(), bytes: Vec::new() } }
    }

    fn text(name: &'static str) -> Self {
        Self { name, data: ColumnData::Text { bytes: Vec::new(), ends: Vec::new() } }
    }

    fn push(&mut self, row: &[u8]) {
        match &mut self.data {
            ColumnData::Numbers { bytes, .. } => bytes.extend_from_slice(row),
            ColumnData::Text { bytes, ends } => {
                bytes.extend_from_slice(row);
                ends.push(bytes.len() as u64);
            }
        }
    }

    /// Text becomes fixed-length: as wide as the longest row, at least one byte, padded with NUL.
    pub(super) fn pack(self) -> PackedColumn {
        let (element, axes, bytes) = match self.data {
            ColumnData::Numbers { element, axes, bytes } => (element, axes, bytes),
            ColumnData::Text { bytes, ends } => {
                let starts = std::iter::once(0).chain(ends.iter().copied());
                let spans = || starts.clone().zip(&ends).map(|(start, &end)| start as usize..end as usize);
                let width = spans().map(|span| span.len()).max().unwrap_or(0).max(1);
                let mut rows = vec![0; width * ends.len()];
                for (row, span) in rows.chunks_exact_mut(width).zip(spans()) {
                    row[..span.len()].copy_from_slice(&bytes[span]);
                }
                (TypeDescriptor::FixedUnicode(width), Vec::new(), rows)
            }
        };
        PackedColumn { name: self.name, element, axes, bytes }
    }
}

impl PackedColumn {
    /// Bytes of one row.
    pub(super) fn row_bytes(&self) -> usize {
        self.element.size() * self.axes.iter().product::<usize>()
    }
}

/// All columns of `/samples`.
pub(super) struct SampleColumns {
    columns: Vec<Column>,
    next: usize,
    rows: usize,
}

impl SampleColumns {
    /// No row yet, for `structures` mask planes.
    pub(super) fn new(structures: usize) -> Self {
        let int32 = || TypeDescriptor::Integer(IntSize::U4);
        let uint8 = || TypeDescriptor::Unsigned(IntSize::U1);
        let uint32 = || TypeDescriptor::Unsigned(IntSize::U4);
        let float32 = || TypeDescriptor::Float(FloatSize::U4);
        let float64 = || TypeDescriptor::Float(FloatSize::U8);
        // In the order in which `push` fills them.
        let columns = vec![
            Column::text(column::ID),
            Column::text(column::PATIENT_ID),
            Column::text(column::ORIGINAL_ID),
            Column::numbers(column::INSTANCE, int32(), &[]),
            Column::numbers(column::FRAME, int32(), &[]),
            Column::text(column::SOURCE),
            Column::numbers(column::SOURCE_SHA256, uint8(), &[32]),
            Column::numbers(column::ANNOTATED, uint8(), &[structures]),
            Column::numbers(column::ANNOTATION_SHA256, uint8(), &[structures, 32]),
            Column::numbers(column::MASK_PIXELS, int32(), &[structures]),
            Column::numbers(column::CONTOUR_AREA, float32(), &[structures]),
            Column::numbers(column::ROWS, int32(), &[]),
            Column::numbers(column::COLUMNS, int32(), &[]),
            Column::numbers(column::PIXEL_SPACING, float32(), &[2]),
            Column::numbers(column::IMAGE_POSITION, float64(), &[3]),
            Column::numbers(column::IMAGE_ORIENTATION, float64(), &[6]),
            Column::numbers(column::WINDOW, float32(), &[2]),
            Column::numbers(column::VALUE_RANGE, float32(), &[2]),
            Column::numbers(column::CHECKSUM, uint32(), &[2]),
        ];
        Self { columns, next: 0, rows: 0 }
    }

    /// Number of rows pushed.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    fn cell(&mut self, bytes: &[u8]) {
        self.columns[self.next].push(bytes);
        self.next = (self.next + 1) % self.columns.len();
    }

    fn cells<const B: usize>(&mut self, values: impl IntoIterator<Item = [u8; B]>) {
        let bytes: Vec<u8> = values.into_iter().flatten().collect();
        self.cell(&bytes);
    }

    /// Appends one row.
    pub(super) fn push(&mut self, row: &SampleRow) {
        let annotations = &row.annotations;
        self.cell(row.id.as_bytes());
        self.cell(row.patient_id.as_bytes());
        self.cell(row.original_id.as_bytes());
        self.cell(&row.instance.to_le_bytes());
        self.cell(&row.frame.to_le_bytes());
        self.cell(row.source.as_bytes());
        self.cell(&row.source_sha256);
        self.cells(annotations.iter().map(|cell| [u8::from(cell.sha256.is_some())]));
        self.cells(annotations.iter().map(|cell| cell.sha256.unwrap_or_default()));
        self.cells(annotations.iter().map(|cell| cell.mask_pixels.to_le_bytes()));
        self.cells(annotations.iter().map(|cell| cell.contour_area.to_le_bytes()));
        // A side is at most 65,535.
        self.cell(&(row.source_shape.rows() as i32).to_le_bytes());
        self.cell(&(row.source_shape.columns() as i32).to_le_bytes());
        self.cells(row.geometry.pixel_spacing.map(f32::to_le_bytes));
        self.cells(row.geometry.image_position.map(f64::to_le_bytes));
        self.cells(row.geometry.image_orientation.map(f64::to_le_bytes));
        self.cells(row.geometry.window.map(f32::to_le_bytes));
        self.cells(row.value_range.map(f32::to_le_bytes));
        self.cells(row.checksum.map(u32::to_le_bytes));
        debug_assert_eq!(self.next, 0, "a row fills every column");
        self.rows += 1;
    }

    /// All columns, with `splits`, one for each row, among them.
    pub(super) fn into_columns<'s>(mut self, splits: impl IntoIterator<Item = &'s str>) -> Vec<Column> {
        let mut split = Column::text(column::SPLIT);
        splits.into_iter().for_each(|name| split.push(name.as_bytes()));
        self.columns.push(split);
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_to_the_longest_row() {
        let mut column = Column::text("id");
        for row in ["a", "", "bcd"] {
            column.push(row.as_bytes());
        }
        let packed = column.pack();
        assert_eq!(packed.bytes, b"a\0\0\0\0\0bcd");
        assert_eq!(packed.row_bytes(), 3);
    }

    #[test]
    fn empty_text_still_has_a_width() {
        let mut column = Column::text("split");
        column.push(b"");
        assert_eq!(column.pack().bytes, b"\0");
    }
}
