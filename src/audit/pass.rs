//! All checks that need no pixels, over a whole data set.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::disputes::{Known, Nested, settle_copies, settle_nested};
use super::facts::{Axes, ContourFacts};
use super::finding::LISTED;
use super::neighbours::{Jump, Spot, jumps};
use super::nesting::outside;
use super::options::AuditOptions;
use super::shape::{Painter, Subject, check_shape};
use super::{Check, Finding, ImageFacts, Thresholds, copies, coverage, direction, headers, wall};
use crate::assemble::{ContourReader, ReadAhead, fetch_contours};
use crate::layout::SampleSet;
use crate::model::Sample;
use crate::model::{Place, PolygonError, Reason, Skipped};
use crate::source::{ContourError, ContourFault, parse_contour};

/// Samples looked at by one thread at a time.
const BLOCK: usize = 32;

/// Result of an audit.
#[derive(Debug, Default)]
pub struct Audit {
    /// The findings.
    pub findings: Vec<Finding>,
    /// SHA-256 over the digests of all contours that could be read, in the order of the samples.
    pub contours: [u8; 32],
    /// The first 64 bits of the SHA-256 of each contour file, by sample and structure; 0 where none was read.
    pub digests: Vec<u64>,
    /// Contours that cannot be used, by sample and structure.
    pub unreadable: Vec<(u32, u8, Skipped)>,
}

/// Progress and cancellation of an audit.
#[derive(Clone, Copy)]
pub struct AuditWatch<'a> {
    /// Ends the audit where it is set.
    pub cancel: &'a AtomicBool,
    /// Called with the number of samples that were looked at since the last call.
    pub advance: &'a (dyn Fn(usize) + Sync),
}

/// Audits `samples`, sorted by patient, with what the headers of their images say. Reads every contour, and decodes the
/// images of those that accuse each other. Ends early, and incomplete, where it is cancelled.
///
/// What cannot be read has no findings: it is reported where samples are made, and listed here for those who make none. The
/// findings do not depend on the threads; they are in the order of the samples, the worst first for each.
#[must_use]
pub fn audit(
    plan: &SampleSet,
    samples: &[Sample],
    images: &[ImageFacts],
    options: &AuditOptions,
    watch: AuditWatch<'_>,
) -> Audit {
    let planes = plan.structures().len();
    let auditor = || SampleAuditor::new(plan, options);
    let blocks = samples.par_chunks(BLOCK).enumerate().map_init(auditor, |auditor, (block, samples)| {
        let mut done = Block::default();
        let mut ahead = ReadAhead::new(plan, samples, fetch_contours);
        for (index, sample) in samples.iter().enumerate() {
            ahead.fetch_from(index + 1);
            if watch.cancel.load(Ordering::Relaxed) {
                break;
            }
            let number = block * BLOCK + index;
            done.add(number as u32, sample, &images[number], auditor);
        }
        (watch.advance)(samples.len());
        done
    });
    // Blocks are joined in their order, so the result does not depend on the threads.
    let mut all = Block::default();
    for block in blocks.collect::<Vec<_>>() {
        all.findings.extend(block.findings);
        all.facts.extend(block.facts);
        all.nested.extend(block.nested);
        all.unreadable.extend(block.unreadable);
    }
    let Block { mut findings, facts, nested, unreadable } = all;
    if watch.cancel.load(Ordering::Relaxed) {
        return Audit { findings, ..Audit::default() };
    }
    let mut contours = Sha256::new();
    for facts in &facts {
        contours.update(facts.as_ref().map_or([0; 16], |facts| facts.bytes.to_le_bytes()));
    }
    let known = Known { plan, samples, images, facts: &facts, options };
    let groups = copies::groups(&facts, planes, options.thresholds.copied_points);
    let copied: Vec<Finding> = groups.par_iter().flat_map_iter(|group| settle_copies(known, group)).collect();
    let copies: BTreeSet<_> = copied.iter().filter_map(|finding| finding.annotation).collect();
    let accused = |annotation| copies.contains(&annotation);
    // A copy explains why it is not where the other contour is.
    let open: Vec<&Nested> = nested.iter().filter(|n| !accused(n.inner) && !accused(n.outer)).collect();
    findings.par_extend(open.into_par_iter().flat_map_iter(|nested| settle_nested(known, nested)));
    findings.extend(copied);
    findings.extend(direction::findings(known));
    let mut from = 0;
    for of_patient in samples.chunk_by(|a, b| a.patient == b.patient) {
        check_patient(known, from, of_patient, &mut findings);
        from += of_patient.len();
    }
    findings
        .sort_by(|a, b| (a.samples.first(), a.check, &a.place).cmp(&(b.samples.first(), b.check, &b.place)));
    let bits = |facts: &Option<ContourFacts>| facts.map_or(0, |facts| (facts.bytes >> 64) as u64);
    let digests = facts.iter().map(bits).collect();
    Audit { findings, contours: contours.finalize().into(), digests, unreadable }
}

/// Findings of one thread about a run of samples.
#[derive(Default)]
struct Block {
    findings: Vec<Finding>,
    facts: Vec<Option<ContourFacts>>,
    nested: Vec<Nested>,
    unreadable: Vec<(u32, u8, Skipped)>,
}

/// Options and memory of one thread, which looks at one sample after the other.
struct SampleAuditor<'a> {
    plan: &'a SampleSet,
    options: &'a AuditOptions,
    contours: ContourReader<'a>,
    painter: Painter,
}

impl<'a> SampleAuditor<'a> {
    fn new(plan: &'a SampleSet, options: &'a AuditOptions) -> Self {
        let contours = ContourReader::new(plan, options.contour_offset);
        Self { plan, options, contours, painter: Painter::default() }
    }

    /// True if the contour read last is text, but no polygon. Its reader rejects it in any case.
    fn has_few_points(&self, skipped: &Skipped) -> bool {
        let few = |error: ContourError| {
            matches!(error.fault, ContourFault::Polygon(PolygonError::TooFewPoints { .. }))
        };
        skipped.reason == Reason::ContourUnreadable
            && parse_contour("", self.contours.bytes()).is_err_and(few)
    }
}

impl Block {
    fn add(&mut self, number: u32, sample: &Sample, image: &ImageFacts, auditor: &mut SampleAuditor<'_>) {
        let SampleAuditor { plan, options, .. } = *auditor;
        let mut contours = Vec::with_capacity(sample.annotations.len());
        for plane in 0..sample.annotations.len() {
            let read = match auditor.contours.read(sample, plane, image.shape) {
                Ok(read) => read,
                Err(skipped) => {
                    if auditor.has_few_points(&skipped) {
                        let (place, text) = (Place::file(&skipped.place.file), skipped.detail.clone());
                        let finding = Finding::of_annotation(Check::FewPoints, number, plane, place, text);
                        self.findings.push(finding);
                    }
                    self.unreadable.push((number, plane as u8, skipped));
                    None
                }
            };
            self.facts.push(read.as_ref().map(|read| ContourFacts::of(&read.contour, &read.sha256)));
            if let Some(read) = &read {
                let subject = Subject { contour: &read.contour, sample: number, plane, name: &read.name };
                let found = check_shape(&subject, image.shape, &options.thresholds, &mut auditor.painter);
                self.findings.extend(found);
            }
            contours.push(read);
        }
        if let Some([inner, outer]) = both_planes(plan)
            && let (Some(a), Some(b)) = (&contours[inner], &contours[outer])
        {
            let (beyond, mm) = outside(&a.contour, &b.contour, image.scale(), &mut auditor.painter);
            let [inner, outer] = [inner, outer].map(|plane| (number, plane as u8));
            self.nest(Nested { inner, outer, beyond, mm }, [&a.name, &b.name], &options.thresholds);
        }
    }

    /// Finding for the part of an inner contour beyond the outer one; their files have the names `[name, other]`.
    fn nest(&mut self, nested: Nested, [name, other]: [&str; 2], thresholds: &Thresholds) {
        let Nested { inner, beyond, mm, .. } = nested;
        let percent = 100.0 * beyond.share;
        if percent > thresholds.inner_outside {
            self.nested.push(nested);
        } else if percent > thresholds.inner_crosses {
            let text = format!(
                "{percent:.1} % of the inner contour's area lies outside of the outer one, by up to {:.1} px ({mm:.1} mm)",
                beyond.distance
            );
            let values =
                [("outside_percent", percent), ("distance_px", beyond.distance), ("distance_mm", mm)];
            let (check, place) = (Check::InnerCrossesOuter, Place::file(name));
            let finding =
                Finding::of_annotation(check, inner.0, usize::from(inner.1), place, text).with(&values);
            self.findings.push(finding.beside(vec![Place::file(other)]));
        }
    }
}

/// The checks of one patient, whose samples begin at number `from`.
fn check_patient(known: Known<'_>, from: usize, samples: &[Sample], findings: &mut Vec<Finding>) {
    let images: Vec<&ImageFacts> = known.images[from..from + samples.len()].iter().collect();
    let thresholds = &known.options.thresholds;
    let name = |k: usize| Place::file(known.plan.image_name(&samples[k]));
    let mut about = |check, others: &[usize], text: String| {
        let numbers = others.iter().map(|&k| (from + k) as u32).collect();
        let beside = others.iter().skip(1).take(LISTED).map(|&k| name(k)).collect();
        findings.push(Finding::of_samples(check, numbers, name(others[0]), text).beside(beside));
    };
    if let Some((others, most)) = headers::other_sizes(&images) {
        let (shape, more) = (images[others[0]].shape, and_more(others.len()));
        about(
            Check::OtherSize,
            &others,
            format!("the image has {shape} pixels, most of the patient's {most}{more}"),
        );
    }
    if let Some((others, most)) = headers::other_spacings(&images, thresholds.spacing) {
        let ([a, b], more) = (images[others[0]].spacing, and_more(others.len()));
        let text =
            format!("its pixels are {a} x {b} mm, most of the patient's {} x {}{more}", most[0], most[1]);
        about(Check::OtherSpacing, &others, text);
    }
    let with_number = images.iter().zip(samples).enumerate();
    let with_number = with_number.filter_map(|(k, (image, sample))| Some((k, *image, sample.number?)));
    let (places, numbered): (Vec<usize>, Vec<_>) =
        with_number.map(|(k, image, number)| (k, (image, number))).unzip();
    if let Some((others, most)) = headers::other_numbers(&numbered) {
        let (image, number) = numbered[others[0]];
        let (told, more) = (image.instance_number.unwrap_or_default(), and_more(others.len()));
        let usual = if most == 0 { "the same".to_owned() } else { format!("{most:+} from it") };
        let text = format!(
            "Instance Number is {told} and the file is number {number}; for most of the patient's images it is \
             {usual}{more}"
        );
        let others: Vec<usize> = others.iter().map(|&other| places[other]).collect();
        about(Check::InstanceNumber, &others, text);
    }
    let inner: Vec<usize> = lacking_outer(known, from, &images);
    if !inner.is_empty() {
        let text = format!(
            "no outer contour goes with the inner one of {}, while most of the patient's images of that phase have both",
            if inner.len() == 1 { "this image".to_owned() } else { format!("{} images", inner.len()) }
        );
        about(Check::MissingOuter, &inner, text);
    }
    findings.extend(wall_jumps(known, from, &images));
    findings.extend(spot_jumps(known, from, &images).into_iter().map(|jump| jump_finding(known, from, jump)));
}

fn and_more(count: usize) -> String {
    if count > 1 { format!("; {} more differ", count - 1) } else { String::new() }
}

fn lacking_outer(known: Known<'_>, from: usize, images: &[&ImageFacts]) -> Vec<usize> {
    let Some([inner, outer]) = both_planes(known.plan) else { return Vec::new() };
    let has = |k: usize, plane: usize| !known.samples[from + k].annotations[plane].is_empty();
    let with_inner = (0..images.len()).filter(|&k| has(k, inner));
    coverage::without_outer(with_inner.map(|k| (k, images[k].time, has(k, outer))).collect())
}

/// The planes of the inner and of the outer contours, where both were asked for.
fn both_planes(plan: &SampleSet) -> Option<[usize; 2]> {
    plan.relations.nested.map(|nested| [nested.inner, nested.outer])
}

fn wall_jumps(known: Known<'_>, from: usize, images: &[&ImageFacts]) -> Vec<Finding> {
    let Some([inner, outer]) = both_planes(known.plan) else { return Vec::new() };
    let planes = known.plan.structures().len();
    let radius = |k: usize, plane: usize| {
        let [across, down] = images[k].scale();
        let facts = known.facts[(from + k) * planes + plane]?;
        Some((f64::from(facts.area) * across * down / std::f64::consts::PI).sqrt())
    };
    let walls: Vec<(usize, f64)> =
        (0..images.len()).filter_map(|k| Some((k, radius(k, outer)? - radius(k, inner)?))).collect();
    let finding = |(k, percent, median): (usize, f64, f64)| {
        let annotations = [outer, inner].map(|plane| ((from + k) as u32, plane as u8));
        let [place, other] = annotations.map(|annotation| known.place(annotation));
        let (mm, more) =
            (median * (1.0 + percent / 100.0), if percent > 0.0 { "thicker" } else { "thinner" });
        let text = format!(
            "the wall between the outer and the inner contour is {mm:.1} mm thick on average, {:.0} % {more} than in \
             half of the patient's images",
            percent.abs()
        );
        let values = [("wall_mm", mm), ("median_mm", median), ("wall_percent", percent)];
        Finding::of_annotation(Check::WallJump, annotations[0].0, outer, place, text)
            .with(&values)
            .beside(vec![other])
    };
    wall::jumps(&walls, known.options.thresholds.wall_jump).into_iter().map(finding).collect()
}

fn spot_jumps(known: Known<'_>, from: usize, images: &[&ImageFacts]) -> Vec<Jump> {
    let Some(axes) = images.iter().find_map(|image| Axes::of(image)) else { return Vec::new() };
    let planes = known.plan.structures().len();
    let mut spots = Vec::new();
    for (k, image) in images.iter().enumerate() {
        for plane in 0..planes {
            if let Some(facts) = &known.facts[(from + k) * planes + plane] {
                spots.extend(Spot::of(k, plane as u8, facts, image, &axes));
            }
        }
    }
    jumps(spots, &known.options.thresholds)
}

fn jump_finding(known: Known<'_>, from: usize, jump: Jump) -> Finding {
    let annotation = ((from + jump.index) as u32, jump.plane);
    let place = known.place(annotation);
    if let Some((other, percent)) = jump.phase {
        let other = known.place(((from + other) as u32, jump.plane));
        let more = if percent > 0.0 { "larger" } else { "smaller" };
        let text = format!(
            "beside {other}, another phase of its slice, its mean radius is {:.0} % {more} than the patient's other slices \
             tell: one of the two is wrong",
            percent.abs()
        );
        return Finding::of_annotation(jump.check, annotation.0, usize::from(annotation.1), place, text)
            .with(&[("phase_percent", percent)])
            .beside(vec![other]);
    }
    let (text, values) = match (jump.check, jump.slices, jump.slice) {
        (Check::AreaJump, Some(percent), _) => {
            let more = if percent > 0.0 { "larger" } else { "smaller" };
            let text = format!(
                "its mean radius is {:.0} % {more} than the neighbouring slices of the same phase tell",
                percent.abs()
            );
            (text, vec![("radius_percent", percent)])
        }
        (_, slices, slice) => {
            let away = |mm: f64, what: &str| format!("{mm:.1} mm from {what}");
            let parts = [
                slices.map(|mm| away(mm, "where the neighbouring slices of the same phase have it")),
                slice.map(|mm| away(mm, "the nearest of the other contours of its slice")),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            let values = [("neighbours_mm", slices), ("same_slice_mm", slice)];
            let values = values.into_iter().filter_map(|(name, mm)| Some((name, mm?))).collect();
            (format!("its centre lies {}", parts.join(" and ")), values)
        }
    };
    Finding::of_annotation(jump.check, annotation.0, usize::from(annotation.1), place, text).with(&values)
}
