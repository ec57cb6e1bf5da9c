//! The audit before anything is written, and what becomes of the annotations that it finds to be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::Ordering;

use super::pool::pool;
use super::{Control, OnFinding, PrepError, PrepOptions, Unlabelled};
use crate::assemble::{Remarks, reject_image};
use crate::audit::{
    Audit, AuditWatch, Check, CheckLevels, CheckSet, Finding, ImageFacts, Severity, audit, missing_images,
};
use crate::layout::{Require, SampleSet};
use crate::model::Sample;
use crate::model::{Place, Reason, Skipped};

/// The samples after the audit.
pub(super) struct Audited {
    /// Those that are left.
    pub(super) samples: Vec<Sample>,
    /// Findings, with the numbers of the samples that are left.
    pub(super) findings: Vec<Finding>,
    /// SHA-256 over the digests of all contours.
    pub(super) contours: [u8; 32],
    /// The first 64 bits of the SHA-256 of each contour file, by sample and structure; 0 where none was read.
    pub(super) digests: Vec<u64>,
    /// Annotations that were left out.
    pub(super) skipped: Vec<Skipped>,
    /// Contours that cannot be read, by sample and structure. They are left out where samples are made.
    unreadable: Vec<(u32, u8, Skipped)>,
    /// Images of which no annotation is left.
    pub(super) unlabelled: Vec<Sample>,
}

/// The annotation, by its sample and its plane, that a finding leaves out: where it is an error. What is no polygon is
/// rejected by its reader, with the line.
pub(super) fn rejected_annotation(finding: &Finding, levels: &CheckLevels) -> Option<(u32, u8)> {
    let is_error = levels.severity(finding.check) == Some(Severity::Error);
    finding.annotation.filter(|_| is_error && finding.check != Check::FewPoints)
}

/// A patient whose samples are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) patient: u32,
    pub(super) reason: Reason,
    pub(super) detail: String,
}

impl Audited {
    /// Audits `samples`, whose headers said `images`.
    pub(super) fn of(
        pairs: &SampleSet,
        samples: Vec<Sample>,
        images: &[ImageFacts],
        options: &PrepOptions,
        control: &Control<'_>,
    ) -> Result<Self, PrepError> {
        control.progress.begin("checking contours", samples.len());
        let advance = |count| control.progress.advance(count);
        let watch = AuditWatch { cancel: control.cancel, advance: &advance };
        let Audit { mut findings, contours, digests, unreadable } =
            pool(options.threads)?.install(|| audit(pairs, &samples, images, &options.audit(), watch));
        control.progress.end();
        if control.cancel.load(Ordering::Relaxed) {
            return Err(PrepError::Interrupted);
        }
        // Of images without a contour headers are read only where they are asked for.
        let told = options.unlabelled == Unlabelled::Include;
        let headers =
            |sample: usize| told.then_some(()).and_then(|()| Some((samples[sample].number?, images[sample])));
        findings.extend(gaps(pairs, &samples, |_, mine| mine.filter_map(headers).collect()));
        options.levels.keep(&mut findings);
        let (skipped, unlabelled) = (Vec::new(), Vec::new());
        let mut audited = Self { samples, findings, contours, digests, skipped, unreadable, unlabelled };
        if options.on_finding == OnFinding::Reject {
            audited.reject(pairs, options);
        }
        Ok(audited)
    }

    /// Leaves out every annotation of which an error was found, and every sample of which too little is left.
    fn reject(&mut self, pairs: &SampleSet, options: &PrepOptions) {
        let mut thinned: BTreeSet<u32> = BTreeSet::new();
        for finding in &self.findings {
            let Some((number, plane)) = rejected_annotation(finding, &options.levels) else { continue };
            let annotation = &mut self.samples[number as usize].annotations[usize::from(plane)];
            let refs = std::mem::take(annotation);
            for (index, one) in refs.iter().enumerate() {
                let detail = format!("{}: {}; --on-finding keep keeps it", finding.check, finding.text);
                let place = if index == 0 {
                    finding.place.clone()
                } else {
                    Place::file(pairs.catalog.name(one.file))
                };
                self.skipped.push(Skipped::new(place, Reason::AuditError, detail).of(one.file));
                thinned.insert(number);
            }
        }
        self.thin(pairs, options, thinned);
    }

    /// Leaves out the contours that cannot be read, for a plan of which no sample is made: as if it had been.
    pub(super) fn leave_out_unreadable(&mut self, pairs: &SampleSet, options: &PrepOptions) {
        let mut thinned: BTreeSet<u32> = BTreeSet::new();
        let mut remarks = Remarks::default();
        for (number, plane, skipped) in std::mem::take(&mut self.unreadable) {
            let annotation = &mut self.samples[number as usize].annotations[usize::from(plane)];
            let refs = std::mem::take(annotation);
            let file = skipped.file;
            remarks.skip_union(&pairs.catalog, refs.iter().filter(|one| Some(one.file) != file), skipped);
            thinned.insert(number);
        }
        self.skipped.append(&mut remarks.skipped);
        self.thin(pairs, options, thinned);
    }

    /// Leaves out every one of these samples, which have lost annotations, of which too little is left.
    fn thin(&mut self, pairs: &SampleSet, options: &PrepOptions, thinned: BTreeSet<u32>) {
        let mut gone: BTreeSet<u32> = BTreeSet::new();
        for number in thinned {
            let sample = &mut self.samples[number as usize];
            let left = sample.annotated();
            if left > 0 && options.require == Require::Any {
                continue;
            }
            for (_, one) in sample.references() {
                let detail = "another structure of its sample was rejected, and --require all asks for all";
                let place = Place::file(format!("{}{}", pairs.catalog.name(one.file), one.part));
                self.skipped.push(Skipped::new(place, Reason::StructureMissing, detail).of(one.file));
            }
            sample.clear_annotations();
            if options.unlabelled == Unlabelled::Skip {
                gone.insert(number);
            }
        }
        self.unlabelled.extend(gone.iter().map(|&number| self.samples[number as usize].clone()));
        self.remove(&gone);
    }

    /// Leaves out all samples of patients.
    pub(super) fn leave_out(&mut self, pairs: &SampleSet, patients: &[LeftOut]) {
        let mut gone: BTreeSet<u32> = BTreeSet::new();
        let mut remarks = Remarks::default();
        for LeftOut { patient, reason, detail } in patients {
            for number in of_patient(&self.samples, *patient) {
                let sample = &self.samples[number];
                let place = Place::file(pairs.image_name(sample));
                let skipped = Skipped::new(place, *reason, detail.clone()).of(sample.image.file);
                reject_image(pairs, sample, skipped, &mut remarks);
                gone.insert(number as u32);
            }
        }
        self.skipped.append(&mut remarks.skipped);
        self.remove(&gone);
    }

    /// Removes samples, and renumbers the others.
    fn remove(&mut self, gone: &BTreeSet<u32>) {
        if gone.is_empty() {
            return;
        }
        let sorted: Vec<u32> = gone.iter().copied().collect();
        let now = |number: u32| number - sorted.partition_point(|&other| other < number) as u32;
        for finding in &mut self.findings {
            finding.samples.retain(|number| !gone.contains(number));
            finding.samples.iter_mut().for_each(|number| *number = now(*number));
            finding.annotation = finding
                .annotation
                .filter(|(number, _)| !gone.contains(number))
                .map(|(n, plane)| (now(n), plane));
        }
        self.unreadable.retain(|(number, ..)| !gone.contains(number));
        self.unreadable.iter_mut().for_each(|(number, ..)| *number = now(*number));
        let planes = self.digests.len() / self.samples.len().max(1);
        let of_samples = self.digests.chunks_exact(planes.max(1)).zip(0u32..);
        self.digests =
            of_samples.filter(|(_, n)| !gone.contains(n)).flat_map(|(bits, _)| bits).copied().collect();
        let mut number = 0..;
        self.samples.retain(|_| number.next().is_some_and(|number| !gone.contains(&number)));
    }
}

/// Images missing for each patient. `headers` are those of all images of a patient, of
/// whose samples it gets the numbers; none where not all were read.
pub(super) fn gaps(
    pairs: &SampleSet,
    samples: &[Sample],
    headers: impl Fn(u32, Range<usize>) -> Vec<(i32, ImageFacts)>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for patient in 0..pairs.patients.len() as u32 {
        let [mine, others] = [samples, &pairs.unlabelled].map(|list| of_patient(list, patient));
        let all = samples[mine.clone()].iter().chain(&pairs.unlabelled[others]);
        let mut numbers: Vec<i32> = all.filter_map(|sample| sample.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let folder = pairs.image_folder(patient);
        let headers = if pairs.relations.phases { headers(patient, mine) } else { Vec::new() };
        findings.extend(missing_images(folder, &numbers, headers));
    }
    findings
}

/// The range of `samples`, sorted by patient, that are those of `patient`.
pub(super) fn of_patient(samples: &[Sample], patient: u32) -> Range<usize> {
    let before = |limit: u32| samples.partition_point(|sample| sample.patient < limit);
    before(patient)..before(patient + 1)
}

/// For each sample with findings, the checks.
pub(super) fn marks(findings: &[Finding]) -> BTreeMap<u32, CheckSet> {
    let mut marks: BTreeMap<u32, CheckSet> = BTreeMap::new();
    for finding in findings {
        for sample in &finding.samples {
            marks.entry(*sample).or_default().insert(finding.check);
        }
    }
    marks
}
