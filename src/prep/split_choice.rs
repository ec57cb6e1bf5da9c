//! Assignment of patients to splits.

use super::pseudonym::Pseudonyms;
use super::{PrepError, Splits};
use crate::layout::SampleSet;
use crate::model::Sample;
use crate::model::{Note, Place};
use crate::split::{SPLIT_RULE, SplitName, SplitSpec, apply_split_file, assign_splits};

/// The split of every patient, and the rule in words.
pub(super) fn assign(
    (pairs, samples): (&SampleSet, &[Sample]),
    splits: &Splits,
    pseudonyms: &Pseudonyms,
    notes: &mut Vec<Note>,
) -> Result<(Vec<SplitName>, String), PrepError> {
    let with_samples = patients_of(samples);
    let ids = || with_samples.iter().map(|&patient| &*pairs.patients[patient as usize].id);
    let own = || with_samples.iter().map(|&patient| pairs.patients[patient as usize].split);
    let (assigned, rule) = match splits {
        Splits::Fractions(..) if own().any(|split| split.is_some()) => {
            let assigned = own().map(|split| split.unwrap_or(SplitName::Unsplit)).collect();
            (assigned, "as the table of images says".to_owned())
        }
        Splits::Fractions(spec, seed) => {
            let rule = if spec.is_none() {
                "none".to_owned()
            } else {
                let order =
                    if pseudonyms.is_keyed() { "in the order of patient_id" } else { "in link order" };
                let rule = SPLIT_RULE.replace("in link order", order);
                format!("{spec}: {rule} Patients that share an equal image count as one, by the first.")
            };
            // A draw by the true id would be the same without the key.
            let drawn: Vec<String> = ids().map(|id| pseudonyms.of(id)).collect();
            let assigned = assign_splits(spec, *seed, drawn.iter().map(String::as_str));
            note_empty_splits(spec, &assigned, notes);
            (assigned, rule)
        }
        Splits::Table(table) => {
            let (assigned, mut unused) = apply_split_file(table, ids()).map_err(Box::new)?;
            notes.append(&mut unused);
            (assigned, "as listed in a table of patients".to_owned())
        }
    };
    Ok((spread(pairs, &with_samples, &assigned), rule))
}

/// The patients of `samples`, each once, in link order.
pub(super) fn patients_of(samples: &[Sample]) -> Vec<u32> {
    let mut patients: Vec<u32> = samples.iter().map(|sample| sample.patient).collect();
    patients.dedup();
    patients
}

/// One entry for every patient of the plan.
fn spread(pairs: &SampleSet, patients: &[u32], splits: &[SplitName]) -> Vec<SplitName> {
    let mut all = vec![SplitName::Unsplit; pairs.patients.len()];
    for (&patient, &split) in patients.iter().zip(splits) {
        all[patient as usize] = split;
    }
    all
}

fn note_empty_splits(spec: &SplitSpec, assigned: &[SplitName], notes: &mut Vec<Note>) {
    if assigned.is_empty() {
        return;
    }
    for split in SplitName::ALL {
        if spec.fraction(split) > 0.0 && !assigned.contains(&split) {
            let (name, count) = (split.name(), assigned.len());
            let patients =
                if count == 1 { "is only 1 patient" } else { &format!("are only {count} patients") };
            let text = format!("split {name} is empty: there {patients}");
            notes.push(Note::new(Place::file("--split"), text));
        }
    }
}
