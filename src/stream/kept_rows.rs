//! Batches whose samples are rows of a cache, as they are there.

use bytes::Bytes;

use super::batch::Batch;
use super::decode::BatchDecoder;
use super::error::StreamError;
use super::parts::DecodeWork;
use super::row_cache::{DecodedRow, RowCache};
use super::stream::Stream;
use super::tensor_bytes::TensorBytes;
use crate::order::Cursor;

impl Stream {
    /// The rows of `cache` that the samples of the batch at the place `cursor` are, byte for byte. Those that are new to it
    /// are decoded and kept there. `None` where samples leave otherwise than they are stored, or the cache has no room.
    ///
    /// # Errors
    /// As [`Stream::batch_into`].
    pub fn kept_rows(
        &self,
        cursor: Cursor,
        cache: &RowCache,
    ) -> Result<Option<Vec<DecodedRow>>, StreamError> {
        let parts = &self.parts;
        let are_rows = parts.context.is_none() && parts.cropper.is_none();
        if !are_rows || parts.transform.is_stored() != [true; 2] {
            return Ok(None);
        }
        let (planned, mut batch) = (self.planned_at(cursor)?, Batch::default());
        parts.prepare(&planned, &mut batch, cache);
        let rows = || batch.samples.iter().map(|sample| sample.row);
        let mut missing: Vec<u64> = rows().filter(|row| !cache.has(*row)).collect();
        missing.sort_unstable();
        missing.dedup();
        let mut decoded = Vec::new();
        if !missing.is_empty() {
            if !cache.has_room_for(missing.len() * parts.sample_bytes()) {
                return Ok(None);
            }
            let work = DecodeWork::new(Some(self.dataset().checksums()?), cache.clone());
            decoded = self.with_decoder(&work, |decoder| decoder.keep_rows(&missing))?;
        }
        // A cache loses no row.
        let row_of =
            |row| missing.binary_search(&row).map_or_else(|_| cache.get(row), |at| Some(decoded[at].clone()));
        Ok(rows().map(row_of).collect())
    }
}

impl BatchDecoder<'_> {
    /// Decodes `rows` into one memory, in large pages where the system has them, and keeps them in the cache.
    fn keep_rows(&mut self, rows: &[u64]) -> Result<Vec<DecodedRow>, StreamError> {
        let parts = self.parts;
        let [image_bytes, mask_bytes] = [parts.file.image_bytes(), parts.file.mask_bytes()];
        let bytes = rows.len() * (image_bytes + mask_bytes);
        let mut memory = TensorBytes::default();
        memory.resize(bytes).map_err(|_| parts.too_large(rows.len() as u64))?;
        let places = memory.chunks_exact_mut(image_bytes + mask_bytes);
        for (number, (&row, place)) in rows.iter().zip(places).enumerate() {
            self.read_together(row, rows[number + 1..].iter().copied());
            let (image, mask) = place.split_at_mut(image_bytes);
            let read = self.reader.read_image(row as usize, image);
            read.and_then(|()| self.reader.read_mask(row as usize, mask))
                .map_err(|error| parts.sample_error(row, error.into()))?;
        }
        let mut memory = Bytes::from_owner(memory);
        let mut take = |bytes| memory.split_to(bytes);
        let decoded: Vec<DecodedRow> =
            rows.iter().map(|_| DecodedRow { image: take(image_bytes), mask: take(mask_bytes) }).collect();
        self.work.cache.keep_together(bytes, rows.iter().copied().zip(decoded.iter().cloned()));
        Ok(decoded)
    }
}
