//! The columns of an Arrow stream.
//!
//! Tensors are columns of the canonical extension type `arrow.fixed_shape_tensor` (Arrow's "Canonical Extension
//! Types"): a list of fixed size for each sample. Its name and, as JSON, the shape of one sample and what its
//! axes are stand in the metadata of the column, so that a reader that does not know the type sees lists.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use serde::Serialize;

use super::error::SinkError;
use crate::stream::{ElementType, StreamSchema, TensorSchema};

/// The metadata of a column of tensors, as `arrow.fixed_shape_tensor` defines it.
#[derive(Debug, Serialize)]
struct TensorText {
    shape: [usize; 3],
    dim_names: [&'static str; 3],
}

/// The columns and what holds for the whole stream.
///
/// # Errors
/// [`SinkError::SampleTooLarge`].
pub(super) fn arrow_schema(schema: &StreamSchema) -> Result<Schema, SinkError> {
    let plain = |name: &str, data_type| Field::new(name, data_type, false);
    let mut fields = vec![
        tensor_field("image", &schema.image)?,
        tensor_field("mask", &schema.mask)?,
        plain("id", DataType::Utf8),
        plain("patient_id", DataType::Utf8),
        // Spark and other readers know no unsigned integers.
        plain("row", DataType::Int64),
        plain("epoch", DataType::Int64),
        plain("position", DataType::Int64),
    ];
    if schema.augmentation.is_some() {
        fields.push(plain("augmentation", DataType::Utf8));
    }
    let mut metadata = HashMap::from(
        [
            ("split", schema.split.clone().unwrap_or_default()),
            ("seed", schema.seed.map(|seed| seed.to_string()).unwrap_or_default()),
            ("normalization", schema.normalization.clone()),
            ("structures", json(&schema.structures)),
        ]
        .map(|(name, text)| (name.to_owned(), text)),
    );
    if let Some(spec) = &schema.augmentation {
        metadata.insert("augmentation".to_owned(), json(spec));
    }
    Ok(Schema::new_with_metadata(fields, metadata))
}

/// A column of tensors.
fn tensor_field(name: &'static str, tensor: &TensorSchema) -> Result<Field, SinkError> {
    let numbers = tensor.shape.iter().product();
    let list_size =
        i32::try_from(numbers).map_err(|_| SinkError::SampleTooLarge { column: name, numbers })?;
    let item = Field::new("item", number_type(tensor.element), false);
    let list = DataType::FixedSizeList(Arc::new(item), list_size);
    let text = TensorText { shape: tensor.shape, dim_names: tensor.axes };
    Ok(Field::new(name, list, false).with_metadata(HashMap::from([
        ("ARROW:extension:name".to_owned(), "arrow.fixed_shape_tensor".to_owned()),
        ("ARROW:extension:metadata".to_owned(), json(&text)),
    ])))
}

fn number_type(element: ElementType) -> DataType {
    match element {
        ElementType::UInt8 => DataType::UInt8,
        ElementType::Int16 => DataType::Int16,
        ElementType::UInt16 => DataType::UInt16,
        ElementType::Float16 => DataType::Float16,
        ElementType::Float32 => DataType::Float32,
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are always JSON")
}

#[cfg(test)]
mod tests {
    use super::super::samples::a_schema;
    use super::*;

    #[test]
    fn the_schema_says_what_the_tensors_are() {
        let schema = arrow_schema(&a_schema()).unwrap();
        let field = schema.field_with_name("mask").unwrap();
        assert_eq!(field.metadata()["ARROW:extension:name"], "arrow.fixed_shape_tensor");
        assert_eq!(
            field.metadata()["ARROW:extension:metadata"],
            r#"{"shape":[5,3,2],"dim_names":["row","column","structure"]}"#
        );
        let item = Arc::new(Field::new("item", DataType::UInt8, false));
        assert_eq!(field.data_type(), &DataType::FixedSizeList(item, 30));
        assert!(schema.fields().iter().all(|field| !field.is_nullable()));
        let text = |name: &str| schema.metadata()[name].clone();
        assert_eq!(text("structures"), r#"["inner","\"outer\""]"#);
        assert_eq!(
            ["split", "seed", "normalization"].map(text),
            ["train", "11", "zscore"].map(str::to_owned)
        );

        let plain = StreamSchema { split: None, seed: None, ..a_schema() };
        let metadata = arrow_schema(&plain).unwrap().metadata().clone();
        assert_eq!((metadata["split"].as_str(), metadata["seed"].as_str()), ("", ""));
    }

    #[test]
    fn too_many_numbers_are_refused() {
        let mut schema = a_schema();
        schema.mask.shape = [1 << 16, 1 << 15, 1];
        let error = arrow_schema(&schema).unwrap_err();
        assert!(matches!(error, SinkError::SampleTooLarge { column: "mask", numbers: 0x8000_0000 }));
    }
}
