//! Specs under a name.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::AugmentError;

/// A spec under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// `keras-default`: the example "transforming images and masks together" of the documentation of Keras'
    /// `ImageDataGenerator`, which segmentation code starts from: rotation by up to 90 degrees, shifts by up to
    /// a tenth of the image, zoom by up to a fifth, outside the nearest pixel. Its featurewise normalization is
    /// no augmentation, and is asked for by itself.
    KerasDefault,
    /// `cardiac`: for cine MR of the heart, short axis above all. It varies what varies between patients and
    /// scanners, and keeps what anatomy and protocol fix:
    ///
    /// - Rotation by up to 30 degrees, shift by up to a tenth, zoom by 0.8 to 1.25, the same for both axes, mild
    ///   elastic deformation: how the heart lies in the chest, where the field of view is centered, the size of
    ///   hearts and of pixels, the phase of the beat. Pixels of MR are square, so both axes are zoomed alike.
    /// - No flips: which side the right ventricle is on tells it from the left.
    /// - Outside is 0, as scanners and viewers pad a field of view.
    /// - Bias field, for the sensitivity of surface coils, which falls with depth; noise, blur and low
    ///   resolution, for coil, field strength and slice thickness; contrast and gamma, for the sequence. MR has
    ///   no unit, so none of it is absolute. Each is mild and happens to a minority of samples, so that most
    ///   look like those of the test.
    Cardiac,
    /// `nnunet`: what nnU-Net v2 does to 2D images (`nnUNetTrainer.get_training_transforms` with square patches;
    /// operations of batchgeneratorsv2): rotation by up to 180 degrees and isotropic zoom by 0.7 to 1.4, with
    /// probability 0.2 each, noise, blur, brightness (here `[gain]`), contrast, low resolution, inverted gamma,
    /// gamma, mirroring, in that order.
    ///
    /// - Blur and low resolution happen there with probability 0.2 and 0.25, and then to each channel with
    ///   probability 0.5. Here they happen to all channels or none, so with 0.1 and 0.125: the same for images of
    ///   one channel.
    /// - nnU-Net's noise has a parameter called variance, from 0 to 0.1, that it uses as the standard deviation;
    ///   so does this.
    /// - nnU-Net's images are normalized to mean 0 and deviation 1 before. Here all numbers are relative to the
    ///   image's own mean and deviation, which is the same. Outside is 0 all the same, not the mean.
    Nnunet,
}

const KERAS_DEFAULT: &str = "
rotation_range = 90
width_shift_range = 0.1
height_shift_range = 0.1
zoom_range = 0.2
";

const CARDIAC: &str = "
rotation_range = 30
width_shift_range = 0.1
height_shift_range = 0.1
zoom_range = [0.8, 1.25]
zoom_isotropic = true
fill_mode = 'constant'
elastic = { probability = 0.3, alpha = [0.0, 6.0], sigma = [12.0, 20.0] }
bias_field = { probability = 0.3, coefficients = [-0.3, 0.3] }
noise = { probability = 0.15, std = [0.0, 0.1] }
blur = { probability = 0.15, sigma = [0.5, 1.0] }
contrast = { probability = 0.3, factor = [0.75, 1.25] }
low_resolution = { probability = 0.1, scale = [0.5, 1.0] }
gamma = { probability = 0.3, gamma = [0.7, 1.5] }
";

const NNUNET: &str = "
rotation_range = 180
rotation_probability = 0.2
zoom_range = [0.7, 1.4]
zoom_isotropic = true
zoom_probability = 0.2
fill_mode = 'constant'
mirror = { horizontal = 0.5, vertical = 0.5 }
noise = { probability = 0.1, std = [0.0, 0.1] }
blur = { probability = 0.1, sigma = [0.5, 1.0] }
gain = { probability = 0.15, factor = [0.75, 1.25] }
contrast = { probability = 0.15, factor = [0.75, 1.25] }
low_resolution = { probability = 0.125, scale = [0.5, 1.0] }
inverted_gamma = { probability = 0.1, gamma = [0.7, 1.5] }
gamma = { probability = 0.3, gamma = [0.7, 1.5] }
";

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::KerasDefault, Self::Cardiac, Self::Nnunet];

    /// The name, as it is given.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KerasDefault => "keras-default",
            Self::Cardiac => "cardiac",
            Self::Nnunet => "nnunet",
        }
    }

    /// Its values as TOML: what a file has to say for the same.
    #[must_use]
    pub fn toml(self) -> &'static str {
        match self {
            Self::KerasDefault => KERAS_DEFAULT,
            Self::Cardiac => CARDIAC,
            Self::Nnunet => NNUNET,
        }
        .trim_start()
    }

    pub(super) fn table(self) -> toml::Table {
        toml::from_str(self.toml()).expect("a test reads every preset")
    }
}

impl FromStr for Preset {
    type Err = AugmentError;

    fn from_str(name: &str) -> Result<Self, AugmentError> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == name);
        found.ok_or_else(|| AugmentError::UnknownPreset { name: name.to_owned() })
    }
}
