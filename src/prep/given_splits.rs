//! Splits that are not drawn: of a table, or of an earlier file.

use super::pseudonym::Pseudonyms;
use super::{PrepError, Splits};
use crate::layout::{Patient, SampleSet};
use crate::model::{Note, Place, Sample};
use crate::split::{SplitName, apply_split_file};

/// Splits that are not drawn.
#[derive(Debug)]
pub(super) struct Given {
    /// For each patient of the data.
    splits: Vec<Option<SplitName>>,
    pub(super) source: GivenBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenBy {
    Nobody,
    /// The table of images.
    Images,
    /// A table of patients.
    Patients,
    /// An earlier file.
    Earlier,
}

impl Given {
    /// Those of the patients of `samples`.
    pub(super) fn of(
        pairs: &SampleSet,
        samples: &[Sample],
        splits: &Splits,
        pseudonyms: &Pseudonyms,
        notes: &mut Vec<Note>,
    ) -> Result<Self, PrepError> {
        let patients = patients_of(samples);
        // Where several data directories have an id, it may be given for all of them.
        let ids = |is_named: &dyn Fn(&str) -> bool| -> Vec<&str> {
            let name = |&patient: &u32| {
                let Patient { id, own_id, .. } = &pairs.patients[patient as usize];
                own_id.as_deref().filter(|own| !is_named(id) && is_named(own)).unwrap_or(id)
            };
            patients.iter().map(name).collect()
        };
        let own = || patients.iter().map(|&patient| pairs.patients[patient as usize].split);
        let (source, given): (_, Vec<Option<SplitName>>) = match splits {
            Splits::Fractions(..) if own().any(|split| split.is_some()) => {
                notes.extend(without_split(pairs, &patients));
                let own = own().map(|split| Some(split.unwrap_or(SplitName::Unsplit)));
                (GivenBy::Images, own.collect())
            }
            Splits::Fractions(..) => (GivenBy::Nobody, Vec::new()),
            Splits::Table(table) => {
                let (assigned, mut unused) =
                    apply_split_file(table, ids(&|id| table.patients.contains_key(id))).map_err(Box::new)?;
                notes.append(&mut unused);
                (GivenBy::Patients, assigned.into_iter().map(Some).collect())
            }
            Splits::Kept { earlier, .. } => {
                let ids = ids(&|id| earlier.knows(id, pseudonyms));
                (GivenBy::Earlier, earlier.of_patients(&ids, pseudonyms, notes).map_err(Box::new)?)
            }
        };
        let mut splits = vec![None; pairs.patients.len()];
        for (&patient, split) in patients.iter().zip(given) {
            splits[patient as usize] = split;
        }
        Ok(Self { splits, source })
    }

    /// The split of a patient.
    pub(super) fn of_patient(&self, patient: u32) -> Option<SplitName> {
        self.splits[patient as usize]
    }

    /// Name of what gives them.
    pub(super) fn source(&self) -> &'static str {
        match self.source {
            GivenBy::Nobody => "nobody",
            GivenBy::Images => "the table of images",
            GivenBy::Patients => "the table of splits",
            GivenBy::Earlier => "the earlier file",
        }
    }
}

/// The note on patients that a table of images with splits gives none.
fn without_split(pairs: &SampleSet, patients: &[u32]) -> Option<Note> {
    let without: Vec<&str> = patients
        .iter()
        .map(|&patient| &pairs.patients[patient as usize])
        .filter(|patient| patient.split.is_none())
        .map(|patient| &*patient.id)
        .collect();
    let first = without.first()?;
    let text = match without.len() {
        1 => {
            format!("patient {first} has no split in the table: its samples are in the file, and in no split")
        }
        count => {
            format!(
                "{count} patients, {first} first, have no split in the table: their samples are in no split"
            )
        }
    };
    Some(Note::new(Place::file("--table"), text))
}

/// The patients of `samples`, each once, in link order.
pub(super) fn patients_of(samples: &[Sample]) -> Vec<u32> {
    let mut patients: Vec<u32> = samples.iter().map(|sample| sample.patient).collect();
    patients.dedup();
    patients
}
