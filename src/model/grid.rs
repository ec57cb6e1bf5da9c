//! The size of an image grid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The size of an image grid in pixels, rows first; both sides are 1 to 65,535 (DICOM's US).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u16, u16)", into = "(u16, u16)")]
pub struct GridShape {
    rows: u16,
    columns: u16,
}

/// A side of a grid is 0, or longer than 65,535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an image of {rows} rows and {columns} columns: both must be 1 to 65535")]
pub struct GridError {
    rows: usize,
    columns: usize,
}

impl TryFrom<(u16, u16)> for GridShape {
    type Error = GridError;

    fn try_from(sides: (u16, u16)) -> Result<Self, GridError> {
        let (rows, columns) = sides;
        Self::new(rows.into(), columns.into())
    }
}

impl From<GridShape> for (u16, u16) {
    fn from(shape: GridShape) -> Self {
        (shape.rows, shape.columns)
    }
}

impl GridShape {
    /// A grid of `rows` × `columns` pixels.
    ///
    /// # Errors
    /// [`GridError`] where a side is 0 or above 65,535.
    pub fn new(rows: usize, columns: usize) -> Result<Self, GridError> {
        let side = |n: usize| u16::try_from(n).ok().filter(|&n| n > 0);
        match (side(rows), side(columns)) {
            (Some(rows), Some(columns)) => Ok(Self { rows, columns }),
            _ => Err(GridError { rows, columns }),
        }
    }

    /// Number of rows (the height).
    #[must_use]
    pub fn rows(self) -> usize {
        usize::from(self.rows)
    }

    /// Number of columns (the width).
    #[must_use]
    pub fn columns(self) -> usize {
        usize::from(self.columns)
    }

    /// Number of pixels, at most 4,294,836,225.
    #[must_use]
    pub fn pixels(self) -> usize {
        self.rows() * self.columns()
    }
}

/// Displays as `256x256` (rows × columns), the spelling of `--size`.
impl fmt::Display for GridShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.columns)
    }
}

/// Rows x columns, in the spelling of `--size`.
impl FromStr for GridShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || "use rows x columns as in 256x256".to_owned();
        let (rows, columns) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        let side = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        Self::new(side(rows)?, side(columns)?).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_empty_and_oversized_sides() {
        assert!(GridShape::new(0, 5).is_err());
        assert!(GridShape::new(5, 65_536).is_err());
        assert_eq!(GridShape::new(2, 3).unwrap().to_string(), "2x3");
    }

    #[test]
    fn parses_rows_by_columns() {
        assert_eq!("2x3".parse(), GridShape::new(2, 3).map_err(|error| error.to_string()));
        for text in ["", "2", "2x", "x3", "0x3", "2x3x4"] {
            assert!(text.parse::<GridShape>().is_err(), "{text}");
        }
    }
}
