//! Locations of the parts of a data directory.

use std::path::{Path, PathBuf};

use clap::ValueHint;
use dicomprep::layout::Layout;
use dicomprep::layout::registry::{self, LayoutOptions};

/// Locations of the parts of a data directory, if not the usual ones.
#[derive(Debug, Clone, clap::Args)]
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

    /// The layout of `data_dir`.
    pub(crate) fn layout(&self, data_dir: &Path) -> anyhow::Result<Box<dyn Layout>> {
        let Self { link, dicoms, contours } = self.clone();
        Ok(registry::open(&LayoutOptions { data_dir: data_dir.to_owned(), link, dicoms, contours })?)
    }
}
