//! A finding as it stands in a report.

use serde::{Serialize, Serializer};

use crate::audit::{Check, CheckLevels, Finding, Severity};
use crate::model::Place;

/// Findings of the audit, for people and, as JSON, for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingEntry {
    /// The stable name of the check.
    pub check: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The contour or image that is suspect, as the user would name it.
    pub file: String,
    /// Other places involved; the first ones, where there are many.
    pub others: Box<[String]>,
    /// The problem, with its numbers.
    pub text: String,
    /// The numbers by name, with the unit at the end of each name, sorted by name.
    #[serde(serialize_with = "as_map")]
    pub values: Box<[(&'static str, f64)]>,
}

fn as_map<S: Serializer>(values: &[(&'static str, f64)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(values.iter().copied())
}

impl FindingEntry {
    fn of(finding: &Finding, severity: Severity) -> Self {
        Self {
            check: finding.check.name(),
            severity: severity.name(),
            file: finding.place.file.clone(),
            others: finding.others.iter().map(|place| place.file.clone()).collect(),
            text: finding.text.clone(),
            values: {
                let mut values = finding.values.clone();
                values.sort_unstable_by_key(|(name, _)| *name);
                values.into()
            },
        }
    }

    /// All of `findings` of checks that are not off, the worst first, then by file.
    pub(super) fn all<'f>(findings: impl Iterator<Item = &'f Finding>, levels: &CheckLevels) -> Vec<Self> {
        let found = findings.filter_map(|finding| Some((levels.severity(finding.check)?, finding)));
        let mut sorted: Vec<(Severity, &Finding)> = found.collect();
        sorted
            .sort_by(|(s, a), (t, b)| (s, a.check, &a.place, &a.text).cmp(&(t, b.check, &b.place, &b.text)));
        sorted.into_iter().map(|(severity, finding)| Self::of(finding, severity)).collect()
    }

    /// True if the annotation is wrong.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error.name()
    }

    /// The file, as errors show it.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::file(self.file.as_str())
    }

    /// Meaning of the check, in one line.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        Check::ALL.into_iter().find(|check| check.name() == self.check).map_or("", Check::meaning)
    }
}
