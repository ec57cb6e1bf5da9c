//! An audit alone, which decodes the images too and writes nothing.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::audit::{gaps, of_patient};
use super::identities::shared_findings;
use super::image_digests::{NumberedSample, UnlabelledImages, equal_images, pixel_digest};
use super::planning::pair;
use super::pool::pool;
use super::summary::{LeftOutEntry, UnmatchedEntry};
use super::survey::{Survey, WantedGrid};
use super::usual_rule::usual_rule;
use super::{Control, FindingEntry, PrepError};
use crate::assemble::{AssembleOptions, Assembled, Assembler, Remarks};
use crate::audit::{self, AuditOptions, Bright, Finding, ImageFacts, ImageView, against_image};
use crate::layout::{Inputs, Require, SampleSet, Select, StructureChoice};
use crate::model::Sample;
use crate::model::{Bin, Evidence, GridShape};
use crate::raster::MaskRule;
use crate::source::AnnotationOptions;

/// Samples decoded by one thread at a time.
const BLOCK: usize = 16;

/// Request of an audit.
#[derive(Debug, Clone)]
pub struct AuditRequest {
    /// The structures whose contours are audited.
    pub structures: StructureChoice,
    /// Reading of annotation files of several structures.
    pub annotation: AnnotationOptions,
    /// Rule that assigns pixels to a contour, instead of that of the options; `None` is the usual one of the annotations.
    pub mask_rule: Option<MaskRule>,
    /// Options of the checks.
    pub options: AuditOptions,
    /// Number of threads, at least 1. The findings do not depend on it.
    pub threads: usize,
}

/// Result of an audit.
#[derive(Debug, Clone, Serialize)]
pub struct AuditSummary {
    /// Images with a contour, as far as both could be read.
    pub images: usize,
    /// Their contours.
    pub annotations: usize,
    /// Those of them whose shapes no check looks at: of RTSTRUCT, SEG, mask images and label volumes.
    pub unexamined: usize,
    /// Their patients.
    pub patients: usize,
    /// Number of findings of each check.
    pub checks: BTreeMap<&'static str, usize>,
    /// All findings, the worst first.
    pub findings: Vec<FindingEntry>,
    /// Files that should have been used and cannot be.
    pub rejected: Vec<LeftOutEntry>,
    /// Rows of the link table that cannot be used.
    pub rejected_rows: Vec<LeftOutEntry>,
    /// Images and annotations that a layout leaves out as a whole.
    pub unmatched: Vec<UnmatchedEntry>,
    /// Seconds it took.
    pub seconds: f64,
}

impl AuditSummary {
    /// True if an annotation is wrong, a file or row cannot be used, or files are left out as a whole.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        let rejected = self.rejected.len() + self.rejected_rows.len();
        rejected > 0 || !self.unmatched.is_empty() || self.findings.iter().any(FindingEntry::is_error)
    }
}

/// Audits `inputs`: all checks of [`crate::audit`], pixels included.
///
/// # Errors
/// [`PrepError::Layout`] where a layout cannot be read, [`PrepError::Threads`], [`PrepError::Interrupted`].
pub fn audit(
    inputs: &dyn Inputs,
    request: &AuditRequest,
    control: &Control<'_>,
) -> Result<AuditSummary, PrepError> {
    let start = Instant::now();
    let select = Select {
        structures: request.structures.clone(),
        require: Require::Any,
        annotation: request.annotation,
        ..Select::default()
    };
    let mut pairs = pair(inputs, &select, &request.options.limits, request.threads, control)?;
    request.options.profile.apply(&mut pairs);
    // Contours of both kinds are no reason not to look at them.
    let usual = || usual_rule(&pairs, &mut Evidence::default()).unwrap_or(MaskRule::Center);
    let options =
        AuditOptions { mask_rule: request.mask_rule.unwrap_or_else(usual), ..request.options.clone() };
    let mut samples = std::mem::take(&mut pairs.samples);
    let pool = pool(request.threads)?;
    let advance = |count| control.progress.advance(count);
    let go_on = || if control.cancel.load(Ordering::Relaxed) { Err(PrepError::Interrupted) } else { Ok(()) };

    control.progress.begin("reading headers", samples.len());
    let limits = &request.options.limits;
    let survey = pool.install(|| Survey::of(&pairs, &samples, limits, WantedGrid::default(), control));
    go_on()?;
    survey.keep_usable(&mut samples);
    control.progress.begin("checking contours", samples.len());
    let (options, images) = (&options, &survey.images);
    let watch = audit::AuditWatch { cancel: control.cancel, advance: &advance };
    let mut findings = pool.install(|| audit::audit(&pairs, &samples, images, options, watch)).findings;
    go_on()?;
    control.progress.begin("checking images", samples.len() + pairs.unlabelled.len());
    let form = |image: &ImageFacts| (image.shape, image.channels);
    let forms = images.iter().map(|image| (form(image), options.assemble_options(image)));
    let reader = AuditReader { pairs: &pairs, samples: &samples, forms: forms.collect(), options, control };
    let audited = pool.install(|| reader.audit(images.iter().map(form).collect()));
    let unlabelled = pool.install(|| UnlabelledImages::decode(&pairs, limits, control));
    control.progress.end();
    go_on()?;
    findings.extend(audited.findings);
    findings.extend(equal_images(&pairs, &samples, &audited.digests, &unlabelled));
    findings.extend(shared_findings(&pairs, &samples, &survey.identities.pairs()));
    findings.extend(lacking(&pairs, &samples, images, &unlabelled));

    let mut remarks = survey.remarks;
    remarks.append(audited.remarks);
    let findings = FindingEntry::all(findings.iter(), &request.options.levels);
    let mut checks: BTreeMap<&'static str, usize> = BTreeMap::new();
    findings.iter().for_each(|finding| *checks.entry(finding.check).or_default() += 1);
    let mut skipped: Vec<_> = pairs.skipped.iter().chain(&remarks.skipped).collect();
    skipped.retain(|skipped| skipped.reason.bin() == Bin::Rejected);
    skipped.sort();
    let mut patients: Vec<u32> = samples.iter().map(|sample| sample.patient).collect();
    patients.dedup();
    Ok(AuditSummary {
        images: audited.images,
        annotations: audited.annotations,
        unexamined: audited.unexamined,
        patients: patients.len(),
        checks,
        findings,
        rejected: skipped.into_iter().map(LeftOutEntry::of).collect(),
        rejected_rows: pairs.rejected_rows.iter().map(LeftOutEntry::of).collect(),
        unmatched: pairs.unmatched.iter().map(UnmatchedEntry::of).collect(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Images missing for patients, as all of their images tell.
fn lacking(
    pairs: &SampleSet,
    samples: &[Sample],
    images: &[ImageFacts],
    unlabelled: &UnlabelledImages,
) -> Vec<Finding> {
    gaps(pairs, samples, |patient, mine| {
        let others = of_patient(&pairs.unlabelled, patient);
        let before =
            |limit: usize| unlabelled.headers.partition_point(|(number, _)| (*number as usize) < limit);
        let others = &unlabelled.headers[before(others.start)..before(others.end)];
        let others = others.iter().map(|&(number, image)| (&pairs.unlabelled[number as usize], image));
        let mine = mine.map(|sample| (&samples[sample], images[sample]));
        mine.chain(others).filter_map(|(sample, image)| Some((sample.number?, image))).collect()
    })
}

/// Results of reading the images.
#[derive(Default)]
struct Audited {
    findings: Vec<Finding>,
    remarks: Remarks,
    images: usize,
    annotations: usize,
    unexamined: usize,
    /// For each image that could be decoded and is not all of one value, its sample and a digest of its pixels.
    digests: Vec<(u32, u64)>,
}

/// Decodes images and compares them with their contours.
struct AuditReader<'a> {
    pairs: &'a SampleSet,
    samples: &'a [Sample],
    /// Options for images of each size and number of channels.
    forms: BTreeMap<(GridShape, usize), AssembleOptions>,
    options: &'a AuditOptions,
    control: &'a Control<'a>,
}

impl AuditReader<'_> {
    fn audit(&self, forms: Vec<(GridShape, usize)>) -> Audited {
        let blocks = self.samples.par_chunks(BLOCK).enumerate().map(|(block, samples)| {
            let mut audited = Audited::default();
            for (index, sample) in samples.iter().enumerate() {
                if self.control.cancel.load(Ordering::Relaxed) {
                    break;
                }
                let number = block * BLOCK + index;
                let numbered = NumberedSample { sample, number: number as u32 };
                self.audit_one(&mut audited, numbered, forms[number]);
            }
            self.control.progress.advance(samples.len());
            audited
        });
        blocks.collect::<Vec<_>>().into_iter().fold(Audited::default(), |mut all, block| {
            all.findings.extend(block.findings);
            all.remarks.append(block.remarks);
            all.images += block.images;
            all.annotations += block.annotations;
            all.unexamined += block.unexamined;
            all.digests.extend(block.digests);
            all
        })
    }

    fn audit_one(&self, audited: &mut Audited, numbered: NumberedSample<'_>, form: (GridShape, usize)) {
        let NumberedSample { sample, number } = numbered;
        let mut assembler = Assembler::new(self.pairs, &self.forms[&form]);
        let (shape, channels) = form;
        let Assembled::Sample(facts) = assembler.assemble(sample, &mut audited.remarks) else {
            return;
        };
        audited.images += 1;
        let drawn = (0..facts.annotations.len()).filter(|&plane| facts.annotations[plane].is_some());
        let (texts, others): (Vec<usize>, Vec<usize>) =
            drawn.partition(|&plane| self.pairs.are_contour_texts(sample, plane));
        audited.annotations += texts.len() + others.len();
        audited.unexamined += others.len();
        let name = |plane| self.pairs.annotation_name(sample, plane).unwrap_or_default();
        let picture =
            ImageView { pixels: assembler.pixels(), shape, channels, large_is_dark: facts.large_is_dark };
        let contours = Bright { plane: self.pairs.relations.bright, contours: assembler.contours() };
        let thresholds = &self.options.thresholds;
        audited.findings.extend(against_image(picture, contours, number, thresholds, name));
        audited.digests.extend(pixel_digest(assembler.pixels()).map(|digest| (number, digest)));
    }
}
