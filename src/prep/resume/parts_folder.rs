//! The folder beside the output in which a run keeps what is finished, for a run that goes on after it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{StoreError, beside, folder_of, place_of};

/// Suffix of the folder after the name of the output.
const FOLDER_SUFFIX: &str = ".parts";
/// Names of its files: `part-000001.h5`, and while they are written as every partial file.
const PART: (&str, &str) = ("part-", ".h5");
const PARTIAL: (&str, &str) = (".part-", ".partial");
/// Suffix of a part that cannot be read.
const DAMAGED: &str = ".damaged";

/// The parts of an output: `final_data.h5.parts` for `final_data.h5`.
#[derive(Debug, Clone)]
pub struct PartsFolder {
    path: PathBuf,
}

impl PartsFolder {
    /// The folder of the parts of `output`; it need not exist. Where the output is a symbolic link, it stands beside the
    /// file that the link leads to.
    #[must_use]
    pub fn of(output: &Path) -> Self {
        let place = place_of(output).unwrap_or_else(|_| output.to_owned());
        Self { path: beside(&place, "", FOLDER_SUFFIX) }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of parts in it.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.numbered().len()
    }

    /// The parts with their numbers, ascending.
    pub(in crate::prep) fn numbered(&self) -> Vec<(u64, PathBuf)> {
        let number = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?;
            name.strip_prefix(PART.0)?.strip_suffix(PART.1)?.parse().ok()
        };
        let mut parts: Vec<(u64, PathBuf)> =
            self.list(PART.0, PART.1).into_iter().filter_map(|path| Some((number(&path)?, path))).collect();
        parts.sort_unstable();
        parts
    }

    /// Makes the folder, if it is not there, and the place of part `number` in it.
    pub(in crate::prep) fn make_place(&self, number: u64) -> Result<PathBuf, StoreError> {
        let failed = |source| StoreError::Io { action: "make the folder", path: self.path.clone(), source };
        match fs::create_dir(&self.path) {
            Ok(()) => {
                File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all()).map_err(failed)?
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        Ok(self.path.join(format!("{}{number:06}{}", PART.0, PART.1)))
    }

    /// Removes the partial files that a killed run left. Nobody else may be writing parts.
    pub(in crate::prep) fn remove_partial(&self) {
        // What cannot be removed does no harm.
        self.list(PARTIAL.0, PARTIAL.1).into_iter().for_each(|path| _ = fs::remove_file(path));
    }

    /// Removes the folder if nothing is in it.
    pub(in crate::prep) fn remove_empty(&self) {
        let _ = fs::remove_dir(&self.path);
    }

    /// Gives the part at `path`, which cannot be read, a name that no run takes for a part. It goes with the others when
    /// the file is complete.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it cannot be renamed.
    pub(in crate::prep) fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(DAMAGED);
        let aside = PathBuf::from(name);
        let failed = |source| StoreError::Io { action: "set aside", path: path.to_owned(), source };
        fs::rename(path, &aside).map_err(failed)?;
        Ok(aside)
    }

    /// Removes the parts but `others`, which are not ours, and those that were set aside, and the folder. Where somebody
    /// has put another file there, the folder stays.
    ///
    /// # Errors
    /// [`StoreError::Io`] where a part cannot be removed.
    pub(in crate::prep) fn remove(&self, others: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let damaged = self.list(PART.0, DAMAGED);
        // In this order, so that another run never takes a number that is about to be removed.
        let parts = self.numbered().into_iter().map(|(_, path)| path).filter(|path| !others.contains(path));
        for path in damaged.into_iter().chain(parts) {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::Io { action: "remove", path, source });
                }
                _ => {}
            }
        }
        self.remove_empty();
        Ok(())
    }

    /// What stands in the folder and has no name of a part, sorted.
    pub(in crate::prep) fn strangers(&self) -> Vec<PathBuf> {
        let ours: BTreeSet<PathBuf> = [PART, PARTIAL, (PART.0, DAMAGED)]
            .into_iter()
            .flat_map(|(start, end)| self.list(start, end))
            .filter(|path| path.extension().is_none_or(|end| end != "h5") || self.is_numbered(path))
            .collect();
        let all: BTreeSet<PathBuf> = self.list("", "").into_iter().collect();
        all.difference(&ours).cloned().collect()
    }

    fn is_numbered(&self, path: &Path) -> bool {
        self.numbered().iter().any(|(_, numbered)| numbered == path)
    }

    fn list(&self, start: &str, end: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let ours = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(start) && name.ends_with(end))
        };
        entries.map(|entry| entry.path()).filter(ours).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_order_and_removed_with_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let parts = PartsFolder::of(&place.path().join("a.h5"));
        assert_eq!((parts.path(), parts.parts()), (&*place.path().join("a.h5.parts"), 0));
        for number in [7, 1_234_567, 10] {
            fs::write(parts.make_place(number).unwrap(), b"").unwrap();
        }
        fs::write(parts.path().join(".part-000008.h5.partial"), b"").unwrap();
        let numbers: Vec<u64> = parts.numbered().into_iter().map(|(number, _)| number).collect();
        assert_eq!((numbers, parts.parts()), (vec![7, 10, 1_234_567], 3));
        parts.remove_partial();
        let part = parts.make_place(10).unwrap();
        assert_eq!(PartsFolder::set_aside(&part).unwrap(), parts.path().join("part-000010.h5.damaged"));
        assert_eq!(parts.parts(), 2);
        parts.remove(&BTreeSet::new()).unwrap();
        assert!(!parts.path().exists());
        parts.remove(&BTreeSet::new()).unwrap();
    }

    #[test]
    fn files_of_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let parts = PartsFolder::of(&place.path().join("a.h5"));
        fs::write(parts.make_place(1).unwrap(), b"").unwrap();
        for name in ["notes", "part-x.h5"] {
            fs::write(parts.path().join(name), b"mine").unwrap();
        }
        let foreign = parts.make_place(2).unwrap();
        fs::write(&foreign, b"mine").unwrap();
        parts.remove_partial();
        parts.remove(&BTreeSet::from([foreign.clone()])).unwrap();
        assert!(foreign.exists());
        fs::remove_file(foreign).unwrap();
        assert_eq!(parts.strangers(), ["notes", "part-x.h5"].map(|name| parts.path().join(name)));
        assert!(parts.path().join("notes").exists() && parts.path().join("part-x.h5").exists());
        assert_eq!(parts.numbered(), []);
    }
}
