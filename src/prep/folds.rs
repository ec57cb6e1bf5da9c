//! Strata and folds of the patients of a plan.

use std::collections::BTreeMap;

use super::grouping::PatientLabels;
use super::pseudonym::Pseudonyms;
use crate::layout::SampleSet;
use crate::model::{Note, Place};
use crate::split::Unit;

/// Patients by group, as [`crate::split::apportion`] takes them.
pub(super) struct Units<'a> {
    pairs: &'a SampleSet,
    labels: &'a PatientLabels,
    pseudonyms: &'a Pseudonyms,
    seed: u64,
    /// The names of the strata, in the order of their numbers.
    strata: Vec<&'a str>,
}

impl<'a> Units<'a> {
    /// The strata of `patients`.
    pub(super) fn new(
        pairs: &'a SampleSet,
        labels: &'a PatientLabels,
        pseudonyms: &'a Pseudonyms,
        seed: u64,
        patients: &[u32],
    ) -> Self {
        let mut strata: Vec<&str> = patients.iter().flat_map(|&patient| labels.strata(patient)).collect();
        // In an order that tells nothing of the names where there is a key.
        strata.sort_by_cached_key(|name| (Unit::number(seed, &pseudonyms.of(name)), *name));
        strata.dedup();
        Self { pairs, labels, pseudonyms, seed, strata }
    }

    /// The name by which a patient is drawn: the group it is of, or its id. A draw by a true name would be the same
    /// without the key.
    pub(super) fn drawn_by(&self, patient: u32) -> String {
        let own = || &self.pairs.patients[patient as usize].id;
        self.pseudonyms.of(self.labels.groups(patient).first().unwrap_or_else(own))
    }

    /// The patients `members`, of whom one is `first`.
    pub(super) fn of(&self, first: u32, members: &[u32], fixed: Option<usize>) -> Unit {
        let mut strata: BTreeMap<usize, u64> = BTreeMap::new();
        for name in members.iter().flat_map(|&patient| self.labels.strata(patient)) {
            let stratum = self.strata.iter().position(|known| *known == name).unwrap_or(0);
            *strata.entry(stratum).or_default() += 1;
        }
        Unit { number: Unit::number(self.seed, &self.drawn_by(first)), strata, fixed }
    }

    /// A note on each stratum that has too few patients for a share in all of `parts`, the indices with the names for
    /// people.
    pub(super) fn note_small_strata(
        &self,
        units: &[Unit],
        assigned: &[usize],
        parts: &[(usize, String)],
        notes: &mut Vec<Note>,
    ) {
        for (stratum, name) in self.strata.iter().enumerate().filter(|_| self.labels.has_strata()) {
            let own = units.iter().zip(assigned).filter(|(unit, _)| unit.strata.contains_key(&stratum));
            let own: Vec<(u64, usize)> = own.map(|(unit, part)| (unit.strata[&stratum], *part)).collect();
            let lacking = parts.iter().filter(|(part, _)| own.iter().all(|(_, own)| own != part));
            let lacking: Vec<&str> = lacking.map(|(_, name)| name.as_str()).collect();
            let patients: u64 = own.iter().map(|(patients, _)| patients).sum();
            if lacking.is_empty() || patients == 0 {
                continue;
            }
            let are = if patients == 1 { "1 patient" } else { &format!("{patients} patients") };
            let value = if name.is_empty() { "without a value".to_owned() } else { format!("with {name:?}") };
            let groups = if own.len() as u64 == patients {
                String::new()
            } else {
                format!(", in {} groups that stay together,", own.len())
            };
            let text = format!(
                "{are} {value}{groups} cannot have a share in each part: none in {}",
                lacking.join(", ")
            );
            notes.push(Note::new(Place::file("--stratify"), text));
        }
    }
}
