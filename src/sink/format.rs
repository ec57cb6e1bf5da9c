//! The trait of the formats of a stream.

use std::fmt;

use super::error::SinkError;
use crate::stream::{Batch, BatchStart, StreamSchema};

/// Bytes of a batch, and how many of the first of them open a record. A stream that is cut before an opening looks
/// complete to its readers, so an opening is written together with the byte before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'b> {
    /// The bytes.
    pub bytes: &'b [u8],
    /// Number of them that open a record; 0 where the piece goes on with one.
    pub opening: usize,
}

impl<'b> From<&'b [u8]> for Piece<'b> {
    /// Bytes that go on with a record.
    fn from(bytes: &'b [u8]) -> Self {
        Self { bytes, opening: 0 }
    }
}

/// The encoder of one stream: it makes the small bytes of a format (headers, padding, texts) and leaves the tensors where
/// they are, in the memory of the batch.
pub trait BatchFormat: Send {
    /// The bytes before the first batch.
    fn start(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// The bytes of `batch`, piece after piece. The first piece begins with [`BatchFormat::opening`] of its place.
    fn encode<'b>(&'b mut self, batch: &'b Batch) -> Vec<Piece<'b>>;

    /// The first bytes of the batch that begins at `start`: they are written along with the batch before it, so that a
    /// reader whose writer dies in between finds a record that does not go on.
    fn opening(&self, start: BatchStart) -> Vec<u8>;

    /// The bytes after the last batch.
    fn end(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// The bytes before the images and before the masks of a batch of so many samples.
pub type Heads = fn(&StreamSchema, usize) -> [Vec<u8>; 2];

/// A format of streams: what is known of it without a stream.
pub struct Format {
    /// The name in options.
    pub name: &'static str,
    /// The ends of names of files of this format, without the dot.
    pub extensions: &'static [&'static str],
    /// The media type (`Content-Type`).
    pub media_type: &'static str,
    /// True if batches must have the texts of their samples.
    pub needs_texts: bool,
    /// True if a batch is one record, whose tensors have an axis of samples; false if each sample is records of its own.
    pub has_batch_axis: bool,
    /// Present where a batch has no other bytes than these and its tensors.
    pub heads: Option<Heads>,
    /// The encoder of a stream.
    pub encoder: fn(&StreamSchema) -> Result<Box<dyn BatchFormat>, SinkError>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
