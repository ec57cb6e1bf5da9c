//! Where the rows arrive in the order of the plan: the writer, and everything that is counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::PrepPlan;
use super::source_digest::SourceDigest;
use super::split_guard::SplitGuard;
use super::summary::SplitSize;
use crate::assemble::{Remarks, reject_image};
use crate::model::{Bin, PixelType, Pixels, Place, Reason, Skipped, Tally};
use crate::store::{
    ChunkDecoder, CodecError, DatasetWriter, EncodedRow, StoreError, TrainStatistics, ValueHistogram,
};
use crate::wrangle::SplitName;

/// A sample that is ready for the file.
pub(super) struct Made {
    pub(super) encoded: EncodedRow,
    pub(super) split: SplitName,
    /// The inputs it was made from, by name, with their digests.
    pub(super) inputs: Vec<(String, [u8; 32])>,
}

/// What became of a planned sample.
pub(super) enum Outcome {
    Made(Box<Made>),
    Unlabelled,
    Rejected,
}

/// Takes the outcomes in the order of the plan.
pub(super) struct Sink<'a> {
    plan: &'a PrepPlan,
    pub(super) writer: DatasetWriter,
    pub(super) tally: Tally,
    pub(super) remarks: Remarks,
    pub(super) digest: SourceDigest,
    pub(super) train: TrainStatistics,
    /// Pixels that the threads counted and that did not go into the file.
    pub(super) taken_back: ValueHistogram,
    pub(super) splits: BTreeMap<SplitName, SplitSize>,
    pub(super) patients: usize,
    /// For each structure, in how many rows it is annotated.
    pub(super) annotated: Vec<usize>,
    /// Samples that equal one in another split.
    pub(super) left_out: Vec<String>,
    pub(super) write_time: Duration,
    pub(super) error: Option<StoreError>,
    guard: SplitGuard,
    spare: Vec<Box<Made>>,
    next: usize,
    last_patient: Option<u32>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(plan: &'a PrepPlan, writer: DatasetWriter) -> Self {
        Self {
            plan,
            writer,
            tally: Tally::default(),
            remarks: Remarks::default(),
            digest: SourceDigest::default(),
            train: TrainStatistics::new(),
            taken_back: ValueHistogram::new(plan.pixel_type),
            splits: BTreeMap::new(),
            patients: 0,
            annotated: vec![0; plan.options.structures.len()],
            left_out: Vec::new(),
            write_time: Duration::ZERO,
            error: None,
            guard: SplitGuard::default(),
            spare: Vec::new(),
            next: 0,
            last_patient: None,
        }
    }

    /// Takes the outcome of the next planned sample. `false` where the file cannot be written any more.
    pub(super) fn take(&mut self, outcome: Outcome, remarks: Remarks) -> bool {
        let number = self.next;
        self.next += 1;
        self.remarks.append(remarks);
        match outcome {
            Outcome::Rejected => true,
            Outcome::Unlabelled => {
                self.tally.add(Bin::Unlabelled, 1);
                true
            }
            Outcome::Made(made) => {
                let written = self.write(number, &made);
                self.spare.push(made);
                written.map_err(|error| self.error = Some(error)).is_ok()
            }
        }
    }

    /// Memory of a row that was written, to be used again.
    pub(super) fn spare(&mut self) -> Option<Box<Made>> {
        self.spare.pop()
    }

    fn write(&mut self, number: usize, made: &Made) -> Result<(), StoreError> {
        if let Err(first) = self.guard.admit(&made.encoded, made.split, number) {
            self.leave_out(number, first, made);
            return Ok(());
        }
        let start = Instant::now();
        self.writer.append(&made.encoded)?;
        self.write_time += start.elapsed();
        self.count(number, made);
        Ok(())
    }

    fn count(&mut self, number: usize, made: &Made) {
        let row = &made.encoded.row;
        let annotations = row.annotations.iter().filter(|cell| cell.sha256.is_some()).count();
        match annotations {
            0 => self.tally.add(Bin::Unlabelled, 1),
            _ => self.tally.add(Bin::Used, 1 + annotations),
        }
        for (count, cell) in self.annotated.iter_mut().zip(&row.annotations) {
            *count += usize::from(cell.sha256.is_some());
        }
        if self.plan.is_train(made.split) {
            self.train.add(&made.encoded.statistics);
        }
        // A patient's samples stand together.
        let patient = self.plan.samples[number].patient;
        let new_patient = usize::from(self.last_patient.replace(patient) != Some(patient));
        self.patients += new_patient;
        let split = self.splits.entry(made.split).or_default();
        split.samples += 1;
        split.patients += new_patient;
        for (name, sha256) in &made.inputs {
            self.digest.add(name.clone(), *sha256);
        }
    }

    /// Rejects a sample whose image equals that of the earlier sample `first` in another split.
    fn leave_out(&mut self, number: usize, first: usize, made: &Made) {
        let (pairs, samples) = (&self.plan.pairs, &self.plan.samples);
        let first = &samples[first];
        let detail = format!(
            "its pixels equal those of {}, which is in split {}, while this one is in {}; \
             put both patients into one split with --split-file",
            pairs.image_name(first),
            self.plan.splits[first.patient as usize],
            made.split,
        );
        let sample = &samples[number];
        let skipped = Skipped::new(Place::file(pairs.image_name(sample)), Reason::ImageInOtherSplit, detail);
        reject_image(pairs, sample, skipped, &mut self.remarks);
        self.left_out.push(made.encoded.row.id.clone());
        if self.plan.is_train(made.split) {
            // The thread that made it has counted its pixels.
            let counted = decode(self.plan, &made.encoded);
            self.taken_back.add(&counted.expect("a chunk that was just encoded can be decoded"));
        }
    }
}

fn decode(plan: &PrepPlan, row: &EncodedRow) -> Result<Pixels, CodecError> {
    let pixel_type: PixelType = plan.pixel_type;
    let mut bytes = vec![0; plan.shape.pixels() * pixel_type.size()];
    let mut decoder = ChunkDecoder::new(plan.options.compression);
    decoder.decode(row.image.bytes(), pixel_type.size(), &mut bytes)?;
    Ok(Pixels::from_le_bytes(pixel_type, &bytes))
}
