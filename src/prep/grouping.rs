//! Columns of the user's table that decide how patients are drawn, and the number of folds.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::files::TableError;
use crate::files::table::{NamedTable, TableName, parse_named_table, quoted, read_table_bytes};
use crate::layout::{Inputs, SampleSet, Study};
use crate::model::Place;

/// Grouping and spreading of patients when splits and folds are drawn. Names of columns are recorded, their values are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grouping {
    /// The column of the table whose values no split and no fold tears apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The column of the table whose values have equal shares in all splits and folds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stratify: Option<String>,
    /// Number of folds of the train split, or of all patients where there are no splits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<u16>,
}

/// Why patients cannot be drawn as asked for.
#[derive(Debug, thiserror::Error)]
pub enum GroupingError {
    /// The layout has no table.
    #[error(
        "{option} takes a column of a table, and the layout {layout} has none; a CSV with --table, one row an image or a \
         series, can have one"
    )]
    NoTable {
        /// `--group` or `--stratify`.
        option: &'static str,
        /// The name of the layout.
        layout: &'static str,
    },
    /// The table has no such column.
    #[error("{place}: there is no column {} for {option}; the table has {}", quoted(column), found.join(", "))]
    ColumnMissing {
        /// The header.
        place: Place,
        /// `--group` or `--stratify`.
        option: &'static str,
        /// The name that was given.
        column: Box<str>,
        /// The columns of the table.
        found: Box<[String]>,
    },
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A patient who is drawn into nothing has no use for a column.
    #[error(
        "--stratify spreads patients over the splits that are drawn, and {given}; leave it out, or ask for --folds"
    )]
    NothingToDraw {
        /// Why nothing is drawn.
        given: &'static str,
    },
    /// There are more folds than groups of patients.
    #[error(
        "--folds {folds}: there {} of patients that no fold tears apart{of_train}, and each fold needs one; {}",
        only(*groups),
        most_folds(*groups)
    )]
    TooManyFolds {
        /// The number of folds.
        folds: u16,
        /// Number of groups.
        groups: usize,
        /// ` in the train split`, where there is one.
        of_train: &'static str,
    },
}

impl GroupingError {
    /// True where what was typed does not fit the data, false where the table cannot be read.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Table(_))
    }
}

fn only(groups: usize) -> String {
    if groups == 1 { "is only 1 group".to_owned() } else { format!("are only {groups} groups") }
}

fn most_folds(groups: usize) -> String {
    if groups < 2 { "leave it out".to_owned() } else { format!("--folds {groups} is the most") }
}

/// The values of each patient in the two columns, each once, in the order of the rows. Empty values are none.
#[derive(Debug, Clone, Default)]
pub(super) struct PatientLabels {
    groups: Vec<Vec<Box<str>>>,
    strata: Vec<Vec<Box<str>>>,
}

impl PatientLabels {
    /// Reads the columns that are asked for.
    pub(super) fn read(
        inputs: &dyn Inputs,
        pairs: &SampleSet,
        grouping: &Grouping,
    ) -> Result<Self, GroupingError> {
        let asked = [("--group", &grouping.group), ("--stratify", &grouping.stratify)];
        let Some((first, _)) = asked.iter().find(|(_, column)| column.is_some()) else {
            return Ok(Self::default());
        };
        let tables =
            inputs.tables().ok_or_else(|| GroupingError::NoTable { option: first, layout: inputs.name() })?;
        let is_only = tables.len() == 1;
        let mut labels =
            asked.map(
                |(_, column)| {
                    if column.is_some() { vec![Vec::new(); pairs.patients.len()] } else { Vec::new() }
                },
            );
        for (file, path) in &tables {
            let bytes = read_table_bytes(path, TableName { file, option: "--table or --link" })?;
            let read = parse_named_table(&bytes, file, &["the column of --group or --stratify"])?;
            let studies: Vec<&Study> =
                pairs.studies.iter().filter(|study| is_only || study.place.file == *file).collect();
            for ((option, column), of_patient) in asked.iter().zip(&mut labels) {
                if let Some(column) = column {
                    let index = column_index(&read, option, column, file)?;
                    add_values(&read, index, &studies, of_patient);
                }
            }
        }
        let [groups, strata] = labels;
        Ok(Self { groups, strata })
    }

    /// The groups of a patient.
    pub(super) fn groups(&self, patient: u32) -> &[Box<str>] {
        self.groups.get(patient as usize).map_or(&[], Vec::as_slice)
    }

    /// The strata of a patient; where it has none, the one without a name.
    pub(super) fn strata(&self, patient: u32) -> Vec<&str> {
        let own = self.strata.get(patient as usize).map_or(&[][..], Vec::as_slice);
        if own.is_empty() { vec![""] } else { own.iter().map(|value| &**value).collect() }
    }

    /// True if patients have strata.
    pub(super) fn has_strata(&self) -> bool {
        !self.strata.is_empty()
    }
}

/// The index of a column of the table.
fn column_index(
    table: &NamedTable,
    option: &'static str,
    column: &str,
    file: &str,
) -> Result<usize, GroupingError> {
    let exact = table.columns.iter().position(|name| **name == *column);
    exact.or_else(|| table.column(&column.to_lowercase())).ok_or_else(|| {
        let found = table.columns.iter().map(|name| quoted(name)).collect();
        let place = Place::file(file).at_line(table.line);
        GroupingError::ColumnMissing { place, option, column: column.into(), found }
    })
}

/// Adds the values of one column to those of each patient, for the rows of `studies`.
fn add_values(table: &NamedTable, index: usize, studies: &[&Study], of_patient: &mut [Vec<Box<str>>]) {
    let rows: HashMap<u64, &Vec<Box<str>>> =
        table.rows.iter().map(|(line, values)| (*line, values)).collect();
    for study in studies {
        let row = study.place.line.and_then(|line| rows.get(&line));
        let value = row.and_then(|values| values.get(index)).filter(|value| !value.is_empty());
        let own = &mut of_patient[study.patient as usize];
        own.extend(value.filter(|value| !own.contains(value)).cloned());
    }
}
