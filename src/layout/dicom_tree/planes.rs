//! The mask planes: those asked for, else every name that some image has.

use std::collections::BTreeMap;
use std::path::Path;

use crate::files::Catalog;
use crate::files::table::called_table;
use crate::layout::left_out::other_annotations;
use crate::layout::{LayoutError, Select, StructureChoice, StructurePatterns};
use crate::model::{Note, StructureSet};
use crate::source::PartInfo;

use super::found::{FoundStructure, told_apart};
use super::images::Images;
use super::open_file::{OpenFile, candidates, why_on_none};
use super::spellings;

/// The most structures that are taken without being asked for.
const MOST: usize = 32;

/// The mask plane of images without any annotation, which is empty.
const NO_STRUCTURE: &str = "none";

/// The mask planes for `files`, and notes on names that differ in spelling alone.
pub(super) fn choose(
    files: &[OpenFile],
    images: &Images,
    catalog: &Catalog,
    select: &Select,
    problems: &[String],
) -> Result<(StructurePatterns, Vec<Note>), LayoutError> {
    let choice = &select.structures;
    if let StructureChoice::Named(patterns) = choice {
        for pattern in patterns.patterns() {
            // Without any annotation file, images alone are asked for.
            if !files.is_empty()
                && files.iter().all(|file| pattern.takes(file.opened.annotation.parts()).is_empty())
            {
                let all = files.iter().flat_map(|file| file.opened.annotation.parts());
                return Err(unknown(pattern.text(), all));
            }
        }
        return Ok((patterns.clone(), spellings::left_out(files, patterns, catalog)));
    }
    let mut found: Vec<FoundStructure> = Vec::new();
    let mut problems = problems.to_vec();
    for file in files {
        let parts = file.opened.annotation.parts();
        let indices = candidates(file, images);
        let keys: Vec<_> = indices.iter().map(|&index| images.all[index].key.clone()).collect();
        let all: Vec<_> = parts.iter().map(|part| part.part).collect();
        let joined = file.opened.annotation.join(&all, &keys);
        let name = catalog.name(file.file);
        problems.extend(joined.lost.iter().take(1).map(|lost| format!("{name}: {lost}")));
        if joined.images.is_empty() && joined.lost.is_empty() {
            problems.push(format!("{name}: {}", why_on_none(file, &keys)));
        }
        for part in parts.iter().filter(|part| joined.images.iter().any(|(found, _)| *found == part.part)) {
            let one = FoundStructure::new(part, parts, file.file, &name)?;
            if found.iter().all(|other| other.name != one.name) {
                found.push(one);
            }
        }
    }
    let limit = if matches!(choice, StructureChoice::All) { usize::MAX } else { MOST };
    if found.len() > limit {
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        return Err(LayoutError::TooManyStructures { count: found.len(), names: names.join(", ") });
    }
    // Images are taken alone only where there is nothing that could be an annotation of them.
    if found.is_empty() && problems.is_empty() && select.images_alone {
        let none = StructurePatterns::of_names(StructureSet::new([NO_STRUCTURE]).expect("one name is a set"));
        return Ok((none, Vec::new()));
    }
    if found.is_empty() {
        return Err(LayoutError::NoStructure { why: why(&problems, catalog) });
    }
    let notes = spellings::of_planes(&found, catalog);
    StructurePatterns::parse(&told_apart(&found).join(","))
        .map(|planes| (planes, notes))
        .map_err(|error| LayoutError::Names { message: error.to_string() })
}

/// Problems of the annotation files, the first three; or annotations of other kinds that are there.
fn why(problems: &[String], catalog: &Catalog) -> String {
    match problems {
        [] => match &other_annotations(catalog, true)[..] {
            [] => format!(
                ": there is none of either below the data directory; {}--unlabelled include makes a file of the images alone",
                table_advice(catalog)
            ),
            others => {
                let others: Vec<String> = others.iter().map(ToString::to_string).collect();
                format!(": there is none of either below the data directory, but {}", others.join("; "))
            }
        },
        [first @ .., _] if first.len() >= 3 => {
            format!(": {} (and {} more)", problems[..3].join("; "), problems.len() - 3)
        }
        few => format!(": {}", few.join("; ")),
    }
}

/// The option that reads a table below the data directory, which may name annotations.
fn table_advice(catalog: &Catalog) -> String {
    let names = catalog.files().map(|file| catalog.name(file));
    let table = names.into_iter().find_map(|name| Some((called_table(Path::new(&name))?, name)));
    let advice = match &table {
        None => return String::new(),
        Some((None, name)) => format!("--table reads masks and contours that a table like {name} names"),
        Some((Some(kind), name)) => {
            format!("{name} is {kind}: --table reads masks and contours that a table names, saved as CSV")
        }
    };
    advice + "; "
}

fn unknown<'a>(asked: &str, parts: impl Iterator<Item = &'a PartInfo>) -> LayoutError {
    let mut found: BTreeMap<String, ()> = BTreeMap::new();
    for part in parts {
        found.insert(format!("{} ({})", part.name, part.part), ());
    }
    let found: Vec<String> = found.into_keys().take(64).collect();
    LayoutError::UnknownStructure { asked: asked.to_owned(), one: found.len() == 1, found: found.join(", ") }
}
