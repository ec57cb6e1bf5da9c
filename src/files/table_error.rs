//! Why a table cannot be read.

use std::io;

use crate::model::Place;

/// The largest table that is read, in bytes.
pub const MAX_TABLE_BYTES: u64 = 1 << 30;

/// The most rows of a table that is read.
pub const MAX_TABLE_ROWS: usize = 1 << 24;

/// A file that is probably the table that was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearTable {
    /// Its name.
    pub name: String,
    /// Its kind, where it is no table in text.
    pub kind: Option<&'static str>,
}

fn advice(near: &Option<Box<NearTable>>, option: &str) -> String {
    match near.as_deref() {
        None => format!("; create it, or name another one with {option}"),
        Some(NearTable { name, kind: None }) => format!(", but {name}: name it with {option}"),
        Some(NearTable { name, kind: Some(kind) }) => {
            format!(", but {name}, {kind}: save it as CSV in UTF-8, and name that with {option}")
        }
    }
}

/// Why a table cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// There is no such file.
    #[error("{place}: there is no such file{}", advice(near, option))]
    Absent {
        /// The table.
        place: Place,
        /// The option that names another one.
        option: &'static str,
        /// A file beside it that is probably meant.
        near: Option<Box<NearTable>>,
    },
    /// A folder, pipe or device stands where the table should be.
    #[error("{place}: this is not a regular file; name the table with {option}")]
    NotAFile {
        /// The table.
        place: Place,
        /// The option that names another one.
        option: &'static str,
    },
    /// The system does not let us read it.
    #[error("{place}: it cannot be read; check its permissions")]
    Unreadable {
        /// The table.
        place: Place,
        /// Error of the operating system.
        source: io::Error,
    },
    /// More than [`MAX_TABLE_BYTES`].
    #[error("{place}: more than {MAX_TABLE_BYTES} bytes; a table is not that large, check the file")]
    TooLarge {
        /// The table.
        place: Place,
    },
    /// More than [`MAX_TABLE_ROWS`].
    #[error("{place}: more than {limit} rows; split the data set")]
    TooManyRows {
        /// The first row that is too much.
        place: Place,
        /// The most rows there may be.
        limit: usize,
    },
    /// A byte that UTF-8 does not allow.
    #[error("{place}: {found}; save the table as UTF-8")]
    NotUtf8 {
        /// The line of the first bad byte.
        place: Place,
        /// The text that is there.
        found: String,
    },
    /// A file of another kind.
    #[error("{place}: this is {found}, not a table in text; save it as CSV in UTF-8")]
    OtherKind {
        /// The table.
        place: Place,
        /// What it is.
        found: &'static str,
    },
    /// A column that is needed has no header.
    #[error(
        "{place}: there is no such column, the first line has {found}; \
         the first line must name the columns {}", wanted.join(" and ")
    )]
    ColumnMissing {
        /// The header, and the column that is missing.
        place: Place,
        /// The names in the header, shortened.
        found: Box<str>,
        /// The names of all columns that are needed.
        wanted: &'static [&'static str],
    },
    /// Two columns have the same name.
    #[error("{place}: fields {first} and {second} of the header both have this name; rename or remove one")]
    ColumnTwice {
        /// The header, and the name.
        place: Place,
        /// Position of the first, from 1.
        first: usize,
        /// Position of the second, from 1.
        second: usize,
    },
    /// No header, or no row below it.
    #[error("{place}: {found}; it needs a header with {} and a row for each patient", wanted.join(" and "))]
    NoRows {
        /// The table.
        place: Place,
        /// The content found.
        found: &'static str,
        /// The names of all columns that are needed.
        wanted: &'static [&'static str],
    },
    /// The CSV reader gave up.
    #[error("{place}: this row cannot be read as CSV")]
    Row {
        /// The row.
        place: Place,
        /// Error of the reader.
        source: csv::Error,
    },
}
