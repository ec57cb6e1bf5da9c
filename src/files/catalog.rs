//! All files of a data directory, each once, by numbers.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Places, Roots, join_name};
use crate::model::FileId;

/// A folder of a [`Catalog`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderId(u32);

/// Content of a file, as far as its layout tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum FileKind {
    /// Nothing is known.
    #[default]
    Unknown,
    /// A CSV table.
    Table,
    /// A DICOM image.
    Image,
    /// A contour as text.
    ContourText,
    /// An RT Structure Set.
    RtStruct,
    /// A DICOM segmentation.
    DicomSeg,
    /// A PNG or TIFF image whose values are structures.
    MaskImage,
    /// A NIfTI label volume.
    Nifti,
    /// A segmentation of 3D Slicer.
    Nrrd,
}

/// Names and paths of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    roots: Roots,
    folders: Vec<Folder>,
    files: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Folder {
    path: PathBuf,
    name: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    folder: FolderId,
    kind: FileKind,
    /// In its folder; empty where the folder itself counts as a file, because it cannot be listed.
    name: Box<str>,
}

impl Catalog {
    /// A catalog of files below `roots`, which has none yet.
    pub(super) fn below(roots: Roots) -> Self {
        Self { roots, ..Self::default() }
    }

    /// A catalog of files at `places`, which has none yet.
    pub(crate) fn of(places: &Places) -> Self {
        Self::below(places.to_roots())
    }

    /// The folders below which all files are.
    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Adds a folder: its path to open, and its name relative to the data directory.
    pub fn add_folder(&mut self, path: PathBuf, name: &str) -> FolderId {
        self.folders.push(Folder { path, name: name.into() });
        FolderId(u32::try_from(self.folders.len() - 1).unwrap_or(u32::MAX))
    }

    /// Adds a file of a folder.
    pub fn add(&mut self, folder: FolderId, name: &str) -> FileId {
        self.files.push(File { folder, kind: FileKind::Unknown, name: name.into() });
        FileId::new(self.files.len() - 1)
    }

    /// Puts `name` and a slash before the names of all folders.
    pub(crate) fn rename(&mut self, name: &str) {
        for folder in &mut self.folders {
            folder.name = join_name(name, if &*folder.name == "." { "" } else { &folder.name }).into();
        }
    }

    /// Adds all files of another catalog, in their order.
    pub(crate) fn append(&mut self, other: Self) {
        let Self { roots, folders, files } = other;
        self.roots = self.roots.join(&roots);
        let before = u32::try_from(self.folders.len()).unwrap_or(u32::MAX);
        self.folders.extend(folders);
        self.files
            .extend(files.into_iter().map(|file| File { folder: FolderId(file.folder.0 + before), ..file }));
    }

    /// Number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True if there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// All files, in the order in which they were added.
    pub fn files(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len()).map(FileId::new)
    }

    /// The path to open.
    #[must_use]
    pub fn path(&self, file: FileId) -> PathBuf {
        let File { folder, name, .. } = self.file(file);
        self.folder(*folder).path.join(&**name)
    }

    /// The name that people see: relative to the data directory, `/` as separator.
    #[must_use]
    pub fn name(&self, file: FileId) -> String {
        let File { folder, name, .. } = self.file(file);
        let folder = &self.folder(*folder).name;
        if name.is_empty() { (**folder).to_owned() } else { join_name(folder, name) }
    }

    /// The name within its folder.
    #[must_use]
    pub fn file_name(&self, file: FileId) -> &str {
        &self.file(file).name
    }

    /// The folder that it stands in.
    #[must_use]
    pub fn folder_of(&self, file: FileId) -> FolderId {
        self.file(file).folder
    }

    /// The name of a folder, relative to the data directory.
    #[must_use]
    pub fn folder_name(&self, folder: FolderId) -> &str {
        &self.folder(folder).name
    }

    /// The path of a folder.
    #[must_use]
    pub fn folder_path(&self, folder: FolderId) -> &Path {
        &self.folder(folder).path
    }

    /// Its content, as far as its layout tells.
    #[must_use]
    pub fn kind(&self, file: FileId) -> FileKind {
        self.file(file).kind
    }

    /// Says what it holds.
    pub fn set_kind(&mut self, file: FileId, kind: FileKind) {
        self.files[file.index()].kind = kind;
    }

    fn file(&self, file: FileId) -> &File {
        &self.files[file.index()]
    }

    fn folder(&self, folder: FolderId) -> &Folder {
        &self.folders[folder.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_names_and_paths() {
        let mut catalog = Catalog::default();
        let [root, patient] = [("/d", ""), ("/real/P1", "dicoms/P1")]
            .map(|(path, name)| catalog.add_folder(PathBuf::from(path), name));
        let [table, image] =
            [(root, "t.csv"), (patient, "1.dcm")].map(|(folder, name)| catalog.add(folder, name));
        let whole = catalog.add(patient, "");
        catalog.set_kind(image, FileKind::Image);
        assert_eq!(
            catalog.files().map(|file| catalog.name(file)).collect::<Vec<_>>(),
            ["t.csv", "dicoms/P1/1.dcm", "dicoms/P1"]
        );
        assert_eq!(catalog.path(image), Path::new("/real/P1/1.dcm"));
        assert_eq!((catalog.kind(table), catalog.kind(image)), (FileKind::Unknown, FileKind::Image));
        assert_eq!((catalog.folder_of(whole), catalog.file_name(image)), (patient, "1.dcm"));
    }
}
