//! Results that depend on all rows: equal images, splits, statistics of train, findings. Rows are numbers here, so that it
//! does not matter whether they come from a plan or from finished files.

use std::collections::BTreeMap;

use super::equal_images::{EqualImages, Fingerprint, FirstSeen};
use crate::audit::{Check, CheckSet};
use crate::split::{SplitDraw, SplitName, SplitSpec};
use crate::store::{ImageStatistics, Moments};

/// Origin of the splits.
#[derive(Debug, Clone, Copy)]
pub(super) enum SplitSource {
    /// There are none.
    Nowhere,
    /// They are drawn, and patients that share an equal image stand in one.
    Drawn(SplitSpec),
    /// They are listed, and a sample that equals one in another split is left out.
    Listed,
    /// As the plan says, for some of its rows: patients of these rows that share an equal image stand in the split of
    /// the first where splits are drawn, and nothing is left out.
    Shard {
        /// True if splits are drawn.
        drawn: bool,
    },
}

/// Split of a patient in the plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlannedSplit {
    pub(super) split: SplitName,
    pub(super) draw: SplitDraw,
}

impl PlannedSplit {
    /// Of a patient without a sample.
    pub(super) const NONE: Self = Self { split: SplitName::Unsplit, draw: SplitDraw::NONE };
}

/// The samples of one patient that went into the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PatientTotal {
    pub(super) samples: usize,
    pub(super) moments: Moments,
}

/// A row that may go into the file.
pub(super) struct Entrant<'r> {
    /// The sample's number in the plan.
    pub(super) number: u32,
    /// The patient's number in the link table.
    pub(super) patient: u32,
    pub(super) id: &'r str,
    pub(super) fingerprint: Fingerprint,
    pub(super) statistics: &'r ImageStatistics,
    /// For each structure, whether it is annotated.
    pub(super) annotated: &'r [bool],
    /// Its findings.
    pub(super) found: CheckSet,
}

/// Result of entering an [`Entrant`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Admission {
    /// The first with the same pixels; itself where there is none.
    pub(super) first: FirstSeen,
    /// True if that is one of another patient.
    pub(super) equals_another: bool,
    /// True if two patients stand in one split because of it.
    pub(super) joins: bool,
    /// True if it is a row of the file.
    pub(super) stands: bool,
}

/// Takes the rows in the order of the plan.
pub(super) struct Ledger {
    source: SplitSource,
    /// For each patient of the link table, what the plan says.
    pub(super) planned: Vec<PlannedSplit>,
    /// Patients that have a sample in the plan.
    pub(super) planned_patients: usize,
    /// For each row of the file, its patient.
    pub(super) row_patients: Vec<u32>,
    /// For each patient of the link table, what went into the file.
    pub(super) patients: Vec<PatientTotal>,
    /// For each structure, in how many rows it is annotated.
    pub(super) annotated: Vec<usize>,
    pub(super) equal: EqualImages,
    /// For each row of the file that findings tell of, the checks.
    marks: BTreeMap<u32, CheckSet>,
    /// Samples that equal one in another split and were left out.
    pub(super) left_out: Vec<String>,
    /// For each of these that the plan counts as train, the row with equal pixels.
    pub(super) left_out_of_train: Vec<u32>,
    /// True if equal images stand in two splits all the same.
    pub(super) images_leak: bool,
}

impl Ledger {
    /// Nothing entered yet.
    pub(super) fn new(
        source: SplitSource,
        (planned, planned_patients): (Vec<PlannedSplit>, usize),
        structures: usize,
        rows: usize,
    ) -> Self {
        let patients = planned.len();
        Self {
            source,
            planned,
            planned_patients,
            row_patients: Vec::with_capacity(rows),
            patients: vec![PatientTotal::default(); patients],
            annotated: vec![0; structures],
            equal: EqualImages::new(patients),
            marks: BTreeMap::new(),
            left_out: Vec::new(),
            left_out_of_train: Vec::new(),
            images_leak: false,
        }
    }

    /// Origin of the splits.
    pub(super) fn source(&self) -> SplitSource {
        self.source
    }

    /// True if patients are split at all.
    pub(super) fn has_splits(&self) -> bool {
        self.planned.iter().any(|planned| planned.split != SplitName::Unsplit)
    }

    /// Decides whether a row goes into the file, and counts it if it does. Where the splits are ours to choose, patients
    /// that share an equal image will stand in one; where a table gives them, the image is left out.
    pub(super) fn enter(&mut self, entrant: &Entrant<'_>) -> Admission {
        let patient = entrant.patient;
        let this = FirstSeen { number: entrant.number, row: self.row_patients.len() as u32 };
        let first = self.equal.first(entrant.fingerprint, this);
        let other = self.row_patients.get(first.row as usize).copied().unwrap_or(patient);
        let equals_another = other != patient;
        let mut found = entrant.found;
        if equals_another {
            let mut equal = CheckSet::default();
            equal.insert(Check::EqualImage);
            self.mark(first.row, equal);
            found.append(equal);
        }
        let split = self.planned[patient as usize].split;
        let same_split = self.planned[other as usize].split == split;
        let (mut joins, mut stands) = (false, true);
        match self.source {
            SplitSource::Nowhere => {}
            SplitSource::Drawn(_) | SplitSource::Shard { drawn: true } => {
                joins = self.equal.join(other, patient)
            }
            SplitSource::Shard { drawn: false } => self.images_leak |= !same_split,
            SplitSource::Listed => stands = same_split,
        }
        if stands {
            self.mark(this.row, found);
            self.count(entrant);
        } else {
            self.left_out.push(entrant.id.to_owned());
            if split.counts_as_train() {
                self.left_out_of_train.push(first.row);
            }
        }
        Admission { first, equals_another, joins, stands }
    }

    fn count(&mut self, entrant: &Entrant<'_>) {
        for (count, annotated) in self.annotated.iter_mut().zip(entrant.annotated) {
            *count += usize::from(*annotated);
        }
        let total = &mut self.patients[entrant.patient as usize];
        total.samples += 1;
        total.moments.add(entrant.statistics);
        self.row_patients.push(entrant.patient);
    }

    /// Adds to what is known of a row.
    fn mark(&mut self, row: u32, found: CheckSet) {
        if !found.is_empty() {
            self.marks.entry(row).or_default().append(found);
        }
    }

    /// Number of patients with a row.
    pub(super) fn patients_with_rows(&self) -> usize {
        self.patients.iter().filter(|patient| patient.samples > 0).count()
    }

    /// The different texts of the column of findings, by the checks.
    pub(super) fn finding_texts(&self) -> BTreeMap<CheckSet, String> {
        self.marks.values().map(|set| (*set, set.names())).collect()
    }

    /// The column of findings, out of its texts.
    pub(super) fn findings<'t>(&self, texts: &'t BTreeMap<CheckSet, String>) -> Vec<&'t str> {
        let text = |row: u32| self.marks.get(&row).map_or("", |set| &*texts[set]);
        (0..self.row_patients.len() as u32).map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Pixels;

    /// Enters rows of (patient, fingerprint); the patients are in the splits train, val, train.
    fn enter(source: SplitSource, rows: &[(u32, Fingerprint)]) -> (Ledger, Vec<Admission>) {
        let planned = [SplitName::Train, SplitName::Val, SplitName::Train]
            .map(|split| PlannedSplit { split, draw: SplitDraw::NONE });
        let mut ledger = Ledger::new(source, (planned.to_vec(), 3), 1, rows.len());
        let statistics = ImageStatistics::of(&Pixels::UInt8(vec![1]));
        let admissions = rows.iter().zip(0..).map(|(&(patient, fingerprint), number)| {
            let (id, annotated, found) = (&*format!("{number}"), &[true][..], CheckSet::default());
            let statistics = &statistics;
            ledger.enter(&Entrant { number, patient, id, fingerprint, statistics, annotated, found })
        });
        let admissions = admissions.collect();
        (ledger, admissions)
    }

    const ROWS: [(u32, Fingerprint); 5] = [(0, 7), (0, 7), (1, 7), (2, 8), (2, 7)];

    #[test]
    fn a_table_leaves_out_what_equals_one_of_another_split() {
        let (ledger, admissions) = enter(SplitSource::Listed, &ROWS);
        assert_eq!(admissions.iter().map(|a| a.stands).collect::<Vec<_>>(), [true, true, false, true, true]);
        assert_eq!((ledger.left_out, ledger.left_out_of_train), (vec!["2".to_owned()], vec![]));
        assert_eq!((ledger.row_patients, ledger.annotated), (vec![0, 0, 2, 2], vec![4]));
    }

    #[test]
    fn drawn_splits_join_and_a_shard_keeps_all() {
        let spec = SplitSpec::parse("train=0.5,val=0.5").unwrap();
        let (mut ledger, admissions) = enter(SplitSource::Drawn(spec), &ROWS);
        assert_eq!(admissions.iter().map(|a| a.joins).collect::<Vec<_>>(), [false, false, true, false, true]);
        assert_eq!(ledger.equal.groups().into_values().collect::<Vec<_>>(), [[0, 1, 2]]);
        let (ledger, admissions) = enter(SplitSource::Shard { drawn: false }, &ROWS);
        assert!(ledger.images_leak && admissions.iter().all(|a| a.stands));
    }

    #[test]
    fn equal_images_of_two_patients_are_marked_where_they_stand() {
        let (ledger, _) = enter(SplitSource::Nowhere, &ROWS);
        let texts = ledger.finding_texts();
        assert_eq!(ledger.findings(&texts), ["equal-image", "", "equal-image", "", "equal-image"]);
        let (ledger, _) = enter(SplitSource::Nowhere, &[(0, 1), (0, 1)]);
        assert_eq!(ledger.findings(&ledger.finding_texts()), ["", ""]);
    }
}
