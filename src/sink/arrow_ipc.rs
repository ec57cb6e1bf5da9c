//! Batches as an Arrow IPC stream, written from the memory of the batch itself.
//!
//! The stream is the one of the Arrow columnar format ("Serialization and Interprocess Communication",
//! "IPC Streaming Format"): messages, the first of them the schema, then one record batch for each batch, and
//! an end marker. A message is the marker `FF FF FF FF`, the length of its metadata in 32 bits, the metadata (a
//! flatbuffer, filled up with zeros) and a body. The body of a record batch is its buffers, column after
//! column; each begins at a multiple of 64 bytes, in the body and in the stream.
//!
//! The columns are those of [`super::arrow_columns`]. None has nulls, so that all validity buffers are left
//! empty.

use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions};
use arrow_ipc::{Buffer, FieldNode, MessageBuilder, MessageHeader, MetadataVersion, RecordBatchBuilder};
use flatbuffers::FlatBufferBuilder;

use super::arrow_columns::arrow_schema;
use super::error::SinkError;
use super::format::{BatchFormat, Format, Piece};
use crate::stream::{Batch, BatchStart, StreamSchema};

const ALIGNMENT: usize = 64;
const PADDING: [u8; ALIGNMENT] = [0; ALIGNMENT];

/// Marker before the length of the metadata of a message.
const CONTINUATION: [u8; 4] = [0xff; 4];
const PREFIX_BYTES: usize = 8;

/// End of a stream: a message without metadata.
const END: [u8; PREFIX_BYTES] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// The validity buffer of a column without nulls.
const NO_NULLS: &[u8] = &[];

/// An Arrow IPC stream of one record batch for each batch, its columns `image`, `mask`, `id`, `patient_id`, `row`, `epoch`
/// and `position`.
pub(super) static ARROW: Format = Format {
    name: "arrow",
    extensions: &["arrow", "arrows"],
    media_type: "application/vnd.apache.arrow.stream",
    needs_texts: true,
    has_batch_axis: true,
    heads: None,
    encoder: |schema| Ok(Box::new(ArrowEncoder::new(schema)?)),
};

/// Batches as record batches.
#[derive(Debug)]
pub(super) struct ArrowEncoder {
    /// The message of the schema.
    start: Vec<u8>,
    /// Numbers of one image and of one mask.
    image_numbers: usize,
    mask_numbers: usize,
    /// True if there is a column of what was drawn.
    augmented: bool,
    /// The message of the latest batch, without its body.
    message: Vec<u8>,
    /// Buffers of its body that are not in the batch as bytes.
    columns: Columns,
}

/// Columns of a record batch, little endian.
#[derive(Debug, Default)]
struct Columns {
    id_offsets: Vec<u8>,
    patient_id_offsets: Vec<u8>,
    rows: Vec<u8>,
    epochs: Vec<u8>,
    positions: Vec<u8>,
    augmentation_offsets: Vec<u8>,
}

impl ArrowEncoder {
    /// The encoder of batches of `schema`.
    ///
    /// # Errors
    /// [`SinkError::SampleTooLarge`].
    pub(super) fn new(schema: &StreamSchema) -> Result<Self, SinkError> {
        let encoded = IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(
            &arrow_schema(schema)?,
            &mut DictionaryTracker::new(true),
            &IpcWriteOptions::default(),
        );
        let mut start = Vec::new();
        frame(&encoded.ipc_message, &mut start);
        Ok(Self {
            start,
            image_numbers: schema.image.shape.iter().product(),
            mask_numbers: schema.mask.shape.iter().product(),
            augmented: schema.augmentation.is_some(),
            message: Vec::new(),
            columns: Columns::default(),
        })
    }
}

impl BatchFormat for ArrowEncoder {
    fn start(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.start)
    }

    fn encode<'b>(&'b mut self, batch: &'b Batch) -> Vec<Piece<'b>> {
        self.columns.fill(batch);
        let mut buffers = self.columns.buffers(batch);
        let samples = batch.samples.len();
        let [images, masks] = [self.image_numbers, self.mask_numbers].map(|numbers| samples * numbers);
        // A list comes before the numbers in it; nothing is null.
        let mut lengths = vec![samples, images, samples, masks, samples, samples, samples, samples, samples];
        if self.augmented {
            lengths.push(samples);
            buffers.extend([NO_NULLS, &self.columns.augmentation_offsets, batch.augmentations.bytes()]);
        }
        let nodes: Vec<_> = lengths.into_iter().map(|length| FieldNode::new(length as i64, 0)).collect();
        let metadata = record_batch(samples, &nodes, &buffers);
        frame(metadata.finished_data(), &mut self.message);

        let mut pieces = Vec::with_capacity(1 + 2 * buffers.len());
        pieces.push(Piece { bytes: &self.message, opening: CONTINUATION.len() });
        for buffer in buffers {
            pieces.push(Piece::from(buffer));
            pieces.push(Piece::from(&PADDING[..padding(buffer.len())]));
        }
        pieces
    }

    fn opening(&self, _start: BatchStart) -> Vec<u8> {
        CONTINUATION.to_vec()
    }

    fn end(&self) -> Vec<u8> {
        END.to_vec()
    }
}

impl Columns {
    fn fill(&mut self, batch: &Batch) {
        fn fill<const N: usize>(column: &mut Vec<u8>, numbers: impl Iterator<Item = [u8; N]>) {
            column.clear();
            column.extend(numbers.flatten());
        }
        let samples = &batch.samples;
        for (offsets, texts) in [
            (&mut self.id_offsets, &batch.ids),
            (&mut self.patient_id_offsets, &batch.patient_ids),
            (&mut self.augmentation_offsets, &batch.augmentations),
        ] {
            fill(offsets, texts.offsets().iter().map(|offset| offset.to_le_bytes()));
        }
        fill(&mut self.rows, samples.iter().map(|sample| sample.row.to_le_bytes()));
        fill(&mut self.epochs, samples.iter().map(|_| batch.cursor.epoch.to_le_bytes()));
        fill(&mut self.positions, samples.iter().map(|sample| sample.position.to_le_bytes()));
    }

    /// The body of the record batch that all streams have, in the order of the schema.
    fn buffers<'a>(&'a self, batch: &'a Batch) -> Vec<&'a [u8]> {
        vec![
            // Two lists without nulls, of numbers without nulls.
            NO_NULLS,
            NO_NULLS,
            &batch.images,
            NO_NULLS,
            NO_NULLS,
            &batch.masks,
            // Two columns of texts.
            NO_NULLS,
            &self.id_offsets,
            batch.ids.bytes(),
            NO_NULLS,
            &self.patient_id_offsets,
            batch.patient_ids.bytes(),
            // Three columns of numbers.
            NO_NULLS,
            &self.rows,
            NO_NULLS,
            &self.epochs,
            NO_NULLS,
            &self.positions,
        ]
    }
}

/// The metadata of a record batch of `samples` rows.
fn record_batch(samples: usize, nodes: &[FieldNode], buffers: &[&[u8]]) -> FlatBufferBuilder<'static> {
    let mut body = 0;
    let places: Vec<Buffer> = buffers
        .iter()
        .map(|buffer| {
            let place = Buffer::new(body as i64, buffer.len() as i64);
            body += buffer.len() + padding(buffer.len());
            place
        })
        .collect();

    let mut flatbuffer = FlatBufferBuilder::new();
    let nodes = flatbuffer.create_vector(nodes);
    let places = flatbuffer.create_vector(&places);
    let mut record_batch = RecordBatchBuilder::new(&mut flatbuffer);
    record_batch.add_length(samples as i64);
    record_batch.add_nodes(nodes);
    record_batch.add_buffers(places);
    let record_batch = record_batch.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut flatbuffer);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::RecordBatch);
    message.add_header(record_batch);
    message.add_bodyLength(body as i64);
    let message = message.finish();
    flatbuffer.finish(message, None);
    flatbuffer
}

/// Makes `message` of its metadata: all of it but the body, which begins at a multiple of 64 bytes.
fn frame(metadata: &[u8], message: &mut Vec<u8>) {
    let length = metadata.len() + padding(PREFIX_BYTES + metadata.len());
    let prefix = i32::try_from(length).expect("names of columns and structures are shorter than 2 GiB");
    message.clear();
    message.extend_from_slice(&CONTINUATION);
    message.extend_from_slice(&prefix.to_le_bytes());
    message.extend_from_slice(metadata);
    message.resize(PREFIX_BYTES + length, 0);
}

/// Number of bytes missing to a multiple of 64.
fn padding(length: usize) -> usize {
    length.next_multiple_of(ALIGNMENT) - length
}

#[cfg(test)]
mod tests {
    use arrow_ipc::reader::StreamReader;

    use super::super::samples::{a_batch, a_schema, bytes_of};
    use super::*;

    /// A stream of batches of these numbers of samples.
    fn stream(schema: &StreamSchema, batches: &[usize]) -> Vec<u8> {
        let mut encoder = ArrowEncoder::new(schema).unwrap();
        let mut bytes = encoder.start();
        for samples in batches {
            let batch = a_batch(*samples);
            bytes.extend(bytes_of(&encoder.encode(&batch)));
            assert_eq!(bytes.len() % ALIGNMENT, 0);
        }
        bytes.extend(encoder.end());
        bytes
    }

    fn u64_bytes(numbers: &[u64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn columns_are_found_again() {
        let bytes = stream(&a_schema(), &[3, 2, 0]);
        let mut reader = StreamReader::try_new(&bytes[..], None).unwrap();
        for samples in [3, 2, 0] {
            let (found, batch) = (reader.next().unwrap().unwrap(), a_batch(samples));
            assert_eq!(found.num_rows(), samples);
            let column = |name: &str| found.column_by_name(name).unwrap().to_data();
            let numbers = |name: &str| column(name).buffers()[0].as_slice().to_vec();
            for (name, tensors) in [("image", &batch.images), ("mask", &batch.masks)] {
                let data = column(name);
                data.validate_full().unwrap();
                assert_eq!(data.child_data()[0].buffers()[0].as_slice(), &tensors[..], "{name}");
            }
            for (name, texts) in [("id", &batch.ids), ("patient_id", &batch.patient_ids)] {
                let data = column(name);
                data.validate_full().unwrap();
                assert_eq!(data.buffer::<i32>(0)[..=samples], *texts.offsets(), "{name}");
                assert_eq!(data.buffers()[1].as_slice(), texts.bytes(), "{name}");
            }
            let rows: Vec<u64> = batch.samples.iter().map(|sample| sample.row).collect();
            let positions: Vec<u64> = batch.samples.iter().map(|sample| sample.position).collect();
            assert_eq!(numbers("row"), u64_bytes(&rows));
            assert_eq!(numbers("epoch"), u64_bytes(&vec![3; samples]));
            assert_eq!(numbers("position"), u64_bytes(&positions));
        }
        assert!(reader.next().is_none());
    }

    #[test]
    fn no_batches_are_a_stream_of_the_schema() {
        let bytes = stream(&a_schema(), &[]);
        let mut reader = StreamReader::try_new(&bytes[..], None).unwrap();
        assert_eq!(*reader.schema(), arrow_schema(&a_schema()).unwrap());
        assert!(reader.next().is_none());
    }
}
