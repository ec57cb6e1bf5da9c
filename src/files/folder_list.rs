//! Entries of one folder, by name and kind.

use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

use super::Places;
use crate::model::Reason;

/// An entry of a folder.
pub(super) struct FolderEntry {
    /// Its name, shown with replacement characters where it is not UTF-8.
    pub(super) name: Box<str>,
    pub(super) kind: EntryKind,
}

/// Kind of an entry.
pub(super) enum EntryKind {
    /// A file, or a symbolic link to one.
    File,
    /// A folder, and why its files are skipped where its name alone says so.
    Folder(PathBuf, Option<Reason>),
    /// A symbolic link to this folder.
    LinkedFolder(PathBuf),
    /// Skipped whatever the folder is, with a detail.
    Skip(Reason, Box<str>),
}

/// Lists the real folder `dir`, sorted by name, without the parts of the layout: they are listed as such.
/// In a hidden folder everything is hidden.
pub(super) fn list(places: &Places, dir: &Path, in_hidden: bool) -> io::Result<Vec<FolderEntry>> {
    let parts = places.parts_in(dir);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if !parts.contains(&name.as_os_str()) {
            entries.push((name, entry.file_type()?));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let sort_in = |(raw, file_type): (OsString, FileType)| {
        let name = raw.to_string_lossy();
        let hidden = in_hidden || name.starts_with('.');
        let kind = if file_type.is_dir() {
            folder_kind(dir.join(&raw), hidden, raw.to_str().is_some())
        } else if hidden {
            EntryKind::Skip(Reason::HiddenFile, Box::default())
        } else {
            file_kind(places, dir, &raw, file_type)
        };
        FolderEntry { name: name.into(), kind }
    };
    Ok(entries.into_iter().map(sort_in).collect())
}

fn folder_kind(real: PathBuf, hidden: bool, utf8: bool) -> EntryKind {
    let reason = match (hidden, utf8) {
        (true, _) => Some(Reason::HiddenFile),
        (_, false) => Some(Reason::NameDoesNotFit),
        _ => None,
    };
    EntryKind::Folder(real, reason)
}

/// Kind of an entry that is neither a folder nor hidden.
fn file_kind(places: &Places, dir: &Path, raw: &OsStr, file_type: FileType) -> EntryKind {
    if ["Thumbs.db", "desktop.ini"].iter().any(|system| raw.eq_ignore_ascii_case(system)) {
        return EntryKind::Skip(Reason::SystemFile, Box::default());
    }
    let kind = if file_type.is_symlink() {
        link_kind(places, &dir.join(raw))
    } else if file_type.is_file() {
        EntryKind::File
    } else {
        EntryKind::Skip(Reason::NotAFile, Box::default())
    };
    match kind {
        EntryKind::File | EntryKind::LinkedFolder(_) if raw.to_str().is_none() => {
            EntryKind::Skip(Reason::NameDoesNotFit, "the name is not UTF-8".into())
        }
        kind => kind,
    }
}

/// Target of a symbolic link.
fn link_kind(places: &Places, link: &Path) -> EntryKind {
    let found = std::fs::canonicalize(link).and_then(|real| {
        let file_type = std::fs::metadata(&real)?.file_type();
        Ok((real, file_type))
    });
    match found {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            EntryKind::Skip(Reason::Unreadable, format!("the link cannot be followed: {error}").into())
        }
        Err(error) => EntryKind::Skip(Reason::LinkLeadsOut, format!("it leads nowhere: {error}").into()),
        Ok((real, _)) if !places.holds(&real) => {
            let detail = "it leads out of the data directory; put a copy in its place";
            EntryKind::Skip(Reason::LinkLeadsOut, detail.into())
        }
        Ok((_, file_type)) if file_type.is_file() => EntryKind::File,
        Ok((real, file_type)) if file_type.is_dir() => EntryKind::LinkedFolder(real),
        Ok(_) => EntryKind::Skip(Reason::NotAFile, Box::default()),
    }
}
