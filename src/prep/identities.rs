//! Patients that are one person, or have one study, by the headers of their images.
//!
//! Identifiers are compared by digests, in memory alone: neither they nor the digests reach an output.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::audit::{Check, Finding};
use crate::layout::{Patient, SampleSet};
use crate::model::{Place, Sample, first_bits};
use crate::source::DicomIdentity;

use super::audit::of_patient;

/// Identifiers of the images of each patient.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// The kind of identifier, the first 64 bits of a digest of the identifiers, and a patient that has them.
    seen: BTreeSet<(Shared, u64, u32)>,
}

/// Something that only one patient can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shared {
    /// Study Instance UID (0020,000D): a study is one patient's (PS3.3 A.1.2).
    Study,
    /// Patient ID (0010,0020) with Patient's Birth Date (0010,0030).
    Person,
    /// The id, in several data directories.
    Id,
}

impl Shared {
    fn check(self) -> Check {
        match self {
            Self::Study => Check::SharedStudy,
            Self::Person | Self::Id => Check::SharedPerson,
        }
    }

    fn text(self, other: &str) -> String {
        match self {
            Self::Study => format!("its Study Instance UID is that of {other} too: one study under two ids"),
            Self::Person => {
                format!("its Patient ID and birth date are those of {other} too: one person under two ids")
            }
            Self::Id => {
                format!(
                    "its id is that of {other} too, in another data directory: one person, unless --on-shared ignore says that \
                     directories number theirs independently"
                )
            }
        }
    }
}

/// Two patients of the data that are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SharedPair {
    what: Shared,
    /// The first patient that has it.
    pub(super) first: u32,
    /// Another one.
    pub(super) other: u32,
}

impl Identities {
    /// Adds what identifies an image of `patient`. An absent or empty value identifies no person.
    pub(super) fn add(&mut self, patient: u32, identity: &DicomIdentity) {
        if let Some(study) = identity.study_instance_uid.as_deref() {
            self.seen.insert((Shared::Study, digest([study, ""]), patient));
        }
        if let (Some(id), Some(birth_date)) = (identity.patient_id.as_deref(), identity.birth_date.as_deref())
        {
            self.seen.insert((Shared::Person, digest([id, birth_date]), patient));
        }
    }

    /// Adds the ids that several data directories have.
    pub(super) fn add_ids(&mut self, patients: &[Patient]) {
        for (patient, index) in patients.iter().zip(0..) {
            if let Some(id) = patient.own_id.as_deref() {
                self.seen.insert((Shared::Id, digest([id, ""]), index));
            }
        }
    }

    /// Adds those of `other`.
    pub(super) fn append(&mut self, mut other: Self) {
        self.seen.append(&mut other.seen);
    }

    /// All patients that share something with one before, each with the first that has it; every pair once.
    pub(super) fn pairs(&self) -> BTreeSet<SharedPair> {
        let all: Vec<&(Shared, u64, u32)> = self.seen.iter().collect();
        let groups = all.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        let pairs = groups.flat_map(|group| {
            let &(what, _, first) = group[0];
            group[1..].iter().map(move |&&(_, _, other)| SharedPair { what, first, other })
        });
        pairs.collect()
    }
}

/// The first 64 bits of the SHA-256 of two texts.
fn digest([a, b]: [&str; 2]) -> u64 {
    let length = (a.len() as u64).to_le_bytes();
    first_bits(&Sha256::new().chain_update(length).chain_update(a).chain_update(b).finalize())
}

/// A finding for each pair of patients that both have samples. It is recorded with all samples of both.
pub(super) fn shared_findings(
    pairs: &SampleSet,
    samples: &[Sample],
    shared: &BTreeSet<SharedPair>,
) -> Vec<Finding> {
    let mut marked: BTreeSet<(Shared, u32)> = BTreeSet::new();
    let finding = |pair: &SharedPair| {
        let [first, other] = [pair.first, pair.other].map(|patient| of_patient(samples, patient));
        let [place, of_first] = [samples.get(other.start)?, samples.get(first.start)?]
            .map(|sample| Place::file(pairs.image_name(sample)));
        if first.is_empty() || other.is_empty() {
            return None;
        }
        let mut numbers: Vec<u32> = Vec::new();
        for (patient, range) in [(pair.first, first), (pair.other, other)] {
            if marked.insert((pair.what, patient)) {
                numbers.extend(range.start as u32..range.end as u32);
            }
        }
        let text = pair.what.text(&of_first.file);
        Some(Finding::of_samples(pair.what.check(), numbers, place, text).beside(vec![of_first]))
    };
    shared.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(study: &str, person: &str, birth_date: &str) -> DicomIdentity {
        let text = |text: &str| (!text.is_empty()).then(|| text.into());
        DicomIdentity {
            study_instance_uid: text(study),
            patient_id: text(person),
            birth_date: text(birth_date),
            ..DicomIdentity::default()
        }
    }

    #[test]
    fn studies_and_persons_are_shared_by_patients() {
        let mut identities = Identities::default();
        for (patient, study, person, birth_date) in [
            (0, "1.2", "A", "19500101"),
            (0, "1.3", "A", "19500101"),
            (1, "1.4", "B", ""),
            (2, "1.3", "B", ""),
            (3, "", "A", "19500101"),
            (4, "", "A", "19500102"),
            (5, "", "A1", "9500101"),
        ] {
            identities.add(patient, &identity(study, person, birth_date));
        }
        let pair = |what, first, other| SharedPair { what, first, other };
        let expected = [pair(Shared::Study, 0, 2), pair(Shared::Person, 0, 3)];
        assert_eq!(identities.pairs(), expected.into());
    }
}
