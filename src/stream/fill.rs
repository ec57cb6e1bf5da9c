//! From the rows of the file to a batch: read, decode, convert.

use std::collections::TryReserveError;
use std::sync::atomic::{AtomicBool, Ordering};

use super::batch_stream::Stream;
use super::{Batch, ConvertError, StreamError};
use crate::order;
use crate::store::{ColumnPage, RowReader, StoreError, column};

/// Fills batches, for one thread; keeps its memory between samples.
pub(super) struct Filler<'s> {
    stream: &'s Stream,
    stopped: &'s AtomicBool,
    reader: RowReader<'s>,
    image: Vec<u8>,
    mask: Vec<u8>,
    window: ColumnPage,
    texts: [ColumnPage; 3],
}

/// Why a batch was not filled.
pub(super) enum Unfilled {
    /// Nobody wants it any more.
    Stopped,
    /// It cannot be filled.
    Failed(StreamError),
}

/// Why a sample cannot be had.
enum SampleError {
    Store(StoreError),
    Convert(ConvertError),
    Memory,
}

impl<'s> Filler<'s> {
    pub(super) fn new(stream: &'s Stream, stopped: &'s AtomicBool) -> Self {
        Self {
            stream,
            stopped,
            reader: RowReader::new(&stream.file, stream.checksums.as_ref()),
            image: Vec::new(),
            mask: Vec::new(),
            window: ColumnPage::default(),
            texts: Default::default(),
        }
    }

    /// Fills `batch` with the samples of `planned`.
    pub(super) fn fill(&mut self, planned: &order::Batch, batch: &mut Batch) -> Result<(), Unfilled> {
        let stream = self.stream;
        let epoch = planned.cursor().epoch;
        batch.cursor = planned.cursor();
        batch.samples.clear();
        batch.samples.extend(planned.samples().filter_map(|order::Sample { position, row }| {
            Some(order::Sample { position, row: stream.rows.row(epoch, row)? })
        }));
        for order::Sample { row, .. } in &batch.samples {
            if !stream.cache.has(*row) {
                stream.file.will_need(*row as usize);
            }
        }
        self.fill_texts(batch).map_err(|error| Unfilled::Failed(error.into()))?;
        let [image_bytes, mask_bytes] =
            [stream.image.schema(), stream.mask.schema()].map(|s| s.sample_bytes());
        let samples = batch.samples.len();
        for (bytes, sample_bytes) in [(&mut batch.images, image_bytes), (&mut batch.masks, mask_bytes)] {
            resize(bytes, samples * sample_bytes)
                .map_err(|_| Unfilled::Failed(stream.too_large(samples as u64)))?;
        }
        let images = batch.images.chunks_exact_mut(image_bytes);
        let masks = batch.masks.chunks_exact_mut(mask_bytes);
        for (order::Sample { row, .. }, (image, mask)) in batch.samples.iter().zip(images.zip(masks)) {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Unfilled::Stopped);
            }
            let filled = self.fill_sample(*row, image, mask);
            filled.map_err(|error| Unfilled::Failed(stream.sample_error(*row, error)))?;
        }
        Ok(())
    }

    fn fill_texts(&mut self, batch: &mut Batch) -> Result<(), StoreError> {
        let Batch { samples, ids, patient_ids, splits, .. } = batch;
        let columns = self.stream.texts.iter().flatten();
        for ((column, page), texts) in columns.zip(&mut self.texts).zip([ids, patient_ids, splits]) {
            texts.clear();
            for sample in samples.iter() {
                texts.push(column.cell(sample.row as usize, page)?.text().unwrap_or_default());
            }
        }
        Ok(())
    }

    fn fill_sample(&mut self, row: u64, image: &mut [u8], mask: &mut [u8]) -> Result<(), SampleError> {
        let Stream { file, image: image_converter, mask: mask_converter, cache, .. } = self.stream;
        let window = self.window_of(row as usize)?;
        if let Some(kept) = cache.get(row) {
            image_converter.convert(&kept.image, window, image)?;
            mask_converter.convert(&kept.mask, mask);
            return Ok(());
        }
        // What leaves as it is stored is decoded right into its place.
        let stored_image = if image_converter.is_identity() {
            self.reader.read_image(row as usize, image)?;
            image
        } else {
            resize(&mut self.image, file.image_bytes())?;
            self.reader.read_image(row as usize, &mut self.image)?;
            image_converter.convert(&self.image, window, image)?;
            &mut self.image
        };
        let stored_mask = if mask_converter.is_identity() {
            self.reader.read_mask(row as usize, mask)?;
            mask
        } else {
            resize(&mut self.mask, file.mask_bytes())?;
            self.reader.read_mask(row as usize, &mut self.mask)?;
            mask_converter.convert(&self.mask, mask);
            &mut self.mask
        };
        cache.keep(row, stored_image, stored_mask);
        Ok(())
    }

    /// Center and width of the row's own window, if images are normalized with it.
    fn window_of(&mut self, row: usize) -> Result<[f32; 2], StoreError> {
        let Some(windows) = &self.stream.windows else { return Ok([f32::NAN; 2]) };
        let cell = windows.cell(row, &mut self.window)?;
        Ok([0, 1].map(|part| cell.number(part).map_or(f32::NAN, |number| number as f32)))
    }
}

impl Stream {
    fn sample_error(&self, row: u64, error: SampleError) -> StreamError {
        let ids = self.file.column(column::ID);
        let id = ids.and_then(|ids| Ok(ids.walk().cell(row as usize)?.text().map(str::to_owned)));
        let id = id.ok().flatten().unwrap_or_else(|| "its id cannot be read".to_owned());
        match error {
            SampleError::Store(source) => StreamError::Row { row, id, source },
            SampleError::Convert(source) => StreamError::Convert { row, id, source },
            SampleError::Memory => self.too_large(1),
        }
    }
}

/// Gives `bytes` a length; what it holds does not matter.
fn resize(bytes: &mut Vec<u8>, length: usize) -> Result<(), TryReserveError> {
    if bytes.capacity() < length {
        // Whether there is so much can be asked, but not when the system is to give zeros that nobody wrote.
        Vec::<u8>::new().try_reserve_exact(length)?;
        *bytes = vec![0; length];
    } else {
        bytes.resize(length, 0);
    }
    Ok(())
}

impl From<StoreError> for SampleError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ConvertError> for SampleError {
    fn from(error: ConvertError) -> Self {
        Self::Convert(error)
    }
}

impl From<TryReserveError> for SampleError {
    fn from(_: TryReserveError) -> Self {
        Self::Memory
    }
}
