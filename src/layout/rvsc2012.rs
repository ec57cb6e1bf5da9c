//! Layout `rvsc2012`: the right ventricle challenge of 2012.
//!
//! ```text
//! <any folders>/patient<NN>/P<NN>dicom/P<NN>-<nnnn>.dcm
//! <any folders>/patient<NN>/P<NN>contours-manual/P<NN>-<nnnn>-{i,o}contour-manual.txt
//! ```
//!
//! Contours are in the stored orientation of the images.

use std::path::Path;

use super::cases::{CaseFile, Cases, Named, contour_by_pattern, named, number};
use super::name_pattern::{NameFault, NamePatterns};
use super::{Layout, LayoutError, Reading, SampleSet, Select};
use crate::files::{FilesError, Places, Tree};

const KINDS: [&str; 2] = ["inner", "outer"];

/// A data directory with patients of the challenge of 2012.
#[derive(Debug)]
pub struct Rvsc2012 {
    places: Places,
    names: NamePatterns,
}

impl Rvsc2012 {
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

    /// True if a folder with this path, relative to the data directory, holds contours of the layout.
    #[must_use]
    pub fn has_contours(folder: &str) -> bool {
        let last = folder.rsplit('/').next().unwrap_or(folder);
        patient(last, "contours-manual").is_some()
    }
}

impl Layout for Rvsc2012 {
    fn name(&self) -> &'static str {
        "rvsc2012"
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn expects(&self, _: usize, _: &[Box<str>]) -> bool {
        true
    }

    fn pair(&self, tree: Tree, select: &Select, _: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        let classify = |folders: &[&str], file: &str| classify(&self.names, folders, file);
        Cases { name: self.name(), kinds: &KINDS, names: &self.names, classify: &classify }.pair(tree, select)
    }
}

/// `P01` of the folder `P01dicom`, in any letter case.
fn patient<'a>(folder: &'a str, suffix: &str) -> Option<&'a str> {
    let (patient, end) = folder.split_at_checked(folder.len().checked_sub(suffix.len())?)?;
    if !end.eq_ignore_ascii_case(suffix) {
        return None;
    }
    let digits = patient.strip_prefix(['P', 'p'])?;
    number(digits)?.ok().map(|_| patient)
}

/// Meaning of a file of `patient`, whose name ends with `suffix`. `None` where it is none of the layout.
fn by_name(file: &str, patient: &str, suffix: &str) -> Option<Named> {
    let stem = file.to_ascii_lowercase();
    let rest = stem.strip_suffix(suffix)?.strip_prefix(&*patient.to_ascii_lowercase())?.strip_prefix('-')?;
    let contour = |kind, digits| Some(named(number(digits)?, |number| Named::Contour(kind, number)));
    match (suffix, rest.split_once('-')) {
        (".dcm", None) => Some(named(number(rest)?, Named::Image)),
        (".txt", Some((digits, "icontour-manual"))) => contour(0, digits),
        (".txt", Some((digits, "ocontour-manual"))) => contour(1, digits),
        _ => {
            let form = "files are called P<NN>-<number>.dcm or P<NN>-<number>-{i,o}contour-manual.txt";
            Some(Named::Unusable(NameFault::form(form)))
        }
    }
}

fn classify(names: &NamePatterns, folders: &[&str], file: &str) -> Option<CaseFile> {
    let folder = folders.last()?;
    let above = folders.len().checked_sub(2).map_or("", |index| folders[index]);
    let (patient, suffix) = match (patient(folder, "dicom"), patient(folder, "contours-manual")) {
        (Some(patient), _) => (patient, ".dcm"),
        (_, Some(patient)) => (patient, ".txt"),
        _ => return None,
    };
    let by_pattern = match suffix {
        ".dcm" => names.image("", file).map(|number| named(number, Named::Image)),
        _ => contour_by_pattern(&KINDS, names, file),
    };
    let found = match by_pattern {
        Some(found) => found,
        None => by_name(file, patient, suffix)?,
    };
    // Training and test sets count from the beginning again: the folders above tell patients apart.
    let key = [folders[..folders.len() - 1].join("/"), patient.to_ascii_uppercase()].join("/");
    let name = if above.is_empty() { patient } else { above };
    Some(CaseFile { key, name: name.into(), named: found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_folders_and_names() {
        let found = |path: &str| {
            let mut folders: Vec<&str> = path.split('/').collect();
            let file = folders.pop().unwrap();
            classify(&NamePatterns::default(), &folders, file)
                .map(|found| (found.name.into_string(), found.named))
        };
        let of = |named| Some(("patient01".to_owned(), named));
        assert_eq!(found("T/patient01/P01dicom/P01-0059.dcm"), of(Named::Image(59)));
        assert_eq!(
            found("T/patient01/P01contours-manual/P01-0059-ocontour-manual.txt"),
            of(Named::Contour(1, 59))
        );
        assert!(matches!(found("patient01/P01dicom/P01-a-b.dcm"), Some((_, Named::Unusable(_)))));
        assert_eq!(found("T/patient01/P01DICOM/P01-0059.DCM"), of(Named::Image(59)));
        assert_eq!(found("patient01/P01list.txt"), None);
        assert!(
            Rvsc2012::has_contours("T/patient01/P01contours-manual") && !Rvsc2012::has_contours("P01dicom")
        );
    }
}
