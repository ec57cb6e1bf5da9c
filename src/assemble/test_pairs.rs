//! Data directories for tests.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::layout::{LinkedFolders, Reading, Require, SampleSet, Select, StructureChoice, plan};
use crate::source::Limits;

/// A data directory with images of these bytes, each with a contour.
pub(super) fn pairs(root: &Path, images: &[Vec<u8>]) -> SampleSet {
    let [dicoms, contours] = ["dicoms/P", "contourfiles/O/i-contours"].map(|folder| root.join(folder));
    fs::create_dir_all(&dicoms).and_then(|()| fs::create_dir_all(&contours)).unwrap();
    fs::write(root.join("link.csv"), "patient_id,original_id\nP,O\n").unwrap();
    for (number, image) in (1..).zip(images) {
        fs::write(dicoms.join(format!("{number}.dcm")), image).unwrap();
        let contour = contours.join(format!("IM-0001-{number:04}-icontour-manual.txt"));
        fs::write(contour, "1 1\n2 1\n2 2\n").unwrap();
    }
    let select = Select { structures: StructureChoice::Default, require: Require::Any, ..Select::default() };
    let (limits, cancel) = (Limits::default(), AtomicBool::new(false));
    let layout = LinkedFolders::new(root, None, None, None).unwrap();
    plan(&layout, &select, &Reading { limits: &limits, cancel: &cancel }).unwrap()
}
