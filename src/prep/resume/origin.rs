//! Rows taken from earlier files, and reasons why others were not.

use std::collections::BTreeMap;

use serde::Serialize;

/// Origin of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::prep) enum Origin {
    /// It was taken from an earlier file.
    Reused,
    /// It was made, and there was nothing to take it from.
    Made,
    /// It was made, although there were earlier rows.
    MadeAnew(Why),
}

/// Why a row was rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::prep) enum Why {
    NotThereBefore,
    ImageChanged,
    AnnotationChanged,
    /// It was made with other options.
    Option(&'static str),
    Damaged,
}

impl Why {
    fn text(self) -> String {
        match self {
            Self::NotThereBefore => "not there before".to_owned(),
            Self::ImageChanged => "image changed".to_owned(),
            Self::AnnotationChanged => "annotation changed".to_owned(),
            Self::Option(name) => format!("option {name} differs"),
            Self::Damaged => "damaged".to_owned(),
        }
    }
}

/// Number of rows taken from earlier files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowOrigins {
    /// Rows that were taken from an interrupted run or from an earlier file.
    pub reused: usize,
    /// Rows that were made.
    pub made: usize,
    /// If there were earlier rows, the reasons why others were rebuilt, and their numbers: `not there before`, `image changed`,
    /// `annotation changed`, `option mask_rule differs`, `damaged`.
    pub rebuilt: BTreeMap<String, usize>,
}

impl RowOrigins {
    pub(in crate::prep) fn add(&mut self, origin: Origin) {
        match origin {
            Origin::Reused => self.reused += 1,
            Origin::Made => self.made += 1,
            Origin::MadeAnew(why) => {
                self.made += 1;
                *self.rebuilt.entry(why.text()).or_default() += 1;
            }
        }
    }
}
