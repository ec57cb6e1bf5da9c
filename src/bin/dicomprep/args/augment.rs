//! Arguments of `batches` about augmentation.

use std::path::PathBuf;

use clap::ValueHint;
use dicomprep::augment::{FillMode, Interpolation, Range, ShiftRange};
use dicomprep::stream::{AugmentSource, StreamOptions};

use super::choice::{factor, named, one_of};

/// The heading of what changes samples at random.
pub(super) const AUGMENTATION: &str =
    "Augmentation (options of Keras' ImageDataGenerator have its names and meaning)";

/// The options of Keras' `ImageDataGenerator`, under its names, and where more is written.
#[derive(Debug, clap::Args)]
#[command(
    next_help_heading = "Augmentation (options of Keras' ImageDataGenerator have its names and meaning)"
)]
pub(crate) struct AugmentArgs {
    /// A preset, keras-default, cardiac or nnunet, or a TOML file; the options below replace what it says
    #[arg(long, value_name = "PRESET|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) augment: Option<String>,
    /// Rotation by -R to R degrees
    #[arg(long, value_name = "R")]
    rotation_range: Option<f64>,
    /// Shift to the left and right: below 1 a part of the width, from 1 on pixels; a whole number or a list chooses
    #[arg(long, value_name = "S|LIST", allow_hyphen_values = true)]
    width_shift_range: Option<ShiftRange>,
    /// Shift up and down, in the same way
    #[arg(long, value_name = "S|LIST", allow_hyphen_values = true)]
    height_shift_range: Option<ShiftRange>,
    /// Shear by -S to S degrees
    #[arg(long, value_name = "S")]
    shear_range: Option<f64>,
    /// Zoom of height and width, each drawn apart, from 1 - Z to 1 + Z or from LOW to HIGH; above 1, things become
    /// smaller
    #[arg(long, value_name = "Z|LOW,HIGH", value_parser = Range::from_zoom_text)]
    zoom_range: Option<Range>,
    /// Zoom height and width by the same number
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    zoom_isotropic: Option<bool>,
    /// Add -C to C to all pixels, within the image's extremes
    #[arg(long, value_name = "C")]
    channel_shift_range: Option<f64>,
    /// Multiply distances from black, by LOW to HIGH; black is 0, or the least pixel where it is below
    #[arg(long, value_name = "LOW,HIGH", value_parser = Range::from_two_numbers)]
    brightness_range: Option<Range>,
    /// Exchange left and right in half of the samples
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    horizontal_flip: Option<bool>,
    /// Exchange top and bottom in half of the samples
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    vertical_flip: Option<bool>,
    /// Pixels outside an image; masks are 0 there [default: nearest]
    #[arg(long, value_name = "MODE", value_parser = one_of!(FillMode))]
    fill_mode: Option<FillMode>,
    /// The value outside for --fill-mode constant [default: 0]
    #[arg(long, value_name = "VALUE")]
    cval: Option<f64>,
    /// Interpolation of images: 0 nearest, 1 linear, 3 cubic spline [default: 1]
    #[arg(long, value_name = "ORDER", value_parser = named(interpolations()))]
    interpolation_order: Option<Interpolation>,
}

/// Standardization as in Keras' `ImageDataGenerator`.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Standardization (Keras' names and order), after augmentation")]
pub(crate) struct StandardizeArgs {
    /// Multiply all pixels
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    rescale: Option<f64>,
    /// Subtract the mean of each image
    #[arg(long)]
    samplewise_center: bool,
    /// Divide by the standard deviation of each image, and center
    #[arg(long)]
    samplewise_std_normalization: bool,
    /// Subtract the mean of the train split
    #[arg(long)]
    featurewise_center: bool,
    /// Divide by the standard deviation of the train split, and center
    #[arg(long)]
    featurewise_std_normalization: bool,
    /// Whiten with the file that `dicomprep whiten` has made of this one; it rescales and centers by itself
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) zca_whitening: Option<PathBuf>,
}

impl AugmentArgs {
    /// True if any augmentation is asked for.
    pub(crate) fn is_given(&self) -> bool {
        let mut changed = StreamOptions::default();
        self.set(&mut changed);
        changed != StreamOptions::default()
    }

    /// Puts what was typed into `options`.
    pub(crate) fn set(&self, options: &mut StreamOptions) {
        options.augment = self.augment.as_deref().map(AugmentSource::named);
        options.rotation_range = self.rotation_range;
        options.width_shift_range.clone_from(&self.width_shift_range);
        options.height_shift_range.clone_from(&self.height_shift_range);
        options.shear_range = self.shear_range;
        options.zoom_range = self.zoom_range;
        options.zoom_isotropic = self.zoom_isotropic;
        options.channel_shift_range = self.channel_shift_range;
        options.brightness_range = self.brightness_range;
        options.horizontal_flip = self.horizontal_flip;
        options.vertical_flip = self.vertical_flip;
        options.fill_mode = self.fill_mode;
        options.cval = self.cval;
        options.interpolation_order = self.interpolation_order;
    }
}

fn interpolations() -> Vec<(&'static str, Interpolation)> {
    vec![("0", Interpolation::Nearest), ("1", Interpolation::Linear), ("3", Interpolation::Cubic)]
}

impl StandardizeArgs {
    /// Puts what was typed into `options`.
    pub(crate) fn set(&self, options: &mut StreamOptions) {
        options.rescale = self.rescale.unwrap_or(1.0);
        options.samplewise_center = self.samplewise_center;
        options.samplewise_std_normalization = self.samplewise_std_normalization;
        options.featurewise_center = self.featurewise_center;
        options.featurewise_std_normalization = self.featurewise_std_normalization;
        options.zca_whitening.clone_from(&self.zca_whitening);
    }
}
