//! Data directories of the layout `link`.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use dicomprep::layout::{
    self, LayoutError, LinkedFolders, Reading, Require, SampleSet, Select, StructureChoice, StructurePatterns,
};
use dicomprep::source::Limits;

pub(crate) fn select(structures: &str, require: Require) -> Select {
    Select {
        structures: StructureChoice::Named(StructurePatterns::parse(structures).unwrap()),
        require,
        ..Select::default()
    }
}

/// The samples of a data directory.
pub(crate) fn plan(layout: &LinkedFolders, select: &Select) -> Result<SampleSet, LayoutError> {
    let (limits, cancel) = (Limits::default(), AtomicBool::new(false));
    layout::plan(layout, select, &Reading { limits: &limits, cancel: &cancel })
}

/// Writes an empty file.
pub(crate) fn write(root: &Path, name: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "").unwrap();
}

/// A data directory with the rows `link` of the link table, and empty files.
pub(crate) fn tree(link: &str, files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["dicoms", "contourfiles"] {
        fs::create_dir(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("link.csv"), format!("patient_id,original_id\n{link}")).unwrap();
    for name in files {
        write(root.path(), name);
    }
    root
}
