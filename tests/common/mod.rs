//! Functions that several test files share.

pub(crate) mod annotations;
#[allow(dead_code, reason = "shared with the fuzz targets")]
pub(crate) mod dicom;
pub(crate) mod linked;
#[allow(dead_code, reason = "shared with other programs of tests")]
pub(crate) mod packed;

use std::path::{Path, PathBuf};

/// The folder of test data that is too large for the project: `DICOMPREP_DATA` if set, else
/// `../shared/data` beside the project if it is there.
pub(crate) fn shared_data() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("DICOMPREP_DATA") {
        return Some(PathBuf::from(folder));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    folder.is_dir().then_some(folder)
}
