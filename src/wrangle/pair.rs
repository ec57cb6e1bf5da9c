//! Which contours go with which image, by the numbers in their names. Pure: names in, pairs out.

use std::collections::BTreeMap;

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

/// The number in `48.dcm`.
pub(super) fn image_number(name: &str) -> Result<i32, String> {
    let stem = name.len().checked_sub(4).and_then(|end| name.split_at_checked(end));
    match stem {
        Some((digits, suffix)) if suffix.eq_ignore_ascii_case(".dcm") && is_number(digits) => number(digits),
        _ => Err("an image is called <number>.dcm".to_owned()),
    }
}

/// The number in `IM-0001-0048-icontour-manual.txt`, for a file in the folder of `structure`.
pub(super) fn contour_number(name: &str, structure: Structure) -> Result<i32, String> {
    let letter = structure.letter();
    let fits = || {
        let lower = name.to_ascii_lowercase();
        let mut parts = lower.split('-');
        let fields = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        let [im, series, digits, contour, manual] = fields;
        let found = contour.strip_suffix("contour")?;
        let fits = parts.next().is_none() && im == "im" && manual == "manual.txt";
        (fits && is_number(series) && is_number(digits) && found.len() == 1)
            .then(|| (digits.to_owned(), found.to_owned()))
    };
    match fits() {
        Some((digits, found)) if found == letter.to_string() => number(&digits),
        Some((_, found)) => {
            Err(format!("a contour in this folder is a `{letter}contour`, not a `{found}contour`"))
        }
        None => {
            Err(format!("a contour in this folder is called IM-<series>-<number>-{letter}contour-manual.txt"))
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn number(digits: &str) -> Result<i32, String> {
    digits.parse().map_err(|_| format!("the number is larger than {}", i32::MAX))
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
/// [`Structure::ALL`], and `structures` are those asked for, in the order of the mask planes.
pub(super) fn pair(
    images: Option<Names<'_>>,
    contours: [Option<Names<'_>>; 2],
    structures: &[Structure],
    require: Require,
) -> Paired {
    let mut paired = Paired::default();
    let mut groups: BTreeMap<i32, Group<'_>> = BTreeMap::new();
    let none = Names { folder: "", files: &[] };
    for name in images.unwrap_or(none).files {
        match image_number(name) {
            Ok(number) => groups.entry(number).or_default().images.push(name),
            Err(detail) => {
                let place = images.unwrap_or(none).place(name);
                paired.skipped.push(Skipped::new(place, Reason::NameDoesNotFit, detail));
            }
        }
    }
    for structure in Structure::ALL {
        let names = contours[structure as usize].unwrap_or(none);
        let asked = structures.contains(&structure);
        for name in names.files {
            let (reason, detail) = match contour_number(name, structure) {
                Ok(number) if asked => {
                    paired.contours += 1;
                    groups.entry(number).or_default().contours[structure as usize].push(name);
                    continue;
                }
                Ok(_) => (
                    Reason::StructureNotAsked,
                    format!("ask for it with --structures {}", with(structures, structure)),
                ),
                Err(detail) => (Reason::NameDoesNotFit, detail),
            };
            paired.skipped.push(Skipped::new(names.place(name), reason, detail));
        }
    }
    let folders = Folders { images, contours: contours.map(|names| names.unwrap_or(none)) };
    for (number, group) in groups {
        folders.settle(&mut paired, number, &group, structures, require);
    }
    paired
}

/// The list that asks for `more` too, in the order of the mask planes.
fn with(structures: &[Structure], more: Structure) -> String {
    let all = Structure::ALL.into_iter().filter(|s| structures.contains(s) || *s == more);
    all.map(Structure::name).collect::<Vec<_>>().join(",")
}

struct Folders<'a> {
    images: Option<Names<'a>>,
    contours: [Names<'a>; 2],
}

impl Folders<'_> {
    fn settle(
        &self,
        paired: &mut Paired,
        instance: i32,
        group: &Group<'_>,
        structures: &[Structure],
        require: Require,
    ) {
        if let Some(claims) = self.ambiguity(group) {
            let detail = format!("{claims} both have number {instance}; remove or rename one");
            return self.skip_group(paired, group, true, Reason::Ambiguous, &detail);
        }
        let Some(&image) = group.images.first() else {
            let detail = match self.images {
                Some(names) => format!("{} has no image with number {instance}", names.folder),
                None => "the patient has no folder of images".to_owned(),
            };
            return self.skip_group(paired, group, false, Reason::ContourWithoutImage, &detail);
        };
        let contour =
            |&structure: &Structure| group.contours[structure as usize].first().map(|&name| name.into());
        let annotations: Box<[Option<Box<str>>]> = structures.iter().map(contour).collect();
        let missing = annotations.iter().filter(|annotation| annotation.is_none()).count();
        let enough = match require {
            Require::Any => missing < annotations.len(),
            Require::All => missing == 0 && !annotations.is_empty(),
        };
        if enough {
            return paired.samples.push(Pair { instance, image: image.into(), annotations });
        }
        if missing < annotations.len() {
            let lacking = structures.iter().zip(&annotations).filter(|(_, a)| a.is_none());
            let lacking: Vec<_> = lacking.map(|(structure, _)| structure.name()).collect();
            let detail = format!(
                "the image has no {} contour, and --require all asks for it",
                lacking.join(" and no ")
            );
            self.skip_group(paired, group, false, Reason::StructureMissing, &detail);
        }
        let annotations = structures.iter().map(|_| None).collect();
        paired.unlabelled.push(Pair { instance, image: image.into(), annotations });
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

    fn skip_group(&self, paired: &mut Paired, group: &Group<'_>, images: bool, reason: Reason, detail: &str) {
        let mut skip = |names: Names<'_>, files: &[&str]| {
            paired.skipped.extend(files.iter().map(|name| Skipped::new(names.place(name), reason, detail)));
        };
        if let (true, Some(names)) = (images, self.images) {
            skip(names, &group.images);
        }
        for (names, files) in self.contours.iter().zip(&group.contours) {
            skip(*names, files);
        }
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
        let (images, inner, outer) = (boxed(images), boxed(inner), boxed(outer));
        let contours = [Names { folder: "c/O/i", files: &inner }, Names { folder: "c/O/o", files: &outer }];
        pair(Some(Names { folder: "d/P", files: &images }), contours.map(Some), asked, require)
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
    fn numbers_of_images() {
        assert_eq!(image_number("48.dcm"), Ok(48));
        assert_eq!(image_number("0048.DCM"), Ok(48));
        assert_eq!(image_number("0.dcm"), Ok(0));
        assert_eq!(image_number("2147483647.dcm"), Ok(i32::MAX));
        assert!(image_number("2147483648.dcm").unwrap_err().contains("larger than"));
        for name in
            [".dcm", "dcm", "", "48", "48.dcm.txt", "-1.dcm", "+1.dcm", "4 8.dcm", "٤.dcm", "é.dcm", "ééé"]
        {
            assert_eq!(image_number(name), Err("an image is called <number>.dcm".to_owned()), "{name}");
        }
    }

    #[test]
    fn numbers_of_contours() {
        assert_eq!(contour_number(I48, Inner), Ok(48));
        assert_eq!(contour_number(O48, Outer), Ok(48));
        assert_eq!(contour_number("IM-7-123456-icontour-manual.TXT", Inner), Ok(123_456));
        let wrong = contour_number(O48, Inner).unwrap_err();
        assert_eq!(wrong, "a contour in this folder is a `icontour`, not a `ocontour`");
        for name in [
            "IM-0001-0048-icontour-auto.txt",
            "IM-0001-0048-icontour-manual.txt~",
            "IM-0001-0048-icontour-manual-2.txt",
            "IM--0048-icontour-manual.txt",
            "IM-0001--icontour-manual.txt",
            "IM-0001-+48-icontour-manual.txt",
            "IM-0001-0048-contour-manual.txt",
            "notes.txt",
        ] {
            let wrong = contour_number(name, Inner).unwrap_err();
            assert!(wrong.contains("is called IM-<series>-<number>-icontour-manual.txt"), "{name}");
        }
        assert!(
            contour_number("IM-1-99999999999-icontour-manual.txt", Inner).unwrap_err().contains("larger")
        );
    }

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
        let paired = pair(None, [Some(Names { folder: "c", files: &files }), None], &[Inner], Require::Any);
        assert_eq!(
            skipped(&paired),
            [format!("c/{I48} contour-without-image: the patient has no folder of images")]
        );
    }
}
