//! One thread of a run: from a planned sample to an encoded row.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::in_order::InOrder;
use super::names::{Namer, SampleNames};
use super::ordered_rows::{OrderedRows, WorkerResult};
use super::plan_file::{changed_image, unread_contour};
use super::resume::{EarlierReader, EarlierRows, Origin};
use super::sink::Outcome;
use super::{Control, PlanFileError, PrepError, PrepPlan};
use crate::assemble::{
    AnnotationFacts, AssembleOptions, Assembled, Assembler, ReadAhead, Remarks, SampleFacts, StageTimes,
    fetch_image, reject_image,
};
use crate::audit::{Bright, Finding, ImageView, against_image};
use crate::model::{Pixels, Place, Reason, Sample, Skipped, first_bits};
use crate::store::{
    AnnotationCell, ChunkEncoder, Compression, EncodedRow, Encoder, ImageStatistics, NO_NUMBER,
    PixelHistogram, SampleRow, StackPlace,
};

/// Finished rows that may wait for one that is not, for each thread.
const WAITING_PER_THREAD: usize = 4;

/// Bytes of an image of which a thread takes two at once. Of larger ones there may be few, and each thread should have
/// some.
const SMALL_IMAGE: usize = 1 << 20;

/// Images that are asked for before they are read, at most, where they are not in memory; and their bytes.
const FETCHED_IMAGES: usize = 64;
const FETCHED_BYTES: usize = 32 << 20;

/// Everything that decides the rows of a plan, resolved.
#[derive(Clone, Copy)]
pub(super) struct RowSettings<'a> {
    pub(super) plan: &'a PrepPlan,
    pub(super) options: &'a AssembleOptions,
    pub(super) namer: &'a Namer<'a>,
    pub(super) encoder: Encoder,
}

/// State that the threads share.
pub(super) struct Shared<'a> {
    settings: RowSettings<'a>,
    control: Control<'a>,
    earlier: &'a EarlierRows,
    claimed: AtomicUsize,
    ahead: Mutex<ReadAhead<'a>>,
    line: InOrder<WorkerResult, OrderedRows<'a>>,
    /// Why the files are not those of the plan.
    error: Mutex<Option<PrepError>>,
    /// Written rows, whose memory is used again.
    spare: Mutex<Vec<EncodedRow>>,
    totals: Mutex<WorkerTotals>,
}

/// Sums that every thread adds when it is done.
pub(super) struct WorkerTotals {
    pub(super) histogram: PixelHistogram,
    pub(super) times: StageTimes,
    pub(super) compress: Duration,
    pub(super) bytes_read: u64,
}

impl WorkerTotals {
    fn new(plan: &PrepPlan) -> Self {
        Self {
            histogram: PixelHistogram::new(plan.pixel_type, plan.channels),
            times: StageTimes::default(),
            compress: Duration::ZERO,
            bytes_read: 0,
        }
    }

    fn add(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        self.times.read += other.times.read;
        self.times.decode += other.times.decode;
        self.times.rasterize += other.times.rasterize;
        self.compress += other.compress;
        self.bytes_read += other.bytes_read;
    }
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        settings: RowSettings<'a>,
        line: OrderedRows<'a>,
        earlier: &'a EarlierRows,
        control: Control<'a>,
    ) -> Self {
        let plan = settings.plan;
        let window = (FETCHED_BYTES / plan.image_bytes().max(1)).clamp(2, FETCHED_IMAGES);
        let ahead = ReadAhead::new(&plan.pairs, &plan.samples[plan.share()], fetch_image).within(window);
        Self {
            settings,
            control,
            earlier,
            claimed: AtomicUsize::new(0),
            ahead: Mutex::new(ahead),
            line: InOrder::new(line, WAITING_PER_THREAD * plan.options.threads),
            error: Mutex::new(None),
            spare: Mutex::new(Vec::new()),
            totals: Mutex::new(WorkerTotals::new(plan)),
        }
    }

    /// Results, when all threads are done.
    pub(super) fn into_parts(self) -> Result<(OrderedRows<'a>, WorkerTotals), PrepError> {
        let mut line = self.line.into_sink();
        let error = self.error.into_inner().unwrap_or_else(PoisonError::into_inner);
        match error.or_else(|| line.sink.error.take().map(PrepError::from)) {
            Some(error) => Err(error),
            None => Ok((line, self.totals.into_inner().unwrap_or_else(PoisonError::into_inner))),
        }
    }

    /// The places of the next samples, for the thread that asks; `None` where there are no more. Small images are taken
    /// in pairs, because two are digested sooner together.
    fn claim(&self) -> Option<Range<usize>> {
        let all = self.settings.plan.share().len();
        let image_bytes = self.settings.plan.image_bytes();
        let at_once = if image_bytes <= SMALL_IMAGE { 2 } else { 1 };
        let first = self.claimed.fetch_add(at_once, Ordering::Relaxed);
        let places = (first < all).then(|| first..all.min(first + at_once))?;
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).fetch_from(places.end);
        Some(places)
    }

    /// Stops the work; the first error is the one that is told.
    fn fail(&self, error: PrepError) {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.line.stop();
    }

    fn spare(&self) -> MutexGuard<'_, Vec<EncodedRow>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread's work, and its memory.
pub(super) struct Worker<'a, 'p> {
    shared: &'a Shared<'p>,
    assembler: Assembler<'a>,
    images: ChunkEncoder,
    masks: ChunkEncoder,
    earlier: EarlierReader<'a>,
    totals: WorkerTotals,
}

impl<'a, 'p> Worker<'a, 'p> {
    pub(super) fn new(shared: &'a Shared<'p>) -> Self {
        let compression: Compression = shared.settings.plan.options.compression;
        let plan = shared.settings.plan;
        let expected = [plan.image_bytes(), plan.pairs.structures().len() * plan.shape.pixels()];
        Self {
            shared,
            assembler: Assembler::on_pool(&shared.settings.plan.pairs, shared.settings.options),
            images: ChunkEncoder::new(compression, shared.settings.encoder),
            // Masks are runs and nothing else.
            masks: ChunkEncoder::new(compression, Encoder::Planes),
            earlier: EarlierReader::new(shared.earlier, expected),
            totals: WorkerTotals::new(plan),
        }
    }

    /// Makes one sample after another until there is none left, or the work is stopped.
    pub(super) fn work(mut self) {
        let shared = self.shared;
        let _guard = shared.line.stop_on_panic();
        while let Some(places) = shared.claim() {
            if !places.clone().all(|place| self.work_at(place, places.end)) {
                break;
            }
        }
        self.totals.times = self.assembler.times();
        self.totals.bytes_read = self.assembler.bytes_read();
        shared.totals.lock().unwrap_or_else(PoisonError::into_inner).add(&self.totals);
    }

    /// Makes the sample at `place`; this thread goes on with those before `end`. `false` where the work is stopped.
    fn work_at(&mut self, place: usize, end: usize) -> bool {
        let shared = self.shared;
        let number = shared.settings.plan.share().start + place;
        if shared.control.cancel.load(Ordering::Relaxed) {
            shared.line.stop();
            return false;
        }
        let made = self.make(number, (place + 1 < end).then_some(number + 1));
        if let Some(error) = self.differs_from_plan(number, &made) {
            shared.fail(error.into());
            return false;
        }
        let brought = shared.line.bring(place, made, |line, mut made| {
            let written = line.take(&mut made);
            if let (Outcome::Made(row, _), false) = (made.outcome, made.origin == Origin::Reused) {
                shared.spare().push(*row);
            }
            written
        });
        if brought.is_err() {
            return false;
        }
        shared.control.progress.advance(1);
        true
    }

    /// The error where the files of a sample are others than those of the plan that was read from a file.
    fn differs_from_plan(&self, number: usize, made: &WorkerResult) -> Option<PlanFileError> {
        let plan = self.shared.settings.plan;
        let planned = plan.excerpt.as_ref()?.marks[number];
        let sample = &plan.samples[number];
        let changed = changed_image(&plan.pairs, sample, planned, self.assembler.image_mark());
        if changed.is_some() {
            return changed;
        }
        let planes = sample.annotations.len();
        let audited = &plan.audited[number * planes..(number + 1) * planes];
        let differs = |(plane, planned): (usize, &u64)| match &made.outcome {
            // What was read has been compared.
            Outcome::Made(row, _) if row.row.annotations[plane].sha256.is_some() => None,
            _ => unread_contour(&plan.pairs, sample, plane, *planned),
        };
        audited.iter().enumerate().find_map(differs)
    }

    fn make(&mut self, number: usize, next: Option<usize>) -> WorkerResult {
        let sample = &self.shared.settings.plan.samples[number];
        let next = next.map(|next| &self.shared.settings.plan.samples[next]);
        let mut remarks = Remarks::default();
        let assembled = self.assembler.assemble_or_take(sample, next, &mut self.earlier, &mut remarks);
        let (outcome, origin) = match assembled {
            Assembled::Rejected => (Outcome::Rejected, Origin::Made),
            Assembled::Unlabelled => (Outcome::Unlabelled, Origin::Made),
            Assembled::Sample(facts) if self.is_changed(number, &facts, &mut remarks) => {
                (Outcome::Rejected, Origin::Made)
            }
            Assembled::Sample(facts) => {
                let findings = self.look(number, sample, facts.large_is_dark);
                let (row, origin) = match self.earlier.taken() {
                    Some(taken) => (self.renew(sample, facts, taken), Origin::Reused),
                    None => {
                        let row = self.encode(sample, facts);
                        let origin = self.earlier.why_made(&row.row.source);
                        (row, origin)
                    }
                };
                (Outcome::Made(Box::new(row), findings), origin)
            }
        };
        WorkerResult { outcome, remarks, origin }
    }

    /// True if a contour is not the one that was audited; the sample is rejected then. The files of a sample are read
    /// twice, and may be replaced in between.
    fn is_changed(&mut self, number: usize, facts: &SampleFacts, remarks: &mut Remarks) -> bool {
        let plan = self.shared.settings.plan;
        let planes = facts.annotations.len();
        let audited = plan.audited.get(number * planes..(number + 1) * planes).unwrap_or_default();
        let sample = &plan.samples[number];
        // Files of several structures are opened once, and only contour texts are audited.
        let is_other = |(plane, (annotation, audited)): (usize, (&Option<AnnotationFacts>, &u64))| {
            let differs = annotation.is_some_and(|facts| first_bits(&facts.sha256) != *audited);
            (differs && plan.pairs.are_contour_texts(sample, plane)).then_some(plane)
        };
        let mut planes = facts.annotations.iter().zip(audited).enumerate();
        let Some(plane) = planes.find_map(is_other) else { return false };
        let name = plan.pairs.annotation_name(sample, plane).unwrap_or_default();
        let detail = format!("its contour {name} was changed after it was audited; run the command again");
        let image = Place::file(plan.pairs.image_name(sample));
        reject_image(&plan.pairs, sample, Skipped::new(image, Reason::ChangedMeanwhile, detail), remarks);
        true
    }

    /// A row of an earlier file with the columns of today.
    fn renew(&mut self, sample: &Sample, facts: SampleFacts, taken: EncodedRow) -> EncodedRow {
        let EncodedRow { row, image, mask, statistics } = taken;
        let pixels = self.assembler.pixels();
        let whole = facts.counted(self.shared.settings.plan.shape);
        let counted = whole.of(pixels);
        if self.shared.settings.plan.splits.of(sample.patient).counts_as_train() {
            self.totals.histogram.add(&counted);
        }
        let padding = whole.padding_values(pixels.len(), counted.len());
        let pixels = PixelFacts::new(&statistics, padding, row.checksum);
        let facts = self.shared.settings.namer.keyed(facts);
        let names = self.shared.settings.namer.names(sample);
        let place = self.shared.settings.plan.place(sample);
        let row = SampleRow { place, ..sample_row(names, sample, facts, pixels) };
        EncodedRow { row, image, mask, statistics }
    }

    /// The checks that need pixels, which are at hand.
    fn look(&self, number: usize, sample: &Sample, large_is_dark: bool) -> Vec<Finding> {
        let plan = self.shared.settings.plan;
        let name = |plane| plan.pairs.annotation_name(sample, plane).unwrap_or_default();
        let PrepPlan { shape, channels, .. } = *plan;
        let picture = ImageView { pixels: self.assembler.pixels(), shape, channels, large_is_dark };
        let contours = Bright { plane: plan.pairs.relations.bright, contours: self.assembler.contours() };
        against_image(picture, contours, number as u32, &plan.options.thresholds, name)
    }

    fn encode(&mut self, sample: &Sample, facts: SampleFacts) -> EncodedRow {
        let start = Instant::now();
        let plan = self.shared.settings.plan;
        let spare = self.shared.spare().pop().map(|row| (row.image, row.mask));
        let (mut image, mut mask) = spare.unwrap_or_default();
        let pixels: &Pixels = self.assembler.pixels();
        let whole = facts.counted(plan.shape);
        let counted = whole.of(pixels);
        let statistics = ImageStatistics::of(&counted, plan.channels);
        if plan.splits.of(sample.patient).counts_as_train() {
            self.totals.histogram.add(&counted);
        }
        let bytes = pixels.le_bytes();
        let checksum = [crc32c::crc32c(&bytes), crc32c::crc32c(self.assembler.masks())];
        self.images.encode(&bytes, plan.pixel_type.size(), &mut image);
        self.masks.encode(self.assembler.masks(), 1, &mut mask);
        let padding = whole.padding_values(pixels.len(), counted.len());
        let pixels = PixelFacts::new(&statistics, padding, checksum);
        let facts = self.shared.settings.namer.keyed(facts);
        let names = self.shared.settings.namer.names(sample);
        let place = self.shared.settings.plan.place(sample);
        let row = SampleRow { place, ..sample_row(names, sample, facts, pixels) };
        self.totals.compress += start.elapsed();
        EncodedRow { row, image, mask, statistics }
    }
}

/// Columns that say something about the pixels and the mask of a row.
pub(super) struct PixelFacts {
    value_range: [f32; 2],
    padding_pixels: i32,
    checksum: [u32; 2],
}

impl PixelFacts {
    /// Of an image with these `statistics`, which leave out `padding_pixels`.
    pub(super) fn new(statistics: &ImageStatistics, padding_pixels: usize, checksum: [u32; 2]) -> Self {
        Self {
            value_range: [statistics.min as f32, statistics.max as f32],
            padding_pixels: i32::try_from(padding_pixels).expect("the plan allows no larger images"),
            checksum,
        }
    }
}

/// The columns of a row, but for its place among the images of its series.
pub(super) fn sample_row(
    names: SampleNames,
    sample: &Sample,
    facts: SampleFacts,
    pixels: PixelFacts,
) -> SampleRow {
    let SampleNames { id, patient_id, original_id, source } = names;
    SampleRow {
        id,
        patient_id,
        original_id,
        instance: sample.number.unwrap_or(NO_NUMBER),
        frame: i32::try_from(sample.image.frame).expect("no object has more frames"),
        source,
        source_sha256: facts.source_sha256,
        annotations: facts.annotations.into_iter().map(cell).collect(),
        source_shape: facts.source_shape,
        image_shape: facts.image_shape,
        geometry: facts.geometry,
        spacing: facts.spacing,
        position: facts.position,
        place: StackPlace::UNKNOWN,
        value_range: pixels.value_range,
        padding: facts.padding,
        padding_pixels: pixels.padding_pixels,
        checksum: pixels.checksum,
    }
}

fn cell(facts: Option<AnnotationFacts>) -> AnnotationCell {
    match facts {
        None => AnnotationCell { sha256: None, mask_pixels: 0, contour_area: f32::NAN },
        Some(facts) => AnnotationCell {
            sha256: Some(facts.sha256),
            mask_pixels: i32::try_from(facts.mask_pixels).expect("the plan allows no larger images"),
            contour_area: facts.contour_area as f32,
        },
    }
}
