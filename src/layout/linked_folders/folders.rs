//! The folders of images and of contours, by the ids that name them.

use std::collections::BTreeMap;

use crate::files::{Catalog, FolderPlace, TreeFolder};

/// The number of the folder of the images among the roots.
pub(super) const IMAGES: usize = 0;
/// The number of the folder of the contours.
pub(super) const ANNOTATIONS: usize = 1;

/// The folder of an id, or a folder in it.
#[derive(Debug)]
pub(super) struct Subfolder {
    /// The way to it from the folder of the id, `/` as separator; empty for that itself.
    pub(super) below: Box<str>,
    pub(super) folder: TreeFolder,
}

/// The folders of the layout that no row of the link table has claimed.
#[derive(Debug, Default)]
pub(super) struct Folders {
    pub(super) images: BTreeMap<Box<str>, Vec<Subfolder>>,
    pub(super) contours: BTreeMap<Box<str>, Vec<Subfolder>>,
    /// Folders whose files belong to none of them.
    pub(super) others: Vec<TreeFolder>,
}

impl Folders {
    pub(super) fn of(folders: Vec<TreeFolder>) -> Self {
        let mut all = Self::default();
        for folder in folders {
            match folder.place.clone() {
                Ok(FolderPlace { root: root @ (IMAGES | ANNOTATIONS), path }) if !path.is_empty() => {
                    let part = if root == IMAGES { &mut all.images } else { &mut all.contours };
                    let below = path[1..].join("/").into();
                    part.entry(path[0].clone()).or_default().push(Subfolder { below, folder });
                }
                _ => all.others.push(folder),
            }
        }
        all
    }

    /// A folder of `id` that stands deeper than the part `root` has it, as a remark.
    pub(super) fn deeper(&self, root: usize, id: &str, catalog: &Catalog) -> Option<String> {
        let option = if root == IMAGES { "--dicoms" } else { "--contours" };
        let found = self.others.iter().find(|folder| {
            let name = catalog.folder_name(folder.id);
            name.rsplit_once('/').is_some_and(|(_, last)| last == id) && !folder.files.is_empty()
                || first_folder_below(name, id).is_some()
        })?;
        let name = catalog.folder_name(found.id);
        let at = first_folder_below(name, id).unwrap_or(name);
        let parent = at.rsplit_once('/').map_or("", |(parent, _)| parent);
        Some(format!("{at} is there: {option} DATA_DIR/{parent} reads it"))
    }
}

/// The part of the path `name` up to its first folder called `id`, which is not the outermost.
pub(super) fn first_folder_below<'n>(name: &'n str, id: &str) -> Option<&'n str> {
    let mut end = 0;
    for part in name.split('/') {
        end += part.len();
        if part == id && end > part.len() {
            return Some(&name[..end]);
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_deeper() {
        assert_eq!(first_folder_below("dicoms/set/P1/x", "P1"), Some("dicoms/set/P1"));
        assert_eq!(first_folder_below("P1", "P1"), None);
    }
}
