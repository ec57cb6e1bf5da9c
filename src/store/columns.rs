//! The columns of `/samples`, filled row by row.

use hdf5::Group;
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};

use super::Compression;
use super::chunked_dataset::{Column, ColumnEncoder};
use super::schema::column;
use crate::model::{Geometry, GridShape};

/// The value of `instance` of an image without a number in its name.
pub const NO_NUMBER: i32 = -1;

/// Everything the file says about one sample beside its pixels, its split and its findings.
/// `docs/format.md` says what each field means.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRow {
    /// Unique: `<patient_id>/<file stem>`.
    pub id: String,
    /// From the link table, or its pseudonym.
    pub patient_id: String,
    /// From the link table, or its pseudonym.
    pub original_id: String,
    /// The number that paired image and contour; [`NO_NUMBER`] where there is none.
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

/// Columns of one structure of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnnotationCell {
    /// SHA-256 of the annotation file's bytes, `None` where the structure was not annotated.
    pub sha256: Option<[u8; 32]>,
    /// Number of ones in the mask.
    pub mask_pixels: i32,
    /// Shoelace area of the contour in pixels, NaN where not annotated.
    pub contour_area: f32,
}

/// The longest text of each text column, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextWidths {
    /// Of `id`.
    pub id: usize,
    /// Of `patient_id`.
    pub patient_id: usize,
    /// Of `original_id`.
    pub original_id: usize,
    /// Of `source`.
    pub source: usize,
}

impl TextWidths {
    /// Widens the columns so that these texts fit.
    pub fn admit(&mut self, id: &str, patient_id: &str, original_id: &str, source: &str) {
        self.id = self.id.max(id.len());
        self.patient_id = self.patient_id.max(patient_id.len());
        self.original_id = self.original_id.max(original_id.len());
        self.source = self.source.max(source.len());
    }
}

/// The name, the element and the axes beside the rows of a column.
pub(super) struct ColumnSpec {
    pub(super) name: &'static str,
    pub(super) element: TypeDescriptor,
    pub(super) axes: Vec<usize>,
}

/// All columns but the splits, in the order in which [`SampleColumns::push`] fills them.
pub(super) fn specs(structures: usize, widths: TextWidths) -> Vec<ColumnSpec> {
    let columns: [(&'static str, TypeDescriptor, &[usize]); 19] = [
        (column::ID, text(widths.id), &[]),
        (column::PATIENT_ID, text(widths.patient_id), &[]),
        (column::ORIGINAL_ID, text(widths.original_id), &[]),
        (column::INSTANCE, INT32, &[]),
        (column::FRAME, INT32, &[]),
        (column::SOURCE, text(widths.source), &[]),
        (column::SOURCE_SHA256, UINT8, &[32]),
        (column::ANNOTATED, UINT8, &[structures]),
        (column::ANNOTATION_SHA256, UINT8, &[structures, 32]),
        (column::MASK_PIXELS, INT32, &[structures]),
        (column::CONTOUR_AREA, FLOAT32, &[structures]),
        (column::ROWS, INT32, &[]),
        (column::COLUMNS, INT32, &[]),
        (column::PIXEL_SPACING, FLOAT32, &[2]),
        (column::IMAGE_POSITION, FLOAT64, &[3]),
        (column::IMAGE_ORIENTATION, FLOAT64, &[6]),
        (column::WINDOW, FLOAT32, &[2]),
        (column::VALUE_RANGE, FLOAT32, &[2]),
        (column::CHECKSUM, UINT32, &[2]),
    ];
    let spec = |(name, element, axes): (_, _, &[usize])| ColumnSpec { name, element, axes: axes.to_vec() };
    columns.into_iter().map(spec).collect()
}

/// All columns of `/samples`.
pub(super) struct SampleColumns {
    group: Group,
    columns: Vec<Column>,
    encoder: ColumnEncoder,
    compression: Compression,
    next: usize,
    rows: usize,
}

impl SampleColumns {
    /// Creates the columns in `group`, for at most `capacity` rows and `structures` mask planes.
    pub(super) fn create(
        group: Group,
        capacity: usize,
        structures: usize,
        widths: TextWidths,
        compression: Compression,
    ) -> hdf5::Result<Self> {
        let columns = specs(structures, widths);
        let columns = columns
            .iter()
            .map(|ColumnSpec { name, element, axes }| {
                Column::create(&group, name, element, (capacity, axes), compression)
            })
            .collect::<hdf5::Result<_>>()?;
        Ok(Self { group, columns, encoder: ColumnEncoder::new(compression), compression, next: 0, rows: 0 })
    }

    /// Number of rows pushed.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    fn cell(&mut self, bytes: &[u8]) -> hdf5::Result<()> {
        let column = self.next;
        self.next = (column + 1) % self.columns.len();
        self.columns[column].push(bytes, &mut self.encoder)
    }

    fn cells<const B: usize>(&mut self, values: impl IntoIterator<Item = [u8; B]>) -> hdf5::Result<()> {
        let bytes: Vec<u8> = values.into_iter().flatten().collect();
        self.cell(&bytes)
    }

    /// Appends one row.
    pub(super) fn push(&mut self, row: &SampleRow) -> hdf5::Result<()> {
        let annotations = &row.annotations;
        self.cell(row.id.as_bytes())?;
        self.cell(row.patient_id.as_bytes())?;
        self.cell(row.original_id.as_bytes())?;
        self.cell(&row.instance.to_le_bytes())?;
        self.cell(&row.frame.to_le_bytes())?;
        self.cell(row.source.as_bytes())?;
        self.cell(&row.source_sha256)?;
        self.cells(annotations.iter().map(|cell| [u8::from(cell.sha256.is_some())]))?;
        self.cells(annotations.iter().map(|cell| cell.sha256.unwrap_or_default()))?;
        self.cells(annotations.iter().map(|cell| cell.mask_pixels.to_le_bytes()))?;
        self.cells(annotations.iter().map(|cell| cell.contour_area.to_le_bytes()))?;
        // A side is at most 65,535.
        self.cell(&(row.source_shape.rows() as i32).to_le_bytes())?;
        self.cell(&(row.source_shape.columns() as i32).to_le_bytes())?;
        self.cells(row.geometry.pixel_spacing.map(|mm| (mm as f32).to_le_bytes()))?;
        self.cells(row.geometry.image_position.map(f64::to_le_bytes))?;
        self.cells(row.geometry.image_orientation.map(f64::to_le_bytes))?;
        self.cells(row.geometry.window.map(f32::to_le_bytes))?;
        self.cells(row.value_range.map(f32::to_le_bytes))?;
        self.cells(row.checksum.map(u32::to_le_bytes))?;
        assert_eq!(self.next, 0, "a row fills every column");
        self.rows += 1;
        Ok(())
    }

    /// Adds the columns of splits and of findings, a text for each row, and completes all columns.
    pub(super) fn finish(mut self, splits: &[&str], findings: &[&str]) -> hdf5::Result<()> {
        for (name, texts) in [(column::SPLIT, splits), (column::FINDINGS, findings)] {
            let width = texts.iter().map(|text| text.len()).max().unwrap_or(0);
            // A chunk has at least one row, even where a shard has none.
            let capacity = (self.rows.max(1), &[][..]);
            let mut column = Column::create(&self.group, name, &text(width), capacity, self.compression)?;
            for text in texts {
                column.push(text.as_bytes(), &mut self.encoder)?;
            }
            self.columns.push(column);
        }
        for column in self.columns {
            column.finish(self.rows, &mut self.encoder)?;
        }
        Ok(())
    }
}

const INT32: TypeDescriptor = TypeDescriptor::Integer(IntSize::U4);
const UINT8: TypeDescriptor = TypeDescriptor::Unsigned(IntSize::U1);
const UINT32: TypeDescriptor = TypeDescriptor::Unsigned(IntSize::U4);
const FLOAT32: TypeDescriptor = TypeDescriptor::Float(FloatSize::U4);
const FLOAT64: TypeDescriptor = TypeDescriptor::Float(FloatSize::U8);

/// Fixed-length UTF-8 of at least one byte: HDF5 has no narrower text.
pub(super) fn text(width: usize) -> TypeDescriptor {
    TypeDescriptor::FixedUnicode(width.max(1))
}
