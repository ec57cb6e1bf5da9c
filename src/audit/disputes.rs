//! Annotations that accuse each other, and which of them goes.

use std::collections::{BTreeMap, BTreeSet};

use super::agreement::{Agreement, agreement};
use super::copies::Annotation;
use super::facts::ContourFacts;
use super::nesting::Outside;
use super::{AuditOptions, Check, Finding, ImageFacts};
use crate::model::Place;
use crate::wrangle::{PairPlan, PlannedSample};

/// Images that are decoded to settle one dispute; with more, nothing decides.
const JUDGED: usize = 256;
/// By how much the best must agree better with its image than the next.
const MARGIN: f64 = 0.1;
/// Others that are listed beside one annotation.
const LISTED: usize = 10;

/// Everything that is known of the samples.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) plan: &'a PairPlan,
    pub(super) samples: &'a [PlannedSample],
    pub(super) images: &'a [ImageFacts],
    /// An entry for each plane of each sample.
    pub(super) facts: &'a [Option<ContourFacts>],
    pub(super) options: &'a AuditOptions,
}

impl Known<'_> {
    pub(super) fn place(&self, (sample, plane): Annotation) -> Place {
        let sample = &self.samples[sample as usize];
        Place::file(self.plan.annotation_name(sample, usize::from(plane)).unwrap_or_default())
    }

    fn agreement(&self, sample: u32) -> Option<Agreement> {
        let index = sample as usize;
        agreement(self.plan, &self.samples[index], &self.images[index], self.options)
    }

    fn facts(&self, (sample, plane): Annotation) -> Option<ContourFacts> {
        self.facts[sample as usize * self.plan.structures().len() + usize::from(plane)]
    }

    fn patient(&self, annotation: Annotation) -> u32 {
        self.samples[annotation.0 as usize].patient
    }
}

/// What a group of annotations with the same path comes to.
pub(super) fn settle_copies(known: Known<'_>, group: &[Annotation]) -> Vec<Finding> {
    let patients: BTreeSet<u32> = group.iter().map(|&annotation| known.patient(annotation)).collect();
    if patients.len() == 1 {
        return vec![repeated(known, group)];
    }
    let judged: BTreeMap<Annotation, Judged> = if group.len() <= JUDGED {
        group.iter().filter_map(|&annotation| Some((annotation, Judged::of(known, annotation)?))).collect()
    } else {
        BTreeMap::new()
    };
    let claims = claims(known, group, &judged);
    let [_, _, ..] = claims[..] else {
        // The images are copies too, which is another finding.
        return Vec::new();
    };
    let right: BTreeSet<Annotation> = best_claim(&claims).into_iter().flatten().copied().collect();
    let wrong = group.iter().filter(|annotation| !right.contains(annotation));
    wrong
        .map(|&annotation| copied(known, group, annotation, &judged, |other| right.contains(other)))
        .collect()
}

/// Annotations that stand or fall together, with how well they agree with their images.
struct Claim {
    annotations: Vec<Annotation>,
    images: BTreeSet<u64>,
    score: f64,
}

/// One claim for each patient; patients that share one of the images make one together.
fn claims(known: Known<'_>, group: &[Annotation], judged: &BTreeMap<Annotation, Judged>) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    for of_patient in group.chunk_by(|a, b| known.patient(*a) == known.patient(*b)) {
        let judged = || of_patient.iter().filter_map(|annotation| judged.get(annotation));
        let mut claim = Claim {
            annotations: of_patient.to_vec(),
            images: judged().map(|judged| judged.image).collect(),
            score: judged().filter_map(|judged| judged.score).fold(0.5, f64::max),
        };
        let (same, others): (Vec<_>, Vec<_>) =
            claims.into_iter().partition(|other| !other.images.is_disjoint(&claim.images));
        for other in same {
            claim.annotations.extend(other.annotations);
            claim.images.extend(other.images);
            claim.score = claim.score.max(other.score);
        }
        claims = others;
        claims.push(claim);
    }
    claims
}

/// An annotation on its image.
#[derive(Clone, Copy)]
struct Judged {
    image: u64,
    score: Option<f64>,
}

impl Judged {
    fn of(known: Known<'_>, (sample, plane): Annotation) -> Option<Self> {
        let agreement = known.agreement(sample)?;
        Some(Self { image: agreement.image, score: agreement.scores[usize::from(plane)] })
    }
}

/// The annotations that agree with their images clearly better than any others.
fn best_claim(claims: &[Claim]) -> Option<&[Annotation]> {
    let best = claims.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
    let near = claims.iter().filter(|claim| claim.score > best.score - MARGIN).count();
    (near == 1).then_some(&best.annotations)
}

fn copied(
    known: Known<'_>,
    group: &[Annotation],
    annotation: Annotation,
    judged: &BTreeMap<Annotation, Judged>,
    is_right: impl Fn(&Annotation) -> bool,
) -> Finding {
    let others: Vec<Annotation> = group.iter().copied().filter(|other| *other != annotation).collect();
    let (right, rest): (Vec<_>, Vec<_>) = others.iter().copied().partition(&is_right);
    let shown = right.first().or(rest.first()).copied().unwrap_or(annotation);
    let bytes = |annotation| known.facts(annotation).map(|facts| facts.bytes);
    let same = if bytes(shown) == bytes(annotation) { "byte for byte" } else { "point for point" };
    let name = known.place(shown);
    let score = |annotation: &Annotation| judged.get(annotation).and_then(|judged| judged.score);
    let percent =
        |score: Option<f64>| score.map_or("not at all".to_owned(), |s| format!("to {:.0} %", 100.0 * s));
    let text = if right.is_empty() {
        format!("{same} the contour {name} of another image, and nothing tells which of them is right")
    } else {
        format!(
            "{same} the contour {name}, which agrees with its image {}, this one {}",
            percent(score(&shown)),
            percent(score(&annotation))
        )
    };
    let values: Vec<_> =
        score(&annotation).map(|score| ("agreement_percent", 100.0 * score)).into_iter().collect();
    let listed = right.iter().chain(&rest).take(LISTED).map(|&other| known.place(other)).collect();
    Finding::of_annotation(
        Check::CopiedContour,
        annotation.0,
        usize::from(annotation.1),
        known.place(annotation),
        text,
    )
    .with(&values)
    .beside(listed)
}

fn repeated(known: Known<'_>, group: &[Annotation]) -> Finding {
    let [first, others @ ..] = group else { unreachable!("a group has members") };
    let listed: Vec<Place> = others.iter().take(LISTED).map(|&other| known.place(other)).collect();
    let text = match others {
        [_] => format!("the same contour, point for point, is {}", listed[0]),
        _ => format!("the same contour, point for point, stands in {} files", group.len()),
    };
    let samples = group.iter().map(|annotation| annotation.0).collect();
    Finding::of_samples(Check::RepeatedContour, samples, known.place(*first), text).beside(listed)
}

/// An inner contour too much of which is outside of the outer one.
pub(super) struct Nested {
    pub(super) inner: Annotation,
    pub(super) outer: Annotation,
    pub(super) beyond: Outside,
    pub(super) mm: f64,
}

/// The one that goes: the outer contour where the inner one agrees with the image, otherwise the inner one; both
/// where the image cannot be asked.
pub(super) fn settle_nested(known: Known<'_>, nested: &Nested) -> Vec<Finding> {
    let plane = usize::from(nested.inner.1);
    let contrast = known.agreement(nested.inner.0).and_then(|agreement| agreement.scores[plane]);
    let good = contrast.map(|contrast| 100.0 * contrast >= known.options.thresholds.contrast);
    let Outside { share, distance } = nested.beyond;
    let measured = format!(
        "{:.0} % of the inner contour's area lies outside of the outer one, by up to {distance:.1} px ({:.1} mm)",
        100.0 * share,
        nested.mm
    );
    let values = [("outside_percent", 100.0 * share), ("distance_px", distance), ("distance_mm", nested.mm)];
    let wrong = match good {
        Some(true) => {
            vec![(nested.outer, nested.inner, "; the inner one follows the image, so this one is wrong")]
        }
        Some(false) => vec![(nested.inner, nested.outer, "; this one does not follow the image")],
        None => vec![(nested.inner, nested.outer, ""), (nested.outer, nested.inner, "")],
    };
    let finding = |(wrong, other, why): (Annotation, Annotation, &str)| {
        let (place, text) = (known.place(wrong), measured.clone() + why);
        Finding::of_annotation(Check::InnerOutsideOuter, wrong.0, usize::from(wrong.1), place, text)
            .with(&values)
            .beside(vec![known.place(other)])
    };
    wrong.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_claim_is_clearly_better() {
        let best = |scores: &[f64]| {
            let claim = |(k, &score): (usize, &f64)| Claim {
                annotations: vec![(k as u32, 0)],
                images: BTreeSet::from([k as u64]),
                score,
            };
            let claims: Vec<Claim> = scores.iter().enumerate().map(claim).collect();
            best_claim(&claims).map(|annotations| annotations[0].0)
        };
        assert_eq!(best(&[0.6, 0.95, 0.84]), Some(1));
        assert_eq!(best(&[0.9, 0.5]), Some(0));
        assert_eq!(best(&[0.6, 0.65]), None);
        assert_eq!(best(&[0.5, 0.5]), None);
    }
}
