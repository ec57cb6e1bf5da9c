//! Where the rows arrive in the order of the plan: the writer, and everything that is counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::audit::marks;
use super::equal_images::{EqualImages, FirstSeen};
use super::image_digests::equal_image;
use super::source_digest::SourceDigest;
use super::{PrepPlan, Splits};
use crate::assemble::{Remarks, reject_image};
use crate::audit::{CheckSet, Finding};
use crate::model::{Bin, Note, Place, Reason, Skipped, Tally};
use crate::store::{DatasetWriter, EncodedRow, Moments, StoreError};
use crate::wrangle::PlannedSample;

/// An input file: the image of a sample, or the contour of one of its structures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    /// The sample's number in the plan.
    pub(super) sample: u32,
    /// The structure's place in the masks, `None` for the image.
    pub(super) plane: Option<u8>,
}

/// What became of a planned sample.
pub(super) enum Outcome {
    Made(Box<EncodedRow>, Vec<Finding>),
    Unlabelled,
    Rejected,
}

/// The samples of one patient that went into the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PatientTotal {
    pub(super) samples: usize,
    pub(super) moments: Moments,
}

/// Takes the outcomes in the order of the plan.
pub(super) struct Sink<'a> {
    plan: &'a PrepPlan,
    pub(super) writer: DatasetWriter,
    pub(super) tally: Tally,
    pub(super) remarks: Remarks,
    pub(super) digest: SourceDigest<Input>,
    /// For each row of the file, its patient.
    pub(super) row_patients: Vec<u32>,
    /// For each patient of the plan, what went into the file.
    pub(super) patients: Vec<PatientTotal>,
    /// For each structure, in how many rows it is annotated.
    pub(super) annotated: Vec<usize>,
    pub(super) equal: EqualImages,
    /// What was found in the pixels.
    pub(super) findings: Vec<Finding>,
    /// For each planned sample that was found fault with before, the checks.
    planned_marks: BTreeMap<u32, CheckSet>,
    /// For each row of the file that findings tell of, the checks.
    pub(super) marks: BTreeMap<u32, CheckSet>,
    /// Samples that equal one in another split and were left out.
    pub(super) left_out: Vec<String>,
    /// For each of these that the plan counts as train, the row with equal pixels.
    pub(super) left_out_of_train: Vec<u32>,
    pub(super) write_time: Duration,
    pub(super) error: Option<StoreError>,
    next: u32,
}

impl<'a> Sink<'a> {
    pub(super) fn new(plan: &'a PrepPlan, writer: DatasetWriter) -> Self {
        let patients = plan.pairs.patients.len();
        Self {
            plan,
            writer,
            tally: Tally::default(),
            remarks: Remarks::default(),
            digest: SourceDigest::with_capacity(plan.samples.len() * 2),
            row_patients: Vec::with_capacity(plan.samples.len()),
            patients: vec![PatientTotal::default(); patients],
            annotated: vec![0; plan.options.structures.len()],
            equal: EqualImages::new(patients),
            findings: Vec::new(),
            planned_marks: marks(&plan.findings),
            marks: BTreeMap::new(),
            left_out: Vec::new(),
            left_out_of_train: Vec::new(),
            write_time: Duration::ZERO,
            error: None,
            next: 0,
        }
    }

    /// Takes the outcome of the next planned sample. `false` where the file cannot be written any more.
    pub(super) fn take(&mut self, outcome: &mut Outcome, remarks: Remarks) -> bool {
        let number = self.next;
        self.next += 1;
        self.remarks.append(remarks);
        match outcome {
            Outcome::Rejected => true,
            Outcome::Unlabelled => {
                self.tally.add(Bin::Unlabelled, 1);
                true
            }
            Outcome::Made(row, findings) => {
                let findings = std::mem::take(findings);
                self.write(number, row, findings).map_err(|error| self.error = Some(error)).is_ok()
            }
        }
    }

    fn write(&mut self, number: u32, row: &EncodedRow, findings: Vec<Finding>) -> Result<(), StoreError> {
        if !self.may_stand(number, row) {
            return Ok(());
        }
        let mut found = self.planned_marks.remove(&number).unwrap_or_default();
        findings.iter().for_each(|finding| found.insert(finding.check));
        self.findings.extend(findings);
        self.mark(self.row_patients.len() as u32, found);
        let start = Instant::now();
        self.writer.append(row)?;
        self.write_time += start.elapsed();
        self.count(number, row);
        Ok(())
    }

    fn count(&mut self, number: u32, encoded: &EncodedRow) {
        let row = &encoded.row;
        self.digest.add_row(row, number);
        let mut annotations = 0;
        for (plane, _) in row.annotations.iter().enumerate().filter(|(_, cell)| cell.sha256.is_some()) {
            annotations += 1;
            self.annotated[plane] += 1;
        }
        match annotations {
            0 => self.tally.add(Bin::Unlabelled, 1),
            _ => self.tally.add(Bin::Used, 1 + annotations),
        }
        let patient = self.plan.samples[number as usize].patient;
        let total = &mut self.patients[patient as usize];
        total.samples += 1;
        total.moments.add(&encoded.statistics);
        self.row_patients.push(patient);
    }

    /// Adds to what is known of a row.
    fn mark(&mut self, row: u32, found: CheckSet) {
        if !found.is_empty() {
            self.marks.entry(row).or_default().append(found);
        }
    }

    /// Looks for an earlier image that equals this one and belongs to another patient. Where the splits are
    /// ours to choose, the two patients will stand in one; where a table gives them, the image is left out.
    fn may_stand(&mut self, number: u32, row: &EncodedRow) -> bool {
        let plan = self.plan;
        let sample = &plan.samples[number as usize];
        let this = FirstSeen { number, row: self.row_patients.len() as u32 };
        let seen = self.equal.first(row, this);
        let first = &plan.samples[seen.number as usize];
        if let Some(finding) = equal_image(&plan.pairs, (first, seen.number), (sample, number)) {
            let mut found = CheckSet::default();
            found.insert(finding.check);
            self.mark(seen.row, found);
            self.planned_marks.entry(number).or_default().append(found);
            self.findings.push(finding);
        }
        if !plan.has_splits() {
            return true;
        }
        let split = |sample: &PlannedSample| plan.splits[sample.patient as usize];
        match plan.options.splits {
            Splits::Fractions(..) => {
                if self.equal.join(first.patient, sample.patient) {
                    let text = format!(
                        "its pixels equal those of {}; both patients stand in one split",
                        plan.pairs.image_name(first)
                    );
                    let place = Place::file(plan.pairs.image_name(sample));
                    self.remarks.notes.push(Note::new(place, text));
                }
                true
            }
            Splits::Table(_) if split(first) == split(sample) => true,
            Splits::Table(_) => {
                let detail = format!(
                    "its pixels equal those of {}, which is in split {}, while the table puts this one into \
                     {}; give both patients one split",
                    plan.pairs.image_name(first),
                    split(first),
                    split(sample),
                );
                let place = Place::file(plan.pairs.image_name(sample));
                let skipped = Skipped::new(place, Reason::ImageInOtherSplit, detail);
                reject_image(&plan.pairs, sample, skipped, &mut self.remarks);
                self.left_out.push(row.row.id.clone());
                if split(sample).counts_as_train() {
                    self.left_out_of_train.push(seen.row);
                }
                false
            }
        }
    }
}
