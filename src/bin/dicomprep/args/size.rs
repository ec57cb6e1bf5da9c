//! Arguments that give images one size.

use dicomprep::model::GridShape;
use dicomprep::stream::CropMode;

use super::choice::one_of;

#[derive(Debug, clap::Args)]
pub(crate) struct SizeArgs {
    /// Rows and columns of images and masks, as in 256x256 [default: as they are stored; needed where prep --size varied has
    /// stored each at its own]
    #[arg(long, value_name = "HxW", help_heading = "Format and values")]
    pub(crate) size: Option<GridShape>,
    /// The part of a larger image: random, by seed, epoch and row; center; or pad, which refuses it. A smaller image is put in
    /// the middle and surrounded by its smallest value, its mask by zeros [default: center]
    #[arg(long, value_name = "HOW", help_heading = "Format and values", requires = "size", value_parser = one_of!(CropMode))]
    pub(crate) crop: Option<CropMode>,
}
