//! Rows taken out of a partial file, by address.

use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::super::chunk_codec::{ChunkDecoder, PADDING};
use super::super::chunk_table::is_longer_than_any;
use super::super::{Applied, EncodedChunk, EncodedRow, ImageStatistics};
use super::reader::Journal;
use super::row::KeptChunk;
use crate::model::PixelType;

/// Takes one row after the other, for one thread. What it gives was compared with all its checksums.
pub struct KeptRows {
    journal: Arc<Journal>,
    pixel_type: PixelType,
    reader: PieceReader,
    image: Vec<u8>,
    mask: Vec<u8>,
}

/// Reads chunks; keeps its memory.
#[derive(Default)]
struct PieceReader {
    encoded: Vec<u8>,
    decoder: ChunkDecoder,
}

impl KeptRows {
    /// A reader of the rows that `journal` tells of; `None` where its header says what no rows are.
    #[must_use]
    pub fn new(journal: Arc<Journal>) -> Option<Self> {
        let (pixel_type, [image, mask]) = (journal.header().pixel_type()?, journal.header().row_bytes()?);
        let (image, mask) = (vec![0; image], vec![0; mask]);
        Some(Self { journal, pixel_type, reader: PieceReader::default(), image, mask })
    }

    /// The image (H, W, C) of the row that was taken last, little endian.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// The mask (H, W, K) of the row that was taken last.
    #[must_use]
    pub fn mask(&self) -> &[u8] {
        &self.mask
    }

    /// Row `row`; of its columns, those are known by which it was found. `None` where it is damaged, or cannot be read.
    pub fn read(&mut self, row: usize) -> Option<EncodedRow> {
        let Self { journal, pixel_type, reader, image, mask } = self;
        let kept = journal.row(row).ok()?;
        let header = journal.header();
        let applied = |element: usize| Applied {
            deflated: header.is_compressed,
            shuffled_elements: (header.is_compressed && element > 1).then_some(element),
        };
        let encoded_image = reader.read(journal, kept.image, applied(pixel_type.size()), image)?;
        let encoded_mask = reader.read(journal, kept.mask, applied(1), mask)?;
        if [crc32c::crc32c(image), crc32c::crc32c(mask)] != kept.checksum {
            return None;
        }
        let row = kept.columns();
        let counted = row.counted(header.grid()?).of_le_bytes(*pixel_type, image);
        let statistics = ImageStatistics::of_le_bytes(*pixel_type, &counted, header.channels);
        Some(EncodedRow { row, image: encoded_image, mask: encoded_mask, statistics })
    }
}

impl PieceReader {
    /// Reads and decodes `chunk` into `bytes`; `None` where it is damaged.
    fn read(
        &mut self,
        journal: &Journal,
        chunk: KeptChunk,
        applied: Applied,
        bytes: &mut [u8],
    ) -> Option<EncodedChunk> {
        let length = chunk.bytes as usize;
        if is_longer_than_any(length, bytes.len()) {
            return None;
        }
        self.encoded.clear();
        self.encoded.resize(length + PADDING, 0);
        let encoded = &mut self.encoded[..length];
        journal.partial.read_exact_at(encoded, chunk.address).ok()?;
        if crc32c::crc32c(encoded) != chunk.checksum {
            return None;
        }
        let with_padding = if applied.deflated { length + PADDING } else { length };
        self.decoder.decode(&self.encoded[..with_padding], applied, bytes).ok()?;
        Some(EncodedChunk::decoded(&self.encoded[..length]))
    }
}
