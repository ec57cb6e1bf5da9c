//! Locations of the parts of a data directory, and their names.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::{FilesError, Roots};
use crate::model::Place;

/// The data directory, the tables of a layout, and the folders that its files are read from.
///
/// Names are for people and for the file: relative to the data directory, `/` as separator. What lies
/// outside of the data directory takes the name it would have inside, `dicoms/P1/1.dcm`.
#[derive(Debug, Clone)]
pub struct Places {
    data_dir: PathBuf,
    tables: Vec<Location>,
    roots: Vec<Location>,
}

/// A table or a folder.
#[derive(Debug, Clone)]
pub struct Location {
    /// The location that was given: its folder with links resolved, and its own name.
    typed: PathBuf,
    /// The location with links resolved.
    real: PathBuf,
    /// Its name.
    name: String,
}

/// A part of a layout: its name in a data directory if no other is given, and what a message asks for.
#[derive(Debug, Clone, Copy)]
pub struct PlacePart {
    /// The name below the data directory.
    pub default: &'static str,
    /// The option that names each part.
    pub option: &'static str,
}

impl Places {
    /// The data directory at `data_dir` alone, which is itself the folder that files are read from. It may be a symbolic link.
    ///
    /// # Errors
    /// [`FilesError`] where it is no folder.
    pub fn new(data_dir: &Path) -> Result<Self, FilesError> {
        let shown = Place::file(data_dir.display().to_string());
        let data_dir = real_folder(data_dir, &shown, "an existing data directory")?;
        let root = Location { typed: data_dir.clone(), real: data_dir.clone(), name: String::new() };
        Ok(Self { data_dir, tables: Vec::new(), roots: vec![root] })
    }

    /// The same, with the table `part` at `given`. A table that is not given may be a symbolic link, as long as it
    /// leads to a place inside the data directory.
    ///
    /// # Errors
    /// [`FilesError::LeadsOut`].
    pub fn with_table(mut self, given: Option<&Path>, part: PlacePart) -> Result<Self, FilesError> {
        let table = Location::find(&self.data_dir, given, part)?;
        let name = given.filter(|_| relative_name(&self.data_dir, &table.typed).is_none());
        let name = name.filter(|_| relative_name(&self.data_dir, &table.real).is_none());
        // A table elsewhere is named as it was typed.
        let name = name.map_or(table.name, |path| path.display().to_string());
        self.tables.push(Location { name, ..table });
        Ok(self)
    }

    /// The same, but files are read from these folders only; a folder is given as a table is.
    ///
    /// # Errors
    /// [`FilesError`] where one does not exist or a folder that is not given leads out, or two are the same.
    pub fn with_roots(mut self, roots: &[(Option<&Path>, PlacePart)]) -> Result<Self, FilesError> {
        self.roots.clear();
        for (given, part) in roots {
            let found = Location::find(&self.data_dir, *given, *part)?;
            let shown = given.unwrap_or(&found.typed).display().to_string();
            let real = real_folder(&found.typed, &Place::file(shown), part.option)?;
            if self.roots.iter().any(|other| other.real == real) {
                return Err(FilesError::SameFolder { place: Place::file(self.roots[0].name.clone()) });
            }
            self.roots.push(Location { real, ..found });
        }
        Ok(self)
    }

    /// The data directory, with links resolved.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &[Location] {
        &self.tables
    }

    /// The folders that files are read from.
    #[must_use]
    pub fn roots(&self) -> &[Location] {
        &self.roots
    }

    /// True if a file at `path`, which need not exist, would be one of the inputs. If all of the data directory is
    /// read, only a file that exists already is one.
    #[must_use]
    pub fn is_input(&self, path: &Path) -> bool {
        let place = typed_path(path);
        let in_root = |root: &Location| {
            place.starts_with(&root.real) && (root.real != self.data_dir || std::fs::metadata(&place).is_ok())
        };
        self.tables.iter().any(|table| place == table.typed || place == table.real)
            || self.roots.iter().any(in_root)
    }

    /// The folders below which all inputs are.
    pub(super) fn to_roots(&self) -> Roots {
        let roots = self.roots.iter().map(|root| &*root.real);
        Roots::new(std::iter::once(&*self.data_dir).chain(roots.filter(|root| *root != self.data_dir)))
    }

    /// The names in the real folder `dir` that are parts of the layout: they are no ordinary entries.
    pub(super) fn parts_in(&self, dir: &Path) -> Vec<&OsStr> {
        let parts = self.tables.iter().chain(&self.roots);
        parts
            .filter(|part| part.typed.parent() == Some(dir))
            .filter_map(|part| part.typed.file_name())
            .collect()
    }

    /// True if a real path lies in the data directory, or in a folder that was named instead of a part of it.
    pub(super) fn holds(&self, real: &Path) -> bool {
        real.starts_with(&self.data_dir) || self.roots.iter().any(|root| real.starts_with(&root.real))
    }
}

impl Location {
    /// The path to open, with links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.real
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn find(data_dir: &Path, given: Option<&Path>, part: PlacePart) -> Result<Self, FilesError> {
        let path = given.map_or_else(|| data_dir.join(part.default), Path::to_path_buf);
        let typed = typed_path(&path);
        // An absent folder is reported when it is opened.
        let real = std::fs::canonicalize(&path).unwrap_or_else(|_| typed.clone());
        let inside = relative_name(data_dir, &typed).or_else(|| relative_name(data_dir, &real));
        let name = inside.unwrap_or_else(|| part.default.to_owned());
        if given.is_none() && !real.starts_with(data_dir) {
            return Err(FilesError::LeadsOut { place: Place::file(name), option: part.option });
        }
        Ok(Self { typed, real, name })
    }
}

fn real_folder(path: &Path, place: &Place, option: &'static str) -> Result<PathBuf, FilesError> {
    let real = std::fs::canonicalize(path).map_err(|source| FilesError::FolderUnreachable {
        place: place.clone(),
        option,
        source,
    })?;
    if real.is_dir() { Ok(real) } else { Err(FilesError::NotAFolder { place: place.clone(), option }) }
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
#[must_use]
pub fn join_name(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder == "." { name.to_owned() } else { [folder, "/", name].concat() }
}
