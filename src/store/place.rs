//! Places of files: links followed, and names beside a file.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The longest name of a file, in bytes, on the file systems in use.
pub(super) const MAX_NAME_BYTES: usize = 255;

/// Links that are followed one after the other, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// The place that `path` leads to where it is a symbolic link, which need not exist; otherwise `path`.
pub(crate) fn place_of(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&place) {
            Ok(to) => place = folder_of(&place).join(to),
            // It is no link, or nothing is there.
            Err(_) => return Ok(place),
        }
    }
    Err(io::Error::other("it leads through too many links"))
}

/// The folder that `path` is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name beside `path` that begins with `prefix`, goes on as the name of `path`, and ends with `suffix`. A name that
/// would be too long is cut, and its checksum tells it from others.
pub(crate) fn beside(path: &Path, prefix: &str, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let room = MAX_NAME_BYTES - prefix.len() - suffix.len();
    let middle = if name.len() <= room {
        name.to_vec()
    } else {
        let sum = format!("~{:08x}", crc32c::crc32c(name));
        [&name[..room - sum.len()], sum.as_bytes()].concat()
    };
    let name = [prefix.as_bytes(), &middle, suffix.as_bytes()].concat();
    folder_of(path).join(OsString::from_vec(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_beside_a_file_is_in_its_folder() {
        assert_eq!(beside(Path::new("d/a.h5"), ".", ".partial"), Path::new("d/.a.h5.partial"));
        assert_eq!(beside(Path::new("a.h5"), "", ".parts"), Path::new("./a.h5.parts"));
    }
}
