//! Which files there are: names only, no file is opened.
//!
//! Every entry below the data directory, and below the folders of images and contours where those are
//! elsewhere, is seen exactly once: a file of the layout goes to its folder, everything else to the list of
//! skipped files. A folder reached through a symbolic link is not seen a second time at its own place.

use std::collections::{HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

use super::Layout;
use super::layout::join_name;
use crate::model::{Place, Reason, Skipped, Structure};

/// The files of one folder of the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The path to open, with links resolved.
    pub path: PathBuf,
    /// The names of its files, sorted.
    pub files: Vec<Box<str>>,
}

/// A folder below `dicoms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientFolder {
    /// Its name.
    pub name: Box<str>,
    /// What is in it.
    pub folder: Folder,
}

/// A folder below `contourfiles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContourFolder {
    /// Its name.
    pub name: Box<str>,
    /// Its folders of contours, in the order of [`Structure::ALL`].
    pub structures: [Option<Folder>; 2],
}

/// Everything there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The folders below `dicoms`, sorted by name.
    pub patients: Vec<PatientFolder>,
    /// The folders below `contourfiles`, sorted by name.
    pub originals: Vec<ContourFolder>,
    /// All other entries, sorted.
    pub skipped: Vec<Skipped>,
    /// How many entries there are, the link table included; a folder that cannot be read is one.
    pub files_seen: usize,
}

/// The name of the folder that holds the contours of `structure`.
pub(super) fn structure_folder(structure: Structure) -> &'static str {
    match structure {
        Structure::Inner => "i-contours",
        Structure::Outer => "o-contours",
    }
}

/// Looks at the names of all files.
#[must_use]
pub fn scan(layout: &Layout) -> Scan {
    let mut walk = Walk::new(layout);
    walk.run();
    let mut scan = walk.scan;
    scan.patients.sort_by(|a, b| a.name.cmp(&b.name));
    scan.originals.sort_by(|a, b| a.name.cmp(&b.name));
    scan.skipped.sort();
    scan
}

/// What a folder is in the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Dicoms,
    Patient,
    Contours,
    Original,
    /// In the contour folder with this index.
    Structure(usize, Structure),
    /// No part of the layout; its files are skipped for this reason.
    Elsewhere(Reason),
}

/// A folder to look into.
struct Task {
    role: Role,
    real: PathBuf,
    name: Box<str>,
    shown: String,
}

/// The entries of a folder that its role decides about, each sorted by name.
#[derive(Default)]
struct Listing {
    files: Vec<Box<str>>,
    folders: Vec<(Box<str>, PathBuf)>,
    /// Symbolic links to folders, with their targets.
    linked_folders: Vec<(Box<str>, PathBuf)>,
}

struct Walk<'a> {
    layout: &'a Layout,
    scan: Scan,
    visited: HashSet<PathBuf>,
    /// Real folders of the layout.
    ready: VecDeque<Task>,
    /// Folders of the layout that are links: after the real ones, so that a folder keeps its own name.
    linked: VecDeque<Task>,
    /// The data directory itself, where it is none of the folders above.
    rest: Option<Task>,
    /// Folders outside the layout: last, so that a folder that a link puts into the layout stays there.
    elsewhere: Vec<Task>,
}

impl<'a> Walk<'a> {
    fn new(layout: &'a Layout) -> Self {
        let root = |role, real: &Path, shown: &str| Task {
            role,
            real: real.to_path_buf(),
            name: Box::default(),
            shown: shown.to_owned(),
        };
        let dicoms = root(Role::Dicoms, &layout.dicoms().real, layout.dicoms_name());
        let contours = root(Role::Contours, &layout.contours().real, layout.contours_name());
        let mut visited = HashSet::from([dicoms.real.clone(), contours.real.clone()]);
        let rest = root(Role::Elsewhere(Reason::OutsideLayout), layout.data_dir(), "");
        let rest = visited.insert(rest.real.clone()).then_some(rest);
        // The link table counts here, wherever it is.
        let scan = Scan { files_seen: 1, ..Scan::default() };
        let ready = VecDeque::from([dicoms, contours]);
        Self { layout, scan, visited, ready, linked: VecDeque::new(), rest, elsewhere: Vec::new() }
    }

    fn run(&mut self) {
        loop {
            if let Some(task) = self.ready.pop_front() {
                self.visit(task);
            } else if let Some(task) = self.linked.pop_front() {
                if self.visited.insert(task.real.clone()) {
                    self.visit(task);
                } else {
                    let detail = "it leads to a folder that is read at another place";
                    self.skip(task.shown, Reason::LinkNotFollowed, detail);
                }
            } else if let Some(task) = self.rest.take() {
                self.visit(task);
            } else if let Some(task) = self.elsewhere.pop() {
                if !self.visited.contains(&task.real) {
                    self.visit(task);
                }
            } else {
                return;
            }
        }
    }

    fn visit(&mut self, task: Task) {
        let listing = match self.list(&task) {
            Ok(listing) => listing,
            Err(error) => {
                // A hidden folder that cannot be listed hides nothing that was asked for.
                let reason = match task.role {
                    Role::Elsewhere(Reason::HiddenFile) => Reason::HiddenFile,
                    _ => Reason::Unreadable,
                };
                self.skip(task.shown, reason, format!("the folder cannot be listed: {error}"));
                return;
            }
        };
        for (name, real) in listing.folders {
            let role = child_role(task.role, &name, self.scan.originals.len());
            self.enter(role.unwrap_or(elsewhere_below(task.role)), &task, name, real);
        }
        for (name, real) in listing.linked_folders {
            self.enter_link(&task, name, real);
        }
        self.keep(task, listing.files);
    }

    /// Plans to look into a real folder, unless it is looked into elsewhere.
    fn enter(&mut self, role: Role, parent: &Task, name: Box<str>, real: PathBuf) {
        // Folders outside the layout are looked into once anyway, and there may be many.
        if self.visited.contains(&real) {
            return;
        }
        let shown = join_name(&parent.shown, &name);
        let task = Task { role, real, name, shown };
        if matches!(role, Role::Elsewhere(_)) {
            self.elsewhere.push(task);
        } else {
            self.visited.insert(task.real.clone());
            self.ready.push_back(task);
        }
    }

    fn enter_link(&mut self, parent: &Task, name: Box<str>, real: PathBuf) {
        let shown = join_name(&parent.shown, &name);
        if parent.real.starts_with(&real) {
            self.skip(shown, Reason::LinkNotFollowed, "it leads back to a folder above it");
            return;
        }
        match child_role(parent.role, &name, self.scan.originals.len()) {
            Some(role) => self.linked.push_back(Task { role, real, name, shown }),
            None => {
                self.skip(shown, Reason::LinkNotFollowed, "it leads to a folder, where the layout has none")
            }
        }
    }

    /// Puts the files of a folder where its role says.
    fn keep(&mut self, task: Task, files: Vec<Box<str>>) {
        let reason = match task.role {
            Role::Patient => {
                self.scan.files_seen += files.len();
                let folder = Folder { path: task.real, files };
                return self.scan.patients.push(PatientFolder { name: task.name, folder });
            }
            Role::Structure(original, structure) => {
                self.scan.files_seen += files.len();
                let folder = Folder { path: task.real, files };
                self.scan.originals[original].structures[structure as usize] = Some(folder);
                return;
            }
            Role::Original => {
                self.scan.originals.push(ContourFolder { name: task.name, structures: [None, None] });
                Reason::OutsideLayout
            }
            Role::Dicoms | Role::Contours => Reason::OutsideLayout,
            Role::Elsewhere(reason) => reason,
        };
        self.skip_all(&task.shown, reason, &files);
    }

    fn skip_all(&mut self, folder: &str, reason: Reason, files: &[Box<str>]) {
        for name in files {
            self.skip(join_name(folder, name), reason, "");
        }
    }

    fn skip(&mut self, shown: String, reason: Reason, detail: impl Into<String>) {
        self.scan.files_seen += 1;
        self.scan.skipped.push(Skipped::new(Place::file(shown), reason, detail));
    }

    /// Lists a folder; what is skipped whatever the folder's role is skipped here.
    fn list(&mut self, task: &Task) -> io::Result<Listing> {
        let parts = self.layout.parts_in(&task.real);
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&task.real)? {
            let entry = entry?;
            let name = entry.file_name();
            // Parts of the layout are looked into as such.
            if !parts.contains(&name.as_os_str()) {
                entries.push((name, entry.file_type()?));
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let mut listing = Listing::default();
        for (name, kind) in entries {
            self.sort_in(task, &Entry { name: &name.to_string_lossy(), raw: &name, kind }, &mut listing);
        }
        Ok(listing)
    }

    fn sort_in(&mut self, task: &Task, entry: &Entry<'_>, listing: &mut Listing) {
        let shown = || join_name(&task.shown, entry.name);
        let hidden = entry.name.starts_with('.') || task.role == Role::Elsewhere(Reason::HiddenFile);
        let utf8 = entry.raw.to_str().is_some();
        if entry.kind.is_dir() {
            let real = task.real.join(entry.raw);
            let reason = match (hidden, utf8) {
                (true, _) => Reason::HiddenFile,
                (_, false) => Reason::NameDoesNotFit,
                _ => return listing.folders.push((entry.name.into(), real)),
            };
            return self.enter(Role::Elsewhere(reason), task, entry.name.into(), real);
        }
        if hidden {
            return self.skip(shown(), Reason::HiddenFile, "");
        }
        if is_system_file(entry.name) {
            return self.skip(shown(), Reason::SystemFile, "");
        }
        let (is_file, target) = if entry.kind.is_symlink() {
            match self.follow(&task.real.join(entry.raw)) {
                Ok(Target::File) => (true, None),
                Ok(Target::Folder(target)) => (false, Some(target)),
                Ok(Target::Other) => (false, None),
                Err(detail) => return self.skip(shown(), Reason::LinkLeadsOut, detail),
            }
        } else {
            (entry.kind.is_file(), None)
        };
        if !is_file && target.is_none() {
            return self.skip(shown(), Reason::NotAFile, "");
        }
        if !utf8 {
            return self.skip(shown(), Reason::NameDoesNotFit, "the name is not UTF-8");
        }
        match target {
            Some(target) => listing.linked_folders.push((entry.name.into(), target)),
            None => listing.files.push(entry.name.into()),
        }
    }

    /// Where a symbolic link leads, or why it is not followed.
    fn follow(&self, link: &Path) -> Result<Target, String> {
        let nowhere = |error: io::Error| format!("it leads nowhere: {error}");
        let real = std::fs::canonicalize(link).map_err(nowhere)?;
        if !self.layout.holds(&real) {
            return Err("it leads out of the data directory; put a copy in its place".to_owned());
        }
        let kind = std::fs::metadata(&real).map_err(nowhere)?.file_type();
        Ok(match (kind.is_file(), kind.is_dir()) {
            (true, _) => Target::File,
            (_, true) => Target::Folder(real),
            _ => Target::Other,
        })
    }
}

enum Target {
    File,
    Folder(PathBuf),
    Other,
}

struct Entry<'a> {
    /// The name as it is shown.
    name: &'a str,
    raw: &'a OsStr,
    kind: FileType,
}

/// What a folder called `name` is in a folder of role `parent`, where the layout has folders.
fn child_role(parent: Role, name: &str, originals: usize) -> Option<Role> {
    match parent {
        Role::Dicoms => Some(Role::Patient),
        Role::Contours => Some(Role::Original),
        Role::Original => Structure::ALL
            .into_iter()
            .find(|&structure| structure_folder(structure) == name)
            .map(|structure| Role::Structure(originals, structure)),
        _ => None,
    }
}

fn elsewhere_below(parent: Role) -> Role {
    match parent {
        Role::Elsewhere(_) => parent,
        _ => Role::Elsewhere(Reason::OutsideLayout),
    }
}

fn is_system_file(name: &str) -> bool {
    ["Thumbs.db", "desktop.ini"].iter().any(|system| system.eq_ignore_ascii_case(name))
}
