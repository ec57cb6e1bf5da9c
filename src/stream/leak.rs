//! The proof that a split shares nothing with the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::StreamError;
use crate::order::Selection;
use crate::store::{RowReader, SPLIT_DISJOINT, SampleColumns, StoreError, column};

/// Rows up to which the proof is made again from the columns, whatever the file says.
pub const ROWS_PROVEN_AGAIN: usize = 1 << 20;
/// Patients that a message names.
const NAMED: usize = 10;

/// Checks that no patient and no equal image of the selected rows stands in a split that no selected row is of; with `folds`,
/// in a fold or split. Rows without either stand in none.
///
/// Up to [`ROWS_PROVEN_AGAIN`] rows, the columns are read and images with equal checksums compared; beyond, what
/// `prep` has recorded in the attribute `split_disjoint` is believed.
///
/// # Errors
/// [`StreamError::Leak`] with the patients.
pub(super) fn prove_disjoint(
    file: &impl SampleColumns,
    selection: &Selection,
    folds: bool,
) -> Result<(), StreamError> {
    let part = if folds { "fold or split" } else { "split" };
    let path = file.tables().path().display();
    if file.tables().rows() > ROWS_PROVEN_AGAIN {
        let recorded = file.tables().split_disjoint();
        if SPLIT_DISJOINT.iter().all(|what| recorded.iter().any(|proven| proven == what)) {
            return Ok(());
        }
        let leak = format!("{path} has no record that its splits share nothing");
        return Err(StreamError::Leak { leak });
    }
    let rows = SplitRows::read(file, selection, folds)?;
    let shared = [rows.shared_patients(), rows.equal_images(file)?];
    for (what, patients) in ["patients", "equal images"].iter().zip(shared) {
        if !patients.is_empty() {
            let (splits, names) = (rows.selected_splits().join(", "), names(&patients));
            let leak = format!("{splits} of {path} shares {what} with another {part}: {names}");
            return Err(StreamError::Leak { leak });
        }
    }
    Ok(())
}

/// The patients of a leak, each with where it leaks to.
type Leaks = BTreeMap<String, String>;

fn names(patients: &Leaks) -> String {
    let first: Vec<String> =
        patients.iter().take(NAMED).map(|(patient, other)| format!("{patient} ({other})")).collect();
    let more = patients.len() - first.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}

/// Identities of the selected rows, and of those in other splits.
#[derive(Default)]
struct SplitRows {
    patients: Numbered,
    splits: Numbered,
    selected: Vec<RowKey>,
    others: Vec<RowKey>,
}

/// Names and the numbers that stand for them.
#[derive(Default)]
struct Numbered {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Numbered {
    fn number(&mut self, name: &str) -> u32 {
        self.numbers.get(name).copied().unwrap_or_else(|| {
            // There are no more than ROWS_PROVEN_AGAIN rows.
            let number = self.names.len() as u32;
            self.numbers.insert(name.to_owned(), number);
            self.names.push(name.to_owned());
            number
        })
    }

    fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    /// The CRC-32C of the image.
    checksum: u32,
    row: u32,
    patient: u32,
    split: u32,
}

impl SplitRows {
    fn read(file: &impl SampleColumns, selection: &Selection, folds: bool) -> Result<Self, StoreError> {
        let fold_column = folds.then(|| file.column(column::FOLD)).transpose()?;
        let mut fold_column = fold_column.map(|column| column.walk());
        let mut splits = file.column(column::SPLIT)?.walk();
        let mut patient_ids = file.column(column::PATIENT_ID)?.walk();
        let mut checksums = file.column(column::CHECKSUM)?.walk();
        let mut rows = Self::default();
        let mut is_selected = Vec::new();
        for row in 0..file.tables().rows() {
            let fold = fold_column.as_mut().map(|folds| Ok::<_, StoreError>(folds.cell(row)?.number(0)));
            let fold = fold.transpose()?.flatten().filter(|fold| *fold >= 0.0);
            let fold = fold.map(|fold| format!("fold {fold}"));
            let split = splits.cell(row)?;
            let split = fold.as_deref().or(split.text()).unwrap_or_default();
            let selected = selection.contains(row as u64);
            if split.is_empty() && !selected {
                continue;
            }
            let key = RowKey {
                checksum: checksums.cell(row)?.number(0).unwrap_or_default() as u32,
                row: row as u32,
                patient: rows.patients.number(patient_ids.cell(row)?.text().unwrap_or_default()),
                split: rows.splits.number(split),
            };
            is_selected.resize(rows.splits.names.len(), false);
            if selected {
                is_selected[key.split as usize] = true;
                rows.selected.push(key);
            } else {
                rows.others.push(key);
            }
        }
        // What was left out of the same split by a condition is no other split.
        rows.others.retain(|key| !is_selected[key.split as usize]);
        rows.selected.sort_unstable();
        Ok(rows)
    }

    fn selected_splits(&self) -> Vec<&str> {
        let splits: BTreeSet<&str> = self.selected.iter().map(|key| self.splits.name(key.split)).collect();
        splits.into_iter().map(|split| if split.is_empty() { "no split" } else { split }).collect()
    }

    /// The patients with selected rows and with others.
    fn shared_patients(&self) -> Leaks {
        let mut is_selected = vec![false; self.patients.names.len()];
        for key in &self.selected {
            is_selected[key.patient as usize] = true;
        }
        let shared = self.others.iter().filter(|key| is_selected[key.patient as usize]);
        let named = |key: &RowKey| {
            (self.patients.name(key.patient).to_owned(), format!("also in {}", self.splits.name(key.split)))
        };
        shared.map(named).collect()
    }

    /// The patients of selected rows whose image is also one of another split. Equal checksums are not
    /// believed: the images are read and compared.
    fn equal_images(&self, file: &impl SampleColumns) -> Result<Leaks, StoreError> {
        let mut reader = RowReader::new(file.tables(), None);
        let mut images = [Vec::new(), Vec::new()];
        let mut shared = Leaks::new();
        for other in &self.others {
            let first = self.selected.partition_point(|key| key.checksum < other.checksum);
            for key in self.selected[first..].iter().take_while(|key| key.checksum == other.checksum) {
                let patient = self.patients.name(key.patient);
                if shared.contains_key(patient) {
                    continue;
                }
                images.iter_mut().for_each(|image| image.resize(file.tables().image_bytes(), 0));
                let [mine, theirs] = &mut images;
                reader.read_image(key.row as usize, mine)?;
                reader.read_image(other.row as usize, theirs)?;
                if mine == theirs {
                    let (partner, split) = (self.patients.name(other.patient), self.splits.name(other.split));
                    shared.insert(patient.to_owned(), format!("one of {partner} in {split}"));
                }
            }
        }
        Ok(shared)
    }
}
