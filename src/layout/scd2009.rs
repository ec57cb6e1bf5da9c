//! Layout `scd2009`: the Sunnybrook data as the challenge of 2009 gave it out.
//!
//! ```text
//! <any folders>/<case>/<any folders>/IM-<series>-<n>.dcm
//! <any folders>/<case>/contours-manual/IRCCI-expert/IM-0001-<n>-{i,o,p1,p2}contour-manual.txt
//! ```
//!
//! The case of an image is the innermost folder around it of which there are contours; without any, the folder that it is
//! in, or the one around `DICOM`. Cases are the same where their names are without leading zeros in their numbers:
//! `SC-HF-I-01` and `SC-HF-I-1`. The number after IM of an image is that of a series, and tells nothing.

use std::collections::HashSet;
use std::path::Path;

use super::cases::{CaseFile, Cases, Named, contour_by_pattern, named, number};
use super::name_pattern::{NameFault, NamePatterns};
use super::near_folders;
use super::{Layout, LayoutError, Reading, SampleSet, Select};
use crate::files::{FilesError, Places, Tree, TreeFolder};

const KINDS: [&str; 4] = ["inner", "outer", "p1", "p2"];
const LETTERS: [&str; 4] = ["i", "o", "p1", "p2"];

/// A data directory with cases of the challenge of 2009.
#[derive(Debug)]
pub struct Scd2009 {
    places: Places,
    names: NamePatterns,
}

impl Scd2009 {
    /// The layout of `data_dir`.
    ///
    /// # Errors
    /// [`FilesError`] where it is no folder.
    pub fn new(data_dir: &Path) -> Result<Self, FilesError> {
        Ok(Self { places: Places::new(data_dir)?, names: NamePatterns::default() })
    }

    /// The same, of files with names of their own.
    #[must_use]
    pub fn with_names(self, names: NamePatterns) -> Self {
        Self { names, ..self }
    }

    /// Where images are in folders with other names than the cases: what is there, and the command that reads it.
    pub(super) fn near_miss(data_dir: &Path, tree: &Tree) -> Option<(String, String)> {
        if Self::has_images(tree) { None } else { near_folders::advice_for_cases(data_dir) }
    }

    /// True if some folder of images belongs to a case of which `tree` has contours.
    fn has_images(tree: &Tree) -> bool {
        let name = |folder: &TreeFolder| tree.catalog.folder_name(folder.id).to_owned();
        let drawn: HashSet<String> =
            tree.folders.iter().filter_map(|folder| drawn_case(&name(folder))).collect();
        let is_of_case = |folder: &TreeFolder| {
            name(folder).split('/').any(|part| drawn.contains(&without_leading_zeros(part)))
        };
        let has_image = |folder: &TreeFolder| {
            folder.files.iter().any(|&file| {
                let file = tree.catalog.file_name(file).to_ascii_lowercase();
                file.starts_with("im-") && !file.ends_with(".txt")
            })
        };
        tree.folders.iter().any(|folder| is_of_case(folder) && has_image(folder))
    }

    /// True if a folder with this path, relative to the data directory, holds contours of the layout.
    #[must_use]
    pub fn has_contours(folder: &str) -> bool {
        let mut names = folder.rsplit('/');
        let (last, above) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        is_folder(above, "contours-manual") && is_folder(last, "IRCCI-expert")
    }
}

impl Layout for Scd2009 {
    fn name(&self) -> &'static str {
        "scd2009"
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn expects(&self, _: usize, _: &[Box<str>]) -> bool {
        true
    }

    fn pair(&self, tree: Tree, select: &Select, _: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        let folders = tree.folders.iter().map(|folder| tree.catalog.folder_name(folder.id));
        let drawn = folders.filter_map(drawn_case).collect();
        let classify = |folders: &[&str], file: &str| classify(&self.names, &drawn, folders, file);
        Cases { name: self.name(), kinds: &KINDS, names: &self.names, classify: &classify }.pair(tree, select)
    }
}

/// True if a folder is called so; letter case and punctuation do not matter.
fn is_folder(name: &str, wanted: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    letters(name) == letters(wanted)
}

/// The key of the case whose contours are in `folder`.
fn drawn_case(folder: &str) -> Option<String> {
    Scd2009::has_contours(folder).then(|| folder.rsplit('/').nth(2).map(without_leading_zeros))?
}

/// The role of a file; `drawn` are the keys of the cases with contours.
fn classify(names: &NamePatterns, drawn: &HashSet<String>, folders: &[&str], file: &str) -> Option<CaseFile> {
    let of_case = |name: &str, named| {
        (!name.is_empty()).then(|| CaseFile { key: without_leading_zeros(name), name: name.into(), named })
    };
    if let [.., case, above, last] = folders
        && is_folder(above, "contours-manual")
        && is_folder(last, "IRCCI-expert")
    {
        let by_pattern = contour_by_pattern(&KINDS, names, file);
        return of_case(case, by_pattern.or_else(|| contour(file))?);
    }
    let number = names.image("", file).or_else(|| image_number(file))?;
    let around = folders.iter().rev().find(|folder| drawn.contains(&without_leading_zeros(folder)));
    let case = match folders {
        _ if around.is_some() => around?,
        [.., case, last] if last.eq_ignore_ascii_case("dicom") => case,
        [.., case] => case,
        [] => return None,
    };
    of_case(case, named(number, Named::Image))
}

/// The number in `IM-0004-0059.dcm`.
fn image_number(file: &str) -> Option<Result<i32, NameFault>> {
    let lower = file.to_ascii_lowercase();
    let mut parts = lower.strip_suffix(".dcm")?.strip_prefix("im-")?.split('-');
    let (series, digits) = (parts.next()?, parts.next()?);
    let _ = number(series)?;
    if parts.next().is_some() { None } else { number(digits) }
}

/// The contour in `IM-0001-0048-icontour-manual.txt`. `None` for a text that looks like none.
fn contour(file: &str) -> Option<Named> {
    let lower = file.to_ascii_lowercase();
    let stem = lower.strip_suffix(".txt")?;
    let wrong = || {
        let form = "a contour is called IM-<series>-<number>-{i,o,p1,p2}contour-manual.txt";
        Named::Unusable(NameFault::form(form))
    };
    let parse = || {
        let mut parts = stem.strip_prefix("im-")?.split('-');
        let (series, digits, letter) = (parts.next()?, parts.next()?, parts.next()?.strip_suffix("contour")?);
        let _ = number(series)?;
        let kind = LETTERS.iter().position(|other| *other == letter)?;
        let ends = parts.next() == Some("manual") && parts.next().is_none();
        ends.then_some(())?;
        Some(named(number(digits)?, |number| Named::Contour(kind, number)))
    };
    Some(parse().unwrap_or_else(wrong))
}

/// `SC-HF-I-01` as `sc-hf-i-1`.
fn without_leading_zeros(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (text, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        let digits = digits.trim_start_matches('0');
        plain += &text.to_lowercase();
        plain += if digits.is_empty() { "0" } else { digits };
        rest = after;
    }
    plain + &rest.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_folders_and_names() {
        let found = |path: &str| {
            let mut folders: Vec<&str> = path.split('/').collect();
            let file = folders.pop().unwrap();
            let drawn = HashSet::from(["sc-n-2".to_owned()]);
            classify(&NamePatterns::default(), &drawn, &folders, file).map(|found| (found.key, found.named))
        };
        let case = |key: &str, named| Some((key.to_owned(), named));
        assert_eq!(found("train/SC-HF-I-01/IM-0106-0060.dcm"), case("sc-hf-i-1", Named::Image(60)));
        assert_eq!(found("SC-HF-I-1/DICOM/IM-0001-0060.DCM"), case("sc-hf-i-1", Named::Image(60)));
        assert_eq!(found("a/SC-N-02/CINESAX_300/IM-0001-0060.dcm"), case("sc-n-2", Named::Image(60)));
        assert_eq!(drawn_case("a/SC-N-02/contours-manual/IRCCI-expert").as_deref(), Some("sc-n-2"));
        let contour = "x/SC-N-010/contours-manual/IRCCI-expert/IM-0001-0048-p2contour-manual.txt";
        assert_eq!(found(contour), case("sc-n-10", Named::Contour(3, 48)));
        let odd = "SC-1/contours-manual/IRCCI-expert/IM-0001-0048-xcontour-manual.txt";
        assert!(matches!(found(odd), Some((_, Named::Unusable(_)))));
        let large = "SC-1/IM-0001-2147483648.dcm";
        assert!(
            matches!(found(large), Some((_, Named::Unusable(why))) if why.detail.contains("larger than"))
        );
        assert_eq!(found("SC-1/contours-auto/FGRE/IM-0001-0048-icontour-auto.txt"), None);
        assert_eq!(found("SC-1/readme.txt"), None);
    }
}
