//! The file that a [`Target`](super::Target) is written to before it has its name.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::OFlags;
use tempfile::{PathPersistError, TempPath};

use super::StoreError;
use super::error::io_error;
use super::parts_folder::PartsFolder;
use super::place::{beside, folder_of};

/// End of the name of a file that is being written.
pub(super) const PARTIAL_SUFFIX: &str = ".partial";

/// The partial file of a target. Dropped, it is removed, or moved to where it is kept.
#[derive(Debug)]
pub(super) struct PartialFile {
    /// `None` when it has its final name.
    path: Option<TempPath>,
    kept: Arc<OnceLock<PathBuf>>,
}

impl PartialFile {
    pub(super) fn new(path: TempPath) -> Self {
        Self { path: Some(path), kept: Arc::default() }
    }

    pub(super) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    pub(super) fn keeper(&self) -> Keeper {
        Keeper { partial: self.path().to_owned(), kept: Arc::clone(&self.kept) }
    }

    /// Gives the file its final name.
    pub(super) fn persist(&mut self, place: &Path, replace: bool) -> io::Result<()> {
        let Some(path) = self.path.take() else { return Ok(()) };
        let moved = if replace { path.persist(place) } else { path.persist_noclobber(place) };
        moved.map_err(|PathPersistError { error, path }| {
            self.path = Some(path);
            error
        })
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if let (Some(kept), Some(path)) = (self.kept.get(), &mut self.path) {
            // What cannot be moved is moved by the next run, like what a killed run leaves.
            let _ = fs::rename(&*path, kept);
            path.disable_cleanup(true);
        }
    }
}

/// Decides that a partial file is worth keeping.
#[derive(Debug)]
pub(super) struct Keeper {
    partial: PathBuf,
    kept: Arc<OnceLock<PathBuf>>,
}

impl Keeper {
    /// From now on the partial file is not removed but moved to `place`, however the run ends.
    pub(super) fn keep(&self, place: PathBuf) {
        claimed().remove(&self.partial);
        let _ = self.kept.set(place);
    }
}

/// A partial file that [`remove_partial_files`] removes for as long as this lives.
#[derive(Debug)]
pub(super) struct Claim(PathBuf);

impl Claim {
    pub(super) fn new(partial: &Path) -> Self {
        claimed().insert(partial.to_owned());
        Self(partial.to_owned())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        claimed().remove(&self.0);
    }
}

/// The partial files of this process that still have their names.
static CLAIMED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

pub(super) fn claimed() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what was begun and not finished by this process, which is about to end without dropping its targets.
pub fn remove_partial_files() {
    // What cannot be removed is removed by the next run.
    std::mem::take(&mut *claimed()).into_iter().for_each(|path| _ = fs::remove_file(path));
}

/// Creates the partial file of `path` and locks it; `None` where the file system has no locks.
///
/// The file is always a new one, nothing of a leftover is used. Whoever holds the lock of the file that stands under the
/// name, and no other, may remove it or put another there.
pub(super) fn lock_partial(path: &Path) -> Result<Option<(File, TempPath)>, StoreError> {
    let partial = beside(path, ".", PARTIAL_SUFFIX);
    let failed = |error| io_error("create a file beside", path)(error);
    loop {
        let created = File::create_new(&partial);
        let is_new = created.is_ok();
        let file = match created {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match open_leftover(&partial) {
                // The other one has just come to its end.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened,
            },
            created => created,
        };
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) if !is_named(&file, &partial) => {}
            Ok(()) if is_new => {
                let partial = TempPath::try_from_path(partial).map_err(failed)?;
                return Ok(Some((file, partial)));
            }
            Ok(()) => clear_leftover(&partial, path).map_err(failed)?,
            Err(TryLockError::WouldBlock) => return Err(StoreError::Busy(path.to_owned())),
            Err(TryLockError::Error(_)) => {
                if is_new {
                    // What cannot be removed does no harm.
                    let _ = fs::remove_file(&partial);
                }
                return Ok(None);
            }
        }
    }
}

/// Takes the partial file that a killed run has left out of the way: to the journal of its rows, if there is one.
fn clear_leftover(partial: &Path, path: &Path) -> io::Result<()> {
    match PartsFolder::of(path).place_of_leftover() {
        Some(place) => fs::rename(partial, place),
        None => fs::remove_file(partial),
    }
}

/// Opens a partial file to lock it. It may be anything: no link is followed and nothing is waited for. For writing,
/// because NFS locks nothing else; it is not written to.
fn open_leftover(partial: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits() as i32).open(partial)
}

/// True if `file` is what stands at `path`.
pub(super) fn is_named(file: &File, path: &Path) -> bool {
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(file), Ok(named)) => place(file) == place(named),
        _ => false,
    }
}

/// A partial file of a unique name: where there are no locks, nothing else tells whose it is.
pub(super) fn unique_partial(path: &Path) -> io::Result<(File, TempPath)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(PARTIAL_SUFFIX)
        .make_in(folder_of(path), |partial| File::create_new(partial))?;
    Ok(partial.into_parts())
}
