//! From the rows of the file to a batch: read, decode, convert.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use super::RowWindow;
use super::batch::Batch;
use super::context::Context;
use super::crop::Cropper;
use super::decode_memory::DecodeMemory;
use super::error::StreamError;
use super::gather::Slot;
use super::parts::{DecodeWork, StreamParts};
use super::row_cache::DecodedRow;
use super::transform::{SampleTransformer, TransformError, resize};
use crate::augment::AugmentParams;
use crate::model::VoiLutFunction;
use crate::order;
use crate::store::{ColumnPage, RowReader, SampleColumns, StoreError, column};

/// Decodes batches, for one thread; keeps its memory between samples.
pub(super) struct BatchDecoder<'s> {
    pub(super) parts: &'s StreamParts,
    pub(super) work: &'s DecodeWork,
    pub(super) reader: RowReader<'s>,
    transformer: SampleTransformer<'s>,
    image: Vec<u8>,
    mask: Vec<u8>,
    /// The part of an image that leaves.
    part: Vec<u8>,
    /// The rows that were decoded last, where rows stand beside each other.
    recent: VecDeque<(u64, DecodedRow)>,
    json: Vec<u8>,
    window: ColumnPage,
    window_function: ColumnPage,
    texts: [ColumnPage; 3],
}

/// A row of the file, and the epoch that it leaves in.
#[derive(Debug, Clone, Copy)]
struct RowInEpoch {
    row: u64,
    epoch: u64,
}

/// A batch that was not decoded.
pub(super) enum Undecoded {
    /// Nobody wants it any more.
    Stopped,
    /// It cannot be decoded.
    Failed(StreamError),
}

/// An error of one sample.
pub(super) enum SampleError {
    Store(StoreError),
    Transform(TransformError),
}

impl<'s> BatchDecoder<'s> {
    /// A decoder of the batches of `parts`, with `memory` that a decoder of the same stream has left, or of any other one
    /// where it holds no transformer.
    pub(super) fn new(parts: &'s StreamParts, work: &'s DecodeWork, memory: DecodeMemory) -> Self {
        let DecodeMemory { chunks, image, mask, transformer } = memory;
        Self {
            parts,
            work,
            reader: RowReader::reusing(&parts.file, work.checksums.as_ref(), chunks),
            transformer: SampleTransformer::reusing(&parts.transform, transformer),
            image,
            mask,
            part: Vec::new(),
            recent: VecDeque::new(),
            json: Vec::new(),
            window: ColumnPage::default(),
            window_function: ColumnPage::default(),
            texts: Default::default(),
        }
    }

    /// Its memory, for a decoder to come.
    pub(super) fn into_memory(self) -> DecodeMemory {
        let Self { reader, transformer, image, mask, .. } = self;
        DecodeMemory {
            chunks: reader.into_chunk_reader(),
            image,
            mask,
            transformer: transformer.into_memory(),
        }
    }

    /// Fills `batch`, whose cursor and samples are there.
    pub(super) fn decode(&mut self, batch: &mut Batch) -> Result<(), Undecoded> {
        let (parts, epoch) = (self.parts, batch.cursor.epoch);
        self.fill_texts(batch).map_err(|error| Undecoded::Failed(error.into()))?;
        let [image_bytes, mask_bytes] =
            [&parts.schema.image, &parts.schema.mask].map(|tensor| tensor.sample_bytes());
        let samples = batch.samples.len();
        for (bytes, sample_bytes) in [(&mut batch.images, image_bytes), (&mut batch.masks, mask_bytes)] {
            bytes
                .resize(samples * sample_bytes)
                .map_err(|_| Undecoded::Failed(parts.too_large(samples as u64)))?;
        }
        let Batch { images, masks, augmentations, .. } = batch;
        augmentations.clear();
        let places = images.chunks_exact_mut(image_bytes).zip(masks.chunks_exact_mut(mask_bytes));
        for (number, (sample, (image, mask))) in batch.samples.iter().zip(places).enumerate() {
            let order::PlannedSample { row, .. } = sample;
            self.read_together(*row, batch.samples[number + 1..].iter().map(|sample| sample.row));
            if self.work.stopped.load(Ordering::Relaxed) {
                return Err(Undecoded::Stopped);
            }
            let params = parts.transform.draw(epoch, *row);
            if let Some(params) = params.as_ref().filter(|_| parts.texts.is_some()) {
                augmentations.push(self.json_of(params));
            }
            let filled = self.fill_sample(RowInEpoch { row: *row, epoch }, params.as_ref(), [image, mask]);
            filled.map_err(|error| Undecoded::Failed(parts.sample_error(*row, error)))?;
        }
        Ok(())
    }

    /// Reads the image of `row` together with that of the first of the rows to come which is no more in the cache than
    /// its own, unless it is there already.
    pub(super) fn read_together(&mut self, row: u64, mut to_come: impl Iterator<Item = u64>) {
        let StreamParts { context, cropper, .. } = self.parts;
        let is_there = |row: u64| self.work.cache.has(row);
        if context.is_some() || cropper.is_some() || self.reader.is_together(row as usize) || is_there(row) {
            return;
        }
        if let Some(other) = to_come.find(|other| !is_there(*other)) {
            self.reader.read_images_together([row as usize, other as usize]);
        }
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
        let columns = self.parts.texts.iter().flatten();
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
        at: RowInEpoch,
        params: Option<&AugmentParams>,
        [image, mask]: [&mut [u8]; 2],
    ) -> Result<(), SampleError> {
        let row = at.row;
        let (StreamParts { file, transform, .. }, cache) = (self.parts, &self.work.cache);
        if self.parts.context.is_some() || self.parts.cropper.is_some() {
            return self.fill_joined(at, params, [image, mask]);
        }
        let window = self.window_of(row as usize)?;
        if let Some(kept) = cache.get(row) {
            let stored = [Some(&kept.image[..]), Some(&kept.mask[..])];
            return Ok(self.transformer.transform(stored, window, params, [image, mask])?);
        }
        // What leaves as it is stored is decoded right into its place.
        let [image_stays, mask_stays] = transform.is_stored();
        let keep = cache.has_room_for(file.image_bytes() + file.mask_bytes());
        let transformed = !image_stays && !keep && self.transform_parts(row as usize, window, image)?;
        let stored_image: Option<&[u8]> = if transformed {
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
        let stored_image = (!image_stays && !transformed).then_some(&self.image[..]);
        let stored_mask = (!mask_stays).then_some(&self.mask[..]);
        Ok(self.transformer.transform([stored_image, stored_mask], window, params, [image, mask])?)
    }

    /// As [`BatchDecoder::fill_sample`], of a row that has images of other rows beside its own, or is cut to a size.
    fn fill_joined(
        &mut self,
        at: RowInEpoch,
        params: Option<&AugmentParams>,
        [image, mask]: [&mut [u8]; 2],
    ) -> Result<(), SampleError> {
        let StreamParts { file, context, cropper, .. } = self.parts;
        let (channels, pixel_type) = (file.channels(), file.pixel_type());
        let pixel_bytes = channels * pixel_type.size();
        let size = cropper.as_ref().map_or(file.shape(), Cropper::size);
        let RowInEpoch { row, epoch } = at;
        let window = self.window_of(row as usize)?;
        let part = cropper.as_ref().map(|cropper| cropper.window(epoch, row));
        let rows: Vec<Option<u64>> =
            context.as_ref().map_or_else(|| vec![Some(row)], |context| context.rows(row).collect());
        let images = rows.len();
        resize(&mut self.image, size.pixels() * pixel_bytes * images)?;
        for (number, other) in rows.iter().enumerate() {
            // What is zero is made so at the end: the numbers of the row's own image are changed by no others.
            let decoded = self.decoded_row(other.unwrap_or(row))?;
            let whole = match part {
                None => &decoded.image[..],
                Some(part) => {
                    part.cut_image(pixel_type, channels, &decoded.image, &mut self.part);
                    &self.part
                }
            };
            Slot { number, images }.put(whole, pixel_bytes, &mut self.image);
        }
        let own = self.decoded_row(row)?;
        let own_mask = match part {
            None => &own.mask[..],
            Some(part) => {
                part.cut_mask(file.structures().len(), &own.mask, &mut self.mask);
                &self.mask
            }
        };
        let stored = [Some(&self.image[..]), Some(own_mask)];
        self.transformer.transform(stored, window, params, [&mut *image, mask])?;
        for (number, _) in rows.iter().enumerate().filter(|(_, other)| other.is_none()) {
            Slot { number, images }.clear(&self.parts.schema.image, image);
        }
        Ok(())
    }

    /// `row` as it is stored, of the cache, of the rows that were decoded last, or decoded now.
    fn decoded_row(&mut self, row: u64) -> Result<DecodedRow, SampleError> {
        if let Some((_, decoded)) = self.recent.iter().find(|(recent, _)| *recent == row) {
            return Ok(decoded.clone());
        }
        if let Some(kept) = self.work.cache.get(row) {
            return Ok(kept);
        }
        let (mut image, mut mask) = (Vec::new(), Vec::new());
        resize(&mut image, self.parts.file.image_bytes())?;
        resize(&mut mask, self.parts.file.mask_bytes())?;
        self.reader.read_image(row as usize, &mut image)?;
        self.reader.read_mask(row as usize, &mut mask)?;
        let decoded = DecodedRow { image: image.into(), mask: mask.into() };
        self.work.cache.keep_decoded(row, decoded.clone());
        if self.recent.len() > self.parts.context.as_ref().map_or(0, Context::images) {
            self.recent.pop_front();
        }
        self.recent.push_back((row, decoded.clone()));
        Ok(decoded)
    }

    /// Converts the image of `row` while it is decoded. `false` where that cannot be, and nothing was done.
    fn transform_parts(
        &mut self,
        row: usize,
        window: RowWindow,
        image: &mut [u8],
    ) -> Result<bool, SampleError> {
        let Some(mut parts) = self.transformer.begin_image(window, image)? else { return Ok(false) };
        let mut converted = Ok(());
        self.reader.read_image_parts(row, |part| {
            if converted.is_ok() {
                converted = parts.push(part);
            }
        })?;
        // Damage is reported first: the converted values mean nothing then.
        converted?;
        parts.finish()?;
        Ok(true)
    }

    /// The row's own window, if images are normalized with it.
    fn window_of(&mut self, row: usize) -> Result<RowWindow, StoreError> {
        let Some(windows) = &self.parts.windows else { return Ok(RowWindow::NONE) };
        let cell = windows.cell(row, &mut self.window)?;
        let [center, width] = [0, 1].map(|part| cell.number(part).map_or(f32::NAN, |number| number as f32));
        let function = match &self.parts.window_functions {
            // Files of version 1.0 do not say.
            None => Some(VoiLutFunction::Linear),
            Some(functions) => {
                functions.cell(row, &mut self.window_function)?.text().and_then(VoiLutFunction::from_name)
            }
        };
        Ok(function.map_or(RowWindow::NONE, |function| RowWindow { center, width, function }))
    }
}

impl StreamParts {
    pub(super) fn sample_error(&self, row: u64, error: SampleError) -> StreamError {
        let ids = SampleColumns::column(&*self.file, column::ID);
        let id = ids.and_then(|ids| Ok(ids.walk().cell(row as usize)?.text().map(str::to_owned)));
        let id = id.ok().flatten().unwrap_or_else(|| "its id cannot be read".to_owned());
        match error {
            SampleError::Store(source) => StreamError::Row { row, id, source },
            SampleError::Transform(TransformError::Convert(source)) => {
                StreamError::Convert { row, id, source }
            }
            SampleError::Transform(TransformError::Memory) => self.too_large(1),
        }
    }
}

impl From<StoreError> for SampleError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E: Into<TransformError>> From<E> for SampleError {
    fn from(error: E) -> Self {
        Self::Transform(error.into())
    }
}
