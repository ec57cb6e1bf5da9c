//! Severities that differ from those of the checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Check, CheckSet, Finding, Severity};

/// Severities of checks by choice. `None` stands for a check that is off.
/// Serialized as a list of the choices, each as [`CheckLevels::add`] takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct CheckLevels(BTreeMap<Check, Option<Severity>>);

impl From<CheckLevels> for Vec<String> {
    fn from(levels: CheckLevels) -> Self {
        levels.names().map(|(check, level)| format!("{check}={level}")).collect()
    }
}

impl TryFrom<Vec<String>> for CheckLevels {
    type Error = LevelError;

    fn try_from(choices: Vec<String>) -> Result<Self, Self::Error> {
        let mut levels = Self::default();
        choices.iter().try_for_each(|choice| levels.add(choice))?;
        Ok(levels)
    }
}

/// Word for a check without findings.
const OFF: &str = "off";

/// Error in the level of a check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// Not of the form `NAME=LEVEL`.
    #[error("`{0}` is not NAME=LEVEL; write for example spike=off")]
    NotAPair(String),
    /// No check has this name.
    #[error("there is no check `{0}`; `dicomprep audit --help` lists them")]
    UnknownCheck(String),
    /// The level is none of the four.
    #[error("`{0}` is no level; use off, note, warning or error")]
    UnknownLevel(String),
}

impl CheckLevels {
    /// Parses one choice, `NAME=off|note|warning|error`, and adds it.
    ///
    /// # Errors
    /// [`LevelError`] where the check or the level is not known.
    pub fn add(&mut self, text: &str) -> Result<(), LevelError> {
        let (name, level) = text.split_once('=').ok_or_else(|| LevelError::NotAPair(text.to_owned()))?;
        let (name, level) = (name.trim(), level.trim());
        let check = Check::ALL.into_iter().find(|check| check.name() == name);
        let check = check.ok_or_else(|| LevelError::UnknownCheck(name.to_owned()))?;
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        let severity = severities.into_iter().find(|severity| severity.name() == level);
        if severity.is_none() && level != OFF {
            return Err(LevelError::UnknownLevel(level.to_owned()));
        }
        self.0.insert(check, severity);
        Ok(())
    }

    /// The severity of findings of `check`; `None` where it is off.
    #[must_use]
    pub fn severity(&self, check: Check) -> Option<Severity> {
        self.0.get(&check).copied().unwrap_or(Some(check.severity()))
    }

    /// Removes findings of checks that are off.
    pub fn keep(&self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| self.severity(finding.check).is_some());
    }

    /// The checks that are off.
    #[must_use]
    pub fn off(&self) -> CheckSet {
        let mut set = CheckSet::default();
        self.0.iter().filter(|(_, severity)| severity.is_none()).for_each(|(check, _)| set.insert(*check));
        set
    }

    /// The choices by the names of the checks, as [`CheckLevels::add`] takes them.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|(check, severity)| (check.name(), severity.map_or(OFF, Severity::name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_chosen_by_name() {
        let mut levels = CheckLevels::default();
        assert_eq!(levels.severity(Check::Spike), Some(Severity::Warning));
        levels.add("spike=error").unwrap();
        levels.add(" no-area = off ").unwrap();
        assert_eq!(
            (levels.severity(Check::Spike), levels.severity(Check::NoArea)),
            (Some(Severity::Error), None)
        );
        assert_eq!(levels.off().names(), "no-area");
        assert_eq!(levels.names().collect::<Vec<_>>(), [("no-area", "off"), ("spike", "error")]);
        for (text, what) in [("spike", "NAME=LEVEL"), ("spikes=off", "no check"), ("spike=on", "no level")] {
            assert!(levels.add(text).unwrap_err().to_string().contains(what));
        }
    }
}
