//! A file that appears under its name complete and durable, or not at all.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::StoreError;

/// End of the name of a file that is being written.
const PARTIAL_SUFFIX: &str = ".partial";

/// A place for a file that is written beside its final name and moved there when it is complete.
///
/// Dropped without [`Target::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    partial: TempPath,
    /// Locked as long as the partial file is ours, so that no other run takes it for a leftover.
    lock: File,
    replace: bool,
}

impl Target {
    /// Reserves the place, so that what would make the end fail is found before the work: a target that
    /// exists (unless `replace`), that is no file, or whose folder cannot be written.
    ///
    /// Partial files that a killed run left here are removed.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Io`].
    pub fn claim(path: &Path, replace: bool) -> Result<Self, StoreError> {
        Self::check(path, replace)?;
        let (folder, prefix) = Self::partial_place(path);
        remove_leftovers(&folder, &prefix);
        let partial = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(PARTIAL_SUFFIX)
            .make_in(&folder, |partial| File::create_new(partial))
            .map_err(io_error("create a file beside", path))?;
        let (lock, partial) = partial.into_parts();
        // A file system without locks leaves leftovers, and does no other harm.
        let _ = lock.try_lock();
        Ok(Self { path: path.to_owned(), partial, lock, replace })
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

    /// Where to write in the meantime.
    #[must_use]
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// The final name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the partial file durable and moves it to its final name. Returns its size in bytes.
    ///
    /// # Errors
    /// [`StoreError::Io`], and [`StoreError::Exists`] where a file has appeared under the name since.
    pub fn commit(self) -> Result<u64, StoreError> {
        let Self { path, partial, lock, replace } = self;
        let (folder, _) = Self::partial_place(&path);
        // A folder that cannot be opened cannot be synced; the file is none the worse for it.
        let folder = File::open(folder).ok();
        let file = File::open(&partial).map_err(io_error("open", &partial))?;
        file.sync_all().map_err(io_error("sync", &partial))?;
        let bytes = file.metadata().map_err(io_error("open", &partial))?.len();
        let moved = if replace { partial.persist(&path) } else { partial.persist_noclobber(&path) };
        moved.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Exists(path.clone()),
            _ => io_error("rename the finished file to", &path)(error.error),
        })?;
        drop(lock);
        if let Some(folder) = folder {
            folder.sync_all().map_err(io_error("make durable the finished file", &path))?;
        }
        Ok(bytes)
    }

    /// The folder of `path` and how the names of its partial files begin.
    fn partial_place(path: &Path) -> (PathBuf, String) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        (folder, format!(".{name}."))
    }
}

/// Removes partial files whose writer is gone: they are locked as long as they are being written.
fn remove_leftovers(folder: &Path, prefix: &str) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let ours =
            name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(PARTIAL_SUFFIX));
        if ours && is_unlocked(&entry.path()) {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_unlocked(path: &Path) -> bool {
    match File::open(path).map(|file| file.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => false,
    }
}

pub(super) fn io_error<'p>(action: &'static str, path: &'p Path) -> impl Fn(io::Error) -> StoreError + 'p {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn leftovers_go_and_files_in_use_stay() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".a.h5.dead.partial"), b"").unwrap();
        fs::write(folder.path().join(".b.h5.other.partial"), b"").unwrap();
        let used = Target::claim(&folder.path().join("a.h5"), false).unwrap();
        drop(Target::claim(&folder.path().join("a.h5"), false).unwrap());
        let used = used.partial().file_name().unwrap().to_str().unwrap();
        assert_eq!(names(folder.path()), [used, ".b.h5.other.partial"]);
    }
}
