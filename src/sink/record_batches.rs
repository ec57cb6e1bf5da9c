//! Batches and columns as Arrow record batches in memory, for readers in the same process.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, Int16Type, UInt8Type, UInt16Type};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Int64Array, PrimitiveArray, RecordBatch, RecordBatchReader, StringArray,
};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, SchemaRef};
use bytes::Bytes;

use super::arrow_columns::arrow_schema;
use super::error::SinkError;
use crate::stream::{Batch, BatchPool, Batches, ElementType, Stream, Texts};

/// Batches as record batches with the columns of the format `arrow`. Images and masks are not copied: their memory goes back
/// to the stream when the last array over it has gone.
///
/// The stream has to be made with [`StreamOptions::texts`](crate::stream::StreamOptions::texts).
pub struct RecordBatches {
    batches: Batches,
    schema: SchemaRef,
    elements: [ElementType; 2],
}

impl RecordBatches {
    /// The `batches` of `stream`.
    ///
    /// # Errors
    /// [`SinkError::SampleTooLarge`].
    pub fn new(stream: &Stream, batches: Batches) -> Result<Self, SinkError> {
        let schema = stream.schema();
        let elements = [schema.image.element, schema.mask.element];
        Ok(Self { batches, schema: Arc::new(arrow_schema(schema)?), elements })
    }

    fn record_batch(&self, batch: Batch) -> Result<RecordBatch, ArrowError> {
        let owner = Arc::new(Owner { batch, pool: self.batches.pool() });
        let batch = &owner.batch;
        let numbers = |of: fn(&crate::order::PlannedSample) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(
                batch.samples.iter().map(|sample| of(sample).cast_signed()),
            ))
        };
        let mut columns = vec![
            tensor_column(&owner, false, self.elements[0], &self.schema.fields()[0])?,
            tensor_column(&owner, true, self.elements[1], &self.schema.fields()[1])?,
            text_column(&batch.ids)?,
            text_column(&batch.patient_ids)?,
            numbers(|sample| sample.row),
            Arc::new(Int64Array::from_iter_values(
                batch.samples.iter().map(|_| batch.cursor.epoch.cast_signed()),
            )),
            numbers(|sample| sample.position),
        ];
        if self.schema.fields().len() > columns.len() {
            columns.push(text_column(&batch.augmentations)?);
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl Iterator for RecordBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.batches.next()? {
            Ok(batch) => self.record_batch(batch),
            Err(error) => Err(ArrowError::ExternalError(error.with_causes().into())),
        })
    }
}

impl RecordBatchReader for RecordBatches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// A batch whose arrays may outlive the stream.
struct Owner {
    batch: Batch,
    pool: BatchPool,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.pool.recycle(std::mem::take(&mut self.batch));
    }
}

/// The images or the masks of a batch.
struct Tensors {
    owner: Arc<Owner>,
    are_masks: bool,
}

impl AsRef<[u8]> for Tensors {
    fn as_ref(&self) -> &[u8] {
        if self.are_masks { &self.owner.batch.masks } else { &self.owner.batch.images }
    }
}

fn tensor_column(
    owner: &Arc<Owner>,
    are_masks: bool,
    element: ElementType,
    field: &FieldRef,
) -> Result<ArrayRef, ArrowError> {
    let DataType::FixedSizeList(item, size) = field.data_type() else {
        return Err(ArrowError::SchemaError(format!("{} is no column of tensors", field.name())));
    };
    // Pages, and so aligned for every number.
    let buffer = Buffer::from(Bytes::from_owner(Tensors { owner: Arc::clone(owner), are_masks }));
    let numbers = match element {
        ElementType::UInt8 => numbers::<UInt8Type>(buffer),
        ElementType::Int16 => numbers::<Int16Type>(buffer),
        ElementType::UInt16 => numbers::<UInt16Type>(buffer),
        ElementType::Float16 => numbers::<Float16Type>(buffer),
        ElementType::Float32 => numbers::<Float32Type>(buffer),
    };
    Ok(Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *size, numbers, None)?))
}

fn numbers<T: ArrowPrimitiveType>(buffer: Buffer) -> ArrayRef {
    let count = buffer.len() / size_of::<T::Native>();
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::new(buffer, 0, count), None))
}

fn text_column(texts: &Texts) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(texts.offsets().to_vec()));
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from(texts.bytes().to_vec()), None)?))
}
