//! The columns of `/samples` that a condition can be on.

use crate::store::{Axis, CellType, SAMPLE_COLUMNS, SampleColumn};

/// A column of which rows can be compared: one with a text or number for each row, or with numbers that have names.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownColumn {
    pub(super) name: &'static str,
    pub(super) kind: ValueKind,
    pub(super) parts: CellParts,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ValueKind {
    Text,
    /// A type of which every number is also a 64-bit float.
    Number,
    Float32,
}

/// Parts of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum CellParts {
    One,
    /// Numbers with these names.
    Named(&'static [&'static str]),
    /// A number for each structure.
    Structures,
}

impl KnownColumn {
    /// `None` for a column of digests, which are not compared with text that can be typed.
    fn of(column: &'static SampleColumn) -> Option<Self> {
        let kind = match column.cell_type {
            CellType::Text => ValueKind::Text,
            CellType::Float32 => ValueKind::Float32,
            CellType::UInt8 | CellType::Int32 | CellType::UInt32 | CellType::Float64 => ValueKind::Number,
        };
        let parts = match column.axes {
            [] => CellParts::One,
            [Axis::Structures] => CellParts::Structures,
            [Axis::Parts(names)] => CellParts::Named(names),
            _ => return None,
        };
        Some(Self { name: column.name, kind, parts })
    }

    pub(super) fn find(name: &str) -> Option<Self> {
        SampleColumn::find(name).and_then(Self::of)
    }

    /// True if a condition can be on this part of the column.
    pub(super) fn can_have(&self, part: Option<&str>) -> bool {
        match (self.parts, part) {
            (CellParts::One, part) => part.is_none(),
            (CellParts::Named(names), Some(part)) => names.contains(&part),
            (CellParts::Structures, Some(part)) => !part.is_empty(),
            (_, None) => false,
        }
    }

    /// The column with each of its parts.
    pub(super) fn spellings(&self) -> Vec<String> {
        match self.parts {
            CellParts::One => vec![self.name.to_owned()],
            CellParts::Named(parts) => parts.iter().map(|part| format!("{}.{part}", self.name)).collect(),
            CellParts::Structures => vec![format!("{}.STRUCTURE", self.name)],
        }
    }
}

/// Everything that can stand before an operator.
pub(super) fn all_columns() -> Vec<String> {
    SAMPLE_COLUMNS.iter().filter_map(KnownColumn::of).flat_map(|column| column.spellings()).collect()
}
