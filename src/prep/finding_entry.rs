//! A finding as it stands in a report.

use std::sync::Arc;

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
    /// Other files involved; the first ones, where there are many.
    #[serde(serialize_with = "as_itself")]
    pub others: Arc<[String]>,
    /// The problem, with its numbers.
    #[serde(serialize_with = "as_itself")]
    pub text: Arc<str>,
    /// The numbers by name, with the unit at the end of each name, sorted by name.
    #[serde(serialize_with = "as_map")]
    pub values: Box<[(&'static str, f64)]>,
}

fn as_map<S: Serializer>(values: &[(&'static str, f64)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(values.iter().copied())
}

fn as_itself<T: Serialize + ?Sized, S: Serializer>(shared: &Arc<T>, to: S) -> Result<S::Ok, S::Error> {
    (**shared).serialize(to)
}

impl FindingEntry {
    fn of(finding: &Finding, severity: Severity) -> Self {
        Self {
            check: finding.check.name(),
            severity: severity.name(),
            file: finding.place.file.clone(),
            others: Arc::clone(&finding.others),
            text: Arc::clone(&finding.text),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shared_with_the_finding() {
        let place = |name: &str| Place::file(name);
        let finding = Finding::of_samples(Check::EqualImage, vec![3], place("a"), "is b".to_owned());
        let finding = finding.beside(vec![place("b")]);
        let entries = FindingEntry::all([&finding].into_iter(), &CheckLevels::default());
        assert!(
            Arc::ptr_eq(&entries[0].text, &finding.text) && Arc::ptr_eq(&entries[0].others, &finding.others)
        );
        let json = serde_json::to_value(&entries[0]).unwrap();
        assert_eq!((&json["text"], &json["others"]), (&"is b".into(), &serde_json::json!(["b"])));
    }
}
