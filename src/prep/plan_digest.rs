//! One digest over everything that a plan decides, by which shards of one plan know each other.

use sha2::{Digest, Sha256};

use super::audit::marks;
use super::input::Input;
use super::ledger::Ledger;
use super::names::{Namer, SampleNames};
use super::plan::PrepPlan;
use crate::audit::ImageFacts;
use crate::store::{Encoder, NO_NUMBER};

/// SHA-256 over options, headers, contours, and all samples of `plan`: their names, contours, patients, splits and findings.
pub(super) fn plan_digest(plan: &PrepPlan, namer: &Namer<'_>, encoder: Encoder, ledger: &Ledger) -> [u8; 32] {
    let mut digest = Texts(Sha256::new());
    // Where ids are secret, they cannot be tried out on the digest.
    digest.add(plan.options.pseudonym_key.as_deref().unwrap_or_default());
    digest.add(plan.options.config(encoder).to_string());
    digest.add(format!("{} {} {}", plan.shape, plan.pixel_type.name(), plan.units));
    if plan.channels > 1 {
        digest.add(format!("{} channels", plan.channels));
    }
    digest.add(&plan.splits.rule);
    plan.contents.iter().for_each(|contents| digest.add(contents.unwrap_or_default()));
    let found = marks(&plan.findings);
    for (sample, number) in plan.samples.iter().zip(0..) {
        let SampleNames { id, patient_id, original_id, source } = namer.names(sample);
        for name in [id, patient_id, original_id, source] {
            digest.add(name);
        }
        for (plane, annotation) in (0..).zip(&sample.annotations) {
            let name = annotation.first().map(|_| namer.input(Input { sample: number, plane: Some(plane) }));
            digest.add(name.unwrap_or_default());
        }
        let planned = ledger.planned[sample.patient as usize];
        digest.add(format!(
            "{} {} PlannedSplit {{ split: {:?}, draw: {:?} }}",
            sample.patient,
            sample.number.unwrap_or(NO_NUMBER),
            planned.split,
            planned.draw,
        ));
        if let Some(bond) = planned.bond(sample.patient) {
            digest.add(format!("{bond:?}"));
        }
        digest.add(found.get(&number).map(|set| set.names()).unwrap_or_default());
    }
    digest.0.finalize().into()
}

/// SHA-256 over what the audit keeps of the headers.
pub(super) fn digest_of_headers(images: &[ImageFacts]) -> [u8; 32] {
    let mut digest = Texts(Sha256::new());
    images.iter().for_each(|facts| digest.add(format!("{facts:?}")));
    digest.0.finalize().into()
}

/// Texts of which the length is hashed too, so that none can end in another place.
struct Texts(Sha256);

impl Texts {
    fn add(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }
}
