//! Results that depend on all rows: equal images, splits, statistics of train, findings. Rows are numbers here, so that it
//! does not matter whether they come from a plan or from finished files.

use std::collections::BTreeMap;

use super::equal_images::{EqualImages, Fingerprint, FirstSeen};
use super::planned_split::{PlannedSplit, SplitSource};
use crate::audit::{Check, CheckSet};
use crate::model::CountedPixels;
use crate::split::{Groups, SplitName};
use crate::store::{ImageStatistics, Moments};

/// The samples of one patient that went into the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PatientTotal {
    pub(super) samples: usize,
    pub(super) moments: Moments,
}

/// A row that may go into the file.
pub(super) struct CandidateRow<'r> {
    /// The sample's number in the plan.
    pub(super) number: u32,
    /// The patient's number in the link table.
    pub(super) patient: u32,
    pub(super) id: &'r str,
    pub(super) fingerprint: Fingerprint,
    pub(super) statistics: &'r ImageStatistics,
    /// The values that they leave out.
    pub(super) counted: CountedPixels,
    /// For each structure, whether it is annotated.
    pub(super) annotated: &'r [bool],
    /// Its findings.
    pub(super) found: CheckSet,
}

/// Result of entering an [`CandidateRow`].
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
    /// For each row of the file, the values that statistics leave out.
    pub(super) row_counted: Vec<CountedPixels>,
    /// For each patient of the link table, what went into the file.
    pub(super) patients: Vec<PatientTotal>,
    /// For each structure, in how many rows it is annotated.
    pub(super) annotated: Vec<usize>,
    equal: EqualImages,
    /// Patients that stand in one split, for whatever reason.
    groups: Groups,
    /// Those of them that share equal images, a study or a person.
    shared: Groups,
    /// True if there are folds, which no two patients with equal images are to be in.
    has_folds: bool,
    /// For the first patient of each group, the split in which one of it is kept.
    kept: Vec<Option<SplitName>>,
    /// For each row of the file with findings, the checks.
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
        planned: Vec<PlannedSplit>,
        planned_patients: usize,
        structures: usize,
        rows: usize,
    ) -> Self {
        let patients = planned.len();
        let mut ledger = Self {
            source,
            planned: PlannedSplit::nobody(patients),
            planned_patients,
            row_patients: Vec::with_capacity(rows),
            row_counted: Vec::with_capacity(rows),
            patients: vec![PatientTotal::default(); patients],
            annotated: vec![0; structures],
            equal: EqualImages::default(),
            groups: Groups::new(patients),
            shared: Groups::new(patients),
            has_folds: planned.iter().any(|planned| planned.fold.is_some()),
            kept: vec![None; patients],
            marks: BTreeMap::new(),
            left_out: Vec::new(),
            left_out_of_train: Vec::new(),
            images_leak: false,
        };
        planned.into_iter().zip(0..).for_each(|(planned, patient)| ledger.plan(patient, planned));
        ledger
    }

    /// Takes over the plan of a patient, who has no row yet.
    pub(super) fn plan(&mut self, patient: u32, planned: PlannedSplit) {
        self.planned[patient as usize] = planned;
        self.shared.join(planned.shares_with, patient);
        let kept = self.kept_beside(planned.leader, patient).or(planned.kept);
        self.groups.join(planned.leader, patient);
        let leader = self.groups.leader(patient) as usize;
        self.kept[leader] = kept;
    }

    /// The split in which one of the groups of two patients is kept.
    fn kept_beside(&mut self, a: u32, b: u32) -> Option<SplitName> {
        let [a, b] = [a, b].map(|patient| self.groups.leader(patient) as usize);
        self.kept[a].or(self.kept[b])
    }

    /// Puts two patients who share an equal image into one split. True if they were not in one before.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let kept = self.kept_beside(a, b);
        self.shared.join(a, b);
        let joins = self.groups.join(a, b);
        let leader = self.groups.leader(a) as usize;
        self.kept[leader] = kept;
        joins
    }

    /// True if the groups of two patients are kept in different splits.
    fn are_kept_apart(&mut self, a: u32, b: u32) -> bool {
        let [a, b] = [a, b].map(|patient| self.kept[self.groups.leader(patient) as usize]);
        a.is_some() && b.is_some() && a != b
    }

    /// The split in which a patient is kept, for its own sake or for another one of its group.
    pub(super) fn kept(&mut self, patient: u32) -> Option<SplitName> {
        self.kept[self.groups.leader(patient) as usize]
    }

    /// The patients that have a row, in their groups, by the first of each.
    pub(super) fn groups_with_rows(&mut self) -> BTreeMap<u32, Vec<u32>> {
        let with_rows: Vec<u32> = self.with_rows().collect();
        self.groups.of(with_rows)
    }

    /// Those with rows that share equal images, a study or a person.
    pub(super) fn shared_groups(&mut self) -> Vec<Vec<u32>> {
        let with_rows: Vec<u32> = self.with_rows().collect();
        self.shared.of(with_rows).into_values().filter(|group| group.len() > 1).collect()
    }

    fn with_rows(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.patients).filter(|(_, total)| total.samples > 0).map(|(patient, _)| patient)
    }

    /// Origin of the splits.
    pub(super) fn source(&self) -> SplitSource {
        self.source
    }

    /// True if there are folds.
    pub(super) fn has_folds(&self) -> bool {
        self.has_folds
    }

    /// True if patients are split at all.
    pub(super) fn has_splits(&self) -> bool {
        self.planned.iter().any(|planned| planned.split != SplitName::Unsplit)
    }

    /// Decides whether a row goes into the file, and counts it if it does. Where the splits are ours to choose, patients
    /// that share an equal image will stand in one; where a table gives them, the image is left out.
    pub(super) fn enter(&mut self, candidate: &CandidateRow<'_>) -> Admission {
        let patient = candidate.patient;
        let this = FirstSeen { number: candidate.number, row: self.row_patients.len() as u32 };
        let first = self.equal.first(candidate.fingerprint, this);
        let other = self.row_patients.get(first.row as usize).copied().unwrap_or(patient);
        let equals_another = other != patient;
        let mut found = candidate.found;
        if equals_another {
            let mut equal = CheckSet::default();
            equal.insert(Check::EqualImage);
            self.mark(first.row, equal);
            found.append(equal);
        }
        let split = self.planned[patient as usize].split;
        let same_split = self.planned[other as usize].split == split;
        let (mut joins, mut stands) = (false, true);
        let are_apart = self.are_kept_apart(other, patient);
        match self.source {
            SplitSource::Nowhere => {}
            _ if !equals_another => {}
            SplitSource::Planned if are_apart => stands = false,
            SplitSource::Shard { drawn: true } if are_apart => self.images_leak = true,
            SplitSource::Drawn(_) | SplitSource::Planned | SplitSource::Shard { drawn: true } => {
                joins = self.join(other, patient)
            }
            SplitSource::Shard { drawn: false } => {
                self.images_leak |= !same_split;
                joins = same_split && self.has_folds && self.join(other, patient);
            }
            SplitSource::Listed => {
                stands = same_split;
                joins = stands && self.has_folds && self.join(other, patient);
            }
        }
        if stands {
            self.mark(this.row, found);
            self.count(candidate);
        } else {
            self.left_out.push(candidate.id.to_owned());
            if split.counts_as_train() {
                self.left_out_of_train.push(first.row);
            }
        }
        Admission { first, equals_another, joins, stands }
    }

    fn count(&mut self, candidate: &CandidateRow<'_>) {
        for (count, annotated) in self.annotated.iter_mut().zip(candidate.annotated) {
            *count += usize::from(*annotated);
        }
        let total = &mut self.patients[candidate.patient as usize];
        total.samples += 1;
        total.moments.add(candidate.statistics);
        self.row_patients.push(candidate.patient);
        self.row_counted.push(candidate.counted);
    }

    /// Takes back the marks of checks that are off.
    pub(super) fn forget(&mut self, off: CheckSet) {
        self.marks.values_mut().for_each(|set| set.remove_all(off));
        self.marks.retain(|_, set| !set.is_empty());
    }

    /// Adds to what is known of a row.
    fn mark(&mut self, row: u32, found: CheckSet) {
        if !found.is_empty() {
            self.marks.entry(row).or_default().append(found);
        }
    }

    /// Number of patients with a row.
    pub(super) fn patients_with_rows(&self) -> usize {
        self.with_rows().count()
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
    use crate::model::{GridShape, PaddingRange, Pixels};
    use crate::split::SplitSpec;

    /// Enters rows of (patient, fingerprint); the patients are in the splits train, val, train.
    fn enter(source: SplitSource, rows: &[(u32, Fingerprint)]) -> (Ledger, Vec<Admission>) {
        let splits = [SplitName::Train, SplitName::Val, SplitName::Train];
        let planned = (0..).zip(splits).map(|(patient, split)| PlannedSplit {
            split,
            kept: (source == SplitSource::Planned && patient < 2).then_some(split),
            ..PlannedSplit::none(patient)
        });
        let mut ledger = Ledger::new(source, planned.collect(), 3, 1, rows.len());
        let statistics = ImageStatistics::of(&Pixels::UInt8(vec![1]), 1);
        let admissions = rows.iter().zip(0..).map(|(&(patient, fingerprint), number)| {
            let (id, annotated, found) = (&*format!("{number}"), &[true][..], CheckSet::default());
            let statistics = &statistics;
            let one = GridShape::new(1, 1).unwrap();
            let counted = CountedPixels { padding: PaddingRange::NONE, own: one, stored: one };
            ledger.enter(&CandidateRow {
                number,
                patient,
                id,
                fingerprint,
                statistics,
                counted,
                annotated,
                found,
            })
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
        assert_eq!(ledger.shared_groups(), [[0, 1, 2]]);
        let (ledger, admissions) = enter(SplitSource::Shard { drawn: false }, &ROWS);
        assert!(ledger.images_leak && admissions.iter().all(|a| a.stands));
    }

    #[test]
    fn patients_who_stay_take_others_with_them_and_not_each_other() {
        let rows = [(0, 7), (2, 7), (1, 8), (1, 7), (2, 8)];
        let (mut ledger, admissions) = enter(SplitSource::Planned, &rows);
        assert_eq!(
            admissions.iter().map(|a| a.joins).collect::<Vec<_>>(),
            [false, true, false, false, false]
        );
        assert_eq!(admissions.iter().map(|a| a.stands).collect::<Vec<_>>(), [true, true, true, false, false]);
        assert_eq!((ledger.kept(2), ledger.kept(1)), (Some(SplitName::Train), Some(SplitName::Val)));
        assert_eq!(ledger.groups_with_rows().into_values().collect::<Vec<_>>(), [vec![0, 2], vec![1]]);
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
