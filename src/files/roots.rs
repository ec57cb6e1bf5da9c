//! Opens input files without leaving the folders that the user has named.

#[cfg(target_os = "linux")]
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::fs::OFlags;

/// Flags of all input files: a pipe is not waited for.
const FLAGS: OFlags = OFlags::NONBLOCK;

/// The folders below which inputs are: the data directory, and the folders that stand for a part of it.
///
/// Names were checked when the folders were listed. A file may be replaced by a symbolic link since, so that each is
/// opened beneath its folder, or the place of the open file is compared with the folders.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roots(Arc<Folders>);

#[derive(Debug, Default)]
struct Folders {
    roots: Vec<Root>,
    /// Reads that may still be made without waiting before the files count as being in memory.
    slow: AtomicU32,
    /// Set where the system cannot tell what of a file is in memory.
    tells_nothing: AtomicBool,
}

/// Reads after one that had to wait, for which files count as not being in memory.
const SLOW_FOR: u32 = 256;

#[derive(Debug)]
struct Root {
    path: PathBuf,
    /// The open folder; `None` where it cannot be opened.
    folder: Option<File>,
}

impl PartialEq for Roots {
    fn eq(&self, other: &Self) -> bool {
        self.paths().eq(other.paths())
    }
}

impl Eq for Roots {}

impl Roots {
    /// The folders at `paths`, absolute and with links resolved.
    pub(crate) fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let root = |path: &Path| Root { path: path.to_owned(), folder: File::open(path).ok() };
        Self(Arc::new(Folders { roots: paths.into_iter().map(root).collect(), ..Folders::default() }))
    }

    /// The folders, the data directory first.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.roots.iter().map(|root| &*root.path)
    }

    /// These folders and those of `other`.
    pub(super) fn join(&self, other: &Self) -> Self {
        Self::new(self.paths().chain(other.paths()))
    }

    /// Notes that a read `waited` for the disk or the network, or did not.
    pub(crate) fn note_read(&self, waited: bool) {
        let slow = self.0.slow.load(Ordering::Relaxed);
        if waited {
            self.0.slow.store(SLOW_FOR, Ordering::Relaxed);
        } else if slow > 0 {
            // That a note of another thread is lost now and then does no harm.
            self.0.slow.store(slow - 1, Ordering::Relaxed);
        }
    }

    /// True if reads had to wait lately.
    pub(crate) fn are_slow(&self) -> bool {
        self.0.slow.load(Ordering::Relaxed) > 0
    }

    /// Notes that the system cannot tell what of these files is in memory.
    pub(crate) fn note_no_telling(&self) {
        self.0.tells_nothing.store(true, Ordering::Relaxed);
    }

    /// True if the system can tell, as far as is known, what of these files is in memory.
    pub(crate) fn tell_what_is_in_memory(&self) -> bool {
        !self.0.tells_nothing.load(Ordering::Relaxed)
    }

    /// Opens the file at `path` for reading.
    ///
    /// # Errors
    /// Those of opening it, and [`io::ErrorKind::PermissionDenied`] where a link leads out of the folders.
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        match self.open_beneath(path) {
            Some(opened) => opened,
            None => self.open_and_check(path),
        }
    }

    /// Opens the file relative to its folder, through no link that leads out of it. `None` where the kernel cannot, or
    /// where a link leads out of the folder, which may be into another one of them.
    #[cfg(target_os = "linux")]
    fn open_beneath(&self, path: &Path) -> Option<io::Result<File>> {
        use rustix::fs::{Mode, ResolveFlags, openat2};
        use rustix::io::Errno;

        let below = |root: &'_ Root| path_below(path, &root.path).map(|_| root.path.as_os_str().len());
        let root = match &*self.0.roots {
            [root] => root,
            roots => roots.iter().max_by_key(|root| below(root))?,
        };
        let name = path_below(path, &root.path)?;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | FLAGS;
        match openat2(root.folder.as_ref()?, name, flags, Mode::empty(), ResolveFlags::BENEATH) {
            Ok(file) => Some(Ok(file.into())),
            // EXDEV: it leads out of this folder; the others say that the kernel cannot do it, or not now.
            Err(Errno::XDEV | Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::AGAIN) => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn open_beneath(&self, _: &Path) -> Option<io::Result<File>> {
        None
    }

    /// Opens the file, and compares the place of what was opened with the folders.
    fn open_and_check(&self, path: &Path) -> io::Result<File> {
        let file = OpenOptions::new().read(true).custom_flags(FLAGS.bits().cast_signed()).open(path)?;
        let real = place_of(&file, path)?;
        if self.0.roots.iter().any(|root| real.starts_with(&root.path)) {
            return Ok(file);
        }
        let why = "it leads out of the data directory; put a copy in its place";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }
}

/// What follows `folder` in `path`. As [`Path::strip_prefix`], which takes both apart into their components, except where
/// the bytes tell.
#[cfg(target_os = "linux")]
fn path_below<'p>(path: &'p Path, folder: &Path) -> Option<&'p Path> {
    let rest = path.as_os_str().as_bytes().strip_prefix(folder.as_os_str().as_bytes());
    match rest {
        Some([b'/', name @ ..]) if !name.starts_with(b"/") => Some(Path::new(OsStr::from_bytes(name))),
        _ => path.strip_prefix(folder).ok(),
    }
}

/// The path of an open file, with all links resolved.
fn place_of(file: &File, path: &Path) -> io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    if let Ok(place) = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
        return Ok(place);
    }
    // Without /proc: the path leads there now, if what stands there is what was opened.
    let place = path.canonicalize()?;
    let (opened, found) = (file.metadata()?, place.metadata()?);
    match (opened.dev(), opened.ino()) == (found.dev(), found.ino()) {
        true => Ok(place),
        false => Err(io::Error::other("it was replaced while it was opened")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_follows_a_folder_is_what_the_standard_library_strips() {
        for folder in ["/", "/a", "/a/b", "/a/", "/c"] {
            for path in ["/a/b/c", "/a", "/a/", "/a//b", "/ab/c", "/a/b/c/./d", "/a/b", "a/b"] {
                let [folder, path] = [folder, path].map(Path::new);
                assert_eq!(path_below(path, folder), path.strip_prefix(folder).ok(), "{path:?} {folder:?}");
            }
        }
    }

    #[test]
    fn links_within_the_folders_are_followed_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let path = |name: &str| real.join(name);
        for name in ["data", "data/dicoms", "more", "outside"] {
            fs::create_dir(path(name)).unwrap();
        }
        for name in ["data/a", "data/dicoms/b", "more/c", "outside/secret"] {
            fs::write(path(name), name).unwrap();
        }
        let roots = Roots::new([&*path("data"), &*path("more")]);
        for (link, to) in [
            ("data/dicoms/relative", PathBuf::from("../a")),
            ("data/dicoms/absolute", path("data/a")),
            ("data/dicoms/other", path("more/c")),
            ("data/dicoms/out", path("outside/secret")),
            ("data/dicoms/up", PathBuf::from("../../outside/secret")),
        ] {
            symlink(to, path(link)).unwrap();
        }
        let read = |name: &str| roots.open(&path(name)).and_then(io::read_to_string);
        for (name, text) in [
            ("data/a", "data/a"),
            ("data/dicoms/b", "data/dicoms/b"),
            ("data/dicoms/relative", "data/a"),
            ("data/dicoms/absolute", "data/a"),
            ("data/dicoms/other", "more/c"),
        ] {
            assert_eq!(read(name).unwrap(), text, "{name}");
        }
        for name in ["data/dicoms/out", "data/dicoms/up", "outside/secret"] {
            let error = read(name).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{name}");
            assert!(roots.open_and_check(&path(name)).is_err());
        }
        assert_eq!(read("data/none").unwrap_err().kind(), io::ErrorKind::NotFound);
        // A folder that was replaced by a link leads out just as well.
        fs::rename(path("data/dicoms"), path("data/old")).unwrap();
        symlink(path("outside"), path("data/dicoms")).unwrap();
        assert!(read("data/dicoms/secret").is_err());
    }
}
