//! The values that images hold, where their headers allow more than any integer type does.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::control::Control;
use super::pool::pool;
use super::{PrepError, PrepOptions};
use crate::assemble::{FrameFile, ReadAhead, fetch_image, read_image};
use crate::layout::SampleSet;
use crate::model::{PixelType, Pixels, Sample};
use crate::source::{ConvertOptions, ImageHeader, PixelTypeChoice, StoredPixels, convert, parse_image};

/// Images decoded by one thread at a time.
const BLOCK: usize = 16;

/// The pixel type that the values of `samples` need; `None` where none of them can be decoded. CT is often stored as signed
/// 16 bits with an intercept of -1024: its header allows values below int16, and hardly any image has one.
///
/// An image that cannot be decoded holds nothing: it is rejected when it is made.
///
/// # Errors
/// [`PrepError::Interrupted`], [`PrepError::Threads`].
pub(super) fn resolve(
    plan: &SampleSet,
    samples: &[Sample],
    options: &PrepOptions,
    control: &Control<'_>,
) -> Result<Option<PixelType>, PrepError> {
    control.progress.begin("reading values", samples.len());
    let of_block = |samples: &[Sample]| {
        let mut survey = ValueSurvey::new(plan, options);
        let mut ahead = ReadAhead::new(plan, samples, fetch_image);
        for (place, sample) in samples.iter().enumerate() {
            if control.cancel.load(Ordering::Relaxed) {
                break;
            }
            ahead.fetch_from(place + 1);
            survey.add(sample);
            control.progress.advance(1);
        }
        survey.choice
    };
    let blocks: Vec<_> = pool(options.threads)?.install(|| samples.par_chunks(BLOCK).map(of_block).collect());
    control.progress.end();
    if control.cancel.load(Ordering::Relaxed) {
        return Err(PrepError::Interrupted);
    }
    let mut all = PixelTypeChoice::default();
    blocks.into_iter().for_each(|choice| all.merge(choice));
    Ok(all.resolve())
}

/// Decodes images for their values, one after the other, in memory that is used again.
struct ValueSurvey<'a> {
    plan: &'a SampleSet,
    options: &'a PrepOptions,
    bytes: Vec<u8>,
    frames: Option<FrameFile>,
    stored: StoredPixels,
    pixels: Pixels,
    choice: PixelTypeChoice,
}

impl<'a> ValueSurvey<'a> {
    fn new(plan: &'a SampleSet, options: &'a PrepOptions) -> Self {
        Self {
            plan,
            options,
            bytes: Vec::new(),
            frames: None,
            stored: StoredPixels::default(),
            pixels: Pixels::empty(PixelType::Float32),
            choice: PixelTypeChoice::default(),
        }
    }

    fn add(&mut self, sample: &Sample) {
        let Some(header) = self.decode(sample) else { return };
        let name = self.plan.image_name(sample);
        let (target, channels) = (PixelType::Float32, header.channels());
        let wanted = ConvertOptions { monochrome1: self.options.monochrome1, target, channels };
        match (convert(&name, &header, &self.stored, wanted, &mut self.pixels), &self.pixels) {
            (Ok(_), Pixels::Float32(values)) => self.choice.observe_values(values),
            // A value that float32 does not hold.
            _ => self.choice.observe(&header),
        }
    }

    fn decode(&mut self, sample: &Sample) -> Option<ImageHeader> {
        let limits = &self.options.limits;
        if sample.image.frame > 0 {
            let (file, _) = FrameFile::of(&mut self.frames, self.plan, sample, limits).ok()?;
            return file.read(self.plan, sample, &mut self.stored).ok();
        }
        self.bytes.clear();
        read_image(self.plan, sample, limits, &mut self.bytes).ok()?;
        parse_image(&self.plan.image_name(sample), &self.bytes, limits, &mut self.stored).ok()
    }
}
