//! The files of a tree: names only, no file is opened.
//!
//! Every entry below the data directory, and below the folders that are read instead of parts of it, is seen exactly
//! once. A folder reached through a symbolic link is not seen a second time at its own place.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};

use super::folder_list::{EntryKind, FolderEntry, list};
use super::{Catalog, Fates, FolderId, Places, join_name};
use crate::model::{FileId, Place, Reason, Skipped};

/// Everything there is.
#[derive(Debug, Default)]
pub struct Tree {
    /// All files, the tables of the layout first. A folder that cannot be listed counts as a file.
    pub catalog: Catalog,
    /// Fate of each.
    pub fates: Fates,
    /// The tables, in the order of [`Places::tables`].
    pub tables: Vec<FileId>,
    /// The folders, each after those above it.
    pub folders: Vec<TreeFolder>,
    /// Files that are skipped whatever the layout.
    pub skipped: Vec<Skipped>,
}

/// A folder and its files.
#[derive(Debug)]
pub struct TreeFolder {
    /// Its number in the catalog.
    pub id: FolderId,
    /// Its place in the layout; where the layout expects no folder, the reason to skip its files.
    pub place: Result<FolderPlace, Reason>,
    /// Its files, sorted by name.
    pub files: Vec<FileId>,
}

/// The place of a folder in a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPlace {
    /// Number of the folder of [`Places::roots`] that it lies in.
    pub root: usize,
    /// The names on the way to it from there; none for the root itself.
    pub path: Box<[Box<str>]>,
}

impl Tree {
    /// Walks the names of all files. `expects` says of a root, by its number, and the names from there to a folder
    /// whether the layout has such a folder; symbolic links to other folders are not followed.
    #[must_use]
    pub fn of(places: &Places, expects: &dyn Fn(usize, &[Box<str>]) -> bool) -> Self {
        let mut walk = Walk::new(places, expects);
        walk.run();
        walk.tree.skipped.sort();
        walk.tree
    }

    /// Skips a file.
    pub fn skip(&mut self, file: FileId, reason: Reason, detail: impl Into<String>) {
        let skipped = Skipped::new(Place::file(self.catalog.name(file)), reason, detail).of(file);
        self.fates.skip(&skipped);
        self.skipped.push(skipped);
    }
}

/// A folder to look into.
struct Task {
    place: Result<FolderPlace, Reason>,
    real: PathBuf,
    shown: String,
}

struct Walk<'a> {
    places: &'a Places,
    expects: &'a dyn Fn(usize, &[Box<str>]) -> bool,
    tree: Tree,
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
    fn new(places: &'a Places, expects: &'a dyn Fn(usize, &[Box<str>]) -> bool) -> Self {
        let catalog = Catalog::below(places.to_roots());
        let mut tree = Tree { catalog, ..Tree::default() };
        let (mut visited, mut ready) = (HashSet::new(), VecDeque::new());
        for table in places.tables() {
            // A table counts as a file, wherever it is.
            let (folder, name) = match table.name().rsplit_once('/') {
                Some((folder, name)) if !folder.is_empty() && !name.is_empty() => (folder, name),
                _ => ("", table.name()),
            };
            let parent = table.path().parent().unwrap_or(Path::new("")).to_owned();
            let folder = tree.catalog.add_folder(parent, folder);
            let file = add(&mut tree, folder, name);
            tree.tables.push(file);
        }
        for (number, root) in places.roots().iter().enumerate() {
            visited.insert(root.path().to_owned());
            ready.push_back(Task {
                place: Ok(FolderPlace { root: number, path: Box::default() }),
                real: root.path().to_owned(),
                shown: root.name().to_owned(),
            });
        }
        let rest = Task {
            place: Err(Reason::OutsideLayout),
            real: places.data_dir().to_owned(),
            shown: String::new(),
        };
        let rest = visited.insert(rest.real.clone()).then_some(rest);
        Self { places, expects, tree, visited, ready, linked: VecDeque::new(), rest, elsewhere: Vec::new() }
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
                    self.skip_folder(task, Reason::LinkNotFollowed, detail);
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
        let hidden = task.place == Err(Reason::HiddenFile);
        let entries = match list(self.places, &task.real, hidden) {
            Ok(entries) => entries,
            Err(error) => {
                // A hidden folder that cannot be listed hides nothing that was asked for.
                let reason = if hidden { Reason::HiddenFile } else { Reason::Unreadable };
                self.skip_folder(task, reason, &format!("the folder cannot be listed: {error}"));
                return;
            }
        };
        let id = self.tree.catalog.add_folder(task.real.clone(), &task.shown);
        let mut files = Vec::new();
        for FolderEntry { name, kind } in entries {
            match kind {
                EntryKind::File => files.push(add(&mut self.tree, id, &name)),
                EntryKind::Folder(real, reason) => self.enter(&task, &name, real, reason),
                EntryKind::LinkedFolder(real) => self.enter_link(&task, id, &name, real),
                EntryKind::Skip(reason, detail) => self.skip(id, &name, reason, &detail),
            }
        }
        self.tree.folders.push(TreeFolder { id, place: task.place, files });
    }

    /// Plans to look into a real folder, unless it is looked into elsewhere.
    fn enter(&mut self, parent: &Task, name: &str, real: PathBuf, reason: Option<Reason>) {
        // Folders outside the layout are looked into once anyway, and there may be many.
        if self.visited.contains(&real) {
            return;
        }
        let place = match reason {
            Some(reason) => Err(reason),
            None => self.place_below(parent, name),
        };
        let task = Task { place, real, shown: join_name(&parent.shown, name) };
        if task.place.is_err() {
            self.elsewhere.push(task);
        } else {
            self.visited.insert(task.real.clone());
            self.ready.push_back(task);
        }
    }

    fn enter_link(&mut self, parent: &Task, folder: FolderId, name: &str, real: PathBuf) {
        if parent.real.starts_with(&real) {
            self.skip(folder, name, Reason::LinkNotFollowed, "it leads back to a folder above it");
            return;
        }
        match self.place_below(parent, name) {
            Ok(place) => {
                let shown = join_name(&parent.shown, name);
                self.linked.push_back(Task { place: Ok(place), real, shown });
            }
            Err(_) => {
                let detail = "it leads to a folder, where the layout has none";
                self.skip(folder, name, Reason::LinkNotFollowed, detail);
            }
        }
    }

    /// The place of a folder called `name` in `parent`.
    fn place_below(&self, parent: &Task, name: &str) -> Result<FolderPlace, Reason> {
        let FolderPlace { root, path: above } = parent.place.as_ref().map_err(|reason| *reason)?;
        let path: Box<[Box<str>]> = above.iter().cloned().chain([name.into()]).collect();
        if (self.expects)(*root, &path) {
            Ok(FolderPlace { root: *root, path })
        } else {
            Err(Reason::OutsideLayout)
        }
    }

    fn skip_folder(&mut self, task: Task, reason: Reason, detail: &str) {
        let folder = self.tree.catalog.add_folder(task.real, &task.shown);
        self.skip(folder, "", reason, detail);
    }

    fn skip(&mut self, folder: FolderId, name: &str, reason: Reason, detail: &str) {
        let file = add(&mut self.tree, folder, name);
        self.tree.skip(file, reason, detail);
    }
}

fn add(tree: &mut Tree, folder: FolderId, name: &str) -> FileId {
    tree.fates.add();
    tree.catalog.add(folder, name)
}
