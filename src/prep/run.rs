//! Makes the file that was planned: on all threads, bounded, in the order of the plan.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::encoder_choice::choose_encoder;
use super::finish::FinalSplits;
use super::in_order::InOrder;
use super::planning::{PrepPlan, pool};
use super::pseudonym::Pseudonyms;
use super::sink::{Made, Outcome, Sink};
use super::summary::{Output, PrepSummary, StageSeconds};
use super::{PrepError, Unlabelled};
use crate::assemble::{
    AnnotationFacts, AssembleOptions, Assembled, Assembler, Remarks, SampleFacts, StageTimes,
};
use crate::model::{Bin, Pixels};
use crate::store::{
    AnnotationCell, ChunkEncoder, Compression, DatasetSpec, DatasetWriter, EncodedRow, Encoder,
    ImageStatistics, RootAttributes, SampleRow, Target, ValueHistogram,
};
use crate::wrangle::PlannedSample;

/// Finished rows that may wait for one that is not, for each thread.
const WAITING_PER_THREAD: usize = 4;

/// Is told how the work goes on. Called from all threads.
pub trait Progress: Sync {
    /// A stage of `total` steps begins.
    fn begin(&self, stage: &str, total: usize);
    /// `steps` more are done.
    fn advance(&self, steps: usize);
    /// The stage is over.
    fn end(&self);
}

/// How the caller watches and stops the work.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Is told how the work goes on.
    pub progress: &'a dyn Progress,
    /// Set to stop as soon as possible.
    pub cancel: &'a AtomicBool,
}

/// What the threads share.
struct Shared<'a> {
    plan: &'a PrepPlan,
    options: &'a AssembleOptions,
    encoder: Encoder,
    pseudonyms: &'a Pseudonyms,
    control: Control<'a>,
    claimed: AtomicUsize,
    line: InOrder<(Outcome, Remarks), Sink<'a>>,
    /// Written rows, whose memory is used again.
    spare: Mutex<Vec<EncodedRow>>,
    totals: Mutex<Totals>,
}

/// What every thread adds when it is done.
struct Totals {
    histogram: ValueHistogram,
    times: StageTimes,
    compress: Duration,
    bytes_read: u64,
}

/// Makes the file that `plan` describes under the name that `target` has claimed.
///
/// Where the plan's options are strict and something was rejected, or no sample is left, no file is made
/// and [`PrepSummary::output`] is `None`.
///
/// # Errors
/// [`PrepError::Interrupted`], [`PrepError::Store`], [`PrepError::Threads`]; then no file is made either.
pub fn run(plan: &PrepPlan, target: Target, control: Control<'_>) -> Result<PrepSummary, PrepError> {
    let start = Instant::now();
    let options = plan.assemble_options();
    let compression = plan.options.compression;
    let encoder = choose_encoder(&plan.pairs, &plan.samples, &options, compression);
    let path = target.path().to_owned();
    let writer = DatasetWriter::create(target, dataset_spec(plan, encoder))?;
    let pseudonyms = Pseudonyms::new(plan.options.pseudonym_key.clone());
    let threads = plan.options.threads;
    let shared = Shared {
        plan,
        options: &options,
        encoder,
        pseudonyms: &pseudonyms,
        control,
        claimed: AtomicUsize::new(0),
        line: InOrder::new(Sink::new(plan, writer), WAITING_PER_THREAD * threads),
        spare: Mutex::new(Vec::new()),
        totals: Mutex::new(Totals::new(plan)),
    };
    control.progress.begin("preparing images", plan.samples.len());
    pool(threads)?.broadcast(|_| Worker::new(&shared).work());
    control.progress.end();
    let Shared { line, totals, .. } = shared;
    let mut sink = line.into_sink();
    let totals = totals.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = sink.error.take() {
        return Err(error.into());
    }
    if control.cancel.load(Ordering::Relaxed) {
        return Err(PrepError::Interrupted);
    }
    let splits = FinalSplits::of(plan, &mut sink);
    sink.tally.add(Bin::Used, 1);
    if plan.options.unlabelled == Unlabelled::Skip {
        sink.tally.add(Bin::Unlabelled, plan.unlabelled);
    }
    let mut summary = PrepSummary::of_run(plan, &mut sink, &splits, encoder);
    summary.bytes_in = totals.bytes_read;
    let mut write_time = sink.write_time;
    if !summary.is_refused() {
        let finishing = Instant::now();
        let train = splits.train_statistics(plan, &sink, totals.histogram)?;
        let names: Vec<&str> =
            sink.row_patients.iter().map(|&patient| splits.of_patient[patient as usize].name()).collect();
        let Sink { writer, digest, .. } = sink;
        let joined = joined_ids(plan, &splits, &pseudonyms);
        let root = root_attributes(plan, encoder, &summary, joined, digest.finish());
        let bytes = writer.finish(&root, &train, &names)?;
        write_time += finishing.elapsed();
        summary.output = Some(Output { path, bytes });
    }
    summary.seconds = StageSeconds {
        read: totals.times.read.as_secs_f64(),
        decode: totals.times.decode.as_secs_f64(),
        rasterize: totals.times.rasterize.as_secs_f64(),
        compress: totals.compress.as_secs_f64(),
        write: write_time.as_secs_f64(),
        wall: start.elapsed().as_secs_f64(),
    };
    Ok(summary)
}

fn dataset_spec(plan: &PrepPlan, encoder: Encoder) -> DatasetSpec {
    DatasetSpec {
        shape: plan.shape,
        pixel_type: plan.pixel_type,
        structures: plan.options.structures.clone(),
        compression: plan.options.compression,
        encoder,
        capacity: plan.samples.len(),
    }
}

fn root_attributes(
    plan: &PrepPlan,
    encoder: Encoder,
    summary: &PrepSummary,
    split_joined: Vec<String>,
    source_digest: String,
) -> RootAttributes {
    RootAttributes {
        mask_rule: plan.options.mask_rule.name().to_owned(),
        patients: summary.patients,
        split_rule: plan.split_rule.clone(),
        split_seed: plan.options.split_seed(),
        split_joined,
        split_left_out: summary.split_left_out.clone(),
        config: plan.options.config(encoder).to_string(),
        source_digest,
        units: plan.units.clone(),
    }
}

/// The ids of each group of patients that share equal images, as the file may show them.
fn joined_ids(plan: &PrepPlan, splits: &FinalSplits, pseudonyms: &Pseudonyms) -> Vec<String> {
    let id = |&patient: &u32| pseudonyms.of(&plan.pairs.patients[patient as usize].patient_id);
    splits.joined.iter().map(|group| group.iter().map(id).collect::<Vec<_>>().join(",")).collect()
}

impl Totals {
    fn new(plan: &PrepPlan) -> Self {
        Self {
            histogram: ValueHistogram::new(plan.pixel_type),
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

impl Shared<'_> {
    fn spare(&self) -> MutexGuard<'_, Vec<EncodedRow>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread's work, and its memory.
struct Worker<'a, 'p> {
    shared: &'a Shared<'p>,
    assembler: Assembler<'a>,
    images: ChunkEncoder,
    masks: ChunkEncoder,
    bytes: Vec<u8>,
    totals: Totals,
}

impl<'a, 'p> Worker<'a, 'p> {
    fn new(shared: &'a Shared<'p>) -> Self {
        let compression: Compression = shared.plan.options.compression;
        Self {
            shared,
            assembler: Assembler::new(&shared.plan.pairs, shared.options),
            images: ChunkEncoder::new(compression, shared.encoder),
            // Masks are runs and nothing else.
            masks: ChunkEncoder::new(compression, Encoder::Runs),
            bytes: Vec::new(),
            totals: Totals::new(shared.plan),
        }
    }

    fn work(mut self) {
        let shared = self.shared;
        let _guard = shared.line.stop_on_panic();
        loop {
            let number = shared.claimed.fetch_add(1, Ordering::Relaxed);
            if number >= shared.plan.samples.len() {
                break;
            }
            if shared.control.cancel.load(Ordering::Relaxed) {
                shared.line.stop();
                break;
            }
            let mut remarks = Remarks::default();
            let outcome = self.make(&shared.plan.samples[number], &mut remarks);
            let brought = shared.line.bring(number, (outcome, remarks), |sink, (outcome, remarks)| {
                let written = sink.take(&outcome, remarks);
                if let Outcome::Made(made) = outcome {
                    shared.spare().push(made.encoded);
                }
                written
            });
            if brought.is_err() {
                break;
            }
            shared.control.progress.advance(1);
        }
        self.totals.times = self.assembler.times();
        self.totals.bytes_read = self.assembler.bytes_read();
        shared.totals.lock().unwrap_or_else(PoisonError::into_inner).add(&self.totals);
    }

    fn make(&mut self, sample: &PlannedSample, remarks: &mut Remarks) -> Outcome {
        match self.assembler.assemble(sample, remarks) {
            Assembled::Rejected => Outcome::Rejected,
            Assembled::Unlabelled => Outcome::Unlabelled,
            Assembled::Sample(facts) => Outcome::Made(Box::new(self.encode(sample, facts))),
        }
    }

    fn encode(&mut self, sample: &PlannedSample, facts: SampleFacts) -> Made {
        let start = Instant::now();
        let plan = self.shared.plan;
        let spare = self.shared.spare().pop().map(|row| (row.image, row.mask));
        let (mut image, mut mask) = spare.unwrap_or_default();
        let pixels: &Pixels = self.assembler.pixels();
        let statistics = ImageStatistics::of(pixels);
        if plan.splits[sample.patient as usize].counts_as_train() {
            self.totals.histogram.add(pixels);
        }
        pixels.write_le_bytes(&mut self.bytes);
        let checksum = [crc32c::crc32c(&self.bytes), crc32c::crc32c(self.assembler.masks())];
        self.images.encode(&self.bytes, plan.pixel_type.size(), &mut image);
        self.masks.encode(self.assembler.masks(), 1, &mut mask);
        let value_range = [statistics.min as f32, statistics.max as f32];
        let inputs = self.inputs(sample, &facts);
        let row = self.row(sample, facts, value_range, checksum);
        self.totals.compress += start.elapsed();
        Made { encoded: EncodedRow { row, image, mask, statistics }, inputs }
    }

    fn row(
        &self,
        sample: &PlannedSample,
        facts: SampleFacts,
        value_range: [f32; 2],
        checksum: [u32; 2],
    ) -> SampleRow {
        let pairs = &self.shared.plan.pairs;
        let names = self.shared.pseudonyms;
        let patient = pairs.patient(sample);
        SampleRow {
            id: names.in_path(&pairs.sample_id(sample), &patient.patient_id),
            patient_id: names.of(&patient.patient_id),
            original_id: names.of(&patient.original_id),
            instance: sample.instance,
            frame: 0,
            source: names.in_path(&pairs.image_name(sample), &patient.patient_id),
            source_sha256: facts.source_sha256,
            annotations: facts.annotations.into_iter().map(cell).collect(),
            source_shape: facts.source_shape,
            geometry: facts.geometry,
            value_range,
            checksum,
        }
    }

    fn inputs(&self, sample: &PlannedSample, facts: &SampleFacts) -> Vec<(String, [u8; 32])> {
        let pairs = &self.shared.plan.pairs;
        let names = self.shared.pseudonyms;
        let patient = pairs.patient(sample);
        let image = names.in_path(&pairs.image_name(sample), &patient.patient_id);
        let mut inputs = vec![(image, facts.source_sha256)];
        for (plane, facts) in facts.annotations.iter().enumerate() {
            if let (Some(facts), Some(name)) = (facts, pairs.annotation_name(sample, plane)) {
                inputs.push((names.in_path(&name, &patient.original_id), facts.sha256));
            }
        }
        inputs
    }
}

fn cell(facts: Option<AnnotationFacts>) -> AnnotationCell {
    match facts {
        None => AnnotationCell { sha256: None, mask_pixels: 0, contour_area: f32::NAN },
        Some(facts) => AnnotationCell {
            sha256: Some(facts.sha256),
            // An image has fewer pixels than an i32 counts: its bytes are below the limit of a chunk, 4 GiB.
            mask_pixels: i32::try_from(facts.mask_pixels).unwrap_or(i32::MAX),
            contour_area: facts.contour_area as f32,
        },
    }
}
