//! Which contours go with which image, by the numbers in their names. Pure: names in, pairs out.

use std::collections::BTreeMap;

use super::file_number::{contour_number, image_number};
use super::layout::join_name;
use crate::model::{Place, Reason, Skipped, Structure};

/// Which structures a sample needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Require {
    /// At least one of those asked for.
    #[default]
    Any,
    /// All of those asked for.
    All,
}

/// What makes a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairOptions {
    /// The structures asked for, in the order of the mask planes; each once.
    pub structures: Vec<Structure>,
    /// How many of them a sample needs.
    pub require: Require,
}

impl PairOptions {
    /// The value of `--structures` that asks for `more` too.
    fn with(&self, more: Structure) -> String {
        let all = Structure::ALL.into_iter().filter(|s| self.structures.contains(s) || *s == more);
        all.map(Structure::name).collect::<Vec<_>>().join(",")
    }
}

/// The file names of one folder, and what the folder is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    /// As in `dicoms/P1`.
    pub(super) folder: &'a str,
    /// Its files.
    pub(super) files: &'a [Box<str>],
}

impl Names<'_> {
    fn place(&self, name: &str) -> Place {
        Place::file(join_name(self.folder, name))
    }
}

/// An image, with its contours in the order of the structures asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) instance: i32,
    pub(super) image: Box<str>,
    pub(super) annotations: Box<[Option<Box<str>>]>,
}

/// What the files of one patient come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paired {
    /// Images with contours, by number.
    pub(super) samples: Vec<Pair>,
    /// Images without, by number.
    pub(super) unlabelled: Vec<Pair>,
    /// All other files.
    pub(super) skipped: Vec<Skipped>,
    /// How many contours have a name that fits and a structure that was asked for.
    pub(super) contours: usize,
}

/// All files of one number.
#[derive(Default)]
struct Group<'a> {
    images: Vec<&'a str>,
    contours: [Vec<&'a str>; 2],
}

/// Pairs the files of one patient.
///
/// `images` is `None` where the patient has no folder of images. `contours` are the folders of
/// [`Structure::ALL`].
pub(super) fn pair(
    images: Option<Names<'_>>,
    contours: [Option<Names<'_>>; 2],
    options: &PairOptions,
) -> Paired {
    let none = Names { folder: "", files: &[] };
    let contours = contours.map(|names| names.unwrap_or(none));
    let mut pairing = Pairing { images, contours, options, paired: Paired::default() };
    for (number, group) in pairing.groups() {
        pairing.settle(number, &group);
    }
    pairing.paired
}

struct Pairing<'a> {
    images: Option<Names<'a>>,
    contours: [Names<'a>; 2],
    options: &'a PairOptions,
    paired: Paired,
}

impl<'a> Pairing<'a> {
    /// The files by number; those whose names do not fit, or that were not asked for, are skipped.
    fn groups(&mut self) -> BTreeMap<i32, Group<'a>> {
        let mut groups: BTreeMap<i32, Group<'a>> = BTreeMap::new();
        if let Some(names) = self.images {
            for name in names.files {
                match image_number(name) {
                    Ok(number) => groups.entry(number).or_default().images.push(name),
                    Err(detail) => self.skip(names, name, Reason::NameDoesNotFit, &detail),
                }
            }
        }
        for structure in Structure::ALL {
            let names = self.contours[structure as usize];
            let asked = self.options.structures.contains(&structure);
            for name in names.files {
                match contour_number(name, structure) {
                    Ok(number) if asked => {
                        self.paired.contours += 1;
                        groups.entry(number).or_default().contours[structure as usize].push(name);
                    }
                    Ok(_) => {
                        let detail = format!("ask for it with --structures {}", self.options.with(structure));
                        self.skip(names, name, Reason::StructureNotAsked, &detail);
                    }
                    Err(detail) => self.skip(names, name, Reason::NameDoesNotFit, &detail),
                }
            }
        }
        groups
    }

    /// Decides about all files of one number.
    fn settle(&mut self, instance: i32, group: &Group<'_>) {
        if let Some(claims) = self.ambiguity(group) {
            let detail = format!("{claims} both have number {instance}; remove or rename one");
            if let Some(names) = self.images {
                self.skip_all(names, &group.images, Reason::Ambiguous, &detail);
            }
            return self.skip_contours(group, Reason::Ambiguous, &detail);
        }
        let Some(&image) = group.images.first() else {
            let detail = match self.images {
                Some(names) => format!("{} has no image with number {instance}", names.folder),
                None => "the patient has no folder of images".to_owned(),
            };
            return self.skip_contours(group, Reason::ContourWithoutImage, &detail);
        };
        let structures = &self.options.structures;
        let contour = |s: &Structure| group.contours[*s as usize].first().map(|&name| name.into());
        let mut annotations: Box<[Option<Box<str>>]> = structures.iter().map(contour).collect();
        let lacking: Vec<&str> =
            structures.iter().zip(&annotations).filter(|(_, a)| a.is_none()).map(|(s, _)| s.name()).collect();
        let any = lacking.len() < structures.len();
        if any && (lacking.is_empty() || self.options.require == Require::Any) {
            return self.paired.samples.push(Pair { instance, image: image.into(), annotations });
        }
        if any {
            let lacking = lacking.join(" and no ");
            let detail = format!("the image has no {lacking} contour, and --require all asks for it");
            self.skip_contours(group, Reason::StructureMissing, &detail);
            annotations.fill(None);
        }
        self.paired.unlabelled.push(Pair { instance, image: image.into(), annotations });
    }

    /// The first two files of one kind that claim the number, by name.
    fn ambiguity(&self, group: &Group<'_>) -> Option<String> {
        let two = |names: Names<'_>, files: &[&str]| match files {
            [first, second, ..] => {
                Some(format!("{} and {}", names.place(first).file, names.place(second).file))
            }
            _ => None,
        };
        self.images.and_then(|names| two(names, &group.images)).or_else(|| {
            self.contours.iter().zip(&group.contours).find_map(|(names, files)| two(*names, files))
        })
    }

    fn skip_contours(&mut self, group: &Group<'_>, reason: Reason, detail: &str) {
        for (names, files) in self.contours.into_iter().zip(&group.contours) {
            self.skip_all(names, files, reason, detail);
        }
    }

    fn skip_all(&mut self, names: Names<'_>, files: &[&str], reason: Reason, detail: &str) {
        for name in files {
            self.skip(names, name, reason, detail);
        }
    }

    fn skip(&mut self, names: Names<'_>, file: &str, reason: Reason, detail: &str) {
        self.paired.skipped.push(Skipped::new(names.place(file), reason, detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Structure::{Inner, Outer};

    fn boxed(files: &[&str]) -> Vec<Box<str>> {
        files.iter().map(|&name| name.into()).collect()
    }

    fn run(images: &[&str], inner: &[&str], outer: &[&str], asked: &[Structure], require: Require) -> Paired {
        let options = PairOptions { structures: asked.to_vec(), require };
        let (images, inner, outer) = (boxed(images), boxed(inner), boxed(outer));
        let contours = [Names { folder: "c/O/i", files: &inner }, Names { folder: "c/O/o", files: &outer }];
        pair(Some(Names { folder: "d/P", files: &images }), contours.map(Some), &options)
    }

    fn skipped(paired: &Paired) -> Vec<String> {
        paired.skipped.iter().map(|s| format!("{} {}: {}", s.place, s.reason, s.detail)).collect()
    }

    fn samples(pairs: &[Pair]) -> Vec<(i32, &str, Vec<&str>)> {
        pairs
            .iter()
            .map(|p| {
                (p.instance, &*p.image, p.annotations.iter().map(|a| a.as_deref().unwrap_or("-")).collect())
            })
            .collect()
    }

    const I48: &str = "IM-0001-0048-icontour-manual.txt";
    const O48: &str = "IM-0001-0048-ocontour-manual.txt";
    const I9: &str = "IM-0001-0009-icontour-manual.txt";

    #[test]
    fn pairs_by_number() {
        let paired = run(&["0009.dcm", "48.dcm", "5.dcm"], &[I9, I48], &[O48], &[Inner, Outer], Require::Any);
        assert_eq!(
            samples(&paired.samples),
            [(9, "0009.dcm", vec![I9, "-"]), (48, "48.dcm", vec![I48, O48])]
        );
        assert_eq!(samples(&paired.unlabelled), [(5, "5.dcm", vec!["-", "-"])]);
        assert!(paired.skipped.is_empty());
        assert_eq!(paired.contours, 3);
    }

    #[test]
    fn all_structures_can_be_required() {
        let paired = run(&["9.dcm", "48.dcm"], &[I9, I48], &[O48], &[Inner, Outer], Require::All);
        assert_eq!(samples(&paired.samples), [(48, "48.dcm", vec![I48, O48])]);
        assert_eq!(samples(&paired.unlabelled), [(9, "9.dcm", vec!["-", "-"])]);
        assert_eq!(
            skipped(&paired),
            [format!(
                "c/O/i/{I9} structure-missing: the image has no outer contour, and --require all asks for it"
            )]
        );
    }

    #[test]
    fn structures_that_were_not_asked_for_are_ignored() {
        let paired = run(&["48.dcm"], &[], &[O48, "x"], &[Inner], Require::Any);
        assert!(paired.samples.is_empty());
        assert_eq!(samples(&paired.unlabelled), [(48, "48.dcm", vec!["-"])]);
        let skipped = skipped(&paired);
        assert_eq!(
            skipped[0],
            format!("c/O/o/{O48} structure-not-asked-for: ask for it with --structures inner,outer")
        );
        assert!(skipped[1].starts_with("c/O/o/x name-does-not-fit"));
        assert_eq!(paired.contours, 0);
    }

    #[test]
    fn two_images_of_one_number_take_their_contours_with_them() {
        let paired = run(&["048.dcm", "48.dcm"], &[I48], &[O48], &[Inner], Require::Any);
        assert!(paired.samples.is_empty() && paired.unlabelled.is_empty());
        let why = "ambiguous: d/P/048.dcm and d/P/48.dcm both have number 48; remove or rename one";
        let skipped = skipped(&paired);
        assert!(skipped[0].contains("structure-not-asked-for"));
        assert_eq!(
            skipped[1..],
            [format!("d/P/048.dcm {why}"), format!("d/P/48.dcm {why}"), format!("c/O/i/{I48} {why}")]
        );
    }

    #[test]
    fn two_contours_of_one_number_take_their_image_with_them() {
        let other = "IM-0002-48-icontour-manual.txt";
        let paired = run(&["48.dcm", "9.dcm"], &[I48, other, I9], &[O48], &[Inner, Outer], Require::Any);
        assert_eq!(samples(&paired.samples), [(9, "9.dcm", vec![I9, "-"])]);
        assert_eq!(paired.skipped.len(), 4);
        for skipped in &paired.skipped {
            assert_eq!(skipped.reason, Reason::Ambiguous);
            assert!(skipped.detail.contains(I48) && skipped.detail.contains(other));
        }
    }

    #[test]
    fn a_contour_needs_an_image() {
        let paired = run(&["x.dcm"], &[I48], &[], &[Inner], Require::Any);
        assert_eq!(
            skipped(&paired),
            [
                "d/P/x.dcm name-does-not-fit: an image is called <number>.dcm".to_owned(),
                format!("c/O/i/{I48} contour-without-image: d/P has no image with number 48"),
            ]
        );
        let files = boxed(&[I48]);
        let options = PairOptions { structures: vec![Inner], require: Require::Any };
        let paired = pair(None, [Some(Names { folder: "c", files: &files }), None], &options);
        assert_eq!(
            skipped(&paired),
            [format!("c/{I48} contour-without-image: the patient has no folder of images")]
        );
    }
}
