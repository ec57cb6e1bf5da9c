//! The structures of a data directory, side by side, with what `--structures` would say.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::pool::pool;
use super::summary::GroundEntry;
use super::{Control, PrepError};
use crate::layout::{Inputs, ListedPart, Listing, Reading, numbered_selection, plain, selection, together};
use crate::source::{AnnotationOptions, Limits};

/// Request for a list of structures.
#[derive(Debug, Clone)]
pub struct StructuresRequest {
    /// Options of reading annotation files.
    pub annotation: AnnotationOptions,
    /// Limits of the inputs.
    pub limits: Limits,
    /// Number of threads, at least 1.
    pub threads: usize,
}

/// The structures of a data directory.
#[derive(Debug, Clone, Serialize)]
pub struct StructuresSummary {
    /// The layout.
    pub layout: &'static str,
    /// Reason of the choice, where it was not given.
    pub decided: Vec<GroundEntry>,
    /// Number of images, annotated or not.
    pub images: usize,
    /// Number of patients.
    pub patients: usize,
    /// Each name once, spelling variants side by side, in the order in which they appear.
    pub structures: Vec<StructureEntry>,
    /// Names that differ in letter case, spaces and punctuation alone.
    pub variants: Vec<VariantEntry>,
    /// Annotation files and rows that cannot be used.
    pub problems: Vec<String>,
}

/// A name that annotations have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StructureEntry {
    /// The name; `#7` where the format has no names.
    pub name: String,
    /// The numbers that files give it.
    pub numbers: Vec<i64>,
    /// Ways in which it is drawn, with the number of contours, frames or masks.
    pub kinds: BTreeMap<String, usize>,
    /// Number of annotation files that have it.
    pub files: usize,
    /// Number of images that it is on.
    pub images: usize,
    /// Number of their patients.
    pub patients: usize,
    /// Their numbers, as ranges: `1-20, 24`. Of a cine they tell which phases are annotated.
    pub instances: String,
    /// Value of `--structures` for it.
    pub selection: String,
}

/// Spelling variants of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantEntry {
    /// The names.
    pub names: Vec<String>,
    /// Value of `--structures` for all of them together.
    pub selection: String,
}

/// Lists the structures of `inputs`.
///
/// # Errors
/// [`PrepError::Layout`] where a layout cannot be read, [`PrepError::Threads`], [`PrepError::Interrupted`].
pub fn structures(
    inputs: &dyn Inputs,
    request: &StructuresRequest,
    control: &Control<'_>,
) -> Result<StructuresSummary, PrepError> {
    let reading = Reading { limits: &request.limits, cancel: control.cancel };
    let listing = pool(request.threads)?.install(|| inputs.structures(&request.annotation, &reading));
    let listing = listing.map_err(Box::new)?;
    if control.cancel.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(PrepError::Interrupted);
    }
    let entries = entries(&listing);
    let (structures, variants) = side_by_side(entries);
    Ok(StructuresSummary {
        layout: inputs.name(),
        decided: inputs.reasons().into_iter().map(|text| GroundEntry { about: "layout", text }).collect(),
        images: listing.images,
        patients: listing.patients,
        structures,
        variants,
        problems: listing.problems,
    })
}

/// Parts gathered by one name.
#[derive(Default)]
struct Gathered<'l> {
    parts: Vec<&'l ListedPart>,
    /// True if one file has it more than once.
    is_doubled: bool,
}

impl Gathered<'_> {
    fn is_nameless(&self) -> bool {
        self.parts.iter().all(|part| part.name.is_empty())
    }
}

fn entries(listing: &Listing) -> Vec<StructureEntry> {
    let mut order: Vec<String> = Vec::new();
    let mut gathered: BTreeMap<String, Gathered<'_>> = BTreeMap::new();
    for part in &listing.parts {
        let name = match (&*part.name, part.number) {
            ("", Some(number)) => format!("#{number}"),
            (name, _) => name.to_owned(),
        };
        let of_name = gathered.entry(name.clone()).or_insert_with(|| {
            order.push(name);
            Gathered::default()
        });
        let is_other = |other: &&ListedPart| other.file == part.file && other.number != part.number;
        of_name.is_doubled |= of_name.parts.iter().any(is_other);
        of_name.parts.push(part);
    }
    order.into_iter().filter_map(|name| gathered.remove(&name).map(|found| entry(name, &found))).collect()
}

fn entry(name: String, found: &Gathered<'_>) -> StructureEntry {
    let parts = &found.parts;
    let numbers: BTreeSet<i64> = parts.iter().filter_map(|part| part.number).collect();
    let images: BTreeSet<_> = parts.iter().flat_map(|part| &part.images).collect();
    let patients: BTreeSet<_> = images.iter().map(|image| &image.patient).collect();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (kind, count) in parts.iter().flat_map(|part| &part.kinds) {
        *kinds.entry(kind.clone()).or_default() += count;
    }
    let files: BTreeSet<_> = parts.iter().map(|part| part.file).collect();
    let by_number = |number: &i64| format!("structure {number}=#{number}");
    // Of two in one file, one is meant by its number.
    let selection = match numbers.first() {
        Some(number) if found.is_nameless() => by_number(number),
        Some(number) if found.is_doubled => {
            numbered_selection(&name, *number).unwrap_or_else(|| by_number(number))
        }
        _ => selection(&name),
    };
    StructureEntry {
        numbers: numbers.into_iter().collect(),
        kinds,
        files: files.len(),
        images: images.len(),
        patients: patients.len(),
        instances: ranges(images.iter().filter_map(|image| match image.image.frame {
            0 => image.number,
            frame => i32::try_from(frame).ok(),
        })),
        selection,
        name,
    }
}

/// Numbers as ranges: `1-3, 7`.
fn ranges(numbers: impl Iterator<Item = i32>) -> String {
    let numbers: BTreeSet<i32> = numbers.collect();
    let mut ranges: Vec<[i32; 2]> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some([_, last]) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push([number; 2]),
        }
    }
    let shown = |[first, last]: &[i32; 2]| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// Puts names that are spelled otherwise behind the first of their kind.
fn side_by_side(entries: Vec<StructureEntry>) -> (Vec<StructureEntry>, Vec<VariantEntry>) {
    let mut groups: Vec<(String, Vec<StructureEntry>)> = Vec::new();
    for entry in entries {
        let plain = plain(&entry.name);
        match groups.iter_mut().find(|(other, _)| *other == plain) {
            Some((_, group)) => group.push(entry),
            None => groups.push((plain, vec![entry])),
        }
    }
    let several = groups.iter().filter(|(_, group)| group.len() > 1);
    let variant = |(_, group): &(String, Vec<StructureEntry>)| {
        let selections: Vec<&str> = group.iter().map(|entry| entry.selection.as_str()).collect();
        VariantEntry {
            names: group.iter().map(|entry| entry.name.clone()).collect(),
            selection: together(&selections),
        }
    };
    let variants = several.map(variant).collect();
    (groups.into_iter().flat_map(|(_, group)| group).collect(), variants)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{ListedImage, StructurePatterns};
    use crate::model::{FileId, FrameRef};

    fn part(name: &str, number: i64, file: usize, images: &[i32]) -> ListedPart {
        let image = |&number: &i32| ListedImage {
            image: FrameRef { file: FileId::new(100 + number as usize), frame: 0 },
            patient: "P".into(),
            number: Some(number),
        };
        ListedPart {
            name: name.to_owned(),
            number: Some(number),
            file: FileId::new(file),
            kinds: vec![("RTSTRUCT CLOSED_PLANAR".to_owned(), images.len())],
            images: images.iter().map(image).collect(),
        }
    }

    #[test]
    fn spelling_variants_stand_side_by_side() {
        let parts =
            vec![part("LV_endo", 1, 0, &[1, 2, 3]), part("box", 2, 0, &[7]), part("lv endo", 1, 1, &[2, 9])];
        let listing = Listing { parts, ..Listing::default() };
        let (entries, variants) = side_by_side(entries(&listing));
        let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, ["LV_endo", "lv endo", "box"]);
        assert_eq!((entries[0].images, &*entries[0].instances), (3, "1-3"));
        assert_eq!(entries[1].instances, "2, 9");
        let [variant] = &variants[..] else { panic!("one variant") };
        assert_eq!(variant.selection, "LV_endo=LV_endo+lv endo");
        let patterns = StructurePatterns::parse(&variant.selection).unwrap();
        assert!(patterns.patterns()[0].matches("lv endo", None));
    }

    #[test]
    fn one_name_twice_in_a_file_is_told_by_number() {
        let parts = vec![part("a", 3, 0, &[1]), part("a", 5, 0, &[2])];
        let listing = Listing { parts, ..Listing::default() };
        let found = entries(&listing);
        assert_eq!((found.len(), &*found[0].selection, &*found[0].numbers), (1, "a_3=a#3", &[3, 5][..]));
    }
}
