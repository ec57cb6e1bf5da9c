//! Samples as files of a tar archive, named as WebDataset wants them.
//!
//! WebDataset groups consecutive files whose names are equal up to the first dot into one sample, and reads
//! each by what follows the dot. Here a sample is `<key>.image.npy`, `<key>.mask.npy` (see [`super::npy`])
//! and `<key>.json`.
//!
//! The archive is POSIX.1-1988 `ustar`: per file a header of 512 bytes, then its bytes, filled up with zeros
//! to a multiple of 512; two blocks of zeros are the end. Owner, mode and time are the same for all files, so
//! that the same batches make the same bytes.

use std::fmt::Write;

use serde::Serialize;
use serde_json::value::RawValue;
use tar::{EntryType, Header};

use super::format::{BatchFormat, Format, Piece};
use super::npy::npy_head;
use crate::stream::{Batch, BatchStart, StreamSchema};

const BLOCK: usize = 512;

/// End of an archive.
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// A tar archive of the samples, for WebDataset: `<key>.image.npy`, `<key>.mask.npy`, `<key>.json`. The key is the epoch
/// and the position in it, as in `000000-0000000042`.
pub(super) static WEBDATASET: Format = Format {
    name: "webdataset",
    extensions: &["tar"],
    media_type: "application/x-tar",
    needs_texts: true,
    has_batch_axis: false,
    heads: None,
    encoder: |schema| Ok(Box::new(TarEncoder::new(schema))),
};

/// The `.json` of a sample.
#[derive(Debug, Serialize)]
struct SampleText<'a> {
    id: &'a str,
    patient_id: &'a str,
    split: &'a str,
    /// `null` where the rows come in the order of the file.
    seed: Option<u64>,
    epoch: u64,
    position: u64,
    row: u64,
    /// Drawn parameters, an object; absent where the stream is not augmented.
    #[serde(skip_serializing_if = "Option::is_none")]
    augmentation: Option<&'a RawValue>,
}

/// Offsets of one sample in the bytes between tensors.
#[derive(Debug, Clone, Copy)]
struct Cuts {
    /// Offset of the image.
    image: usize,
    /// Offset of the header of the mask.
    mask_header: usize,
    /// Offset of the mask.
    mask: usize,
    /// Offset of the header of the text.
    text_header: usize,
    /// Offset of the end of the sample.
    end: usize,
}

/// Batches as files of an archive.
#[derive(Debug)]
pub(super) struct TarEncoder {
    image_head: Vec<u8>,
    mask_head: Vec<u8>,
    image_bytes: usize,
    mask_bytes: usize,
    seed: Option<u64>,
    /// Bytes between the tensors of the latest batch, one after the other: headers, padding, texts.
    between: Vec<u8>,
    /// Offsets of the image and the mask of each sample in `between`.
    cuts: Vec<Cuts>,
    /// The names and texts of the latest sample.
    key: String,
    name: String,
    text: Vec<u8>,
}

impl TarEncoder {
    pub(super) fn new(schema: &StreamSchema) -> Self {
        Self {
            image_head: npy_head(&schema.image, None),
            mask_head: npy_head(&schema.mask, None),
            image_bytes: schema.image.sample_bytes(),
            mask_bytes: schema.mask.sample_bytes(),
            seed: schema.seed,
            between: Vec::new(),
            cuts: Vec::new(),
            key: String::new(),
            name: String::new(),
            text: Vec::new(),
        }
    }
}

impl BatchFormat for TarEncoder {
    fn encode<'b>(&'b mut self, batch: &'b Batch) -> Vec<Piece<'b>> {
        self.between.clear();
        self.cuts.clear();
        for index in 0..batch.samples.len() {
            self.add_sample(batch, index);
        }
        let mut pieces = Vec::with_capacity(7 * batch.samples.len());
        let (between, mut start) = (&self.between[..], 0);
        let header = |bytes| Piece { bytes, opening: BLOCK };
        for (index, cuts) in self.cuts.iter().enumerate() {
            pieces.push(header(&between[start..cuts.image]));
            pieces.push(Piece::from(&batch.images[index * self.image_bytes..][..self.image_bytes]));
            pieces.push(Piece::from(&between[cuts.image..cuts.mask_header]));
            pieces.push(header(&between[cuts.mask_header..cuts.mask]));
            pieces.push(Piece::from(&batch.masks[index * self.mask_bytes..][..self.mask_bytes]));
            pieces.push(Piece::from(&between[cuts.mask..cuts.text_header]));
            pieces.push(header(&between[cuts.text_header..cuts.end]));
            start = cuts.end;
        }
        pieces
    }

    fn opening(&self, start: BatchStart) -> Vec<u8> {
        let mut name = String::new();
        write_key(&mut name, start.cursor.epoch, start.position);
        name.push_str(".image.npy");
        header(&name, self.image_head.len() + self.image_bytes).as_bytes().to_vec()
    }

    fn end(&self) -> Vec<u8> {
        END.to_vec()
    }
}

impl TarEncoder {
    /// Adds all of sample `index` but its tensors.
    fn add_sample(&mut self, batch: &Batch, index: usize) {
        let (epoch, sample) = (batch.cursor.epoch, batch.samples[index]);
        self.key.clear();
        write_key(&mut self.key, epoch, sample.position);
        self.text.clear();
        let text = SampleText {
            id: batch.ids.get(index),
            patient_id: batch.patient_ids.get(index),
            split: batch.splits.get(index),
            seed: self.seed,
            epoch,
            position: sample.position,
            row: sample.row,
            augmentation: serde_json::from_str(batch.augmentations.get(index)).ok(),
        };
        serde_json::to_writer(&mut self.text, &text).expect("texts and numbers are always JSON");

        let image = self.image_head.len() + self.image_bytes;
        self.add_header("image.npy", image);
        self.between.extend_from_slice(&self.image_head);
        let image_cut = self.between.len();
        self.add_padding(image);
        let mask_header = self.between.len();

        let mask = self.mask_head.len() + self.mask_bytes;
        self.add_header("mask.npy", mask);
        self.between.extend_from_slice(&self.mask_head);
        let mask_cut = self.between.len();
        self.add_padding(mask);
        let text_header = self.between.len();

        self.add_header("json", self.text.len());
        self.between.extend_from_slice(&self.text);
        self.add_padding(self.text.len());
        let end = self.between.len();
        self.cuts.push(Cuts { image: image_cut, mask_header, mask: mask_cut, text_header, end });
    }

    /// The header of the file with this `extension`, of `size` bytes.
    fn add_header(&mut self, extension: &str, size: usize) {
        self.name.clear();
        let _ = write!(self.name, "{}.{extension}", self.key);
        self.between.extend_from_slice(header(&self.name, size).as_bytes());
    }

    /// Padding of a file of `size` bytes up to the next block.
    fn add_padding(&mut self, size: usize) {
        let padding = size.next_multiple_of(BLOCK) - size;
        self.between.extend_from_slice(&END[..padding]);
    }
}

/// The key of a sample: its epoch and its position there.
fn write_key(key: &mut String, epoch: u64, position: u64) {
    // Writing to memory cannot fail.
    let _ = write!(key, "{epoch:06}-{position:010}");
}

/// The header of a file of `size` bytes.
fn header(name: &str, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_path(name).expect("two numbers and an extension are shorter than 100 bytes");
    header.set_entry_type(EntryType::Regular);
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::samples::{a_batch, a_schema, bytes_of};
    use super::*;

    /// Names and contents of all files, whose headers must be plain.
    fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert!(header.as_ustar().is_some());
            assert_eq!((header.mode().unwrap(), header.mtime().unwrap()), (0o644, 0));
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (name, bytes)
        });
        entries.collect()
    }

    #[test]
    fn samples_are_found_again() {
        let (schema, batch) = (a_schema(), a_batch(2));
        let mut encoder = TarEncoder::new(&schema);
        let body = bytes_of(&encoder.encode(&batch));
        assert_eq!(body.len() % BLOCK, 0);
        let files = files(&[&body[..], &END[..]].concat());
        let image = |index: usize| {
            let bytes = &batch.images[index * schema.image.sample_bytes()..][..schema.image.sample_bytes()];
            [&npy_head(&schema.image, None), bytes].concat()
        };
        let mask = |index: usize| {
            let bytes = &batch.masks[index * schema.mask.sample_bytes()..][..schema.mask.sample_bytes()];
            [&npy_head(&schema.mask, None), bytes].concat()
        };
        let text = |index: u64, row: u64| {
            format!(
                r#"{{"id":"id/{index}","patient_id":"p{index}","split":"train","seed":11,"epoch":3,"position":{},"row":{row}}}"#,
                40 + index
            )
        };
        let expected = [
            ("000003-0000000040.image.npy", image(0)),
            ("000003-0000000040.mask.npy", mask(0)),
            ("000003-0000000040.json", text(0, 100).into_bytes()),
            ("000003-0000000041.image.npy", image(1)),
            ("000003-0000000041.mask.npy", mask(1)),
            ("000003-0000000041.json", text(1, 99).into_bytes()),
        ];
        assert_eq!(files, expected.map(|(name, bytes)| (name.to_owned(), bytes)));
    }

    #[test]
    fn the_largest_numbers_and_odd_texts() {
        let schema = StreamSchema { seed: None, ..a_schema() };
        let mut batch = a_batch(1);
        (batch.cursor.epoch, batch.samples[0].position) = (u64::MAX, u64::MAX);
        batch.ids.clear();
        batch.ids.push("a\"\\é\n");
        let mut encoder = TarEncoder::new(&schema);
        let files = files(&[&bytes_of(&encoder.encode(&batch))[..], &END[..]].concat());
        assert_eq!(files[2].0, "18446744073709551615-18446744073709551615.json");
        let text: serde_json::Value = serde_json::from_slice(&files[2].1).unwrap();
        assert_eq!((&text["id"], &text["seed"]), (&"a\"\\é\n".into(), &serde_json::Value::Null));
    }

    #[test]
    fn nothing_is_an_archive_too() {
        assert!(files(&END).is_empty());
        assert!(TarEncoder::new(&a_schema()).encode(&a_batch(0)).is_empty());
    }
}
