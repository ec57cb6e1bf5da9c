//! Arrays as records of numpy's `.npy` format, version 1.0.
//!
//! NEP 1 ("A Simple File Format for NumPy Arrays") and `numpy.lib.format` define a record: the magic bytes
//! `\x93NUMPY`, the version `\x01\x00`, the length of the header as 16 bits little endian, the header, and
//! then the numbers. The header is a Python dictionary in ASCII with exactly the keys `descr`,
//! `fortran_order` and `shape`; spaces and a line end fill it up so that the numbers begin at a multiple of
//! 64. Records may follow each other in one file: `numpy.load` of the open file reads the next one. It does not
//! read pipes, as it asks for the position in the file; `read_magic` and `read_array_header_1_0` of
//! `numpy.lib.format` do, and `readinto` fills an array of the shape and type that they find.

use super::format::{BatchFormat, Format, Piece};
use crate::stream::{Batch, BatchStart, ElementType, StreamSchema, TensorSchema};

/// Bytes before the header: magic bytes, version, length.
const PREFIX: &[u8] = b"\x93NUMPY\x01\x00";
const LENGTH_BYTES: usize = 2;
const ALIGNMENT: usize = 64;

/// For each batch a numpy array of its images and one of its masks, one `.npy` record after the other.
pub(super) static NPY: Format = Format {
    name: "npy",
    extensions: &["npy"],
    media_type: "application/x-npy",
    needs_texts: false,
    has_batch_axis: true,
    heads: Some(|schema, samples| {
        [&schema.image, &schema.mask].map(|tensor| npy_head(tensor, Some(samples)))
    }),
    encoder: |schema| Ok(Box::new(NpyEncoder::new(schema))),
};

/// Batches as records: for each batch one of its images and then one of its masks, their first axis the
/// samples. The stream has nothing before the first and after the last record.
#[derive(Debug)]
pub(super) struct NpyEncoder {
    image: TensorSchema,
    mask: TensorSchema,
    /// The headers of the latest batch.
    image_head: Vec<u8>,
    mask_head: Vec<u8>,
}

impl NpyEncoder {
    pub(super) fn new(schema: &StreamSchema) -> Self {
        let (image, mask) = (schema.image.clone(), schema.mask.clone());
        Self { image, mask, image_head: Vec::new(), mask_head: Vec::new() }
    }
}

impl BatchFormat for NpyEncoder {
    fn encode<'b>(&'b mut self, batch: &'b Batch) -> Vec<Piece<'b>> {
        self.image_head = npy_head(&self.image, Some(batch.samples.len()));
        self.mask_head = npy_head(&self.mask, Some(batch.samples.len()));
        vec![
            Piece { bytes: &self.image_head, opening: PREFIX.len() },
            Piece::from(&batch.images[..]),
            Piece { bytes: &self.mask_head, opening: PREFIX.len() },
            Piece::from(&batch.masks[..]),
        ]
    }

    fn opening(&self, _start: BatchStart) -> Vec<u8> {
        PREFIX.to_vec()
    }
}

/// Header of a record: of `samples` tensors under a first axis of their own, or of
/// one tensor without it.
pub(super) fn npy_head(tensor: &TensorSchema, samples: Option<usize>) -> Vec<u8> {
    let axes: Vec<String> = samples.iter().chain(&tensor.shape).map(usize::to_string).collect();
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        descr(tensor.element),
        axes.join(", ")
    );
    let before = PREFIX.len() + LENGTH_BYTES;
    let total = (before + header.len() + 1).next_multiple_of(ALIGNMENT);
    header.extend(std::iter::repeat_n(' ', total - before - header.len() - 1));
    header.push('\n');
    let length = u16::try_from(header.len()).expect("four numbers make no header of 64 KiB");
    [PREFIX, &length.to_le_bytes(), header.as_bytes()].concat()
}

/// numpy's name of the type with its byte order.
fn descr(element: ElementType) -> &'static str {
    match element {
        ElementType::UInt8 => "|u1",
        ElementType::Int16 => "<i2",
        ElementType::UInt16 => "<u2",
        ElementType::Float16 => "<f2",
        ElementType::Float32 => "<f4",
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{a_batch, a_schema, bytes_of};
    use super::*;

    fn tensor(element: ElementType, shape: [usize; 3]) -> TensorSchema {
        TensorSchema { element, shape, axes: ["row", "column", "channel"] }
    }

    #[test]
    fn a_header_byte_by_byte() {
        let head = npy_head(&tensor(ElementType::Float32, [256, 256, 1]), Some(32));
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (32, 256, 256, 1), }";
        let expected = [&b"\x93NUMPY\x01\x00\x76\x00"[..], text.as_bytes(), &b" ".repeat(47), b"\n"].concat();
        assert_eq!((head.len(), head), (128, expected));
    }

    #[test]
    fn every_header_ends_at_a_multiple_of_64() {
        for size in [0, 1, 10, 12_345, 1_234_567, usize::MAX] {
            for samples in [None, Some(1), Some(size)] {
                let head = npy_head(&tensor(ElementType::UInt8, [size, 1, size]), samples);
                assert_eq!((head.len() % ALIGNMENT, head.last()), (0, Some(&b'\n')));
                assert_eq!(usize::from(u16::from_le_bytes([head[8], head[9]])), head.len() - 10);
            }
        }
        let head = npy_head(&tensor(ElementType::UInt8, [1, 2, 3]), None);
        assert!(head[10..].starts_with(b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), }  "));
    }

    #[test]
    fn images_come_before_masks() {
        let (schema, batch) = (a_schema(), a_batch(3));
        let mut encoder = NpyEncoder::new(&schema);
        let bytes = bytes_of(&encoder.encode(&batch));
        let images = npy_head(&schema.image, Some(3));
        let masks = npy_head(&schema.mask, Some(3));
        assert_eq!(bytes, [&images, &batch.images[..], &masks, &batch.masks].concat());
    }
}
