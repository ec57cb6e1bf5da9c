//! Arguments of `batches` about augmentation.

use std::path::PathBuf;

use clap::ValueHint;
use dicomprep::augment::{AugmentSpec, FillMode, Interpolation, Range, ShiftRange};
use dicomprep::stream::StandardizeSteps;

use super::choice::{factor, named};

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
    #[arg(long, value_name = "MODE", value_parser = named(fill_modes()))]
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
    #[arg(long, value_name = "FACTOR", conflicts_with = "normalize", value_parser = factor)]
    rescale: Option<f64>,
    /// Subtract the mean of each image
    #[arg(long, conflicts_with = "normalize")]
    samplewise_center: bool,
    /// Divide by the standard deviation of each image, and center
    #[arg(long, conflicts_with = "normalize")]
    samplewise_std_normalization: bool,
    /// Subtract the mean of the train split
    #[arg(long, conflicts_with = "normalize")]
    featurewise_center: bool,
    /// Divide by the standard deviation of the train split, and center
    #[arg(long, conflicts_with = "normalize")]
    featurewise_std_normalization: bool,
    /// Whiten with the file that `dicomprep whiten` has made of this one; it rescales and centers by itself
    #[arg(
        long, value_name = "FILE", value_hint = ValueHint::FilePath,
        conflicts_with_all = [
            "normalize", "rescale", "samplewise_center", "samplewise_std_normalization", "featurewise_center",
            "featurewise_std_normalization"
        ]
    )]
    pub(crate) zca_whitening: Option<PathBuf>,
}

impl AugmentArgs {
    /// True if any change is asked for.
    pub(crate) fn is_given(&self) -> bool {
        let mut changed = AugmentSpec::default();
        self.change(&mut changed);
        self.augment.is_some() || changed != AugmentSpec::default()
    }

    /// Replaces what was typed.
    pub(crate) fn change(&self, spec: &mut AugmentSpec) {
        fn set<T: Clone>(field: &mut T, typed: Option<&T>) {
            if let Some(typed) = typed {
                field.clone_from(typed);
            }
        }
        set(&mut spec.rotation_range, self.rotation_range.as_ref());
        set(&mut spec.width_shift_range, self.width_shift_range.as_ref());
        set(&mut spec.height_shift_range, self.height_shift_range.as_ref());
        set(&mut spec.shear_range, self.shear_range.as_ref());
        set(&mut spec.zoom_range, self.zoom_range.as_ref());
        set(&mut spec.channel_shift_range, self.channel_shift_range.as_ref());
        set(&mut spec.cval, self.cval.as_ref());
        set(&mut spec.fill_mode, self.fill_mode.as_ref());
        set(&mut spec.interpolation_order, self.interpolation_order.as_ref());
        spec.brightness_range = self.brightness_range.or(spec.brightness_range);
        set(&mut spec.zoom_isotropic, self.zoom_isotropic.as_ref());
        set(&mut spec.horizontal_flip, self.horizontal_flip.as_ref());
        set(&mut spec.vertical_flip, self.vertical_flip.as_ref());
    }
}

fn fill_modes() -> Vec<(&'static str, FillMode)> {
    FillMode::ALL.map(|mode| (mode.name(), mode)).to_vec()
}

fn interpolations() -> Vec<(&'static str, Interpolation)> {
    vec![("0", Interpolation::Nearest), ("1", Interpolation::Linear), ("3", Interpolation::Cubic)]
}

impl StandardizeArgs {
    /// True if any step is asked for.
    pub(crate) fn is_given(&self) -> bool {
        self.steps().is_some() || self.zca_whitening.is_some()
    }

    /// Keras' steps of standardization, if one was asked for.
    pub(crate) fn steps(&self) -> Option<StandardizeSteps> {
        let steps = StandardizeSteps {
            rescale: self.rescale.unwrap_or(1.0),
            samplewise_center: self.samplewise_center,
            samplewise_std_normalization: self.samplewise_std_normalization,
            featurewise_center: self.featurewise_center,
            featurewise_std_normalization: self.featurewise_std_normalization,
        };
        (steps != StandardizeSteps::default()).then_some(steps)
    }
}
