//! Small CSV tables as people really have them: the link table and the split file.
//!
//! Accepts a byte order mark, any line ending, blank lines, quotes, spaces around values, columns in any
//! order and number, and names in any letter case. The delimiter is a comma, or where the header has none
//! a semicolon or a tab.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::records::{Records, clean, line_breaks};
use super::table_error::{MAX_TABLE_BYTES, NearTable, TableError};
use crate::model::Place;

/// One row: the values of the columns asked for, in the order asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row<const N: usize> {
    /// The line it starts on, from 1.
    pub(crate) line: u64,
    /// The line it ends on: another one where a quoted value holds line ends.
    pub(crate) last_line: u64,
    /// Number of fields in the row.
    pub(crate) fields: usize,
    /// The values without the spaces around them; `None` where the row is too short.
    pub(crate) values: [Option<Box<str>>; N],
}

/// Name of a table, and the option that names another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableName<'a> {
    pub(crate) file: &'a str,
    pub(crate) option: &'static str,
}

/// Reads the bytes of a table.
pub(crate) fn read_table_bytes(path: &Path, name: TableName<'_>) -> Result<Vec<u8>, TableError> {
    let place = || Place::file(name.file);
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => {
            TableError::Absent { place: place(), option: name.option, near: near_table(path).map(Box::new) }
        }
        _ => TableError::Unreadable { place: place(), source },
    };
    // Asked before opening: opening a pipe would wait for its other end.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(TableError::NotAFile { place: place(), option: name.option });
    }
    if metadata.len() > MAX_TABLE_BYTES {
        return Err(TableError::TooLarge { place: place() });
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_TABLE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_TABLE_BYTES {
        return Err(TableError::TooLarge { place: place() });
    }
    Ok(bytes)
}

/// Files that people have in place of a CSV, by the ends of their names, and their kinds; `None` for tables in text.
const TABLE_ENDS: [(&str, Option<&str>); 11] = [
    ("csv", None),
    ("tsv", None),
    ("tab", None),
    ("xlsx", Some("an Excel workbook")),
    ("xlsm", Some("an Excel workbook")),
    ("xls", Some("an Excel workbook")),
    ("ods", Some("an OpenDocument spreadsheet")),
    ("numbers", Some("a Numbers spreadsheet")),
    ("parquet", Some("Parquet")),
    ("json", Some("JSON")),
    ("jsonl", Some("JSON")),
];

/// The kind of a file that is called like a table: the inner `None` for one in text.
pub(crate) fn called_table(path: &Path) -> Option<Option<&'static str>> {
    let end = path.extension()?.to_str()?.to_lowercase();
    TABLE_ENDS.into_iter().find(|(known, _)| *known == end).map(|(_, kind)| kind)
}

/// Entries of a folder that are looked at for a table.
const MOST_ENTRIES: usize = 4096;

/// The file in the folder of `path` that is probably meant: one of its name with another end, else the only one that is
/// no table in text.
fn near_table(path: &Path) -> Option<NearTable> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(folder).ok()?.flatten().take(MOST_ENTRIES);
    let mut tables: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| called_table(path).is_some() && path.is_file())
        .collect();
    tables.sort();
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    let same = tables.iter().find(|table| stem(table) == stem(path));
    let others: Vec<&PathBuf> =
        tables.iter().filter(|table| called_table(table).is_some_and(|kind| kind.is_some())).collect();
    let found = same.or(if let [only] = others[..] { Some(only) } else { None })?;
    Some(NearTable { name: found.file_name()?.to_string_lossy().into_owned(), kind: called_table(found)? })
}

/// Parses a table and picks `columns`, given in lower case.
pub(crate) fn parse_table<const N: usize>(
    bytes: &[u8],
    file: &str,
    columns: &'static [&'static str; N],
) -> Result<Vec<Row<N>>, TableError> {
    parse_table_as(bytes, file, columns, columns)
}

/// As [`parse_table`], where this table calls the columns `names`.
pub(crate) fn parse_table_as<const N: usize>(
    bytes: &[u8],
    file: &str,
    columns: &'static [&'static str; N],
    names: &[&str; N],
) -> Result<Vec<Row<N>>, TableError> {
    let text = as_text(bytes, file)?;
    let mut records = Records::new(text, file);
    let mut record = csv::StringRecord::new();
    let Some(header) = records.next_into(&mut record)? else {
        return Err(TableError::NoRows {
            place: Place::file(file),
            found: "the file is empty",
            wanted: columns,
        });
    };
    let at = Place::file(file).at_line(header.line);
    let mut positions = [0; N];
    for (position, name) in positions.iter_mut().zip(names) {
        *position = find_column(&record, name, &at, columns)?;
    }
    let mut rows = Vec::new();
    while let Some(lines) = records.next_into(&mut record)? {
        let values = positions.map(|position| record.get(position).map(|value| clean(value).into()));
        rows.push(Row { line: lines.line, last_line: lines.last_line, fields: record.len(), values });
    }
    if rows.is_empty() {
        return Err(TableError::NoRows {
            place: at,
            found: "there is no row below the header",
            wanted: columns,
        });
    }
    Ok(rows)
}

/// A table whose columns its header names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedTable {
    /// The line of the header, from 1.
    pub(crate) line: u64,
    /// The names of the columns, as they stand there.
    pub(crate) columns: Vec<Box<str>>,
    /// The rows: the line of each, and a value for each column, empty where the row is too short.
    pub(crate) rows: Vec<(u64, Vec<Box<str>>)>,
}

impl NamedTable {
    /// The index of the column called `name`, in lower case; letter case, spaces and hyphens do not matter.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column_name(column) == name)
    }
}

/// Parses a table with any columns; `wanted` are those that an error asks for.
pub(crate) fn parse_named_table(
    bytes: &[u8],
    file: &str,
    wanted: &'static [&'static str],
) -> Result<NamedTable, TableError> {
    let text = as_text(bytes, file)?;
    let mut records = Records::new(text, file);
    let mut record = csv::StringRecord::new();
    let missing = |place: Place, found: &'static str| TableError::NoRows { place, found, wanted };
    let Some(header) = records.next_into(&mut record)? else {
        return Err(missing(Place::file(file), "the file is empty"));
    };
    let columns: Vec<Box<str>> = record.iter().map(|name| clean(name).into()).collect();
    let mut table = NamedTable { line: header.line, columns, rows: Vec::new() };
    for (second, name) in table.columns.iter().enumerate() {
        let first = table.columns[..second].iter().position(|other| other == name);
        if let Some(first) = first.filter(|_| !name.is_empty()) {
            let place = Place::file(file).at_line(header.line).in_column(&**name);
            return Err(TableError::ColumnTwice { place, first: first + 1, second: second + 1 });
        }
    }
    while let Some(lines) = records.next_into(&mut record)? {
        let value = |index| clean(record.get(index).unwrap_or_default()).into();
        table.rows.push((lines.line, (0..table.columns.len()).map(value).collect()));
    }
    if table.rows.is_empty() {
        return Err(missing(Place::file(file).at_line(header.line), "there is no row below the header"));
    }
    Ok(table)
}

/// The text without its byte order mark.
fn as_text<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str, TableError> {
    let place = Place::file(file);
    if let Some(found) = other_kind(bytes) {
        return Err(TableError::OtherKind { place, found });
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(TableError::NotUtf8 { place: place.at_line(1), found: "this is UTF-16".to_owned() });
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let found = format!("byte 0x{:02X} is not UTF-8", bytes[good.len()]);
        TableError::NotUtf8 { place: place.at_line(1 + line_breaks(good)), found }
    })
}

/// Files that are taken for tables, and are none.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 8] = [
        (b"PK\x03\x04", "an Excel workbook or another ZIP archive"),
        (b"\xD0\xCF\x11\xE0", "an old Excel workbook"),
        (b"PAR1", "Parquet"),
        (b"SQLite format 3", "an SQLite database"),
        (b"[{", "JSON"),
        (b"[\n", "JSON"),
        (b"{\"", "JSON"),
        (b"{\n", "JSON"),
    ];
    kinds.into_iter().find(|(first, _)| bytes.starts_with(first)).map(|(_, kind)| kind)
}

fn find_column(
    header: &csv::StringRecord,
    column: &str,
    at: &Place,
    wanted: &'static [&'static str],
) -> Result<usize, TableError> {
    let mut matches = header.iter().enumerate().filter(|(_, name)| column_name(name) == column_name(column));
    let place = || at.clone().in_column(column);
    match (matches.next(), matches.next()) {
        (Some((position, _)), None) => Ok(position),
        (Some((first, _)), Some((second, _))) => {
            Err(TableError::ColumnTwice { place: place(), first: first + 1, second: second + 1 })
        }
        (None, _) => {
            let mut names: Vec<String> = header.iter().take(8).map(|name| quoted(clean(name))).collect();
            if header.len() > names.len() {
                names.push(format!("{} more", header.len() - names.len()));
            }
            let found = names.join(", ").into();
            Err(TableError::ColumnMissing { place: place(), found, wanted })
        }
    }
}

/// `Patient ID` and `patient-id` are `patient_id`.
fn column_name(name: &str) -> String {
    let words: Vec<&str> = clean(name)
        .split(|c: char| c.is_whitespace() || c == '-' || c == '_')
        .filter(|w| !w.is_empty())
        .collect();
    words.join("_").to_lowercase()
}

/// A value as an error shows it: quoted, control characters escaped, long ones shortened.
pub(crate) fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<(u64, String, String)> {
        let rows = parse_table(text, "t.csv", &["a", "b"]).unwrap();
        let value = |v: &Option<Box<str>>| v.as_deref().unwrap_or("<none>").to_owned();
        rows.iter().map(|r| (r.line, value(&r.values[0]), value(&r.values[1]))).collect()
    }

    fn message(text: &[u8]) -> String {
        parse_table(text, "t.csv", &["a", "b"]).unwrap_err().to_string()
    }

    fn one(line: u64) -> Vec<(u64, String, String)> {
        vec![(line, "1".into(), "2".into())]
    }

    #[test]
    fn reads_tables_as_people_have_them() {
        assert_eq!(rows(b"a,b\n1,2\n"), one(2));
        assert_eq!(rows(b"a,b\n1,2"), one(2), "no newline at the end");
        assert_eq!(rows(b"\xEF\xBB\xBFa,b\r\n1,2\r\n"), one(2), "byte order mark, CRLF");
        assert_eq!(rows(b"a,b\r1,2\r"), one(2), "CR alone");
        assert_eq!(rows(b" A ;\" B\"\n\n\n 1 ; \"2\" \n"), one(4), "semicolons, spaces, quotes");
        assert_eq!(rows(b"x\tb\ta\n9\t2\t1\textra\n"), one(2), "tabs, other order, extra columns");
        assert_eq!(rows(b"x;y,a,b\n\n9;9,1,2\n"), one(3), "a comma decides");
        assert_eq!(rows(b"a,b\n,\n , \n   \n1,2\n,,\n"), one(5), "rows of nothing");
        assert_eq!(rows(b"\n\r\n  \na,b\n1,2\n"), one(5), "blank lines above the header");
    }

    #[test]
    fn a_short_row_has_no_value() {
        assert_eq!(rows(b"a,b\n1\n"), vec![(2, "1".into(), "<none>".into())]);
    }

    #[test]
    fn header_names_are_read_kindly() {
        let rows = parse_table(b"Patient ID,ORIGINAL-id\nP,O\n", "t.csv", &["patient_id", "original_id"]);
        assert_eq!(rows.unwrap()[0].values[1].as_deref(), Some("O"));
    }

    #[test]
    fn errors_say_file_line_column_and_what_was_found() {
        let text = message(b"\na,c\n1,2\n");
        assert!(text.starts_with("t.csv:2, column b: "), "{text}");
        assert!(text.contains(r#"the first line has "a", "c""#), "{text}");
        let text = message(b"a,b,A\n1,2,3\n");
        assert!(text.starts_with("t.csv:1, column a: fields 1 and 3"), "{text}");
        assert!(message(b"").contains("the file is empty"));
        assert!(message(b"a,b\n\n").starts_with("t.csv:1: there is no row below the header"));
        assert_eq!(message(b"a,b\n1,\xE9\n"), "t.csv:2: byte 0xE9 is not UTF-8; save the table as UTF-8");
        assert!(message(b"\xFF\xFEa\0").contains("UTF-16"));
        assert!(message(b"PK\x03\x04...").contains("Excel") && message(b"[{\"a\": 1}]").contains("JSON"));
    }

    #[test]
    fn an_absent_file_a_folder_and_a_giant_are_refused() {
        let name = TableName { file: "t.csv", option: "--link" };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        let error = read_table_bytes(&path, name).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: there is no such file; create it, or name another one with --link"
        );
        let absent = |file: &str| {
            File::create(folder.path().join(file)).unwrap();
            read_table_bytes(&path, name).unwrap_err().to_string()
        };
        assert!(absent("other.csv").ends_with("create it, or name another one with --link"));
        assert_eq!(
            absent("o.xlsx"),
            "t.csv: there is no such file, but o.xlsx, an Excel workbook: save it as CSV in UTF-8, and name that \
             with --link"
        );
        assert_eq!(absent("T.tsv"), "t.csv: there is no such file, but T.tsv: name it with --link");
        assert!(matches!(read_table_bytes(folder.path(), name), Err(TableError::NotAFile { .. })));
        File::create(&path).unwrap().set_len(MAX_TABLE_BYTES + 1).unwrap();
        assert!(matches!(read_table_bytes(&path, name), Err(TableError::TooLarge { .. })));
    }
}
