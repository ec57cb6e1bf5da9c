//! The columns of `/samples`, each described once: the writer, the reader, conditions on rows, comparisons and the
//! check of a file's structure read this table, and `docs/format.md` repeats it.

use super::cell_type::CellType;
use super::sample_column::{
    Axis, ColumnContent, LateCell, RowCell, SampleColumn, digest, grid, number, numbers, parts, put, text,
};
use super::sample_row::TextWidth;
use super::schema::column;
use crate::model::{PaddingRange, VoiLutFunction};

/// Digest of a source file.
const SHA256: Axis = Axis::Digest(32);
/// Units of columns without a unit.
const NONE: &str = "none";
/// Units of the columns that hold values of `/images`.
const AS_IMAGES: &str = "units of /images";

/// All columns of `/samples`, in the order in which they are written.
pub static SAMPLE_COLUMNS: [SampleColumn; 32] = [
    SampleColumn {
        name: column::ID,
        cell_type: CellType::Text,
        axes: &[],
        units: NONE,
        description: "Unique name of the sample: patient_id/file stem",
        since: 0,
        content: ColumnContent::Row(RowCell {
            width: |widths| widths.id,
            put: |row, bytes| bytes.extend_from_slice(row.id.as_bytes()),
            get: |cell, row| {
                row.id = text(cell)?;
                Ok(())
            },
        }),
    },
    SampleColumn {
        name: column::PATIENT_ID,
        cell_type: CellType::Text,
        axes: &[],
        units: NONE,
        description: "Patient, as in the link table; a pseudonym where prep had a key",
        since: 0,
        content: ColumnContent::Row(RowCell {
            width: |widths| widths.patient_id,
            put: |row, bytes| bytes.extend_from_slice(row.patient_id.as_bytes()),
            get: |cell, row| {
                row.patient_id = text(cell)?;
                Ok(())
            },
        }),
    },
    SampleColumn {
        name: column::ORIGINAL_ID,
        cell_type: CellType::Text,
        axes: &[],
        units: NONE,
        description: "Second id of the patient in the link table; a pseudonym where prep had a key",
        since: 0,
        content: ColumnContent::Row(RowCell {
            width: |widths| widths.original_id,
            put: |row, bytes| bytes.extend_from_slice(row.original_id.as_bytes()),
            get: |cell, row| {
                row.original_id = text(cell)?;
                Ok(())
            },
        }),
    },
    SampleColumn {
        name: column::INSTANCE,
        cell_type: CellType::Int32,
        axes: &[],
        units: NONE,
        description: "Number that paired image and contour: 48 in 48.dcm and IM-0001-0048-...; -1 where there is none",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, [row.instance.to_le_bytes()]),
            |cell, row| {
                row.instance = number(cell, 0) as i32;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::FRAME,
        cell_type: CellType::Int32,
        axes: &[],
        units: NONE,
        description: "Frame of a multi-frame object, counted from 1; 0 otherwise",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, [row.frame.to_le_bytes()]),
            |cell, row| {
                row.frame = number(cell, 0) as i32;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::SOURCE,
        cell_type: CellType::Text,
        axes: &[],
        units: NONE,
        description: "Image file, relative to the data directory, with / as separator",
        since: 0,
        content: ColumnContent::Row(RowCell {
            width: |widths| widths.source,
            put: |row, bytes| bytes.extend_from_slice(row.source.as_bytes()),
            get: |cell, row| {
                row.source = text(cell)?;
                Ok(())
            },
        }),
    },
    SampleColumn {
        name: column::SOURCE_SHA256,
        cell_type: CellType::UInt8,
        axes: &[SHA256],
        units: NONE,
        description: "SHA-256 of the bytes of the image file",
        since: 0,
        content: numbers(
            |row, bytes| bytes.extend_from_slice(&row.source_sha256),
            |cell, row| {
                row.source_sha256 = digest(cell, 0);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::ANNOTATED,
        cell_type: CellType::UInt8,
        axes: &[Axis::Structures],
        units: NONE,
        description: "1 where the structure was annotated; a mask of zeros with 1 here is truly empty",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.annotations.iter().map(|cell| [u8::from(cell.sha256.is_some())])),
            |cell, row| {
                for (plane, annotation) in row.annotations.iter_mut().enumerate() {
                    annotation.sha256 = (number(cell, plane) != 0.0).then_some([0; 32]);
                }
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::ANNOTATION_SHA256,
        cell_type: CellType::UInt8,
        axes: &[Axis::Structures, SHA256],
        units: NONE,
        description: "SHA-256 of the bytes of the annotation file; zeros where not annotated",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.annotations.iter().map(|cell| cell.sha256.unwrap_or_default())),
            // `annotated`, which comes before, tells where there is one.
            |cell, row| {
                for (plane, annotation) in row.annotations.iter_mut().enumerate() {
                    annotation.sha256 = annotation.sha256.map(|_| digest(cell, plane));
                }
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::MASK_PIXELS,
        cell_type: CellType::Int32,
        axes: &[Axis::Structures],
        units: "pixel",
        description: "Number of ones in the mask",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.annotations.iter().map(|cell| cell.mask_pixels.to_le_bytes())),
            |cell, row| {
                for (plane, annotation) in row.annotations.iter_mut().enumerate() {
                    annotation.mask_pixels = number(cell, plane) as i32;
                }
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::CONTOUR_AREA,
        cell_type: CellType::Float32,
        axes: &[Axis::Structures],
        units: "pixel",
        description: "Area of the contour by the shoelace formula, in pixels of the source image; \
                      NaN where not annotated",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.annotations.iter().map(|cell| cell.contour_area.to_le_bytes())),
            |cell, row| {
                for (plane, annotation) in row.annotations.iter_mut().enumerate() {
                    annotation.contour_area = number(cell, plane) as f32;
                }
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::ROWS,
        cell_type: CellType::Int32,
        axes: &[],
        units: "pixel",
        description: "Rows of the source image",
        since: 0,
        content: numbers(
            // A side is at most 65,535.
            |row, bytes| put(bytes, [(row.source_shape.rows() as i32).to_le_bytes()]),
            |cell, row| {
                row.source_shape = grid(number(cell, 0), row.source_shape.columns() as f64)?;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::COLUMNS,
        cell_type: CellType::Int32,
        axes: &[],
        units: "pixel",
        description: "Columns of the source image",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, [(row.source_shape.columns() as i32).to_le_bytes()]),
            |cell, row| {
                row.source_shape = grid(row.source_shape.rows() as f64, number(cell, 0))?;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::PIXEL_SPACING,
        cell_type: CellType::Float32,
        axes: &[Axis::Parts(&["row", "column"])],
        units: "mm",
        description: "Pixel Spacing (0028,0030) of the source image: between rows, between columns",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.geometry.pixel_spacing.map(|mm| (mm as f32).to_le_bytes())),
            |cell, row| {
                row.geometry.pixel_spacing = parts(cell);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::IMAGE_POSITION,
        cell_type: CellType::Float64,
        axes: &[Axis::Parts(&["x", "y", "z"])],
        units: "mm",
        description: "Image Position (Patient) (0020,0032) of the source image",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.geometry.image_position.map(f64::to_le_bytes)),
            |cell, row| {
                row.geometry.image_position = parts(cell);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::IMAGE_ORIENTATION,
        cell_type: CellType::Float64,
        axes: &[Axis::Parts(&["row_x", "row_y", "row_z", "column_x", "column_y", "column_z"])],
        units: NONE,
        description: "Image Orientation (Patient) (0020,0037) of the source image: direction cosines of the row, \
                      then of the column",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.geometry.image_orientation.map(f64::to_le_bytes)),
            |cell, row| {
                row.geometry.image_orientation = parts(cell);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::IMAGE_ROWS,
        cell_type: CellType::Int32,
        axes: &[],
        units: "pixel",
        description: "Rows of the image in /images, from the first; what is below is no part of it",
        since: 3,
        content: numbers(
            |row, bytes| put(bytes, [(row.image_shape.rows() as i32).to_le_bytes()]),
            |cell, row| {
                row.image_shape = grid(number(cell, 0), row.image_shape.columns() as f64)?;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::IMAGE_COLUMNS,
        cell_type: CellType::Int32,
        axes: &[],
        units: "pixel",
        description: "Columns of the image in /images, from the first; what is to the right is no part of it",
        since: 3,
        content: numbers(
            |row, bytes| put(bytes, [(row.image_shape.columns() as i32).to_le_bytes()]),
            |cell, row| {
                row.image_shape = grid(row.image_shape.rows() as f64, number(cell, 0))?;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::SPACING,
        cell_type: CellType::Float32,
        axes: &[Axis::Parts(&["row", "column"])],
        units: "mm",
        description: "Distance between rows and between columns of the image in /images",
        since: 1,
        content: numbers(
            |row, bytes| put(bytes, row.spacing.map(|mm| (mm as f32).to_le_bytes())),
            |cell, row| {
                row.spacing = parts(cell);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::POSITION,
        cell_type: CellType::Float64,
        axes: &[Axis::Parts(&["x", "y", "z"])],
        units: "mm",
        description: "Position in the patient of the centre of the first pixel of the image in /images",
        since: 1,
        content: numbers(
            |row, bytes| put(bytes, row.position.map(f64::to_le_bytes)),
            |cell, row| {
                row.position = parts(cell);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::STACK,
        cell_type: CellType::Int32,
        axes: &[],
        units: NONE,
        description: "Stack of parallel images that the image lies in, counted from 0 for each patient: the images of a \
                      series with one orientation, or series of a single position each; -1 where position or \
                      orientation is absent",
        since: 2,
        content: numbers(
            |row, bytes| put(bytes, [row.place.stack.to_le_bytes()]),
            |cell, row| {
                row.place.stack = number(cell, 0) as i32;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::STACK_POSITION,
        cell_type: CellType::Float64,
        axes: &[],
        units: "mm",
        description: "Distance of the slice from the origin of the patient's coordinates along the normal of its stack",
        since: 2,
        content: numbers(
            |row, bytes| put(bytes, [row.place.position.to_le_bytes()]),
            |cell, row| {
                row.place.position = number(cell, 0);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::TRIGGER_TIME,
        cell_type: CellType::Float64,
        axes: &[],
        units: "ms",
        description: "Trigger Time (0018,1060); of a frame, Nominal Cardiac Trigger Delay Time (0020,9153)",
        since: 2,
        content: numbers(
            |row, bytes| put(bytes, [row.place.trigger_time.to_le_bytes()]),
            |cell, row| {
                row.place.trigger_time = number(cell, 0);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::WINDOW,
        cell_type: CellType::Float32,
        axes: &[Axis::Parts(&["center", "width"])],
        units: AS_IMAGES,
        description: "First Window Center (0028,1050) and Window Width (0028,1051), for the values in /images; \
                      inverted with them where MONOCHROME1 was",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.geometry.window.map(f32::to_le_bytes)),
            |cell, row| {
                row.geometry.window = parts(cell).map(|value| value as f32);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::WINDOW_FUNCTION,
        cell_type: CellType::Text,
        axes: &[],
        units: NONE,
        description: "VOI LUT Function (0028,1056) of the window: LINEAR, LINEAR_EXACT or SIGMOID",
        since: 1,
        content: ColumnContent::Row(RowCell {
            width: |_| TextWidth { bytes: 12, is_ascii: true },
            put: |row, bytes| bytes.extend_from_slice(row.geometry.window_function.name().as_bytes()),
            get: |cell, row| {
                let function = VoiLutFunction::from_name(&text(cell)?);
                row.geometry.window_function = function.ok_or("is no VOI LUT Function")?;
                Ok(())
            },
        }),
    },
    SampleColumn {
        name: column::VALUE_RANGE,
        cell_type: CellType::Float32,
        axes: &[Axis::Parts(&["min", "max"])],
        units: AS_IMAGES,
        description: "Smallest and largest value of the image, without padding",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.value_range.map(f32::to_le_bytes)),
            |cell, row| {
                row.value_range = parts(cell).map(|value| value as f32);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::PADDING_RANGE,
        cell_type: CellType::Float32,
        axes: &[Axis::Parts(&["min", "max"])],
        units: AS_IMAGES,
        description: "Values that are padding and left out of all statistics: Pixel Padding Value (0028,0120) to Pixel \
                      Padding Range Limit (0028,0121); NaN where none is",
        since: 1,
        content: numbers(
            |row, bytes| put(bytes, row.padding.bounds().map(f32::to_le_bytes)),
            |cell, row| {
                let [low, high] = parts(cell).map(|value| value as f32);
                row.padding = PaddingRange::new(low, high);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::PADDING_PIXELS,
        cell_type: CellType::Int32,
        axes: &[],
        units: "pixel",
        description: "Number of pixels of the image with a value in padding_range",
        since: 1,
        content: numbers(
            |row, bytes| put(bytes, [row.padding_pixels.to_le_bytes()]),
            |cell, row| {
                row.padding_pixels = number(cell, 0) as i32;
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::CHECKSUM,
        cell_type: CellType::UInt32,
        axes: &[Axis::Parts(&["image", "mask"])],
        units: NONE,
        description: "CRC-32C (Castagnoli) of the decoded bytes of the row in /images and in /masks",
        since: 0,
        content: numbers(
            |row, bytes| put(bytes, row.checksum.map(u32::to_le_bytes)),
            |cell, row| {
                row.checksum = parts(cell).map(|value| value as u32);
                Ok(())
            },
        ),
    },
    SampleColumn {
        name: column::SPLIT,
        cell_type: CellType::Text,
        axes: &[],
        units: NONE,
        description: "train, val or test; empty where there are no splits",
        since: 0,
        content: ColumnContent::Late(LateCell::Split),
    },
    SampleColumn {
        name: column::FOLD,
        cell_type: CellType::Int32,
        axes: &[],
        units: NONE,
        description: "Fold of cross-validation, counted from 0; -1 where there are none, and in val and test",
        since: 1,
        content: ColumnContent::Late(LateCell::Fold),
    },
    SampleColumn {
        name: column::FINDINGS,
        cell_type: CellType::Text,
        axes: &[],
        units: NONE,
        description: "Findings of the audit: names of checks, separated by commas; empty for most rows",
        since: 0,
        content: ColumnContent::Late(LateCell::Findings),
    },
];

impl SampleColumn {
    /// The column `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SAMPLE_COLUMNS.iter().find(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests;
