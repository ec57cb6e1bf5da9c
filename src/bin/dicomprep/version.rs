//! `dicomprep --version --verbose`: the build.

use std::ffi::OsString;

use dicomprep::source::TransferSyntax;
use dicomprep::store::hdf5_version;

/// True if the command line asks for more than the version.
pub(crate) fn is_verbose(mut words: impl Iterator<Item = OsString>) -> bool {
    words.any(|word| word == "--verbose" || word == "-v" || word == "-vV" || word == "-Vv")
}

/// Version, commit, HDF5 and transfer syntaxes, a line each.
pub(crate) fn describe() -> String {
    let commit = option_env!("DICOMPREP_COMMIT").filter(|commit| !commit.is_empty());
    let mut text = format!("dicomprep {}\n", env!("CARGO_PKG_VERSION"));
    text += &format!("commit: {}\n", commit.unwrap_or("unknown: not built from a checkout with make"));
    text += &format!("HDF5: {}, static\n", hdf5_version());
    text += "transfer syntaxes:\n";
    for syntax in TransferSyntax::ALL {
        text += &format!("  {syntax}\n");
    }
    text
}
