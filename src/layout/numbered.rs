//! Pairing of contours with images by the numbers in their names. Pure: numbers in, pairs out.

use std::collections::BTreeMap;

use crate::files::Catalog;
use crate::model::{AnnotationRef, FileId, FrameRef, Part, Place, Reason, Skipped, StructureSet};

use super::name_pattern::NamePatterns;
use super::{LayoutError, Require, Select, StructureChoice, StructurePatterns};

/// The kinds of contours that a layout has, and which mask planes they belong to.
#[derive(Debug, Clone)]
pub(super) struct Kinds {
    /// Names of the kinds in the layout.
    known: Box<[Box<str>]>,
    /// The mask planes.
    pub(super) planes: StructurePatterns,
    require: Require,
}

impl Kinds {
    /// The kinds `known` as `select` asks for them; `default` where it leaves them to the layout.
    pub(super) fn new(
        known: &[&str],
        select: &Select,
        default: &StructurePatterns,
    ) -> Result<Self, LayoutError> {
        let planes = match &select.structures {
            StructureChoice::Named(planes) => planes.clone(),
            StructureChoice::Default => default.clone(),
            StructureChoice::All => StructurePatterns::of_names(
                StructureSet::new(known.iter().copied()).expect("a layout knows different names"),
            ),
        };
        let exists =
            |pattern: &&super::StructurePattern| !known.iter().any(|name| pattern.matches(name, None));
        if let Some(pattern) = planes.patterns().iter().find(exists) {
            let (asked, found) = (pattern.text().to_owned(), known.join(", "));
            return Err(LayoutError::UnknownStructure { asked, found, one: known.len() == 1 });
        }
        let known = known.iter().copied().map(Box::from).collect();
        Ok(Self { known, planes, require: select.require })
    }

    /// The kinds of a layout, `usual`, and those that patterns of names add. Where patterns name structures, these are
    /// taken by default, else the inner one.
    pub(super) fn of_layout(
        usual: &[&str],
        names: &NamePatterns,
        select: &Select,
    ) -> Result<Self, LayoutError> {
        let named = names.structures();
        let default: Vec<&str> = match &*named {
            [] => vec!["inner"],
            named => named.iter().map(|name| &**name).collect(),
        };
        let set = StructureSet::new(default.iter().copied());
        let set = set.map_err(|error| LayoutError::Names { message: error.to_string() })?;
        let own = named.iter().map(|name| &**name).filter(|name| !usual.contains(name));
        let known: Vec<&str> = usual.iter().copied().chain(own).collect();
        Self::new(&known, select, &StructurePatterns::of_names(set))
    }

    /// Names of the kinds in the layout.
    pub(super) fn known(&self) -> &[Box<str>] {
        &self.known
    }

    /// True if there is a kind of this name.
    pub(super) fn has(&self, kind: &str) -> bool {
        self.index(kind).is_some()
    }

    /// The index of the kind called so.
    pub(super) fn index(&self, kind: &str) -> Option<usize> {
        self.known.iter().position(|known| **known == *kind)
    }

    /// True if a mask plane needs the kind.
    pub(super) fn is_asked(&self, kind: usize) -> bool {
        self.planes.patterns().iter().any(|pattern| pattern.matches(&self.known[kind], None))
    }

    /// Advice for taking the kind too.
    pub(super) fn ask(&self, kind: usize) -> String {
        let wanted = (0..self.known.len()).filter(|&other| other == kind || self.is_asked(other));
        let names: Vec<&str> = wanted.map(|kind| &*self.known[kind]).collect();
        format!("ask for it with --structures {}", names.join(","))
    }
}

/// A file with a number in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) number: i32,
    pub(super) file: FileId,
}

/// The files of one patient.
#[derive(Debug, Default)]
pub(super) struct Case {
    /// The folder of the images, for people; `None` where there is none.
    pub(super) image_folder: Option<String>,
    pub(super) images: Vec<Numbered>,
    /// For each kind of contour that was asked for, its files; empty for the others.
    pub(super) contours: Vec<Vec<Numbered>>,
}

/// An image, with its annotations by mask plane.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NumberedPair {
    pub(super) number: i32,
    pub(super) image: FrameRef,
    pub(super) annotations: Box<[Box<[AnnotationRef]>]>,
}

/// Result of pairing the files of one patient.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paired {
    /// Images with contours, by number.
    pub(super) samples: Vec<NumberedPair>,
    /// Images without, by number.
    pub(super) unlabelled: Vec<NumberedPair>,
    /// All other files.
    pub(super) skipped: Vec<Skipped>,
}

/// All files of one number.
#[derive(Default)]
struct Group {
    images: Vec<FileId>,
    contours: Vec<Vec<FileId>>,
}

/// Pairs the files of one patient.
pub(super) fn pair(case: &Case, kinds: &Kinds, catalog: &Catalog) -> Paired {
    let mut groups: BTreeMap<i32, Group> = BTreeMap::new();
    let empty = || Group { images: Vec::new(), contours: vec![Vec::new(); kinds.known.len()] };
    for Numbered { number, file } in &case.images {
        groups.entry(*number).or_insert_with(empty).images.push(*file);
    }
    for (kind, files) in case.contours.iter().enumerate() {
        for Numbered { number, file } in files {
            groups.entry(*number).or_insert_with(empty).contours[kind].push(*file);
        }
    }
    let mut pairing = Pairing { case, kinds, catalog, paired: Paired::default() };
    groups.into_iter().for_each(|(number, group)| pairing.settle(number, &group));
    pairing.paired
}

struct Pairing<'a> {
    case: &'a Case,
    kinds: &'a Kinds,
    catalog: &'a Catalog,
    paired: Paired,
}

impl Pairing<'_> {
    /// Decides about all files of one number.
    fn settle(&mut self, number: i32, group: &Group) {
        if let Some(claims) = self.ambiguity(group) {
            let detail = format!("{claims} both have number {number}; remove or rename one");
            self.skip(&group.images, Reason::Ambiguous, &detail);
            return self.skip_contours(group, Reason::Ambiguous, &detail);
        }
        let Some(&image) = group.images.first() else {
            let detail = match &self.case.image_folder {
                Some(folder) => format!("{folder} has no image with number {number}"),
                None => "the patient has no folder of images".to_owned(),
            };
            return self.skip_contours(group, Reason::ContourWithoutImage, &detail);
        };
        let planes = &self.kinds.planes;
        let mut annotations: Box<[Box<[AnnotationRef]>]> = planes
            .patterns()
            .iter()
            .map(|pattern| {
                let kinds = self.kinds.known.iter().zip(&group.contours);
                let matching = kinds.filter(|(known, _)| pattern.matches(known, None));
                matching
                    .flat_map(|(_, files)| files.first())
                    .map(|&file| AnnotationRef { file, part: Part::Whole })
                    .collect()
            })
            .collect();
        let image = FrameRef { file: image, frame: 0 };
        let names = planes.names().names().zip(&annotations);
        let lacking: Vec<&str> = names.filter(|(_, refs)| refs.is_empty()).map(|(name, _)| name).collect();
        let any = lacking.len() < annotations.len();
        if any && (lacking.is_empty() || self.kinds.require == Require::Any) {
            return self.paired.samples.push(NumberedPair { number, image, annotations });
        }
        if any {
            let lacking = lacking.join(" and no ");
            let detail = format!("the image has no {lacking} contour, and --require all asks for it");
            self.skip_contours(group, Reason::StructureMissing, &detail);
            annotations.fill(Box::default());
        }
        self.paired.unlabelled.push(NumberedPair { number, image, annotations });
    }

    /// The first two files of one kind that claim the number, by name.
    fn ambiguity(&self, group: &Group) -> Option<String> {
        let two = |files: &Vec<FileId>| match files[..] {
            [first, second, ..] => {
                Some(format!("{} and {}", self.catalog.name(first), self.catalog.name(second)))
            }
            _ => None,
        };
        std::iter::once(&group.images).chain(&group.contours).find_map(two)
    }

    fn skip_contours(&mut self, group: &Group, reason: Reason, detail: &str) {
        group.contours.iter().for_each(|files| self.skip(files, reason, detail));
    }

    fn skip(&mut self, files: &[FileId], reason: Reason, detail: &str) {
        for &file in files {
            let place = Place::file(self.catalog.name(file));
            self.paired.skipped.push(Skipped::new(place, reason, detail).of(file));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const KNOWN: [&str; 2] = ["inner", "outer"];

    /// Pairs files given as numbers; the catalog has them as `<folder>/<number>`.
    fn run(images: &[i32], contours: [&[i32]; 2], asked: &str, require: Require) -> (Paired, Catalog) {
        let select = Select {
            structures: StructureChoice::Named(StructurePatterns::parse(asked).unwrap()),
            require,
            ..Select::default()
        };
        let kinds = Kinds::new(&KNOWN, &select, &StructurePatterns::parse("inner").unwrap()).unwrap();
        let mut catalog = Catalog::default();
        let mut folder = |name: &str, numbers: &[i32]| -> Vec<Numbered> {
            let id = catalog.add_folder(PathBuf::from(name), name);
            let mut count = 0..;
            let mut name = |number: &i32| format!("{number}.{}", count.next().unwrap_or(0));
            numbers
                .iter()
                .map(|number| Numbered { number: *number, file: catalog.add(id, &name(number)) })
                .collect()
        };
        let images = folder("d", images);
        let contours = [folder("i", contours[0]), folder("o", contours[1])];
        let contours =
            (0..2).zip(contours).map(|(kind, files)| if kinds.is_asked(kind) { files } else { Vec::new() });
        let case = Case { image_folder: Some("d".to_owned()), images, contours: contours.collect() };
        (pair(&case, &kinds, &catalog), catalog)
    }

    fn samples(pairs: &[NumberedPair], catalog: &Catalog) -> Vec<(i32, String)> {
        let refs = |refs: &[AnnotationRef]| {
            let names: Vec<String> = refs.iter().map(|one| catalog.name(one.file)).collect();
            if names.is_empty() { "-".to_owned() } else { names.join("+") }
        };
        let all =
            |pair: &NumberedPair| pair.annotations.iter().map(|one| refs(one)).collect::<Vec<_>>().join(" ");
        pairs.iter().map(|pair| (pair.number, all(pair))).collect()
    }

    fn skipped(paired: &Paired) -> Vec<String> {
        paired.skipped.iter().map(|s| format!("{} {}: {}", s.place, s.reason, s.detail)).collect()
    }

    #[test]
    fn pairs_by_number() {
        let (paired, catalog) = run(&[9, 48, 5], [&[9, 48], &[48]], "inner,outer", Require::Any);
        let pair = |number: i32, annotations: &str| (number, annotations.to_owned());
        assert_eq!(samples(&paired.samples, &catalog), [pair(9, "i/9.0 -"), pair(48, "i/48.1 o/48.0")]);
        assert_eq!(samples(&paired.unlabelled, &catalog), [pair(5, "- -")]);
        assert!(paired.skipped.is_empty());
    }

    #[test]
    fn a_plane_may_be_several_kinds_united() {
        let (paired, catalog) = run(&[9, 48], [&[9, 48], &[48]], "heart=inner+outer", Require::All);
        let pair = |number: i32, annotations: &str| (number, annotations.to_owned());
        assert_eq!(samples(&paired.samples, &catalog), [pair(9, "i/9.0"), pair(48, "i/48.1+o/48.0")]);
    }

    #[test]
    fn all_structures_can_be_required() {
        let (paired, catalog) = run(&[9, 48], [&[9, 48], &[48]], "inner,outer", Require::All);
        assert_eq!(samples(&paired.samples, &catalog), [(48, "i/48.1 o/48.0".to_owned())]);
        assert_eq!(samples(&paired.unlabelled, &catalog), [(9, "- -".to_owned())]);
        assert_eq!(
            skipped(&paired),
            ["i/9.0 structure-missing: the image has no outer contour, and --require all asks for it"]
        );
    }

    #[test]
    fn two_images_of_one_number_take_their_contours_with_them() {
        let (paired, _) = run(&[48, 48], [&[48], &[48]], "inner", Require::Any);
        assert!(paired.samples.is_empty() && paired.unlabelled.is_empty());
        let why = "ambiguous: d/48.0 and d/48.1 both have number 48; remove or rename one";
        assert_eq!(
            skipped(&paired),
            [format!("d/48.0 {why}"), format!("d/48.1 {why}"), format!("i/48.0 {why}")]
        );
    }

    #[test]
    fn two_contours_of_one_number_take_their_image_with_them() {
        let (paired, catalog) = run(&[48, 9], [&[48, 48, 9], &[48]], "inner,outer", Require::Any);
        assert_eq!(samples(&paired.samples, &catalog), [(9, "i/9.2 -".to_owned())]);
        assert_eq!(paired.skipped.len(), 4);
        for skipped in &paired.skipped {
            assert_eq!(skipped.reason, Reason::Ambiguous);
            assert!(skipped.detail.contains("i/48.0 and i/48.1"));
        }
    }

    #[test]
    fn a_contour_needs_an_image() {
        let (paired, _) = run(&[], [&[48], &[]], "inner", Require::Any);
        assert_eq!(skipped(&paired), ["i/48.0 contour-without-image: d has no image with number 48"]);
        let kinds =
            Select { structures: StructureChoice::Default, require: Require::Any, ..Select::default() };
        let kinds = Kinds::new(&KNOWN, &kinds, &StructurePatterns::parse("inner").unwrap()).unwrap();
        assert_eq!((kinds.is_asked(0), kinds.is_asked(1)), (true, false));
        assert_eq!(kinds.ask(1), "ask for it with --structures inner,outer");
    }

    #[test]
    fn what_the_layout_does_not_have_is_named() {
        let select = Select {
            structures: StructureChoice::Named(StructurePatterns::parse("lv").unwrap()),
            require: Require::Any,
            ..Select::default()
        };
        let error = Kinds::new(&KNOWN, &select, &StructurePatterns::parse("inner").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "--structures: no annotation is called lv; there are inner, outer");
    }
}
