//! A file that appears under its name complete and durable, or not at all.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::error::io_error;
use super::partial_file::{Claim, Keeper, PARTIAL_SUFFIX, PartialFile, lock_partial, unique_partial};
use super::place::{beside, folder_of, place_of};

/// A place for a file that is written beside its final name and moved there when it is complete.
///
/// It is locked meanwhile: no other process can claim it. The lock ends with the process, however that ends. Dropped without
/// [`Target::commit`], it leaves nothing behind, unless a journal records rows in it.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    /// Real place of the file: `path`, or the place that a symbolic link there leads to.
    place: PathBuf,
    partial: PartialFile,
    /// The partial file, locked; not locked where the file system has no locks.
    file: File,
    is_locked: bool,
    replace: bool,
    claim: Claim,
}

impl Target {
    /// Reserves the place, so that what would make the end fail is found before the work: a target that
    /// exists (unless `replace`), that is no file, that another process is writing, or whose folder cannot be written.
    ///
    /// A symbolic link is kept: the file appears in the place that it leads to, which need not exist, beside which it is
    /// written. A partial file that a killed run left there is removed, unless a journal records rows in it: then it is
    /// moved beside that.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Busy`], [`StoreError::Io`].
    pub fn claim(path: &Path, replace: bool) -> Result<Self, StoreError> {
        Self::check(path, replace)?;
        let place = place_of(path).map_err(io_error("follow the link", path))?;
        let locked = lock_partial(&place)?;
        let is_locked = locked.is_some();
        let (file, partial) = match locked {
            Some(locked) => locked,
            None => unique_partial(&place).map_err(io_error("create a file beside", &place))?,
        };
        // A file that replaces another is as readable as that.
        if let Ok(replaced) = fs::metadata(&place) {
            let writable = Permissions::from_mode(replaced.permissions().mode() | 0o200);
            fs::set_permissions(&partial, writable).map_err(io_error("create", &partial))?;
        }
        let claim = Claim::new(&partial);
        let partial = PartialFile::new(partial);
        Ok(Self { path: path.to_owned(), place, partial, file, is_locked, replace, claim })
    }

    /// The checks of [`Target::claim`], without touching the disk.
    ///
    /// # Errors
    /// As [`Target::claim`].
    pub fn check(path: &Path, replace: bool) -> Result<(), StoreError> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() && replace => Ok(()),
            Ok(metadata) if metadata.is_file() => Err(StoreError::Exists(path.to_owned())),
            Ok(_) => Err(io_error("write", path)(io::Error::other("it exists and is not a file"))),
            Err(_) if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                Err(io_error("write", path)(io::Error::other("it is not the name of a file")))
            }
            Err(_) => Ok(()),
        }
    }

    /// The place that `path` leads to where it is a symbolic link, which need not exist; otherwise `path`.
    ///
    /// # Errors
    /// Where links lead in a circle.
    pub fn place_of(path: &Path) -> io::Result<PathBuf> {
        place_of(path)
    }

    /// The file that is written before the one at `path` is complete; `None` where links lead in a circle.
    #[must_use]
    pub fn partial_of(path: &Path) -> Option<PathBuf> {
        place_of(path).ok().map(|place| beside(&place, ".", PARTIAL_SUFFIX))
    }

    /// Path to write to in the meantime.
    #[must_use]
    pub fn partial(&self) -> &Path {
        self.partial.path()
    }

    /// Keeps the partial file for a run that continues, if this one does not come to its end.
    pub(super) fn keeper(&self) -> Keeper {
        self.partial.keeper()
    }

    /// The final name, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Place of the file, with a symbolic link followed.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// True if no other process can claim the same place meanwhile; not so where the file system has no locks.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Makes the partial file durable and moves it to its final name. Returns its size in bytes.
    ///
    /// # Errors
    /// [`StoreError::Io`], and [`StoreError::Exists`] where a file has appeared under the name since.
    pub fn commit(self) -> Result<u64, StoreError> {
        // In this order: whatever fails, the partial file goes before its lock does.
        let Self { file: lock, path, place, mut partial, replace, claim, .. } = self;
        // A folder that cannot be opened cannot be synced; the file is none the worse for it.
        let folder = File::open(folder_of(&place)).ok();
        let file = File::open(partial.path()).map_err(io_error("open", partial.path()))?;
        file.sync_all().map_err(io_error("sync", partial.path()))?;
        let metadata = file.metadata().map_err(io_error("open", partial.path()))?;
        let bytes = metadata.len();
        if let Some(mode) = fs::metadata(&place).ok().filter(|_| replace).map(|old| old.permissions().mode())
            && metadata.permissions().mode() == mode | 0o200
        {
            // What makes it read-only comes last.
            let _ = file.set_permissions(Permissions::from_mode(mode));
        }
        partial.persist(&place, replace).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Exists(path.clone()),
            _ => io_error("rename the finished file to", &path)(error),
        })?;
        drop(claim);
        drop(lock);
        if let Some(folder) = folder {
            folder.sync_all().map_err(io_error("make durable the finished file", &path))?;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::partial_file::{claimed, is_named};
    use super::super::place::MAX_NAME_BYTES;
    use super::super::source_scan::files_whose_lines;
    use super::*;

    #[test]
    fn nothing_writes_or_removes_files_past_a_target() {
        let writes = [
            "File::create",
            "fs::write(",
            "fs::rename(",
            "fs::copy(",
            "fs::hard_link(",
            "OpenOptions::new",
            "create_file(",
            "remove_file(",
            "remove_dir_all(",
            "fs::symlink(",
        ];
        let past_a_target =
            |line: &str| writes.iter().any(|call| line.contains(call)) && !line.contains("target.partial()");
        // The places of outputs; files made beside them under the same rule, which are parts and contact sheets; a pipe or
        // device, or the partial file of a target; a file that is opened to read.
        assert_eq!(
            files_whose_lines(past_a_target),
            [
                "files/roots.rs",
                "report/contact_sheet.rs",
                "sink/output.rs",
                "store/journal/writer.rs",
                "store/partial_file.rs",
                "store/parts_folder.rs",
                "store/whitening_file.rs",
                "store/writer.rs",
            ]
        );
        // What the command claims is an option of `OUTPUTS` in places.rs, which the options' definitions are held to.
        let claims = files_whose_lines(|line| line.contains("Target::claim("));
        assert_eq!(
            claims.iter().filter(|file| file.starts_with("bin/")).collect::<Vec<_>>(),
            ["explain", "merge", "prep", "preview", "repair", "report", "whiten"]
                .map(|command| format!("bin/dicomprep/{command}.rs"))
                .iter()
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_link_is_kept_and_its_place_written() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, link) = (folder.path().join("disk"), folder.path().join("a.h5"));
        fs::create_dir(&disk).unwrap();
        std::os::unix::fs::symlink("b.h5", &link).unwrap();
        std::os::unix::fs::symlink("disk/c.h5", folder.path().join("b.h5")).unwrap();
        for (replace, text) in [(false, "first"), (true, "second")] {
            let target = Target::claim(&link, replace).unwrap();
            assert_eq!((target.path(), target.place()), (&*link, &*disk.join("c.h5")));
            fs::write(target.partial(), text).unwrap();
            target.commit().unwrap();
            assert_eq!(
                (fs::read_to_string(disk.join("c.h5")).unwrap(), link.is_symlink()),
                (text.into(), true)
            );
        }
        assert!(matches!(Target::claim(&link, false), Err(StoreError::Exists(_))));
        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        assert!(Target::claim(&circle, true).is_err());
    }

    #[test]
    fn a_file_keeps_the_mode_of_the_one_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"old").unwrap();
        for mode in [0o600, 0o640, 0o444] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let target = Target::claim(&path, true).unwrap();
            let meanwhile = fs::metadata(target.partial()).unwrap().permissions().mode() & 0o777;
            assert_eq!(meanwhile, mode | 0o200);
            fs::write(target.partial(), b"new").unwrap();
            target.commit().unwrap();
            let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!((found, fs::read(&path).unwrap()), (mode, b"new".to_vec()));
        }
    }

    #[test]
    fn what_was_begun_is_removed_and_what_is_done_is_not() {
        let folder = tempfile::tempdir().unwrap();
        Target::claim(&folder.path().join("done"), false).unwrap().commit().unwrap();
        let target = Target::claim(&folder.path().join("begun"), false).unwrap();
        // Only this one: other tests run beside.
        let is_claimed = |name: &str| claimed().contains(&folder.path().join(name));
        assert_eq!([".begun.partial", ".done.partial"].map(is_claimed), [true, false]);
        drop(target);
        assert!(!is_claimed(".begun.partial"));
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn appears_complete_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let target = Target::claim(&path, false).unwrap();
        fs::write(target.partial(), b"half").unwrap();
        drop(target);
        assert!(names(folder.path()).is_empty());

        let target = Target::claim(&path, false).unwrap();
        fs::write(target.partial(), b"whole").unwrap();
        assert_eq!(target.commit().unwrap(), 5);
        assert_eq!(names(folder.path()), ["a.h5"]);
    }

    #[test]
    fn an_existing_file_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        fs::write(&path, b"mine").unwrap();
        assert!(matches!(Target::claim(&path, false), Err(StoreError::Exists(_))));
        assert!(Target::claim(folder.path(), true).is_err(), "a folder is never replaced");
        assert_eq!(fs::read(&path).unwrap(), b"mine");

        let late = folder.path().join("b.h5");
        let target = Target::claim(&late, false).unwrap();
        fs::write(&late, b"came first").unwrap();
        assert!(matches!(target.commit(), Err(StoreError::Exists(_))));
        assert_eq!(fs::read(&late).unwrap(), b"came first");
        assert_eq!(names(folder.path()), ["a.h5", "b.h5"]);
    }

    #[test]
    fn leftovers_go_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".a.h5.partial", ".a.h5.other.partial", ".b.h5.partial"] {
            fs::write(folder.path().join(name), b"dead").unwrap();
        }
        let target = Target::claim(&folder.path().join("a.h5"), false).unwrap();
        assert_eq!(fs::read(target.partial()).unwrap(), b"", "nothing of a leftover is used");
        drop(target);
        assert_eq!(names(folder.path()), [".a.h5.other.partial", ".b.h5.partial"]);
    }

    #[test]
    fn a_folder_that_takes_no_file_is_an_error() {
        // No file can be created there, and the system says that there is none.
        let claimed = Target::claim(Path::new("/proc/a.h5"), false);
        assert!(matches!(claimed, Err(StoreError::Io { .. })), "{claimed:?}");
    }

    #[test]
    fn a_place_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let target = Target::claim(&path, false).unwrap();
        fs::write(target.partial(), b"mine").unwrap();
        for replace in [false, true] {
            assert!(matches!(Target::claim(&path, replace), Err(StoreError::Busy(_))));
        }
        assert_eq!(fs::read(target.partial()).unwrap(), b"mine");
        target.commit().unwrap();
        drop(Target::claim(&path, true).unwrap());
        assert_eq!(names(folder.path()), ["a.h5"]);
    }

    #[test]
    fn of_many_at_once_one_has_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let holders = std::sync::atomic::AtomicUsize::new(0);
        let (count, order) = (&holders, std::sync::atomic::Ordering::SeqCst);
        let claimed: usize = std::thread::scope(|scope| {
            let claim = || {
                (0..300)
                    .filter(|_| match Target::claim(&path, true) {
                        Ok(target) => {
                            assert_eq!(count.fetch_add(1, order), 0);
                            assert!(is_named(&target.file, target.partial()));
                            count.fetch_sub(1, order);
                            target.commit().unwrap();
                            true
                        }
                        Err(StoreError::Busy(_)) => false,
                        Err(error) => panic!("{}", error.with_cause()),
                    })
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(claim)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(claimed > 0);
        assert_eq!(names(folder.path()), ["a.h5"]);
    }

    #[test]
    fn links_and_pipes_in_the_place_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, b"precious").unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join(".a.h5.partial")).unwrap();
        assert!(Target::claim(&folder.path().join("a.h5"), true).is_err());
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        fs::hard_link(&precious, folder.path().join(".b.h5.partial")).unwrap();
        fs::write(Target::claim(&folder.path().join("b.h5"), true).unwrap().partial(), b"x").unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
    }

    #[test]
    fn long_names_have_room() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|end| folder.path().join("x".repeat(MAX_NAME_BYTES - 1) + end));
        let (first, second) = (Target::claim(&a, false).unwrap(), Target::claim(&b, false).unwrap());
        assert_ne!(first.partial(), second.partial());
        first.commit().unwrap();
        second.commit().unwrap();
        assert!(a.is_file() && b.is_file());
    }
}
