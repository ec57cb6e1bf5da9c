//! Where the parts of a data directory are, and what they are called.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::WrangleError;
use super::roots::Roots;
use crate::model::Place;

/// Where the link table, the images and the contours are.
///
/// Names are for people and for the file: relative to the data directory, `/` as separator. What lies
/// outside of the data directory takes the name it would have inside, `dicoms/P1/1.dcm`.
#[derive(Debug, Clone)]
pub struct Layout {
    data_dir: PathBuf,
    link: Location,
    dicoms: Location,
    contours: Location,
}

/// One part of the layout.
#[derive(Debug, Clone)]
pub(super) struct Location {
    /// Where it was said to be: its folder with links resolved, and its own name.
    pub(super) typed: PathBuf,
    /// Where it is, with links resolved.
    pub(super) real: PathBuf,
    /// What it is called.
    pub(super) name: String,
}

/// A part as it stands in a data directory where nothing else is said.
struct Part {
    default: &'static str,
    option: &'static str,
}

const LINK: Part = Part { default: "link.csv", option: "the link table with --link" };
const DICOMS: Part = Part { default: "dicoms", option: "the folder of the images with --dicoms" };
const CONTOURS: Part = Part { default: "contourfiles", option: "the folder of the contours with --contours" };

impl Layout {
    /// The layout of `data_dir`, with the parts that are elsewhere.
    ///
    /// The data directory and each part that is named here may be symbolic links. A part that is not named
    /// may be one too, as long as it leads to a place inside the data directory.
    ///
    /// # Errors
    /// [`WrangleError`] where a folder does not exist or a part that was not named leads out.
    pub fn new(
        data_dir: &Path,
        link: Option<&Path>,
        dicoms: Option<&Path>,
        contours: Option<&Path>,
    ) -> Result<Self, WrangleError> {
        let shown = Place::file(data_dir.display().to_string());
        let data_dir = real_folder(data_dir, &shown, "an existing data directory")?;
        let link = Location::find(&data_dir, link, &LINK)?;
        let dicoms = Location::find_folder(&data_dir, dicoms, &DICOMS)?;
        let contours = Location::find_folder(&data_dir, contours, &CONTOURS)?;
        if dicoms.real == contours.real {
            return Err(WrangleError::SameFolder { place: Place::file(dicoms.name) });
        }
        Ok(Self { data_dir, link, dicoms, contours })
    }

    /// The data directory, with links resolved.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The link table: the path to open.
    #[must_use]
    pub fn link(&self) -> &Path {
        &self.link.real
    }

    /// What the link table is called.
    #[must_use]
    pub fn link_name(&self) -> &str {
        &self.link.name
    }

    /// What the folder of the images is called.
    #[must_use]
    pub fn dicoms_name(&self) -> &str {
        &self.dicoms.name
    }

    /// What the folder of the contours is called.
    #[must_use]
    pub fn contours_name(&self) -> &str {
        &self.contours.name
    }

    /// Whether a file at `path`, which need not exist, would be one of the inputs.
    #[must_use]
    pub fn is_input(&self, path: &Path) -> bool {
        let place = typed_path(path);
        let folders = [&self.dicoms.real, &self.contours.real];
        place == self.link.typed
            || place == self.link.real
            || folders.iter().any(|dir| place.starts_with(dir))
    }

    /// The folders below which all inputs are.
    pub(super) fn roots(&self) -> Roots {
        Roots::new([&*self.data_dir, &self.dicoms.real, &self.contours.real])
    }

    pub(super) fn dicoms(&self) -> &Location {
        &self.dicoms
    }

    pub(super) fn contours(&self) -> &Location {
        &self.contours
    }

    /// The names in the real folder `dir` that are parts of the layout: they are no ordinary entries.
    pub(super) fn parts_in(&self, dir: &Path) -> Vec<&OsStr> {
        let parts = [&self.link, &self.dicoms, &self.contours].into_iter();
        parts
            .filter(|part| part.typed.parent() == Some(dir))
            .filter_map(|part| part.typed.file_name())
            .collect()
    }

    /// Whether a real path lies in the data directory, or in a folder that was named instead of a part of it.
    pub(super) fn holds(&self, real: &Path) -> bool {
        [&self.data_dir, &self.dicoms.real, &self.contours.real].iter().any(|root| real.starts_with(root))
    }
}

impl Location {
    fn find(data_dir: &Path, given: Option<&Path>, part: &Part) -> Result<Self, WrangleError> {
        let path = given.map_or_else(|| data_dir.join(part.default), Path::to_path_buf);
        let typed = typed_path(&path);
        // Where there is nothing, whoever opens it says so.
        let real = std::fs::canonicalize(&path).unwrap_or_else(|_| typed.clone());
        let inside = relative_name(data_dir, &typed).or_else(|| relative_name(data_dir, &real));
        let name = inside.unwrap_or_else(|| match given {
            // A table is named as it was typed; names below the folders are those of the layout.
            Some(path) if part.default == LINK.default => path.display().to_string(),
            _ => part.default.to_owned(),
        });
        if given.is_none() && !real.starts_with(data_dir) {
            return Err(WrangleError::LeadsOut { place: Place::file(name), option: part.option });
        }
        Ok(Self { typed, real, name })
    }

    fn find_folder(data_dir: &Path, given: Option<&Path>, part: &Part) -> Result<Self, WrangleError> {
        let found = Self::find(data_dir, given, part)?;
        let shown = given.unwrap_or(&found.typed).display().to_string();
        let real = real_folder(&found.typed, &Place::file(shown), part.option)?;
        Ok(Self { real, ..found })
    }
}

fn real_folder(path: &Path, place: &Place, option: &'static str) -> Result<PathBuf, WrangleError> {
    let real = std::fs::canonicalize(path).map_err(|source| WrangleError::FolderUnreachable {
        place: place.clone(),
        option,
        source,
    })?;
    if real.is_dir() { Ok(real) } else { Err(WrangleError::NotAFolder { place: place.clone(), option }) }
}

/// The path with links resolved in all but its last name.
fn typed_path(path: &Path) -> PathBuf {
    let folder = path.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
    let resolved = match (folder, path.components().next_back(), path.file_name()) {
        // `.` and `..` at the end are no names.
        (Some(folder), Some(Component::Normal(_)), Some(name)) => {
            std::fs::canonicalize(folder).map(|folder| folder.join(name))
        }
        _ => std::fs::canonicalize(path),
    };
    resolved.unwrap_or_else(|_| path.to_path_buf())
}

/// `path` relative to `data_dir` with `/` as separator; `None` outside of it, and for the folder itself a dot.
fn relative_name(data_dir: &Path, path: &Path) -> Option<String> {
    let inside = path.strip_prefix(data_dir).ok()?;
    let names: Vec<_> = inside.components().map(|name| name.as_os_str().to_string_lossy()).collect();
    Some(if names.is_empty() { ".".to_owned() } else { names.join("/") })
}

/// `folder/name` as people see it; a folder called `.` has no name of its own.
pub(super) fn join_name(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder == "." { name.to_owned() } else { [folder, "/", name].concat() }
}
