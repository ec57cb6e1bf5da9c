//! Structures that become mask planes without being asked for.

use std::collections::HashSet;

use crate::layout::{LayoutError, numbered_selection, selection};
use crate::model::FileId;
use crate::source::PartInfo;

/// A structure that becomes a mask plane without being asked for.
pub(super) struct FoundStructure {
    pub(super) name: String,
    pub(super) selection: String,
    /// The first file that has it.
    pub(super) file: FileId,
}

impl FoundStructure {
    /// The structure `part`, one of the `parts` of a file.
    pub(super) fn new(
        part: &PartInfo,
        parts: &[PartInfo],
        file: FileId,
        file_name: &str,
    ) -> Result<Self, LayoutError> {
        let of_number =
            |selection: String| Self { name: format!("{}{}", part.name, part.part), selection, file };
        let same: Vec<&PartInfo> = parts.iter().filter(|other| other.name == part.name).collect();
        match (part.name.as_str(), part.part.number()) {
            ("", Some(number)) => Ok(of_number(format!("_{number}=#{number}"))),
            (name, Some(number)) if same.len() > 1 => {
                numbered_selection(name, number).map(of_number).ok_or_else(|| LayoutError::Names {
                    message: format!(
                        "{file_name}: {} and {} are both called {name}: tell them apart by number, as in a={},b={}",
                        same[0].part, same[1].part, same[0].part, same[1].part
                    ),
                })
            }
            (name, _) => Ok(Self { name: name.to_owned(), selection: selection(name), file }),
        }
    }
}

/// The longest name of a mask plane that a number is added to, in bytes.
const MAX_BASE_BYTES: usize = 60;

/// The selections, each of a plane of its own: names that are equal but for characters that no plane may have are told
/// apart by a number.
pub(super) fn told_apart(found: &[FoundStructure]) -> Vec<String> {
    let split = |one: &FoundStructure| match one.selection.split_once('=') {
        Some((plane, pattern)) => (plane.to_owned(), Some(pattern.to_owned())),
        None => (one.selection.clone(), None),
    };
    let mut parts: Vec<(String, Option<String>)> = found.iter().map(split).collect();
    // What is called as its plane keeps the name.
    let mut taken: HashSet<String> =
        parts.iter().filter(|(_, pattern)| pattern.is_none()).map(|(plane, _)| plane.clone()).collect();
    for (plane, _) in parts.iter_mut().filter(|(_, pattern)| pattern.is_some()) {
        let mut base = plane.clone();
        while base.len() > MAX_BASE_BYTES {
            base.pop();
        }
        let numbered = (2..=found.len()).map(|number| format!("{base} {number}"));
        let free = std::iter::once(plane.clone()).chain(numbered).find(|name| !taken.contains(name));
        *plane = free.unwrap_or_default();
        taken.insert(plane.clone());
    }
    let joined = |(plane, pattern): (String, Option<String>)| match pattern {
        Some(pattern) => format!("{plane}={pattern}"),
        None => plane,
    };
    parts.into_iter().map(joined).collect()
}
