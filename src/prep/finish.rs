//! The end of a run: the splits as they really are, and the statistics of the train split.

use std::collections::BTreeMap;

use serde::Serialize;

use super::PrepError;
use super::ledger::Ledger;
use super::planned_split::SplitSource;
use super::written_rows::WrittenRows;
use crate::model::{Note, Place};
use crate::split::{SplitName, SplitSpec, assign_draws};
use crate::store::{Moments, NO_FOLD, PixelHistogram, RecordedStatistics, TrainStatistics};

/// Size of one split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SplitSize {
    /// Number of samples.
    pub samples: usize,
    /// Number of patients.
    pub patients: usize,
}

/// The splits of the patients, once it is known which of them share equal images.
#[derive(Debug)]
pub(super) struct FinalSplits {
    /// For each patient of the plan.
    pub(super) of_patient: Vec<SplitName>,
    /// For each patient of the plan its fold; `None` where it is in none.
    folds: Vec<Option<u16>>,
    /// Groups of patients that stand in one split because they share equal images, a study or a person.
    pub(super) joined: Vec<Vec<u32>>,
}

impl FinalSplits {
    /// Patients that are not to be torn apart count as one, by the first of them; patients of whom no sample is left do
    /// not count.
    pub(super) fn of(ledger: &mut Ledger) -> Self {
        let joined = ledger.shared_groups();
        let mut of_patient: Vec<SplitName> = ledger.planned.iter().map(|planned| planned.split).collect();
        let changed = !joined.is_empty() || ledger.patients_with_rows() != ledger.planned_patients;
        match ledger.source() {
            SplitSource::Drawn(spec) if changed => of_patient = assign_by_leaders(&spec, ledger),
            SplitSource::Planned | SplitSource::Shard { drawn: true } => {
                for group in ledger.groups_with_rows().into_values() {
                    let split = ledger.kept(group[0]).unwrap_or(of_patient[group[0] as usize]);
                    group.iter().for_each(|&patient| of_patient[patient as usize] = split);
                }
            }
            _ => {}
        }
        let folds = folds_of(&of_patient, ledger);
        Self { of_patient, folds, joined }
    }

    /// The column of folds; -1 where a row is in none.
    pub(super) fn fold_column(&self, ledger: &Ledger) -> Vec<i32> {
        let fold = |&patient: &u32| self.folds[patient as usize].map_or(NO_FOLD, i32::from);
        ledger.row_patients.iter().map(fold).collect()
    }

    /// Samples and patients of each fold; none where there are no folds.
    pub(super) fn fold_sizes(&self, ledger: &Ledger) -> Vec<SplitSize> {
        let last = ledger.planned.iter().filter_map(|planned| planned.fold).max();
        let mut sizes = vec![SplitSize::default(); last.map_or(0, |last| usize::from(last) + 1)];
        for (fold, total) in self.folds.iter().zip(&ledger.patients).filter(|(_, total)| total.samples > 0) {
            if let Some(size) = fold.and_then(|fold| sizes.get_mut(usize::from(fold))) {
                size.samples += total.samples;
                size.patients += 1;
            }
        }
        sizes
    }

    /// The notes on each split that was planned and has come out empty, and on a train split that never was.
    pub(super) fn notes(&self, ledger: &Ledger) -> Vec<Note> {
        let sizes = self.sizes(ledger);
        let mut notes = Vec::new();
        if matches!(ledger.source(), SplitSource::Shard { .. }) {
            // What is missing may stand in another shard.
            return notes;
        }
        let mut note = |text: String| notes.push(Note::new(Place::file("--split"), text));
        for split in SplitName::ALL {
            let planned = ledger.planned.iter().any(|planned| planned.split == split);
            if planned && !sizes.contains_key(split.name()) {
                note(format!("split {split} is empty: too few patients are left for it"));
            }
        }
        for (fold, size) in self.fold_sizes(ledger).iter().enumerate() {
            if size.samples == 0 {
                note(format!("fold {fold} is empty: too few patients are left for it"));
            }
        }
        if ledger.has_splits() && !sizes.contains_key(SplitName::Train.name()) {
            note("there is no train split, so the training statistics in the file are NaN".to_owned());
        }
        notes
    }

    /// Samples and patients of each split.
    pub(super) fn sizes(&self, ledger: &Ledger) -> BTreeMap<String, SplitSize> {
        let mut sizes: BTreeMap<String, SplitSize> = BTreeMap::new();
        let patients = self.of_patient.iter().zip(&ledger.patients);
        for (split, total) in patients.filter(|(_, total)| total.samples > 0) {
            let size = sizes.entry(split.name().to_owned()).or_default();
            size.samples += total.samples;
            size.patients += 1;
        }
        sizes
    }

    /// Of each group of patients that share equal images, a study or a person, the ids, separated by commas.
    pub(super) fn joined_ids(&self, id: impl Fn(u32) -> String) -> Vec<String> {
        let ids = |group: &Vec<u32>| group.iter().map(|&patient| id(patient)).collect::<Vec<_>>().join(",");
        self.joined.iter().map(ids).collect()
    }

    /// The column of splits.
    pub(super) fn column(&self, ledger: &Ledger) -> Vec<&'static str> {
        ledger.row_patients.iter().map(|&patient| self.of_patient[patient as usize].name()).collect()
    }

    /// The statistics of the train split and of folds. `histogram` counts the samples that the plan had put there. Those of
    /// patients that have changed sides are read back; so are the rows that equal a sample that was counted and then left
    /// out, and, for exact percentiles of floats, all rows of the split.
    pub(super) fn statistics(
        &self,
        ledger: &Ledger,
        mut histogram: PixelHistogram,
        written: &WrittenRows<'_>,
    ) -> Result<RecordedStatistics, PrepError> {
        let moments = self.moments(ledger, |patient| self.of_patient[patient].counts_as_train());
        let patient = |row: &usize| ledger.row_patients[*row] as usize;
        let now = |row: &usize| self.of_patient[patient(row)].counts_as_train();
        let before = |row: &usize| ledger.planned[patient(row)].split.counts_as_train();
        let rows = 0..ledger.row_patients.len();
        let (gained, mut lost): (Vec<usize>, Vec<usize>) =
            rows.clone().filter(|row| now(row) != before(row)).partition(|row| now(row));
        lost.extend(ledger.left_out_of_train.iter().map(|&row| row as usize));
        if !gained.is_empty() {
            histogram.merge(&written.histogram(&gained)?);
        }
        if !lost.is_empty() {
            histogram.subtract(&written.histogram(&lost)?);
        }
        let train = || rows.filter(now).collect::<Vec<usize>>();
        let percentiles = written.percentiles(&histogram, train)?;
        let without_fold = self.fold_statistics(ledger, histogram, written)?;
        Ok(RecordedStatistics { train: TrainStatistics { moments, percentiles }, without_fold })
    }

    /// For each fold, the statistics of all others. `histogram` counts the samples of the train split; each row of a fold is
    /// read back once, and of floats, once more for each other fold.
    fn fold_statistics(
        &self,
        ledger: &Ledger,
        mut histogram: PixelHistogram,
        written: &WrittenRows<'_>,
    ) -> Result<Vec<TrainStatistics>, PrepError> {
        let Some(last) = ledger.planned.iter().filter_map(|planned| planned.fold).max() else {
            return Ok(Vec::new());
        };
        let patient = |row: usize| ledger.row_patients[row] as usize;
        let rows = |wanted: &dyn Fn(usize) -> bool| {
            (0..ledger.row_patients.len()).filter(|row| wanted(patient(*row))).collect::<Vec<usize>>()
        };
        let in_no_fold = |patient: usize| self.folds[patient].is_none();
        let beside = rows(&|patient| self.of_patient[patient].counts_as_train() && in_no_fold(patient));
        if !beside.is_empty() {
            histogram.subtract(&written.histogram(&beside)?);
        }
        let without = |fold: u16| {
            let is_other = |patient: usize| self.folds[patient].is_some_and(|other| other != fold);
            let mut others = histogram.clone();
            others.subtract(&written.histogram(&rows(&|patient| self.folds[patient] == Some(fold)))?);
            let percentiles = written.percentiles(&others, || rows(&is_other))?;
            Ok(TrainStatistics { moments: self.moments(ledger, is_other), percentiles })
        };
        (0..=last).map(without).collect()
    }

    /// The moments of all patients that `wanted` names by their place.
    fn moments(&self, ledger: &Ledger, wanted: impl Fn(usize) -> bool) -> Moments {
        let mut moments = Moments::default();
        let patients = ledger.patients.iter().enumerate();
        patients.filter(|(patient, _)| wanted(*patient)).for_each(|(_, total)| moments.merge(&total.moments));
        moments
    }
}

/// The fold of each patient with a row: that of the first of its group. Only what is trained with has folds.
fn folds_of(splits: &[SplitName], ledger: &mut Ledger) -> Vec<Option<u16>> {
    let mut folds = vec![None; splits.len()];
    if ledger.has_folds() {
        for group in ledger.groups_with_rows().into_values() {
            let fold = ledger.planned[group[0] as usize].fold;
            for patient in group.into_iter().map(|patient| patient as usize) {
                folds[patient] = fold.filter(|_| splits[patient].counts_as_train());
            }
        }
    }
    folds
}

/// The splits by fractions once more, of the patients that have rows: only those that lead their group are drawn, and
/// the others follow them.
fn assign_by_leaders(spec: &SplitSpec, ledger: &mut Ledger) -> Vec<SplitName> {
    let groups = ledger.groups_with_rows();
    let draws: Vec<_> = groups.keys().map(|&leader| ledger.planned[leader as usize].draw).collect();
    let mut all = vec![SplitName::Unsplit; ledger.patients.len()];
    for (members, split) in groups.values().zip(assign_draws(spec, &draws)) {
        members.iter().for_each(|&patient| all[patient as usize] = split);
    }
    all
}
