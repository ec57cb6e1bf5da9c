//! The folder beside the output in which a run keeps what is finished, for a run that continues after it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::error::io_error;
use super::place::{beside, folder_of, place_of};

/// Suffix of the folder after the name of the output.
const FOLDER_SUFFIX: &str = ".parts";
/// Names of a journal, and of the partial file that it tells of: `rows-000001.journal`, `rows-000001.partial`.
const ROWS: &str = "rows-";
const JOURNAL: &str = ".journal";
const PARTIAL: &str = ".partial";
/// Names of files in which earlier versions kept rows, complete, unfinished or damaged.
const OLD_PART: [(&str, &str); 3] = [("part-", ".h5"), (".part-", ".partial"), ("part-", ".damaged")];

/// The finished work of an output: `final_data.h5.parts` for `final_data.h5`.
#[derive(Debug, Clone)]
pub struct PartsFolder {
    path: PathBuf,
}

/// A journal, and the partial file that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRun {
    /// Its number; later runs have higher ones.
    pub number: u64,
    /// The journal.
    pub journal: PathBuf,
    /// The partial file.
    pub partial: PathBuf,
}

impl KeptRun {
    /// Removes both files, the journal first: a partial file alone is harmless, and a journal alone would wait for one.
    ///
    /// # Errors
    /// [`StoreError::Io`] where one of them cannot be removed.
    pub fn remove(&self) -> Result<(), StoreError> {
        [&self.journal, &self.partial].into_iter().try_for_each(|path| remove(path))
    }
}

impl PartsFolder {
    /// The folder of `output`; it need not exist. Where the output is a symbolic link, it stands beside the file that the
    /// link leads to.
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

    /// The number of runs of which rows are kept.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.runs().len()
    }

    /// The runs of which there is a journal, ascending. The partial file of the last one may still stand where it was
    /// written, or nowhere.
    #[must_use]
    pub fn runs(&self) -> Vec<KeptRun> {
        let number = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?;
            let number = name.strip_prefix(ROWS)?.strip_suffix(JOURNAL)?.parse().ok()?;
            (self.run(number).journal == *path).then_some(number)
        };
        let mut numbers: Vec<u64> = self.list(ROWS, JOURNAL).iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.run(number)).collect()
    }

    fn run(&self, number: u64) -> KeptRun {
        let path = |end| self.path.join(format!("{ROWS}{number:06}{end}"));
        KeptRun { number, journal: path(JOURNAL), partial: path(PARTIAL) }
    }

    /// The place of the partial file that a killed run has left, if there is a journal of it.
    pub(super) fn place_of_leftover(&self) -> Option<PathBuf> {
        self.runs().pop().map(|run| run.partial).filter(|partial| fs::symlink_metadata(partial).is_err())
    }

    /// Makes the folder, if it is not there, and the names of run `number` in it.
    pub(super) fn make_run(&self, number: u64) -> Result<KeptRun, StoreError> {
        let failed = io_error("make the folder", &self.path);
        match fs::create_dir(&self.path) {
            Ok(()) => {
                File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all()).map_err(failed)?
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        Ok(self.run(number))
    }

    /// Files in which earlier versions kept rows, by their names: `part-000001.h5`.
    #[must_use]
    pub fn old_parts(&self) -> Vec<PathBuf> {
        let mut parts: Vec<_> = OLD_PART
            .iter()
            .flat_map(|(start, end)| self.list(start, end))
            .filter(|path| is_numbered(path))
            .collect();
        parts.sort();
        parts
    }

    /// Removes a file of the folder.
    ///
    /// # Errors
    /// [`StoreError::Io`] where it cannot be removed.
    pub fn remove_old_part(&self, path: &Path) -> Result<(), StoreError> {
        remove(path)
    }

    /// Removes the folder if nothing is in it.
    pub fn remove_empty(&self) {
        let _ = fs::remove_dir(&self.path);
    }

    /// Removes what is kept, and the folder. Where somebody has put another file there, the folder stays.
    ///
    /// # Errors
    /// [`StoreError::Io`] where a file cannot be removed.
    pub fn remove(&self) -> Result<(), StoreError> {
        self.runs().iter().try_for_each(KeptRun::remove)?;
        // A run that was killed while it removed them has left no journal.
        self.list(ROWS, PARTIAL).iter().try_for_each(|path| remove(path))?;
        self.remove_empty();
        Ok(())
    }

    /// Entries of the folder that are not ours, sorted.
    #[must_use]
    pub fn strangers(&self) -> Vec<PathBuf> {
        let mut ours: BTreeSet<PathBuf> = self.old_parts().into_iter().collect();
        ours.extend(self.runs().into_iter().map(|run| run.journal));
        ours.extend(self.list(ROWS, PARTIAL));
        let all: BTreeSet<PathBuf> = self.list("", "").into_iter().collect();
        all.difference(&ours).cloned().collect()
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

/// True if the name of an old part has a number where it should.
fn is_numbered(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = name.trim_start_matches('.').trim_start_matches("part-").split('.').next();
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_in_order_and_removed_with_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let parts = PartsFolder::of(&place.path().join("a.h5"));
        assert_eq!((parts.path(), parts.parts()), (&*place.path().join("a.h5.parts"), 0));
        assert_eq!(parts.place_of_leftover(), None);
        for number in [7, 1_234_567, 10] {
            fs::write(parts.make_run(number).unwrap().journal, b"").unwrap();
        }
        let runs = parts.runs();
        assert_eq!(runs.iter().map(|run| run.number).collect::<Vec<_>>(), [7, 10, 1_234_567]);
        assert_eq!(parts.place_of_leftover(), Some(parts.path().join("rows-1234567.partial")));
        fs::write(&runs[2].partial, b"").unwrap();
        assert_eq!(parts.place_of_leftover(), None, "it has one");
        runs[0].remove().unwrap();
        assert_eq!(parts.parts(), 2);
        fs::write(parts.path().join("rows-000003.partial"), b"").unwrap();
        parts.remove().unwrap();
        assert!(!parts.path().exists());
        parts.remove().unwrap();
    }

    #[test]
    fn files_of_others_stay() {
        let place = tempfile::tempdir().unwrap();
        let parts = PartsFolder::of(&place.path().join("a.h5"));
        fs::write(parts.make_run(1).unwrap().journal, b"").unwrap();
        let others = ["notes", "part-x.h5", "rows-1.journal", "rows-x.journal"];
        for name in [&others[..], &["part-000002.h5", ".part-000003.h5.partial"]].concat() {
            fs::write(parts.path().join(name), b"mine").unwrap();
        }
        assert_eq!(parts.strangers(), others.map(|name| parts.path().join(name)));
        let old = [".part-000003.h5.partial", "part-000002.h5"].map(|name| parts.path().join(name));
        assert_eq!(parts.old_parts(), old);
        old.iter().for_each(|path| parts.remove_old_part(path).unwrap());
        parts.remove().unwrap();
        assert_eq!((parts.parts(), parts.strangers().len()), (0, 4));
    }
}
