//! The proof that a split shares nothing with the others.

use std::collections::{BTreeSet, HashMap};

use super::StreamError;
use crate::order::Selection;
use crate::store::{DatasetFile, RowReader, SPLIT_DISJOINT, StoreError, column};

/// Rows up to which the proof is made again from the columns, whatever the file says.
pub const ROWS_PROVEN_AGAIN: usize = 1 << 20;
/// Patients that a message names.
const NAMED: usize = 10;

/// Checks that no patient and no equal image of the selected rows, which are all of `split`, stands in another
/// split. Rows without a split stand in none.
///
/// Up to [`ROWS_PROVEN_AGAIN`] rows, the columns are read and images with equal checksums compared; beyond, what
/// `prep` has recorded in the attribute `split_disjoint` is believed.
///
/// # Errors
/// [`StreamError::Leak`] with the patients.
pub(super) fn prove_disjoint(
    file: &DatasetFile,
    selection: &Selection,
    split: &str,
) -> Result<(), StreamError> {
    if file.rows() > ROWS_PROVEN_AGAIN {
        let recorded = file.split_disjoint();
        if SPLIT_DISJOINT.iter().all(|what| recorded.iter().any(|proven| proven == what)) {
            return Ok(());
        }
        let leak = format!("{} has no record that its splits share nothing", file.path().display());
        return Err(StreamError::Leak { leak });
    }
    let rows = SplitRows::read(file, selection, split)?;
    let shared = [rows.shared_patients(), rows.equal_images(file)?];
    for (what, patients) in ["patients", "equal images of patients"].iter().zip(shared) {
        if !patients.is_empty() {
            let (path, names) = (file.path().display(), names(&patients));
            let leak = format!("split {split} of {path} shares {what} with another split: {names}");
            return Err(StreamError::Leak { leak });
        }
    }
    Ok(())
}

fn names(patients: &BTreeSet<String>) -> String {
    let first: Vec<&str> = patients.iter().take(NAMED).map(String::as_str).collect();
    let more = patients.len() - first.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}

/// What tells rows apart, of the selected rows and of those in other splits.
struct SplitRows {
    /// The names of the patients; rows have their numbers.
    patients: Vec<String>,
    selected: Vec<RowKey>,
    others: Vec<RowKey>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    /// The CRC-32C of the image.
    checksum: u32,
    row: u32,
    patient: u32,
}

impl SplitRows {
    fn read(file: &DatasetFile, selection: &Selection, split: &str) -> Result<Self, StoreError> {
        let mut splits = file.column(column::SPLIT)?.walk();
        let mut patient_ids = file.column(column::PATIENT_ID)?.walk();
        let mut checksums = file.column(column::CHECKSUM)?.walk();
        let mut rows = Self { patients: Vec::new(), selected: Vec::new(), others: Vec::new() };
        let mut numbers: HashMap<String, u32> = HashMap::new();
        for row in 0..file.rows() {
            let name = splits.cell(row)?.text().unwrap_or_default();
            let keys = match selection.contains(row as u64) {
                true => &mut rows.selected,
                false if name.is_empty() || name == split => continue,
                false => &mut rows.others,
            };
            let patient_id = patient_ids.cell(row)?.text().unwrap_or_default();
            let patient = numbers.get(patient_id).copied().unwrap_or_else(|| {
                // There are no more than ROWS_PROVEN_AGAIN rows.
                let number = numbers.len() as u32;
                numbers.insert(patient_id.to_owned(), number);
                rows.patients.push(patient_id.to_owned());
                number
            });
            let checksum = checksums.cell(row)?.number(0).unwrap_or_default() as u32;
            keys.push(RowKey { checksum, row: row as u32, patient });
        }
        rows.selected.sort_unstable();
        Ok(rows)
    }

    /// The patients with selected rows and with others.
    fn shared_patients(&self) -> BTreeSet<String> {
        let mut is_selected = vec![false; self.patients.len()];
        for key in &self.selected {
            is_selected[key.patient as usize] = true;
        }
        let shared = self.others.iter().filter(|key| is_selected[key.patient as usize]);
        shared.map(|key| self.patients[key.patient as usize].clone()).collect()
    }

    /// The patients of selected rows whose image is also one of another split. Equal checksums are not
    /// believed: the images are read and compared.
    fn equal_images(&self, file: &DatasetFile) -> Result<BTreeSet<String>, StoreError> {
        let mut reader = RowReader::new(file, None);
        let mut images = [vec![0; file.image_bytes()], vec![0; file.image_bytes()]];
        let mut shared = BTreeSet::new();
        for other in &self.others {
            let first = self.selected.partition_point(|key| key.checksum < other.checksum);
            for key in self.selected[first..].iter().take_while(|key| key.checksum == other.checksum) {
                let patient = &self.patients[key.patient as usize];
                if shared.contains(patient) {
                    continue;
                }
                let [mine, theirs] = &mut images;
                reader.read_image(key.row as usize, mine)?;
                reader.read_image(other.row as usize, theirs)?;
                if mine == theirs {
                    shared.insert(patient.clone());
                }
            }
        }
        Ok(shared)
    }
}
