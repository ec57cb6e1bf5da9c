//! Splits that someone chose: a table of patients and their splits.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::SplitName;
use crate::files::TableError;
use crate::files::table::{Row, TableName, parse_table, quoted, read_table_bytes};
use crate::model::{Note, Place};

const PATIENT: &str = "patient_id";
const SPLIT: &str = "split";

/// The splits a file gives its patients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitFile {
    /// Name of the file.
    pub file: String,
    /// For each patient the split, and the line that says so.
    pub patients: BTreeMap<Box<str>, (SplitName, u64)>,
}

/// Why a split file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SplitFileError {
    /// It cannot be read as a table with both columns.
    #[error(transparent)]
    Table(Box<TableError>),
    /// A row without a patient id.
    #[error("{place}: the id is empty; name the patient, or remove the row")]
    EmptyId {
        /// The row.
        place: Place,
    },
    /// A value that is no split.
    #[error("{place}: {found} is no split; the splits are train, val and test")]
    UnknownSplit {
        /// The row.
        place: Place,
        /// The text that is there.
        found: String,
    },
    /// A patient has two splits.
    #[error(
        "{place}: patient {patient} is in {second} here and in {first} on line {line}; remove one of the rows"
    )]
    Contradiction {
        /// The later row.
        place: Place,
        /// The patient.
        patient: Box<str>,
        /// The split of the earlier row.
        first: SplitName,
        /// The split of the later row.
        second: SplitName,
        /// The line of the earlier row.
        line: u64,
    },
    /// Patients of the data that the file does not name.
    #[error("{place}: {count} patients of the data are not in it: {names}; add a row for each")]
    PatientsMissing {
        /// The file.
        place: Place,
        /// Their number.
        count: usize,
        /// The first ten.
        names: String,
    },
}

impl From<TableError> for SplitFileError {
    fn from(error: TableError) -> Self {
        Self::Table(Box::new(error))
    }
}

/// Reads the split file at `path`; places call it `file`.
///
/// # Errors
/// [`SplitFileError`] where it is no table of patients and splits, or contradicts itself.
pub fn read_split_file(path: &Path, file: &str) -> Result<SplitFile, SplitFileError> {
    parse_split_file(&read_table_bytes(path, TableName { file, option: "--split-file" })?, file)
}

/// Parses the bytes of a split file; places call it `file`.
///
/// # Errors
/// As [`read_split_file`], for the content.
pub fn parse_split_file(bytes: &[u8], file: &str) -> Result<SplitFile, SplitFileError> {
    let rows: Vec<Row<2>> = parse_table(bytes, file, &[PATIENT, SPLIT])?;
    let mut patients: BTreeMap<Box<str>, (SplitName, u64)> = BTreeMap::new();
    for row in rows {
        let at = |column| Place::file(file).at_line(row.line).in_column(column);
        let [patient, split] = row.values;
        let patient = patient.filter(|id| !id.is_empty());
        let patient = patient.ok_or_else(|| SplitFileError::EmptyId { place: at(PATIENT) })?;
        let found = split.unwrap_or_default();
        let second = SplitName::from_name(&found)
            .ok_or_else(|| SplitFileError::UnknownSplit { place: at(SPLIT), found: quoted(&found) })?;
        match patients.get(&patient) {
            Some(&(first, line)) if first != second => {
                let patient = quoted(&patient).into();
                return Err(SplitFileError::Contradiction { place: at(SPLIT), patient, first, second, line });
            }
            Some(_) => {}
            None => drop(patients.insert(patient, (second, row.line))),
        }
    }
    Ok(SplitFile { file: file.to_owned(), patients })
}

/// The split of each patient that has a sample, in the order given, and a note for each patient of the file
/// that has none.
///
/// # Errors
/// [`SplitFileError::PatientsMissing`] where the file does not name a patient.
pub fn apply_split_file<'a>(
    splits: &SplitFile,
    patient_ids: impl IntoIterator<Item = &'a str>,
) -> Result<(Vec<SplitName>, Vec<Note>), SplitFileError> {
    let mut seen = HashSet::new();
    let mut assigned = Vec::new();
    let mut missing = Vec::new();
    for id in patient_ids {
        seen.insert(id);
        match splits.patients.get(id) {
            Some(&(split, _)) => assigned.push(split),
            None => missing.push(id),
        }
    }
    if !missing.is_empty() {
        let mut names: Vec<&str> = missing.iter().take(10).copied().collect();
        if missing.len() > names.len() {
            names.push("…");
        }
        let place = Place::file(splits.file.as_str());
        let names = names.join(", ");
        return Err(SplitFileError::PatientsMissing { place, count: missing.len(), names });
    }
    let unused = splits.patients.iter().filter(|(id, _)| !seen.contains(&***id));
    let note = |id: &str, line: u64| {
        let place = Place::file(splits.file.as_str()).at_line(line).in_column(PATIENT);
        Note::new(place, format!("the data has no sample of patient {}", quoted(id)))
    };
    let mut notes: Vec<Note> = unused.map(|(id, &(_, line))| note(id, line)).collect();
    notes.sort();
    Ok((assigned, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SplitFile, SplitFileError> {
        parse_split_file(text.as_bytes(), "splits.csv")
    }

    #[test]
    fn gives_each_patient_its_split() {
        let splits = parse("split;Patient ID\r\ntest;P2\r\n\r\ntrain; P1\r\ntest;P2\r\n").unwrap();
        let (assigned, notes) = apply_split_file(&splits, ["P1", "P2"]).unwrap();
        assert_eq!(assigned, [SplitName::Train, SplitName::Test]);
        assert!(notes.is_empty());
    }

    #[test]
    fn notes_patients_without_samples() {
        let splits = parse("patient_id,split\nP9,val\nP1,train\n").unwrap();
        let (_, notes) = apply_split_file(&splits, ["P1"]).unwrap();
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].place.to_string(), "splits.csv:2, column patient_id");
        assert_eq!(notes[0].text, "the data has no sample of patient \"P9\"");
    }

    #[test]
    fn says_what_is_wrong() {
        let message = |text| parse(text).unwrap_err().to_string();
        assert_eq!(
            message("patient_id,split\nP1,dev\n"),
            "splits.csv:2, column split: \"dev\" is no split; the splits are train, val and test"
        );
        assert!(message("patient_id,split\nP1\n").starts_with("splits.csv:2, column split: \"\" is no"));
        assert!(message("patient_id,split\n,val\n").starts_with("splits.csv:2, column patient_id: the id"));
        assert!(message("patient_id\nP1\n").starts_with("splits.csv:1, column split: there is no such"));
        assert_eq!(
            message("patient_id,split\nP1,val\n\nP1,test\n"),
            "splits.csv:4, column split: patient \"P1\" is in test here and in val on line 2; remove one of \
             the rows"
        );
    }

    #[test]
    fn names_the_first_ten_missing_patients() {
        let splits = parse("patient_id,split\nP1,val\n").unwrap();
        let ids: Vec<String> = (0..12).map(|i| format!("X{i}")).collect();
        let error = apply_split_file(&splits, ids.iter().map(String::as_str)).unwrap_err().to_string();
        assert_eq!(
            error,
            "splits.csv: 12 patients of the data are not in it: X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, …; add \
             a row for each"
        );
    }
}
