//! Patients that no split tears apart.

use std::collections::{BTreeSet, HashMap};

use super::audit::LeftOut;
use super::given_splits::{Given, patients_of};
use super::grouping::PatientLabels;
use super::identities::SharedPair;
use super::options::OnShared;
use crate::layout::SampleSet;
use crate::model::{Reason, Sample};
use crate::split::{Groups, SplitName};

/// Patients in groups.
#[derive(Debug)]
pub(super) struct Together {
    /// Those that stand in one split.
    groups: Groups,
    /// Those of them that share a study or a person.
    shared: Groups,
}

impl Together {
    /// The groups of the patients of `pairs`.
    pub(super) fn of(
        pairs: &SampleSet,
        labels: &PatientLabels,
        shared: &BTreeSet<SharedPair>,
        on_shared: OnShared,
    ) -> Self {
        let alone = Groups::new(pairs.patients.len());
        let mut together = Self { groups: alone.clone(), shared: alone };
        if on_shared == OnShared::Join {
            for pair in shared {
                together.groups.join(pair.first, pair.other);
                together.shared.join(pair.first, pair.other);
            }
        }
        let mut first: HashMap<&str, u32> = HashMap::new();
        for patient in 0..pairs.patients.len() as u32 {
            for group in labels.groups(patient) {
                together.groups.join(*first.entry(group).or_insert(patient), patient);
            }
        }
        together
    }

    /// The first patient with a sample of each group, and the others of it.
    pub(super) fn members(&mut self, patients: &[u32]) -> Vec<(u32, Vec<u32>)> {
        self.groups.of(patients.iter().copied()).into_iter().collect()
    }

    /// The first patient that a patient shares a study or a person with; itself where there is none.
    pub(super) fn shares_with(&mut self, patient: u32) -> u32 {
        self.shared.leader(patient)
    }

    /// Groups that share a study or a person, of these patients.
    pub(super) fn shared_groups(&mut self, patients: &[u32]) -> Vec<Vec<u32>> {
        let groups = self.shared.of(patients.iter().copied());
        groups.into_values().filter(|group| group.len() > 1).collect()
    }

    /// Patients of whom another one in their group is kept in another split: all but those of the first one's.
    pub(super) fn torn(&mut self, pairs: &SampleSet, samples: &[Sample], given: &Given) -> Vec<LeftOut> {
        let mut torn = Vec::new();
        for (_, members) in self.members(&patients_of(samples)) {
            let mut kept = members.iter().filter_map(|&patient| Some((patient, given.of_patient(patient)?)));
            let Some((first, split)) = kept.next() else { continue };
            let torn_ones: Vec<_> = kept.filter(|(_, other)| *other != split).collect();
            torn.extend(torn_ones.into_iter().map(|(patient, other)| {
                let remedy = if self.shared.leader(patient) == self.shared.leader(first) {
                    "take the person for several with --on-shared ignore"
                } else {
                    "leave out --group, which puts both into one"
                };
                LeftOut {
                    patient,
                    reason: Reason::PatientInOtherSplit,
                    detail: torn_detail(&pairs.patients[first as usize].id, [split, other], given, remedy),
                }
            }));
        }
        torn
    }
}

fn torn_detail(first: &str, [split, other]: [SplitName; 2], given: &Given, remedy: &str) -> String {
    format!(
        "it is not to be torn from patient {first}, whom {} puts into {split}, while this one is put into {other}; give \
         both one split, or {remedy}",
        given.source(),
    )
}

/// Patients that share a study or a person with one before: all but the first of each group with samples.
pub(super) fn all_but_first(
    pairs: &SampleSet,
    samples: &[Sample],
    shared: &BTreeSet<SharedPair>,
) -> Vec<LeftOut> {
    let mut groups = Groups::new(pairs.patients.len());
    shared.iter().for_each(|pair| _ = groups.join(pair.first, pair.other));
    let left_out = |(first, members): (u32, Vec<u32>)| {
        let detail = format!(
            "its study or person is that of patient {} too; --on-shared join takes both, in one split",
            pairs.patients[first as usize].id
        );
        let others = members.into_iter().skip(1);
        others.map(move |patient| LeftOut { patient, reason: Reason::SharedPatient, detail: detail.clone() })
    };
    groups.of(patients_of(samples)).into_iter().flat_map(left_out).collect()
}
