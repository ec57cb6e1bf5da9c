//! Annotations that accuse each other, and which of them goes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::agreement::{Agreement, agreement};
use super::copies::Annotation;
use super::facts::ContourFacts;
use super::finding::LISTED;
use super::nesting::Outside;
use super::{AuditOptions, Check, Finding, ImageFacts};
use crate::assemble::read_image;
use crate::layout::SampleSet;
use crate::model::Place;
use crate::model::Sample;

/// By how much the best must agree better with its image than the next.
const MARGIN: f64 = 0.1;

/// Everything that is known of the samples.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) plan: &'a SampleSet,
    pub(super) samples: &'a [Sample],
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

/// Result for a group of annotations with the same path.
pub(super) fn settle_copies(known: Known<'_>, group: &[Annotation]) -> Vec<Finding> {
    let patients: BTreeSet<u32> = group.iter().map(|&annotation| known.patient(annotation)).collect();
    if patients.len() == 1 {
        return vec![repeated(known, group)];
    }
    if are_one_image(known, group) {
        // The images are copies too, which is another finding.
        return Vec::new();
    }
    let judge = |&annotation: &Annotation| Some((annotation, Judged::of(known, annotation)?));
    let judged: BTreeMap<Annotation, Judged> = group.par_iter().filter_map(judge).collect();
    let claims = claims(known, group, &judged);
    if claims.len() < 2 {
        return Vec::new();
    }
    let right: BTreeSet<Annotation> = best_claim(&claims).into_iter().flatten().copied().collect();
    let (kept, wrong): (Vec<_>, Vec<_>) = group.iter().partition(|annotation| right.contains(annotation));
    // One more than is listed, because none is listed beside itself.
    let shown: Vec<Annotation> = kept.iter().chain(&wrong).take(LISTED + 1).copied().collect();
    let copies =
        Copies { known, usual: names(known, &shown[..shown.len().min(LISTED)]), shown, judged, right };
    wrong.into_iter().map(|annotation| copies.finding(annotation)).collect()
}

/// True if the images of all annotations are the same file, byte for byte.
fn are_one_image(known: Known<'_>, group: &[Annotation]) -> bool {
    let read = |annotation: Annotation, bytes: &mut Vec<u8>| {
        let sample = &known.samples[annotation.0 as usize];
        read_image(known.plan, sample, &known.options.limits, bytes).is_ok()
    };
    let [first, others @ ..] = group else { return true };
    let mut image = Vec::new();
    read(*first, &mut image)
        && others
            .par_iter()
            .map_init(Vec::new, |bytes, &other| read(other, bytes) && *bytes == image)
            .all(|same| same)
}

/// Annotations that stand or fall together, with how well they agree with their images.
struct Claim {
    annotations: Vec<Annotation>,
    score: f64,
}

/// One claim for each patient; patients that share one of the images make one together.
fn claims(known: Known<'_>, group: &[Annotation], judged: &BTreeMap<Annotation, Judged>) -> Vec<Claim> {
    let of_patients: Vec<&[Annotation]> =
        group.chunk_by(|a, b| known.patient(*a) == known.patient(*b)).collect();
    let images = of_patients.iter().map(|annotations| {
        annotations.iter().filter_map(|annotation| Some(judged.get(annotation)?.image)).collect()
    });
    let mut claims: BTreeMap<usize, Claim> = BTreeMap::new();
    for (annotations, first) in of_patients.iter().zip(connected(images)) {
        let scores = annotations.iter().filter_map(|annotation| judged.get(annotation)?.score);
        let claim = claims.entry(first).or_insert(Claim { annotations: Vec::new(), score: 0.5 });
        claim.annotations.extend_from_slice(annotations);
        claim.score = scores.fold(claim.score, f64::max);
    }
    claims.into_values().collect()
}

/// For each set, the first one that it is connected with by common members, over others or not.
fn connected(sets: impl Iterator<Item = Vec<u64>>) -> Vec<usize> {
    let (mut first, mut owner): (Vec<usize>, HashMap<u64, usize>) = (Vec::new(), HashMap::new());
    let find = |first: &mut [usize], mut set: usize| {
        while first[set] != set {
            first[set] = first[first[set]];
            set = first[set];
        }
        set
    };
    for (number, members) in sets.enumerate() {
        first.push(number);
        for member in members {
            let other = *owner.entry(member).or_insert(number);
            let (a, b) = (find(&mut first, other), find(&mut first, number));
            first[a.max(b)] = a.min(b);
        }
    }
    (0..first.len()).map(|set| find(&mut first, set)).collect()
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

fn names(known: Known<'_>, annotations: &[Annotation]) -> Arc<[String]> {
    annotations.iter().map(|&annotation| known.place(annotation).file).collect()
}

/// Annotations with the same path on different images.
struct Copies<'a> {
    known: Known<'a>,
    /// Those that findings list, one more than [`LISTED`], the right ones first.
    shown: Vec<Annotation>,
    /// The names that all findings list whose annotation is not among `shown`.
    usual: Arc<[String]>,
    judged: BTreeMap<Annotation, Judged>,
    right: BTreeSet<Annotation>,
}

impl Copies<'_> {
    /// Finding: `annotation` is a copy of others.
    fn finding(&self, annotation: Annotation) -> Finding {
        let known = self.known;
        let others: Vec<Annotation> =
            self.shown.iter().copied().filter(|other| *other != annotation).take(LISTED).collect();
        let listed =
            if self.shown.contains(&annotation) { names(known, &others) } else { Arc::clone(&self.usual) };
        let shown = others.first().copied().unwrap_or(annotation);
        let bytes = |annotation| known.facts(annotation).map(|facts| facts.bytes);
        let same = if bytes(shown) == bytes(annotation) { "byte for byte" } else { "point for point" };
        let name = known.place(shown);
        let score = |annotation: &Annotation| self.judged.get(annotation).and_then(|judged| judged.score);
        let percent =
            |score: Option<f64>| score.map_or("not at all".to_owned(), |s| format!("to {:.0} %", 100.0 * s));
        let text = if self.right.is_empty() {
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
        let (place, plane) = (known.place(annotation), usize::from(annotation.1));
        Finding::of_annotation(Check::CopiedContour, annotation.0, plane, place, text)
            .with(&values)
            .beside_shared(listed)
    }
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
    fn patients_are_connected_over_others() {
        let sets = [vec![1], vec![2], vec![3, 4], vec![], vec![2, 1], vec![4]];
        assert_eq!(connected(sets.into_iter()), [0, 0, 2, 3, 0, 2]);
    }

    #[test]
    fn the_best_claim_is_clearly_better() {
        let best = |scores: &[f64]| {
            let claim = |(k, &score): (usize, &f64)| Claim { annotations: vec![(k as u32, 0)], score };
            let claims: Vec<Claim> = scores.iter().enumerate().map(claim).collect();
            best_claim(&claims).map(|annotations| annotations[0].0)
        };
        assert_eq!(best(&[0.6, 0.95, 0.84]), Some(1));
        assert_eq!(best(&[0.9, 0.5]), Some(0));
        assert_eq!(best(&[0.6, 0.65]), None);
        assert_eq!(best(&[0.5, 0.5]), None);
    }
}
