//! The mask planes: those asked for, else every name that some image has.

use std::collections::BTreeMap;

use crate::files::Catalog;
use crate::layout::left_out::other_annotations;
use crate::layout::{LayoutError, Select, StructureChoice, StructurePatterns, fold};
use crate::model::StructureSet;
use crate::source::PartInfo;

use super::images::Images;
use super::open_file::{OpenFile, candidates, why_on_none};

/// The most structures that are taken without being asked for.
const MOST: usize = 32;

/// The mask plane of images without any annotation, which is empty.
const NO_STRUCTURE: &str = "none";

/// The mask planes for `files`.
pub(super) fn choose(
    files: &[OpenFile],
    images: &Images,
    catalog: &Catalog,
    select: &Select,
    problems: &[String],
) -> Result<StructurePatterns, LayoutError> {
    let choice = &select.structures;
    if let StructureChoice::Named(patterns) = choice {
        let all = || files.iter().flat_map(|file| file.opened.annotation.parts());
        for pattern in patterns.patterns() {
            // Without any annotation file, images alone are asked for.
            if !files.is_empty()
                && !all().any(|part| {
                    pattern.matches(&part.name, part.part.number()) || names_number(pattern.text(), part)
                })
            {
                return Err(unknown(pattern.text(), all()));
            }
        }
        return Ok(patterns.clone());
    }
    let mut names: Vec<String> = Vec::new();
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
            let same = parts.iter().filter(|other| other.name == part.name).count();
            let name = match part.name.as_str() {
                "" => part.part.to_string(),
                name if same > 1 => format!("{name}{}", part.part),
                name => name.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let limit = if matches!(choice, StructureChoice::All) { usize::MAX } else { MOST };
    if names.len() > limit {
        return Err(LayoutError::TooManyStructures { count: names.len(), names: names.join(", ") });
    }
    // Images are taken alone only where there is nothing that could be an annotation of them.
    if names.is_empty() && problems.is_empty() && select.images_alone {
        return Ok(StructurePatterns::of_names(
            StructureSet::new([NO_STRUCTURE]).expect("one name is a set"),
        ));
    }
    if names.is_empty() {
        return Err(LayoutError::NoStructure { why: why(&problems, catalog) });
    }
    let parts: Vec<String> = names.iter().map(|name| selection(name)).collect();
    StructurePatterns::parse(&parts.join(","))
        .map_err(|error| LayoutError::Names { message: error.to_string() })
}

/// A name as `--structures` takes it. One with characters that the names of mask planes may not have becomes a plane of
/// another name.
#[must_use]
pub fn selection(name: &str) -> String {
    let is_plain =
        !name.contains(|c: char| ",/=+#".contains(c) || c.is_control()) && !name.starts_with("re:");
    if is_plain && name.len() <= 64 && fold(name) == name {
        return name.to_owned();
    }
    let mut plane: String =
        name.chars().map(|c| if ",/=+".contains(c) || c.is_control() { '_' } else { c }).collect();
    while plane.len() > 64 {
        plane.pop();
    }
    // `re:` begins an expression.
    if plane.starts_with("re:") {
        plane.replace_range(2..3, "_");
    }
    // `name#number` and `#number` are terms of their own.
    if name.contains('#') && !name.contains(|c: char| ",/=+".contains(c)) {
        return format!("{}={name}", plane.trim().replace('#', "_"));
    }
    let escaped: String = name
        .chars()
        .map(|c| match c {
            ',' => "[,]".to_owned(),
            '+' => "[+]".to_owned(),
            '=' => "[=]".to_owned(),
            c => regex::escape(c.encode_utf8(&mut [0; 4])),
        })
        .collect();
    format!("{}=re:{escaped}", plane.trim())
}

/// Problems of the annotation files, the first three; or annotations of other kinds that are there.
fn why(problems: &[String], catalog: &Catalog) -> String {
    match problems {
        [] => match &other_annotations(catalog, true)[..] {
            [] => ": there is none of either below the data directory; --unlabelled include makes a file of the images alone".to_owned(),
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

/// True if `text` is the name and number of a part: `name#number`.
pub(super) fn names_number(text: &str, part: &PartInfo) -> bool {
    text.rsplit_once('#').is_some_and(|(name, number)| {
        !name.is_empty() && fold(name) == part.name && number.trim().parse().ok() == part.part.number()
    })
}

fn unknown<'a>(asked: &str, parts: impl Iterator<Item = &'a PartInfo>) -> LayoutError {
    let mut found: BTreeMap<String, ()> = BTreeMap::new();
    for part in parts {
        found.insert(format!("{} ({})", part.name, part.part), ());
    }
    let found: Vec<String> = found.into_keys().take(64).collect();
    LayoutError::UnknownStructure { asked: asked.to_owned(), one: found.len() == 1, found: found.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_takes_the_name_that_it_is_for() {
        for name in
            ["LV endo", "left, lung", "re:x", "LV+<endo>", "a=b \u{2013} c", "x/y (z) [1] {2} ^$*?|~&-"]
        {
            let name = fold(name);
            let patterns = StructurePatterns::parse(&selection(&name)).expect("a selection is a pattern");
            assert!(patterns.patterns()[0].matches(&name, None), "{name} by {}", selection(&name));
        }
    }
}
