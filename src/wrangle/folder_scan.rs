//! Which files there are: names only, no file is opened.
//!
//! Every entry below the data directory, and below the folders of images and contours where those are
//! elsewhere, is seen exactly once: a file of the layout goes to its folder, everything else to the list of
//! skipped files. A folder reached through a symbolic link is not seen a second time at its own place.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::Layout;
use super::folder_list::{Entry, Kind, list};
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
        let hidden = task.role == Role::Elsewhere(Reason::HiddenFile);
        let entries = match list(self.layout, &task.real, hidden) {
            Ok(entries) => entries,
            Err(error) => {
                // A hidden folder that cannot be listed hides nothing that was asked for.
                let reason = if hidden { Reason::HiddenFile } else { Reason::Unreadable };
                self.skip(task.shown, reason, format!("the folder cannot be listed: {error}"));
                return;
            }
        };
        let mut files = Vec::new();
        for Entry { name, kind } in entries {
            match kind {
                Kind::File => files.push(name),
                Kind::Folder(real, reason) => self.enter(&task, name, real, reason),
                Kind::LinkedFolder(real) => self.enter_link(&task, name, real),
                Kind::Skip(reason, detail) => self.skip(join_name(&task.shown, &name), reason, detail),
            }
        }
        self.keep(task, files);
    }

    /// Plans to look into a real folder, unless it is looked into elsewhere.
    fn enter(&mut self, parent: &Task, name: Box<str>, real: PathBuf, reason: Option<Reason>) {
        // Folders outside the layout are looked into once anyway, and there may be many.
        if self.visited.contains(&real) {
            return;
        }
        let role = match reason {
            Some(reason) => Role::Elsewhere(reason),
            None => child_role(parent.role, &name, self.scan.originals.len())
                .unwrap_or(elsewhere_below(parent.role)),
        };
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
