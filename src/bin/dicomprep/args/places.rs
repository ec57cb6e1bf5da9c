//! Locations of the parts of a data directory.

use std::path::{Path, PathBuf};

use clap::ValueHint;
use clap::builder::PossibleValuesParser;
use dicomprep::layout::Layout;
use dicomprep::layout::registry::{self, LayoutOptions};
use dicomprep::raster::MaskRule;

/// Locations of the parts of a data directory, if not the usual ones.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlaceArgs {
    /// Arrangement of images and annotations: link, or dicom (any tree of DICOM objects, RTSTRUCT and SEG)
    #[arg(long, value_name = "NAME", value_parser = layouts())]
    layout: Option<String>,
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
        self.layout.is_some() || [&self.link, &self.dicoms, &self.contours].into_iter().any(Option::is_some)
    }

    /// The usual rule of the layout: planning systems trace structures through pixel centres.
    pub(crate) fn mask_rule(&self) -> MaskRule {
        if self.layout.as_deref() == Some("dicom") { MaskRule::CenterInclusive } else { MaskRule::Center }
    }

    /// The layout of `data_dir`.
    pub(crate) fn layout(&self, data_dir: &Path) -> anyhow::Result<Box<dyn Layout>> {
        let Self { layout, link, dicoms, contours } = self.clone();
        let data_dir = data_dir.to_owned();
        Ok(registry::open(&LayoutOptions { layout, data_dir, link, dicoms, contours })?)
    }
}

fn layouts() -> PossibleValuesParser {
    PossibleValuesParser::new(registry::LAYOUTS.map(|(name, _)| name))
}
