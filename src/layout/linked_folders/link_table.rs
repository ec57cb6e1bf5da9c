//! The link table: which patient's images go with which folder of contours.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::files::TableError;
use crate::files::table::{Row, TableName, parse_table_as, quoted, read_table_bytes};
use crate::layout::ColumnNames;
use crate::model::{Place, Reason, Skipped};

const PATIENT: &str = "patient_id";
const ORIGINAL: &str = "original_id";

/// A usable row: both ids are plain folder names, and no other row contradicts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// The line of the file, from 1.
    pub line: u64,
    /// The folder below `dicoms`.
    pub patient_id: Box<str>,
    /// The folder below `contourfiles`.
    pub original_id: Box<str>,
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Place and reason, with [`Reason::LinkRow`].
    pub skipped: Skipped,
    /// Its patient id where that is a plain folder name.
    pub patient_id: Option<Box<str>>,
    /// Its original id where that is a plain folder name.
    pub original_id: Option<Box<str>>,
}

/// The link table, its rows sorted into usable and rejected, both in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkTable {
    /// The usable rows; each original id stands in one row only.
    pub rows: Vec<LinkRow>,
    /// The others.
    pub rejected: Vec<RejectedRow>,
}

/// Reads the link table at `path`, whose columns may have other names; places call it `file`.
///
/// # Errors
/// [`TableError`] where the file cannot be read, or has no header with both columns, or no row.
pub fn read_link_table(path: &Path, file: &str, columns: &ColumnNames) -> Result<LinkTable, TableError> {
    parse_link_table(&read_table_bytes(path, TableName { file, option: "--link" })?, file, columns)
}

/// Parses the bytes of a link table, whose columns may have other names; places call it `file`.
///
/// # Errors
/// As [`read_link_table`], for the content.
pub fn parse_link_table(bytes: &[u8], file: &str, columns: &ColumnNames) -> Result<LinkTable, TableError> {
    let names = [PATIENT, ORIGINAL].map(|usual| columns.of(usual));
    let rows: Vec<Row<2>> = parse_table_as(bytes, file, &[PATIENT, ORIGINAL], &names)?;
    let claims = Claims::of(&rows);
    let mut table = LinkTable::default();
    for row in &rows {
        match fault(row).or_else(|| claims.fault(row)) {
            None => table.rows.push(LinkRow {
                line: row.line,
                patient_id: value(row, 0).into(),
                original_id: value(row, 1).into(),
            }),
            Some((column, detail)) => {
                let place = Place::file(file).at_line(row.line).in_column(column);
                let plain = |i| Some(value(row, i)).filter(|id| id_fault(id).is_none()).map(Box::from);
                table.rejected.push(RejectedRow {
                    skipped: Skipped::new(place, Reason::LinkRow, detail),
                    patient_id: plain(0),
                    original_id: plain(1),
                });
            }
        }
    }
    Ok(table)
}

/// A column, and what is wrong with its value.
type Fault = (&'static str, String);

fn value<const N: usize>(row: &Row<N>, index: usize) -> &str {
    row.values[index].as_deref().unwrap_or("")
}

/// Problem of a row by itself.
fn fault(row: &Row<2>) -> Option<Fault> {
    for (i, column) in [PATIENT, ORIGINAL].into_iter().enumerate() {
        let problem = match row.values[i].as_deref() {
            None => Some(format!("the row has too few fields ({})", row.fields)),
            Some(id) => id_fault(id),
        };
        if let Some(mut detail) = problem {
            if row.last_line > row.line {
                detail += &format!(
                    "; the row runs on to line {}: a closing quote is missing or misplaced",
                    row.last_line
                );
            }
            return Some((column, detail));
        }
    }
    None
}

/// The longest id, which is the longest name that file systems have.
const MAX_ID_BYTES: usize = 255;

/// Why an id is not a plain folder name: an id never leads out of the data directory.
pub(in crate::layout) fn id_fault(id: &str) -> Option<String> {
    let why = if id.is_empty() {
        return Some("the id is empty".to_owned());
    } else if id.len() > MAX_ID_BYTES {
        "is longer than 255 bytes"
    } else if id.contains(char::is_control) {
        "holds a control character"
    } else if id.contains(['/', '\\']) {
        "holds a path separator"
    } else if id.contains("..") {
        "holds `..`"
    } else if id.starts_with('.') {
        "starts with a dot, and hidden folders are not read"
    } else {
        return None;
    };
    Some(format!("the id {} {why}; an id must be the plain name of a folder", quoted(id)))
}

/// Lines of each id, by the content of the row.
struct Claims<'a> {
    first: HashMap<(&'a str, &'a str), u64>,
    by_original: HashMap<&'a str, BTreeSet<(u64, &'a str)>>,
}

impl<'a> Claims<'a> {
    fn of(rows: &'a [Row<2>]) -> Self {
        let mut claims = Self { first: HashMap::new(), by_original: HashMap::new() };
        for row in rows {
            let (patient, original) = (value(row, 0), value(row, 1));
            // An empty value contradicts no other.
            if patient.is_empty() || original.is_empty() {
                continue;
            }
            claims.first.entry((patient, original)).or_insert_with(|| {
                claims.by_original.entry(original).or_default().insert((row.line, patient));
                row.line
            });
        }
        claims
    }

    /// Problem of a row because of other rows.
    fn fault(&self, row: &Row<2>) -> Option<Fault> {
        let (patient, original) = (value(row, 0), value(row, 1));
        let first = self.first.get(&(patient, original)).copied()?;
        if first != row.line {
            return Some((PATIENT, format!("the row repeats line {first}; remove one of them")));
        }
        let others = |claims: &BTreeSet<(u64, &str)>| {
            let others: Vec<String> = claims
                .iter()
                .filter(|(line, _)| *line != first)
                .take(3)
                .map(|(line, id)| format!("line {line} says {}", quoted(id)))
                .collect();
            let more = claims.len().saturating_sub(1 + others.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Some(others.join(", ") + &more).filter(|text| !text.is_empty())
        };
        let others = self.by_original.get(original).and_then(others)?;
        let detail = format!("original id {} belongs to several patients: {others}", quoted(original));
        Some((ORIGINAL, format!("{detail}; keep the right row")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(text: &str) -> LinkTable {
        let text = format!("patient_id,original_id\n{text}");
        parse_link_table(text.as_bytes(), "link.csv", &ColumnNames::default()).unwrap()
    }

    fn used(table: &LinkTable) -> Vec<String> {
        table.rows.iter().map(|r| format!("{}:{}={}", r.line, r.patient_id, r.original_id)).collect()
    }

    fn rejected(table: &LinkTable) -> Vec<String> {
        table.rejected.iter().map(|r| format!("{}: {}", r.skipped.place, r.skipped.detail)).collect()
    }

    #[test]
    fn keeps_good_rows_in_file_order() {
        let table = table("P2,O2\n\nP1,O1\n");
        assert_eq!(used(&table), ["2:P2=O2", "4:P1=O1"]);
        assert!(table.rejected.is_empty());
    }

    #[test]
    fn an_id_never_leads_out() {
        for id in ["../x", "..", ".", "a/b", "a\\b", "/etc", "x..y", "a\u{0}b", "a\tb", ".hidden", "a\u{85}b"]
        {
            for (row, column) in [(format!("{id},O1"), PATIENT), (format!("P1,{id}"), ORIGINAL)] {
                let table = table(&format!("{row}\nP2,O2\n"));
                assert_eq!(used(&table), ["3:P2=O2"], "{row:?}");
                let skipped = &table.rejected[0].skipped;
                assert_eq!(skipped.place.to_string(), format!("link.csv:2, column {column}"), "{row:?}");
                assert_eq!(skipped.reason, Reason::LinkRow);
                assert!(!skipped.detail.contains(char::is_control), "{row:?}");
            }
        }
        let long = "x".repeat(MAX_ID_BYTES);
        assert_eq!(used(&table(&format!("{long},O1\n{long}x,O2\n"))), [format!("2:{long}=O1")]);
        let table = table("P1,../x\n");
        assert_eq!(table.rejected[0].patient_id.as_deref(), Some("P1"));
        assert_eq!(table.rejected[0].original_id, None);
    }

    #[test]
    fn rejects_empty_ids_and_short_rows() {
        let table = table(",O1\nP2, \nP3\n\"P4,O4\nP5,O5\n");
        assert_eq!(
            rejected(&table),
            [
                "link.csv:2, column patient_id: the id is empty",
                "link.csv:3, column original_id: the id is empty",
                "link.csv:4, column original_id: the row has too few fields (1)",
                "link.csv:5, column patient_id: the id \"P4,O4\\nP5,O5\" holds a control character; an id \
                 must be the plain name of a folder; the row runs on to line 6: a closing quote is missing \
                 or misplaced",
            ]
        );
    }

    #[test]
    fn an_identical_repeat_loses_only_the_later_row() {
        let table = table("P1,O1\nP2,O2\nP1 , O1\n");
        assert_eq!(used(&table), ["2:P1=O1", "3:P2=O2"]);
        assert_eq!(
            rejected(&table),
            ["link.csv:4, column patient_id: the row repeats line 2; remove one of them"]
        );
    }

    #[test]
    fn a_patient_may_have_several_rows_and_an_original_only_one() {
        let table = table("P1,O1\nP1,O2\nP3,O3\nP4,O5\nP5,O5\nP1,O1\n");
        assert_eq!(used(&table), ["2:P1=O1", "3:P1=O2", "4:P3=O3"]);
        let rejected = rejected(&table);
        assert!(rejected[0].contains("original_id: original id \"O5\" belongs to several patients: line 6"));
        assert!(rejected[1].contains("line 5 says \"P4\""));
        assert!(rejected[2].contains("repeats line 2"));
    }

    #[test]
    fn a_contradiction_takes_its_rows_alone() {
        let table = table("P1,O1\nP1,O2\nP2,O2\n");
        assert_eq!(used(&table), ["2:P1=O1"], "O2 is claimed by P1 and P2");
    }

    #[test]
    fn many_contradictions_stay_readable() {
        let text: String = (0..9).map(|i| format!("P{i},O1\n")).collect();
        let table = table(&text);
        assert_eq!(table.rejected.len(), 9);
        assert!(table.rejected[0].skipped.detail.contains("and 5 more"), "{:?}", table.rejected[0]);
    }

    proptest! {
        #[test]
        fn any_text_gives_plain_unique_ids_and_real_lines(text in "([PO.][12]?|[,;\t\" /\\\\]|\r?\n){0,60}") {
            let table = format!("patient_id,original_id\n{text}");
            let table = match parse_link_table(table.as_bytes(), "link.csv", &ColumnNames::default()) {
                Ok(table) => table,
                Err(error) => {
                    let no_rows = matches!(error, TableError::NoRows { .. });
                    prop_assert!(no_rows, "{error}");
                    return Ok(());
                }
            };
            let mut seen = std::collections::HashSet::new();
            for row in &table.rows {
                prop_assert!(id_fault(&row.patient_id).is_none() && id_fault(&row.original_id).is_none());
                prop_assert!(seen.insert((ORIGINAL, row.original_id.clone())));
                // The first line of `text` is line 2 of the file; a quoted value may begin on an earlier one.
                let line = text.split('\n').nth(row.line as usize - 2).unwrap_or("");
                prop_assert!(text.contains('"') || line.contains(&*row.patient_id), "{line:?} {row:?}");
            }
            prop_assert!(table.rows.is_sorted_by_key(|row| row.line));
        }
    }
}
