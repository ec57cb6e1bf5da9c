//! Data sets of cases, each with numbered images and contours: what the layouts of challenges share.

use std::collections::{BTreeMap, HashSet};

use crate::files::{FileKind, Tree};
use crate::model::{FileId, Nesting, Place, Reason, Relations, Sample, Skipped};

use super::name_pattern::{NameFault, NamePatterns, parse_number};
use super::numbered::{Case, Kinds, Numbered, pair};
use super::{LayoutError, Patient, SampleSet, Select, Study};

/// Facts that the name of a file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// The image with this number.
    Image(i32),
    /// The contour of this kind with this number.
    Contour(usize, i32),
    /// It looks like an image or a contour, and cannot be used for this reason.
    Unusable(NameFault),
}

/// A file of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CaseFile {
    /// By which files of one case know each other.
    pub(super) key: String,
    /// The name of the case where its images stand; of that where its contours stand.
    pub(super) name: Box<str>,
    /// Role of the file.
    pub(super) named: Named,
}

/// A layout of cases.
pub(super) struct Cases<'a> {
    /// Its name.
    pub(super) name: &'static str,
    /// The kinds of contours.
    pub(super) kinds: &'static [&'static str],
    /// Names that are not those of the layout.
    pub(super) names: &'a NamePatterns,
    /// Role of a file, by its folders and its name; `None` where it is none of the layout.
    pub(super) classify: &'a dyn Fn(&[&str], &str) -> Option<CaseFile>,
}

/// The files of one case.
#[derive(Default)]
struct Found {
    patient: Box<str>,
    original: Box<str>,
    contour_place: String,
    case: Case,
}

impl Cases<'_> {
    /// Pairs the files of a tree.
    pub(super) fn pair(&self, mut tree: Tree, select: &Select) -> Result<SampleSet, LayoutError> {
        let kinds = Kinds::of_layout(self.kinds, self.names, select)?;
        let folders = std::mem::take(&mut tree.folders);
        let set = SampleSet::new(self.name, tree, kinds.planes.clone());
        let mut sorted = SortedFiles { set, kinds, cases: BTreeMap::new() };
        for folder in folders {
            if let Err(reason) = folder.place {
                folder.files.iter().for_each(|&file| skip(&mut sorted.set, file, reason, ""));
                continue;
            }
            let shown = sorted.set.catalog.folder_name(folder.id).to_owned();
            let path: Vec<&str> = shown.split('/').collect();
            for file in folder.files {
                if let Some(found) = (self.classify)(&path, sorted.set.catalog.file_name(file)) {
                    sorted.add(file, &shown, found);
                }
            }
        }
        let SortedFiles { mut set, kinds, cases } = sorted;
        set.relations = relations(&kinds);
        let mut ids = HashSet::new();
        for (key, found) in cases {
            add_case(&mut set, &kinds, &mut ids, key, found);
        }
        pair_by_number(&mut set);
        Ok(set)
    }
}

/// The files of a layout, sorted into cases.
struct SortedFiles {
    set: SampleSet,
    kinds: Kinds,
    /// By the key of each case.
    cases: BTreeMap<String, Found>,
}

impl SortedFiles {
    /// Adds a file in the folder shown as `folder`.
    fn add(&mut self, file: FileId, folder: &str, found: CaseFile) {
        let Self { set, kinds, cases } = self;
        let case = cases.entry(found.key).or_default();
        case.case.contours.resize_with(kinds.known().len(), Vec::new);
        match found.named {
            Named::Image(number) => {
                set.catalog.set_kind(file, FileKind::Image);
                case.patient = found.name;
                case.case.image_folder.get_or_insert_with(|| folder.to_owned());
                case.case.images.push(Numbered { number, file });
            }
            Named::Contour(kind, number) => {
                case.original = found.name;
                folder.clone_into(&mut case.contour_place);
                if kinds.is_asked(kind) {
                    set.catalog.set_kind(file, FileKind::ContourText);
                    case.case.contours[kind].push(Numbered { number, file });
                } else {
                    skip(set, file, Reason::StructureNotAsked, &kinds.ask(kind));
                }
            }
            Named::Unusable(fault) => skip(set, file, fault.reason, &fault.detail),
        }
    }
}

/// Adds the samples of one case, which is one patient.
fn add_case(set: &mut SampleSet, kinds: &Kinds, ids: &mut HashSet<Box<str>>, key: String, found: Found) {
    let [patient, study] = [set.patients.len(), set.studies.len()].map(|count| count as u32);
    let name = if found.patient.is_empty() { &found.original } else { &found.patient };
    // Two cases of one name keep apart by their keys.
    let id: Box<str> = if ids.contains(name) { key.into() } else { name.clone() };
    ids.insert(id.clone());
    let paired = pair(&found.case, kinds, &set.catalog);
    let mut add = |pair: super::numbered::NumberedPair| {
        let file = set.catalog.file_name(pair.image.file);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        Sample {
            id: format!("{id}/{stem}").into(),
            patient,
            study,
            place: pair.number as u32,
            image: pair.image,
            number: Some(pair.number),
            annotations: pair.annotations,
        }
    };
    let samples: Vec<Sample> = paired.samples.into_iter().map(&mut add).collect();
    let unlabelled: Vec<Sample> = paired.unlabelled.into_iter().map(&mut add).collect();
    set.samples.extend(samples);
    set.unlabelled.extend(unlabelled);
    paired.skipped.into_iter().for_each(|skipped| set.skip(skipped));
    let place = Place::file(found.contour_place);
    set.studies.push(Study { patient, original_id: found.original, place });
    let folder = found.case.image_folder.unwrap_or_default().into();
    set.patients.push(Patient { id, folder, ..Patient::default() });
}

fn skip(set: &mut SampleSet, file: FileId, reason: Reason, detail: &str) {
    let place = Place::file(set.catalog.name(file));
    set.skip(Skipped::new(place, reason, detail).of(file));
}

/// Says that the numbers in names alone pair images and contours.
pub(super) fn pair_by_number(set: &mut SampleSet) {
    let contours: usize = set.samples.iter().map(|sample| sample.references().count()).sum();
    if contours > 0 {
        let text = format!(
            "{contours} contours are paired with their images by the number in the names of both, and by nothing else"
        );
        set.evidence.assume("pairing", text);
    }
}

/// The inner contour lies within the outer one, around blood, which is brighter than muscle.
pub(super) fn relations(kinds: &Kinds) -> Relations {
    let plane_of = |kind: &str| {
        let is_only = |pattern: &super::StructurePattern| {
            kinds.known().iter().all(|other| pattern.matches(other, None) == (**other == *kind))
        };
        kinds.planes.patterns().iter().position(is_only)
    };
    let [inner, outer] = ["inner", "outer"].map(|kind| plane_of(kind).filter(|_| kinds.has(kind)));
    let nested = inner.zip(outer).map(|(inner, outer)| Nesting { inner, outer });
    Relations { nested, bright: inner, phases: true }
}

/// The number in a name, from its digits; `None` where there are none.
pub(super) fn number(digits: &str) -> Option<Result<i32, NameFault>> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| parse_number(digits))
}

/// The contour that a pattern of names finds; its kind counts as in [`Kinds::of_layout`].
pub(super) fn contour_by_pattern(usual: &[&str], names: &NamePatterns, file: &str) -> Option<Named> {
    let (structure, number) = names.contour("", file)?;
    let own = names.structures().into_iter().filter(|name| !usual.contains(&&**name));
    let all = usual.iter().copied().map(Box::from).chain(own);
    let kind = all.into_iter().position(|name| *name == *structure)?;
    Some(named(number, |number| Named::Contour(kind, number)))
}

/// A number that fits, or why it does not.
pub(super) fn named(number: Result<i32, NameFault>, wrap: impl FnOnce(i32) -> Named) -> Named {
    number.map_or_else(Named::Unusable, wrap)
}
