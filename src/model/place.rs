//! Places in the user's data.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Plain;

/// A place in the user's data: a file, and what is known inside it.
///
/// Displays as `link.csv:3, column patient_id` or `dicoms/P1/48.dcm, (0028,1053) Rescale Slope`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file as the user would name it: relative to the data directory, `/` as separator.
    pub file: String,
    /// Line number in a text file, from 1.
    pub line: Option<u64>,
    /// Column name in a table.
    pub column: Option<Box<str>>,
    /// DICOM tag and attribute name, as `(gggg,eeee) Name`.
    pub attribute: Option<Box<str>>,
}

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// The same file, at `line` (from 1).
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same place, in the table column `column`.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<Box<str>>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// The same file, at a DICOM attribute written as `(gggg,eeee) Name`.
    #[must_use]
    pub fn at_attribute(mut self, attribute: impl Into<Box<str>>) -> Self {
        self.attribute = Some(attribute.into());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Plain(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {}", Plain(column))?;
        }
        if let Some(attribute) = &self.attribute {
            write!(f, ", {attribute}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_file_line_and_column() {
        let place = Place::file("link.csv").at_line(3).in_column("patient_id");
        assert_eq!(place.to_string(), "link.csv:3, column patient_id");
    }

    #[test]
    fn shows_control_characters() {
        assert_eq!(Place::file("a\u{1b}[31m\nb").to_string(), "a\\u{1b}[31m\\nb");
    }

    #[test]
    fn says_file_and_attribute() {
        let place = Place::file("dicoms/P/1.dcm").at_attribute("(0028,0010) Rows");
        assert_eq!(place.to_string(), "dicoms/P/1.dcm, (0028,0010) Rows");
    }
}
