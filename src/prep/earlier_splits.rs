//! The splits of an earlier file, where its patients stay.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::pseudonym::Pseudonyms;
use crate::model::{Note, Place};
use crate::split::{SplitName, SplitSpec};
use crate::store::{DatasetFile, StoreError, column};

/// Splits of the patients of a finished file.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlierSplits {
    path: PathBuf,
    /// The ids as they stand in the file.
    patients: BTreeMap<Box<str>, SplitName>,
    has_pseudonyms: bool,
    /// Fractions and seed by which splits were drawn.
    drawn: Option<(SplitSpec, u64)>,
    /// The seed, whatever was drawn.
    seed: u64,
    /// The folds of patients, by the ids in the file.
    folds: BTreeMap<Box<str>, u16>,
    /// Number of folds.
    fold_count: Option<u16>,
}

/// Why the splits of an earlier file cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum EarlierSplitsError {
    /// The file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has no splits.
    #[error(
        "{}: the file has no splits to keep; leave out --split-from{}",
        .0.display(), if *.1 { ", or --split, to keep its folds with --folds" } else { "" }
    )]
    NoSplits(PathBuf, bool),
    /// A patient stands in two splits.
    #[error("{}: patient {patient} stands in {} and in {}", path.display(), splits[0], splits[1])]
    TwoSplits {
        /// The file.
        path: PathBuf,
        /// The patient, as the file calls it.
        patient: Box<str>,
        /// The splits.
        splits: [SplitName; 2],
    },
    /// Its ids are pseudonyms, and there is no key.
    #[error("{}: its ids are pseudonyms; give the key that made them with --pseudonym-key", .0.display())]
    NoKey(PathBuf),
    /// Its ids are pseudonyms, and none is that of a patient of the data.
    #[error(
        "{}: none of its pseudonyms is that of a patient of the data under this key; give the key that made them, or \
         leave out --split-from", .0.display()
    )]
    OtherKey(PathBuf),
}

impl EarlierSplits {
    /// Reads the splits of the file at `path`.
    ///
    /// # Errors
    /// [`EarlierSplitsError`] where it cannot be read, has no splits, or one patient in two.
    pub fn read(path: &Path) -> Result<Self, EarlierSplitsError> {
        let file = DatasetFile::open(path)?;
        let (mut ids, mut splits) =
            (file.column(column::PATIENT_ID)?.walk(), file.column(column::SPLIT)?.walk());
        let has_folds = file.has_column(column::FOLD);
        let fold_column = has_folds.then(|| file.column(column::FOLD)).transpose()?;
        let mut fold_column = fold_column.map(|column| column.walk());
        let mut folds: BTreeMap<Box<str>, u16> = BTreeMap::new();
        let mut patients: BTreeMap<Box<str>, SplitName> = BTreeMap::new();
        for row in 0..file.rows() {
            let split = splits.cell(row)?.text().and_then(SplitName::from_name);
            let id = ids.cell(row)?.text().unwrap_or_default().to_owned();
            let fold = fold_column.as_mut().map(|folds| Ok::<_, StoreError>(folds.cell(row)?.number(0)));
            let fold = fold.transpose()?.flatten().filter(|&fold| fold >= 0.0).map(|fold| fold as u16);
            if let Some(fold) = fold {
                folds.insert(id.as_str().into(), fold);
            }
            let split = match (split, fold) {
                (Some(split), _) => split,
                (None, Some(_)) => SplitName::Unsplit,
                (None, None) => return Err(EarlierSplitsError::NoSplits(path.to_owned(), false)),
            };
            match patients.get(&*id) {
                Some(&first) if first != split => {
                    let (path, patient) = (path.to_owned(), id.into());
                    return Err(EarlierSplitsError::TwoSplits { path, patient, splits: [first, split] });
                }
                Some(_) => {}
                None => drop(patients.insert(id.into(), split)),
            }
        }
        let config: serde_json::Value = serde_json::from_str(&file.identity().config).unwrap_or_default();
        let spec = config["split"]["fractions"].as_str().and_then(|text| SplitSpec::parse(text).ok());
        let drawn = spec.filter(|spec| !spec.is_none()).zip(config["split"]["seed"].as_u64());
        let seed = config["split"]["seed"].as_u64().unwrap_or(0);
        let has_pseudonyms = config["pseudonyms"].as_bool() == Some(true);
        let fold_count = config["folds"].as_u64().and_then(|folds| u16::try_from(folds).ok());
        Ok(Self { path: path.to_owned(), patients, has_pseudonyms, drawn, seed, folds, fold_count })
    }

    /// True if its patients have folds, and no splits.
    #[must_use]
    pub fn has_folds_alone(&self) -> bool {
        !self.folds.is_empty() && self.patients.values().all(|split| *split == SplitName::Unsplit)
    }

    /// The error of a file whose splits are asked for, and that has folds alone.
    #[must_use]
    pub fn no_splits(&self) -> EarlierSplitsError {
        EarlierSplitsError::NoSplits(self.path.clone(), true)
    }

    /// The seed of splits and folds; 0 where they were listed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Number of folds.
    pub(super) fn fold_count(&self) -> Option<u16> {
        self.fold_count
    }

    /// The fold of the patient `id` of the data.
    pub(super) fn fold_of(&self, id: &str, pseudonyms: &Pseudonyms) -> Option<u16> {
        let id = if self.has_pseudonyms { pseudonyms.of(id) } else { id.to_owned() };
        self.folds.get(&*id).copied()
    }

    /// Fractions and seed by which the file's splits were drawn; `None` where they were listed.
    #[must_use]
    pub fn drawn(&self) -> Option<(SplitSpec, u64)> {
        self.drawn
    }

    /// True if it has a patient of the data.
    pub(super) fn knows(&self, id: &str, pseudonyms: &Pseudonyms) -> bool {
        self.patients.contains_key(&*self.name(id, pseudonyms))
    }

    /// The name of a patient of the data in it.
    fn name(&self, id: &str, pseudonyms: &Pseudonyms) -> String {
        if self.has_pseudonyms { pseudonyms.of(id) } else { id.to_owned() }
    }

    /// The splits of the patients `ids` of the data that the file has, and notes on those that only one of both has.
    pub(super) fn of_patients(
        &self,
        ids: &[&str],
        pseudonyms: &Pseudonyms,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<Option<SplitName>>, EarlierSplitsError> {
        if self.has_pseudonyms && !pseudonyms.is_keyed() {
            return Err(EarlierSplitsError::NoKey(self.path.clone()));
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut splits = Vec::new();
        for id in ids {
            let id = self.name(id, pseudonyms);
            let split = self.patients.get(&*id).copied();
            splits.push(split);
            found.extend(split.map(|_| id));
        }
        if self.has_pseudonyms && found.is_empty() {
            return Err(EarlierSplitsError::OtherKey(self.path.clone()));
        }
        let kept = splits.iter().flatten().count();
        let (drawn, gone) = (splits.len() - kept, self.patients.len() - found.len());
        let mut text = format!("patients that stay in their splits: {}, new ones: {drawn}", kept);
        if gone > 0 {
            text += &format!(", those of the earlier file without a sample now: {gone}");
        }
        notes.push(Note::new(Place::file("--split-from"), text));
        Ok(splits)
    }
}
