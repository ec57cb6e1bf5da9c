//! Notes on names that differ in letter case, spaces and punctuation alone.

use std::collections::BTreeMap;

use crate::files::Catalog;
use crate::layout::{StructurePatterns, plain, selection, shell_word, together};
use crate::model::{FileId, Note, Place};

use super::found::FoundStructure;
use super::open_file::OpenFile;

/// Notes on mask planes that are probably one structure.
pub(super) fn of_planes(found: &[FoundStructure], catalog: &Catalog) -> Vec<Note> {
    let mut groups: BTreeMap<String, Vec<&FoundStructure>> = BTreeMap::new();
    for one in found {
        groups.entry(plain(&one.name)).or_default().push(one);
    }
    let note = |group: &Vec<&FoundStructure>| {
        let names: Vec<&str> = group.iter().map(|one| one.name.as_str()).collect();
        let selections: Vec<&str> = group.iter().map(|one| one.selection.as_str()).collect();
        let text = format!(
            "{} differ in spelling alone, and each is a mask plane: --structures {} makes one of them",
            names.join(" | "),
            shell_word(&together(&selections))
        );
        Note::new(Place::file(catalog.name(group[1].file)), text)
    };
    groups.values().filter(|group| group.len() > 1).map(note).collect()
}

/// Notes on structures that nobody has asked for, and that are called like one of the `planes` but for its spelling.
pub(super) fn left_out(files: &[OpenFile], planes: &StructurePatterns, catalog: &Catalog) -> Vec<Note> {
    let mut others: BTreeMap<(&str, &str), FileId> = BTreeMap::new();
    let names: Vec<&str> = planes.patterns().iter().filter_map(|pattern| pattern.name()).collect();
    for file in files {
        let parts = file.opened.annotation.parts();
        for part in parts.iter().filter(|part| !part.kinds.is_empty()) {
            let like = names.iter().find(|name| plain(name) == plain(&part.name));
            let is_taken = || planes.patterns().iter().any(|one| one.matches(&part.name, part.part.number()));
            if let Some(name) = like.filter(|_| !is_taken()) {
                others.entry((name, &part.name)).or_insert(file.file);
            }
        }
    }
    let note = |((name, other), file): ((&str, &str), FileId)| {
        let both = shell_word(&together(&[selection(name), selection(other)]));
        let text = format!(
            "{other} is not asked for, and differs from {name} in spelling alone: --structures {both} takes both"
        );
        Note::new(Place::file(catalog.name(file)), text)
    };
    others.into_iter().map(note).collect()
}
