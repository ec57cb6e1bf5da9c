//! The end of a run: rows arrive in the order of the plan, are written and counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::PrepPlan;
use super::equal_images::fingerprint;
use super::image_digests::{NumberedSample, equal_image};
use super::input::Input;
use super::ledger::{Admission, CandidateRow, Ledger};
use super::names::Namer;
use super::planned_split::SplitSource;
use super::source_digest::SourceDigest;
use crate::assemble::{Remarks, reject_image};
use crate::audit::{CheckSet, Finding};
use crate::files::Fates;
use crate::model::Sample;
use crate::model::{Note, Place, Reason, Skipped};
use crate::store::{AnnotationCell, DatasetWriter, EncodedRow, ShardRow, StoreError};

/// Outcome of a planned sample.
pub(super) enum Outcome {
    Made(Box<EncodedRow>, Vec<Finding>),
    Unlabelled,
    Rejected,
}

/// Takes the outcomes in the order of the plan.
pub(super) struct Sink<'a> {
    plan: &'a PrepPlan,
    namer: &'a Namer<'a>,
    pub(super) writer: DatasetWriter,
    pub(super) fates: Fates,
    pub(super) remarks: Remarks,
    pub(super) digest: SourceDigest<Input>,
    pub(super) ledger: Ledger,
    /// For each structure, in how many rows its mask has a pixel.
    pub(super) with_pixels: Vec<usize>,
    /// Findings in the pixels.
    pub(super) findings: Vec<Finding>,
    /// For each planned sample that was found fault with before, the checks.
    planned_marks: BTreeMap<u32, CheckSet>,
    pub(super) write_time: Duration,
    pub(super) error: Option<StoreError>,
    next: u32,
}

impl<'a> Sink<'a> {
    pub(super) fn new(plan: &'a PrepPlan, namer: &'a Namer<'a>, writer: DatasetWriter) -> Self {
        Self {
            plan,
            namer,
            writer,
            fates: plan.pairs.fates.clone(),
            remarks: Remarks::default(),
            digest: SourceDigest::with_capacity(plan.share().len() * 2),
            ledger: plan.ledger(),
            with_pixels: vec![0; plan.pairs.structures().len()],
            findings: Vec::new(),
            planned_marks: plan.found(),
            write_time: Duration::ZERO,
            error: None,
            next: plan.share().start as u32,
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
                self.fates.leave_unlabelled(self.plan.samples[number as usize].image.file);
                true
            }
            Outcome::Made(row, findings) => {
                let findings = std::mem::take(findings);
                self.write(number, row, findings).map_err(|error| self.error = Some(error)).is_ok()
            }
        }
    }

    fn write(&mut self, number: u32, row: &EncodedRow, findings: Vec<Finding>) -> Result<(), StoreError> {
        let mut findings = findings;
        self.plan.options.levels.keep(&mut findings);
        let mut found = self.planned_marks.remove(&number).unwrap_or_default();
        findings.iter().for_each(|finding| found.insert(finding.check));
        let annotated: Vec<bool> = row.row.annotations.iter().map(|cell| cell.sha256.is_some()).collect();
        let admission = self.ledger.enter(&CandidateRow {
            number,
            patient: self.plan.samples[number as usize].patient,
            id: &row.row.id,
            fingerprint: fingerprint(row.row.checksum[0], &row.statistics),
            statistics: &row.statistics,
            counted: row.row.counted(self.plan.shape),
            annotated: &annotated,
            found,
        });
        self.tell(number, &admission);
        if !admission.stands {
            return Ok(());
        }
        self.findings.extend(findings);
        for (count, cell) in self.with_pixels.iter_mut().zip(&row.row.annotations) {
            *count += usize::from(cell.mask_pixels > 0);
        }
        let start = Instant::now();
        self.writer.append(row)?;
        if self.plan.options.shard.is_some() {
            self.writer.append_shard(&self.shard_row(number, row), row)?;
        }
        self.write_time += start.elapsed();
        self.count(number, row);
        Ok(())
    }

    /// Facts about a row for merging.
    fn shard_row(&self, number: u32, encoded: &EncodedRow) -> ShardRow {
        let patient = self.plan.samples[number as usize].patient;
        let planned = self.ledger.planned[patient as usize];
        let annotations = encoded.row.annotations.iter().zip(0..);
        let source = |(cell, plane): (&AnnotationCell, u8)| match cell.sha256 {
            Some(_) => self.namer.input(Input { sample: number, plane: Some(plane) }),
            None => String::new(),
        };
        let annotation_sources = annotations.map(source).collect();
        // Within the whole plan.
        let (number, patient) = match &self.plan.excerpt {
            None => (number, patient),
            Some(excerpt) => (excerpt.first_row + number, excerpt.patient_numbers[patient as usize]),
        };
        ShardRow {
            number,
            patient,
            split: planned.split,
            draw: planned.draw,
            statistics: encoded.statistics,
            annotation_sources,
        }
    }

    fn count(&mut self, number: u32, encoded: &EncodedRow) {
        let row = &encoded.row;
        self.digest.add_row(row, number);
        let sample = &self.plan.samples[number as usize];
        self.fates.leave_unlabelled(sample.image.file);
        for (_, refs) in
            row.annotations.iter().zip(&sample.annotations).filter(|(cell, _)| cell.sha256.is_some())
        {
            self.fates.use_file(sample.image.file);
            refs.iter().for_each(|one| self.fates.use_file(one.file));
        }
    }

    /// Tells of an image that equals one of another patient.
    fn tell(&mut self, number: u32, admission: &Admission) {
        let plan = self.plan;
        let [first, later] = [admission.first.number, number]
            .map(|number| NumberedSample { sample: &plan.samples[number as usize], number });
        if admission.equals_another {
            self.findings.extend(equal_image(&plan.pairs, first, later));
        }
        let (first, sample) = (first.sample, later.sample);
        let place = || Place::file(plan.pairs.image_name(sample));
        if admission.joins {
            let text = format!(
                "its pixels equal those of {}; both patients stand in one {}",
                plan.pairs.image_name(first),
                plan.splits.one(sample.patient),
            );
            self.remarks.notes.push(Note::new(place(), text));
        }
        if !admission.stands {
            let mut split =
                |sample: &Sample| self.ledger.kept(sample.patient).unwrap_or(plan.splits.of(sample.patient));
            let given = match plan.splits.source {
                SplitSource::Planned => "this one is kept in",
                _ => "the table puts this one into",
            };
            let detail = format!(
                "its pixels equal those of {}, which is in split {}, while {given} {}; give both patients one split",
                plan.pairs.image_name(first),
                split(first),
                split(sample),
            );
            let skipped = Skipped::new(place(), Reason::ImageInOtherSplit, detail);
            reject_image(&plan.pairs, sample, skipped, &mut self.remarks);
        }
    }
}
