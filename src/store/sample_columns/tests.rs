use proptest::prelude::*;

use super::super::column_reader::Cell;
use super::*;
use crate::model::GridShape;
use crate::store::{AnnotationCell, SampleRow};

/// The row of a column in the documentation.
fn documented(column: &SampleColumn) -> String {
    let axis = |axis: &Axis| match axis {
        Axis::Structures => ", K".to_owned(),
        Axis::Parts(names) => format!(", {}", names.len()),
        Axis::Digest(bytes) => format!(", {bytes}"),
    };
    let axes: String = column.axes.iter().map(axis).collect();
    let SampleColumn { name, units, description, .. } = column;
    format!("| `/samples/{name}` | (N{axes}) | {} | {units} | {description} |", column.cell_type.name())
}

#[test]
fn the_documentation_has_every_column_once_and_no_other() {
    let page = include_str!("../../../docs/format.md");
    let found: Vec<&str> = page.lines().filter(|line| line.starts_with("| `/samples/")).collect();
    let expected: Vec<String> = SAMPLE_COLUMNS.iter().map(documented).collect();
    assert_eq!(found, expected, "the table of docs/format.md should be\n{}", expected.join("\n"));
}

#[test]
fn texts_of_attributes_are_ones_that_all_readers_take() {
    for SampleColumn { name, units, description, .. } in &SAMPLE_COLUMNS {
        for text in [units, description] {
            assert!(text.is_ascii() && text.len() >= 2 && !text.contains('\0'), "{name}: {text:?}");
        }
    }
    let names: std::collections::BTreeSet<_> = SAMPLE_COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(names.len(), SAMPLE_COLUMNS.len());
}

fn rows() -> impl Strategy<Value = SampleRow> {
    let texts = ("[a-zé/.0-9]{0,9}", "[a-zé]{0,9}", "[A-Z]{0,9}", "[a-z/]{0,12}");
    let annotation = (any::<Option<[u8; 32]>>(), 0..99_i32, any::<f32>());
    let geometry = (any::<[f32; 2]>(), any::<[f64; 3]>(), any::<[f64; 6]>(), any::<[f32; 2]>());
    let numbers = (any::<i32>(), any::<i32>(), any::<[u8; 32]>(), any::<[f32; 2]>(), any::<[u32; 2]>());
    let shape = (1..=65_535_usize, 1..=65_535_usize);
    (texts, prop::collection::vec(annotation, 0..3), geometry, numbers, shape).prop_map(
        |(texts, annotations, geometry, numbers, shape)| {
            let mut row = SampleRow::unknown(0);
            (row.id, row.patient_id, row.original_id, row.source) = texts;
            let cell =
                |(sha256, mask_pixels, contour_area)| AnnotationCell { sha256, mask_pixels, contour_area };
            row.annotations = annotations.into_iter().map(cell).collect();
            row.geometry.pixel_spacing = geometry.0.map(f64::from);
            row.geometry.image_position = geometry.1;
            row.geometry.image_orientation = geometry.2;
            row.geometry.window = geometry.3;
            (row.instance, row.frame, row.source_sha256, row.value_range, row.checksum) = numbers;
            row.source_shape = GridShape::new(shape.0, shape.1).unwrap();
            row.image_shape = GridShape::new(shape.1, shape.0).unwrap();
            row
        },
    )
}

proptest! {
    #[test]
    fn what_is_put_is_got(row in rows(), other in rows()) {
        let mut read = SampleRow::unknown(row.annotations.len());
        for column in &SAMPLE_COLUMNS {
            let Some(cell) = column.row_cell() else { continue };
            let mut bytes = Vec::new();
            (cell.put)(&row, &mut bytes);
            let parts: usize = column.axis_lengths(row.annotations.len()).iter().product();
            if column.cell_type != CellType::Text {
                prop_assert_eq!(bytes.len(), parts * column.cell_type.size(), "{}", column.name);
            }
            (cell.get)(Cell::of(column.cell_type, &bytes), &mut read).unwrap();
        }
        for column in &SAMPLE_COLUMNS {
            prop_assert!(!column.differs(&row, &read), "{}", column.name);
        }
        let differs = SAMPLE_COLUMNS.iter().any(|column| column.differs(&row, &other));
        let equal = format!("{row:?}") == format!("{other:?}");
        prop_assert_eq!(differs, !equal);
    }
}
