//! From the rows of the file to a batch: read, decode, convert.

use std::sync::atomic::{AtomicBool, Ordering};

use super::batch_stream::Stream;
use super::form::{FormError, Former, resize};
use super::{Batch, StreamError};
use crate::augment::AugmentParams;
use crate::order;
use crate::store::{ColumnPage, RowReader, StoreError, column};

/// Fills batches, for one thread; keeps its memory between samples.
pub(super) struct Filler<'s> {
    stream: &'s Stream,
    stopped: &'s AtomicBool,
    reader: RowReader<'s>,
    former: Former<'s>,
    image: Vec<u8>,
    mask: Vec<u8>,
    json: Vec<u8>,
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
    Form(FormError),
}

impl<'s> Filler<'s> {
    pub(super) fn new(stream: &'s Stream, stopped: &'s AtomicBool) -> Self {
        Self {
            stream,
            stopped,
            reader: RowReader::new(&stream.file, stream.checksums.as_ref()),
            former: Former::new(&stream.form),
            image: Vec::new(),
            mask: Vec::new(),
            json: Vec::new(),
            window: ColumnPage::default(),
            texts: Default::default(),
        }
    }

    /// Fills `batch`, whose cursor and samples are there.
    pub(super) fn fill(&mut self, batch: &mut Batch) -> Result<(), Unfilled> {
        let (stream, epoch) = (self.stream, batch.cursor.epoch);
        self.fill_texts(batch).map_err(|error| Unfilled::Failed(error.into()))?;
        let [image_bytes, mask_bytes] =
            [&stream.schema().image, &stream.schema().mask].map(|tensor| tensor.sample_bytes());
        let samples = batch.samples.len();
        for (bytes, sample_bytes) in [(&mut batch.images, image_bytes), (&mut batch.masks, mask_bytes)] {
            bytes
                .resize(samples * sample_bytes)
                .map_err(|_| Unfilled::Failed(stream.too_large(samples as u64)))?;
        }
        let Batch { images, masks, augmentations, .. } = batch;
        augmentations.clear();
        let places = images.chunks_exact_mut(image_bytes).zip(masks.chunks_exact_mut(mask_bytes));
        for (order::Sample { row, .. }, (image, mask)) in batch.samples.iter().zip(places) {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Unfilled::Stopped);
            }
            let params = stream.form.draw(epoch, *row);
            if let Some(params) = params.as_ref().filter(|_| stream.texts.is_some()) {
                augmentations.push(self.json_of(params));
            }
            let filled = self.fill_sample(*row, params.as_ref(), [image, mask]);
            filled.map_err(|error| Unfilled::Failed(stream.sample_error(*row, error)))?;
        }
        Ok(())
    }

    /// `params` as one line of JSON.
    fn json_of(&mut self, params: &AugmentParams) -> &str {
        self.json.clear();
        // Plain numbers always can be written, and to memory.
        let written = serde_json::to_writer(&mut self.json, params);
        written.ok().and_then(|()| std::str::from_utf8(&self.json).ok()).unwrap_or_default()
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

    fn fill_sample(
        &mut self,
        row: u64,
        params: Option<&AugmentParams>,
        [image, mask]: [&mut [u8]; 2],
    ) -> Result<(), SampleError> {
        let Stream { file, form, cache, .. } = self.stream;
        let window = self.window_of(row as usize)?;
        if let Some(kept) = cache.get(row) {
            let stored = [Some(&kept.image[..]), Some(&kept.mask[..])];
            return Ok(self.former.form(stored, window, params, [image, mask])?);
        }
        // What leaves as it is stored is decoded right into its place.
        let [image_stays, mask_stays] = form.stays();
        let keep = cache.has_room_for(file.image_bytes() + file.mask_bytes());
        let formed = !image_stays && !keep && self.form_parts(row as usize, window, image)?;
        let stored_image: Option<&[u8]> = if formed {
            None
        } else if image_stays {
            self.reader.read_image(row as usize, image)?;
            Some(image)
        } else {
            resize(&mut self.image, file.image_bytes())?;
            self.reader.read_image(row as usize, &mut self.image)?;
            Some(&self.image)
        };
        let stored_mask: &[u8] = if mask_stays {
            self.reader.read_mask(row as usize, mask)?;
            mask
        } else {
            resize(&mut self.mask, file.mask_bytes())?;
            self.reader.read_mask(row as usize, &mut self.mask)?;
            &self.mask
        };
        if let Some(stored_image) = stored_image {
            cache.keep(row, stored_image, stored_mask);
        }
        let stored_image = (!image_stays && !formed).then_some(&self.image[..]);
        let stored_mask = (!mask_stays).then_some(&self.mask[..]);
        Ok(self.former.form([stored_image, stored_mask], window, params, [image, mask])?)
    }

    /// Converts the image of `row` while it is decoded. `false` where that cannot be, and nothing was done.
    fn form_parts(&mut self, row: usize, window: [f32; 2], image: &mut [u8]) -> Result<bool, SampleError> {
        let Some(mut parts) = self.former.begin_image(window, image)? else { return Ok(false) };
        let mut converted = Ok(());
        self.reader.read_image_parts(row, |part| {
            if converted.is_ok() {
                converted = parts.push(part);
            }
        })?;
        // What is damaged is told first: whether it can be converted says nothing then.
        converted?;
        Ok(true)
    }

    /// Center and width of the row's own window, if images are normalized with it.
    fn window_of(&mut self, row: usize) -> Result<[f32; 2], StoreError> {
        let Some(windows) = &self.stream.windows else { return Ok([f32::NAN; 2]) };
        let cell = windows.cell(row, &mut self.window)?;
        Ok([0, 1].map(|part| cell.number(part).map_or(f32::NAN, |number| number as f32)))
    }
}

impl Stream {
    /// Decides the samples of `batch`, as `planned`, and has the system read ahead what they are made of: long before
    /// a thread comes to them.
    pub(super) fn begin(&self, planned: &order::Batch, batch: &mut Batch) {
        let cursor = planned.cursor();
        batch.cursor = cursor;
        batch.samples.clear();
        batch.samples.extend(planned.samples().filter_map(|order::Sample { position, row }| {
            Some(order::Sample { position, row: self.rows.row(cursor.epoch, row)? })
        }));
        for order::Sample { row, .. } in &batch.samples {
            if !self.cache.has(*row) {
                self.file.will_need(*row as usize);
            }
        }
    }

    fn sample_error(&self, row: u64, error: SampleError) -> StreamError {
        let ids = self.file.column(column::ID);
        let id = ids.and_then(|ids| Ok(ids.walk().cell(row as usize)?.text().map(str::to_owned)));
        let id = id.ok().flatten().unwrap_or_else(|| "its id cannot be read".to_owned());
        match error {
            SampleError::Store(source) => StreamError::Row { row, id, source },
            SampleError::Form(FormError::Convert(source)) => StreamError::Convert { row, id, source },
            SampleError::Form(FormError::Memory) => self.too_large(1),
        }
    }
}

impl From<StoreError> for SampleError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E: Into<FormError>> From<E> for SampleError {
    fn from(error: E) -> Self {
        Self::Form(error.into())
    }
}
