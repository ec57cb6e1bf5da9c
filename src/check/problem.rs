//! Problems of a file, one entry each.

use std::collections::BTreeMap;

use serde::Serialize;

/// Problems that are kept; more are only counted.
const KEPT: usize = 100_000;

/// Kind of a problem; the names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The file is not built as the format promises.
    Structure,
    /// The image of a row cannot be decoded, or has another checksum.
    ImageDamaged,
    /// The mask of a row cannot be decoded, or has another checksum.
    MaskDamaged,
    /// The columns of a row do not agree with its image and mask, or with each other.
    Columns,
    /// Two rows have one id.
    DuplicateId,
    /// A patient or an equal image stands in two splits or folds.
    SplitLeak,
    /// A figure over many rows is not what they give.
    Statistics,
    /// The sources have no such row.
    SourceMissing,
    /// A file that the row was made of has other bytes now.
    SourceChanged,
    /// The same files give another image, mask or column.
    Differs,
    /// The sources give a row that the file does not have.
    RowAdded,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The kind.
    pub kind: ProblemKind,
    /// The row, counted from 0; `None` where it is about the file, or a row that it does not have.
    pub row: Option<usize>,
    /// `samples/id` of the row, where it can be read; otherwise the dataset or attribute.
    pub place: String,
    /// The problem.
    pub detail: String,
}

/// All that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// Number of problems of each kind.
    pub counts: BTreeMap<ProblemKind, usize>,
    /// Rows with at least one problem.
    pub rows: usize,
    /// Each, in the order of the rows; of more than 100,000, the first.
    pub list: Vec<Problem>,
    #[serde(skip)]
    last_row: Option<usize>,
}

impl Problems {
    /// Adds one. The problems of a row come one after the other.
    pub(super) fn add(&mut self, problem: Problem) {
        *self.counts.entry(problem.kind).or_default() += 1;
        if problem.row.is_some() && problem.row != self.last_row {
            self.rows += 1;
            self.last_row = problem.row;
        }
        if self.list.len() < KEPT {
            self.list.push(problem);
        }
    }

    /// Adds one that is about the file.
    pub(super) fn add_of_file(&mut self, kind: ProblemKind, place: &str, detail: impl Into<String>) {
        self.add(Problem { kind, row: None, place: place.to_owned(), detail: detail.into() });
    }

    /// Number of problems.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// Number of problems of this kind.
    #[must_use]
    pub fn count(&self, kind: ProblemKind) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_once() {
        let mut problems = Problems::default();
        for (row, kind) in [
            (Some(3), ProblemKind::ImageDamaged),
            (Some(3), ProblemKind::MaskDamaged),
            (None, ProblemKind::Statistics),
            (Some(4), ProblemKind::ImageDamaged),
        ] {
            problems.add(Problem { kind, row, place: String::new(), detail: String::new() });
        }
        assert_eq!((problems.rows, problems.total()), (2, 4));
        assert_eq!(problems.count(ProblemKind::ImageDamaged), 2);
    }
}
