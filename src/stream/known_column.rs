//! The columns of `/samples` that a condition can be on.

use crate::store::column;

/// A column of which rows can be compared.
#[derive(Debug, PartialEq)]
pub(super) struct KnownColumn {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) parts: Parts,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Text,
    /// A type of which every number is also a 64-bit float.
    Number,
    Float32,
}

/// What a cell consists of.
#[derive(Debug, PartialEq)]
pub(super) enum Parts {
    One,
    /// Numbers with these names.
    Named(&'static [&'static str]),
    /// A number for each structure.
    Structures,
}

const fn known(name: &'static str, kind: Kind, parts: Parts) -> KnownColumn {
    KnownColumn { name, kind, parts }
}

/// `docs/format.md` describes them.
static COLUMNS: [KnownColumn; 17] = [
    known(column::ID, Kind::Text, Parts::One),
    known(column::PATIENT_ID, Kind::Text, Parts::One),
    known(column::ORIGINAL_ID, Kind::Text, Parts::One),
    known(column::SOURCE, Kind::Text, Parts::One),
    known(column::SPLIT, Kind::Text, Parts::One),
    known(column::FINDINGS, Kind::Text, Parts::One),
    known(column::INSTANCE, Kind::Number, Parts::One),
    known(column::FRAME, Kind::Number, Parts::One),
    known(column::ROWS, Kind::Number, Parts::One),
    known(column::COLUMNS, Kind::Number, Parts::One),
    known(column::ANNOTATED, Kind::Number, Parts::Structures),
    known(column::MASK_PIXELS, Kind::Number, Parts::Structures),
    known(column::CONTOUR_AREA, Kind::Float32, Parts::Structures),
    known(column::PIXEL_SPACING, Kind::Float32, Parts::Named(&["row", "column"])),
    known(column::WINDOW, Kind::Float32, Parts::Named(&["center", "width"])),
    known(column::VALUE_RANGE, Kind::Float32, Parts::Named(&["min", "max"])),
    known(column::IMAGE_POSITION, Kind::Number, Parts::Named(&["x", "y", "z"])),
];

impl KnownColumn {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        COLUMNS.iter().find(|column| column.name == name)
    }

    /// Whether a condition can be on this part of the column.
    pub(super) fn can_have(&self, part: Option<&str>) -> bool {
        match (&self.parts, part) {
            (Parts::One, part) => part.is_none(),
            (Parts::Named(names), Some(part)) => names.contains(&part),
            (Parts::Structures, Some(part)) => !part.is_empty(),
            (_, None) => false,
        }
    }

    /// The column with each of its parts.
    pub(super) fn spellings(&self) -> Vec<String> {
        match self.parts {
            Parts::One => vec![self.name.to_owned()],
            Parts::Named(parts) => parts.iter().map(|part| format!("{}.{part}", self.name)).collect(),
            Parts::Structures => vec![format!("{}.STRUCTURE", self.name)],
        }
    }
}

/// What can stand before an operator.
pub(super) fn all_columns() -> Vec<String> {
    COLUMNS.iter().flat_map(KnownColumn::spellings).collect()
}
