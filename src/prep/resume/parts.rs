//! Finished work of a run, in files of its own: segment by segment beside the output, for a run that goes on after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::parts_folder::PartsFolder;
use crate::model::{PixelType, Pixels};
use crate::prep::dataset_spec::dataset_spec;
use crate::prep::input::Input;
use crate::prep::names::Namer;
use crate::prep::source_digest::SourceDigest;
use crate::prep::{PrepError, PrepPlan};
use crate::store::{
    DatasetSpec, DatasetWriter, EncodedRow, Encoder, LateCells, Moments, NO_FOLD, PERCENTILE_LEVELS,
    RootAttributes, StoreError, Target, TrainStatistics, ValueHistogram,
};

/// Bytes of images and masks, before they are compressed, that make a segment.
const SEGMENT_BYTES: usize = 256 << 20;
/// Rows of a segment, whatever their size.
const SEGMENT_ROWS: (usize, usize) = (16, 4096);

/// The rule of splits of a part, which no complete file has.
pub(in crate::prep) const NO_SPLITS: &str = "none";

/// Rows of a segment where none are asked for.
pub(in crate::prep) fn segment_rows(sample_bytes: usize) -> usize {
    (SEGMENT_BYTES / sample_bytes.max(1)).clamp(SEGMENT_ROWS.0, SEGMENT_ROWS.1)
}

/// Writes the rows that are rebuilt to parts, one for each segment of consecutive rows of the plan.
///
/// A part holds no splits: they are the plan's, and the next plan may have others.
pub(in crate::prep) struct Parts<'a> {
    plan: &'a PrepPlan,
    namer: &'a Namer<'a>,
    encoder: Encoder,
    folder: PartsFolder,
    segment_rows: usize,
    spec: DatasetSpec,
    /// The number of the next part.
    next: Mutex<u64>,
    /// By segment, the parts that are not complete.
    pending: Mutex<BTreeMap<usize, Pending>>,
}

/// A part that is being filled, row by row.
pub(in crate::prep) struct OpenPart {
    segment: usize,
    writer: DatasetWriter,
    moments: Moments,
    digest: SourceDigest<Input>,
    patients: BTreeSet<u32>,
}

/// The present content of a part: all rows, or some of their pixel counts.
#[derive(Default)]
struct Pending {
    part: Option<OpenPart>,
    histogram: Option<ValueHistogram>,
    counted: usize,
}

/// A part of which all is there.
pub(in crate::prep) struct CompletePart {
    part: OpenPart,
    histogram: ValueHistogram,
}

impl<'a> Parts<'a> {
    /// Parts in `folder`, from number 0 on.
    pub(in crate::prep) fn new(
        plan: &'a PrepPlan,
        namer: &'a Namer<'a>,
        encoder: Encoder,
        folder: PartsFolder,
        segment_rows: usize,
    ) -> Self {
        let mut spec = dataset_spec(plan, namer, encoder);
        spec.capacity = segment_rows.min(plan.share().len());
        // Parts are no shards: the rows of any plan may go on from them.
        spec.shard = None;
        let (next, pending) = (Mutex::new(0), Mutex::default());
        Self { plan, namer, encoder, folder, segment_rows, spec, next, pending }
    }

    /// The same parts, from number `next` on.
    pub(in crate::prep) fn numbered_from(self, next: u64) -> Self {
        Self { next: Mutex::new(next), ..self }
    }

    /// The segment of sample `number`.
    pub(in crate::prep) fn segment(&self, number: usize) -> usize {
        number / self.segment_rows
    }

    /// Appends the row of sample `number` to the part of its segment. Called in the order of the plan.
    pub(in crate::prep) fn append(
        &self,
        open: &mut Option<OpenPart>,
        number: usize,
        row: &EncodedRow,
    ) -> Result<(), StoreError> {
        let part = match open {
            Some(part) => part,
            None => open.insert(self.begin(self.segment(number))?),
        };
        part.writer.append(row)?;
        part.moments.add(&row.statistics);
        part.patients.insert(self.plan.samples[number].patient);
        part.digest.add_row(&row.row, number as u32);
        Ok(())
    }

    fn begin(&self, segment: usize) -> Result<OpenPart, StoreError> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let target = Target::claim(&self.folder.make_place(*next)?, false)?;
        *next += 1;
        Ok(OpenPart {
            segment,
            writer: DatasetWriter::create(target, self.spec.clone())?,
            moments: Moments::default(),
            digest: SourceDigest::with_capacity(0),
            patients: BTreeSet::new(),
        })
    }

    /// Sample `number` has gone through: if it is the last one of its segment, the part in `open` has all its rows.
    /// Returns a part that is complete now.
    pub(in crate::prep) fn passed(&self, open: &mut Option<OpenPart>, number: usize) -> Option<CompletePart> {
        let is_last = (number + 1).is_multiple_of(self.segment_rows) || number + 1 == self.plan.share().end;
        let part = open.take_if(|_| is_last)?;
        let mut pending = self.pending();
        let segment = part.segment;
        pending.entry(segment).or_default().part = Some(part);
        complete(&mut pending, segment, self.plan.pixel_type)
    }

    /// Adds pixel counts of rows that were made. Returns a part that is complete now.
    fn hand_over(&self, counts: &SegmentCounts) -> Option<CompletePart> {
        let mut pending = self.pending();
        let of_segment = pending.entry(counts.segment).or_default();
        let histogram = of_segment.histogram.get_or_insert_with(|| ValueHistogram::new(self.plan.pixel_type));
        counts.histograms.iter().for_each(|counts| histogram.merge(counts));
        of_segment.counted += counts.rows;
        complete(&mut pending, counts.segment, self.plan.pixel_type)
    }

    /// Closes a part, and makes it durable under its name.
    pub(in crate::prep) fn finish(&self, complete: CompletePart) -> Result<(), PrepError> {
        let CompletePart { part: OpenPart { writer, moments, digest, patients, .. }, histogram } = complete;
        let options = &self.plan.options;
        let root = RootAttributes {
            mask_rule: options.mask_rule().name().to_owned(),
            patients: patients.len(),
            split_rule: NO_SPLITS.to_owned(),
            split_seed: options.split_seed(),
            split_joined: Vec::new(),
            split_left_out: Vec::new(),
            config: options.config(self.encoder).to_string(),
            source_digest: digest.finish(|input| self.namer.input(input)),
            units: self.plan.units.clone(),
            images_disjoint: true,
        };
        let none = vec![""; writer.rows()];
        let folds = vec![NO_FOLD; writer.rows()];
        let cells = LateCells { splits: &none, folds: &folds, findings: &none };
        // Rows of parts are counted again when they go into the file, so that edges of bins will do here.
        let percentiles = PERCENTILE_LEVELS.map(|level| histogram.percentile(level));
        writer.finish(&root, &TrainStatistics { moments, percentiles }, &cells)?;
        Ok(())
    }

    /// Gives up the parts that are not complete. Nobody else can write parts as long as the output is locked, so this
    /// comes before its end.
    pub(in crate::prep) fn abandon(&self, open: &mut Option<OpenPart>) {
        *open = None;
        self.pending().clear();
        self.folder.remove_empty();
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<usize, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out the part of `segment` if all its rows are there and counted.
fn complete(
    pending: &mut BTreeMap<usize, Pending>,
    segment: usize,
    pixel_type: PixelType,
) -> Option<CompletePart> {
    let of_segment = pending.get(&segment)?;
    let rows = of_segment.part.as_ref()?.writer.rows();
    if of_segment.counted < rows {
        return None;
    }
    let Pending { part, histogram, .. } = pending.remove(&segment)?;
    Some(CompletePart {
        part: part?,
        histogram: histogram.unwrap_or_else(|| ValueHistogram::new(pixel_type)),
    })
}

/// Counts the pixels of the rows that one thread makes, apart for each segment.
pub(in crate::prep) struct SegmentCounts {
    segment: usize,
    rows: usize,
    /// Of rows that count as train, and of others.
    histograms: [ValueHistogram; 2],
}

impl SegmentCounts {
    pub(in crate::prep) fn new(pixel_type: PixelType) -> Self {
        Self { segment: 0, rows: 0, histograms: [true, false].map(|_| ValueHistogram::new(pixel_type)) }
    }

    /// Counts a row of the present segment.
    pub(in crate::prep) fn add(&mut self, pixels: &Pixels, counts_as_train: bool) {
        self.histograms[usize::from(!counts_as_train)].add(pixels);
        self.rows += 1;
    }

    /// Goes on with `segment`. If it is another one, what was counted goes to `parts` and, as far as it counts as train,
    /// to `train`. Returns a part that is complete now.
    pub(in crate::prep) fn go_on(
        &mut self,
        segment: usize,
        parts: &Parts<'_>,
        train: &mut ValueHistogram,
    ) -> Option<CompletePart> {
        if segment == self.segment {
            return None;
        }
        let complete = if self.rows > 0 {
            train.merge(&self.histograms[0]);
            let complete = parts.hand_over(self);
            self.histograms.iter_mut().for_each(ValueHistogram::clear);
            complete
        } else {
            None
        };
        self.rows = 0;
        self.segment = segment;
        complete
    }
}
