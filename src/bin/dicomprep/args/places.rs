//! Locations of the parts of a data directory.

use std::path::{Path, PathBuf};

use clap::ValueHint;
use dicomprep::wrangle::Layout;

/// Locations of the parts of a data directory, if not the usual ones.
#[derive(Debug, clap::Args)]
pub(crate) struct PlaceArgs {
    /// The link table [default: DATA_DIR/link.csv]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    link: Option<PathBuf>,
    /// The folder of the images [default: DATA_DIR/dicoms]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dicoms: Option<PathBuf>,
    /// The folder of the contours [default: DATA_DIR/contourfiles]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    contours: Option<PathBuf>,
}

impl PlaceArgs {
    /// True if a location is given.
    pub(super) fn is_given(&self) -> bool {
        [&self.link, &self.dicoms, &self.contours].into_iter().any(Option::is_some)
    }

    /// The parts of `data_dir`.
    pub(crate) fn layout(&self, data_dir: &Path) -> anyhow::Result<Layout> {
        let [link, dicoms, contours] = [&self.link, &self.dicoms, &self.contours].map(Option::as_deref);
        Ok(Layout::new(data_dir, link, dicoms, contours)?)
    }
}
