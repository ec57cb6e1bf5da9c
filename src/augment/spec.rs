//! Random ranges of augmentation, as they are written in TOML.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::error::AugmentError;
use super::fill_mode::FillMode;
use super::operation_spec::{
    BiasFieldSpec, BlurSpec, ContrastSpec, ElasticSpec, GainSpec, GammaSpec, LowResolutionSpec, MirrorSpec,
    NoiseSpec, QuarterTurnsSpec,
};
use super::preset::Preset;
use super::range::{Range, ShiftRange, two_numbers, zoom_range};
use super::resample::Interpolation;

/// Position of the output in an image of another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crop {
    /// Anywhere: every place is as likely at which the smaller lies within the larger, for rows and columns
    /// apart.
    #[default]
    Random,
    /// In the middle; half a pixel is rounded to the top and to the left.
    Center,
}

/// Augmentation of samples. The default changes nothing.
///
/// Written in TOML, each field below is a key, or a table where its type is one; `preset = "cardiac"` begins
/// with the values of a [`Preset`]. A key that is given replaces the preset's, a table as a whole. Options that
/// Keras' `ImageDataGenerator` has have its names and its meaning.
///
/// ```
/// use dicomprep::augment::AugmentSpec;
/// # fn main() -> Result<(), dicomprep::augment::AugmentError> {
/// let spec = AugmentSpec::from_toml(
///     r#"
///     preset = "keras-default"
///     rotation_range = 15
///     size = [224, 224]
///
///     [noise]
///     probability = 0.1
///     std = [0.0, 0.1]
///     "#,
/// )?;
/// assert_eq!(spec.output_shape([256, 208]), [224, 224]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentSpec {
    /// The preset that this began with. It says where values came from; nothing is drawn from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,

    /// Keras: rotation by -r to r degrees; from 0.
    pub rotation_range: f64,
    /// Probability of a rotation, 0 to 1; 1 by default, as in Keras.
    pub rotation_probability: f64,
    /// Keras: shift to the left and right, of the image's width or in pixels; see [`ShiftRange`].
    pub width_shift_range: ShiftRange,
    /// Keras: shift up and down, of the image's height or in pixels; see [`ShiftRange`].
    pub height_shift_range: ShiftRange,
    /// Probability of a shift, 0 to 1; 1 by default.
    pub shift_probability: f64,
    /// Keras: shear by -s to s degrees; from 0.
    pub shear_range: f64,
    /// Probability of a shear, 0 to 1; 1 by default.
    pub shear_probability: f64,
    /// Keras: zoom of height and width, each drawn apart; above 0. Above 1, things become smaller. One number z
    /// is [1 - z, 1 + z].
    #[serde(deserialize_with = "zoom_range")]
    pub zoom_range: Range,
    /// True if height and width are zoomed by the same number.
    pub zoom_isotropic: bool,
    /// Probability of a zoom, 0 to 1; 1 by default.
    pub zoom_probability: f64,
    /// Keras: whether left and right are exchanged, with probability 0.5.
    pub horizontal_flip: bool,
    /// Keras: whether top and bottom are exchanged, with probability 0.5.
    pub vertical_flip: bool,
    /// Keras: what images have outside of them: `nearest`, `constant`, `reflect` or `wrap`.
    pub fill_mode: FillMode,
    /// Keras: the value outside for `fill_mode = "constant"`, in the unit of the stored pixels.
    pub cval: f64,
    /// Keras: how images are interpolated: 0 (nearest pixel), 1 (linear) or 3 (cubic spline).
    pub interpolation_order: Interpolation,
    /// Keras: from -r to r is added to all pixels, within the image's extremes; in the unit of the stored pixels;
    /// from 0.
    pub channel_shift_range: f64,
    /// Keras: by what pixels' distances from black are multiplied, two numbers; from 0.
    #[serde(deserialize_with = "two_numbers", skip_serializing_if = "Option::is_none")]
    pub brightness_range: Option<Range>,

    /// Height and width of the output, each 1 to 65535; those of the input, if nothing is said. What is larger
    /// is cropped, what is smaller padded by `fill_mode`.
    #[serde(deserialize_with = "two_sides", skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// Position of the output, `random` or `center`; only with `size`.
    pub crop: Crop,
    /// Elastic deformation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticSpec>,
    /// Flips with probabilities of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<MirrorSpec>,
    /// Turns by 90, 180 and 270 degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarter_turns: Option<QuarterTurnsSpec>,
    /// The uneven sensitivity of MR receiver coils.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bias_field: Option<BiasFieldSpec>,
    /// Gaussian noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseSpec>,
    /// Gaussian blur.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blur: Option<BlurSpec>,
    /// nnU-Net's brightness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<GainSpec>,
    /// Contrast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<ContrastSpec>,
    /// Low resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_resolution: Option<LowResolutionSpec>,
    /// Gamma of the negative image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inverted_gamma: Option<GammaSpec>,
    /// Gamma.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<GammaSpec>,
}

impl Default for AugmentSpec {
    fn default() -> Self {
        Self {
            preset: None,
            rotation_range: 0.0,
            rotation_probability: 1.0,
            width_shift_range: ShiftRange::default(),
            height_shift_range: ShiftRange::default(),
            shift_probability: 1.0,
            shear_range: 0.0,
            shear_probability: 1.0,
            zoom_range: Range::new(1.0, 1.0),
            zoom_isotropic: false,
            zoom_probability: 1.0,
            horizontal_flip: false,
            vertical_flip: false,
            fill_mode: FillMode::default(),
            cval: 0.0,
            interpolation_order: Interpolation::default(),
            channel_shift_range: 0.0,
            brightness_range: None,
            size: None,
            crop: Crop::default(),
            elastic: None,
            mirror: None,
            quarter_turns: None,
            bias_field: None,
            noise: None,
            blur: None,
            gain: None,
            contrast: None,
            low_resolution: None,
            inverted_gamma: None,
            gamma: None,
        }
    }
}

impl AugmentSpec {
    /// Reads TOML and checks it.
    ///
    /// # Errors
    /// [`AugmentError`], with the line or the field that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, AugmentError> {
        let mut spec: Self = toml::from_str(text).map_err(|error| toml_error(text, &error))?;
        if let Some(preset) = spec.preset {
            let mut table = preset.table();
            table.extend(toml::from_str::<toml::Table>(text).map_err(|error| toml_error(text, &error))?);
            spec = table.try_into().map_err(|error| toml_error(text, &error))?;
        }
        spec.check()?;
        Ok(spec)
    }

    /// The part that holds for samples that are not changed at random: their size, cropped or padded in the
    /// middle.
    #[must_use]
    pub fn for_evaluation(&self) -> Self {
        Self {
            size: self.size,
            crop: Crop::Center,
            fill_mode: self.fill_mode,
            cval: self.cval,
            ..Self::default()
        }
    }

    /// The values of `preset`.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        Self { preset: Some(preset), ..preset.table().try_into().expect("a test reads every preset") }
    }

    /// Height and width of what leaves, for images of this height and width.
    #[must_use]
    pub fn output_shape(&self, shape: [usize; 2]) -> [usize; 2] {
        self.size.unwrap_or(shape)
    }

    /// True if no sample can change.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        !self.changes_geometry() && !self.changes_intensity()
    }

    /// True if pixels of images and masks can move.
    fn changes_geometry(&self) -> bool {
        let shifts = !(self.width_shift_range.is_nothing() && self.height_shift_range.is_nothing());
        (self.rotation_range != 0.0 && self.rotation_probability > 0.0)
            || (shifts && self.shift_probability > 0.0)
            || (self.shear_range != 0.0 && self.shear_probability > 0.0)
            || (!self.zoom_range.is_only(1.0) && self.zoom_probability > 0.0)
            || self.horizontal_flip
            || self.vertical_flip
            || self.size.is_some()
            || self.elastic.as_ref().is_some_and(|elastic| likely(elastic.probability, elastic.alpha, 0.0))
            || self.mirror.as_ref().is_some_and(|mirror| mirror.horizontal > 0.0 || mirror.vertical > 0.0)
            || self.quarter_turns.as_ref().is_some_and(|turns| turns.probability > 0.0)
    }

    /// True if values of images can change.
    fn changes_intensity(&self) -> bool {
        let gamma = |gamma: &GammaSpec| likely(gamma.probability, gamma.gamma, 1.0);
        self.channel_shift_range != 0.0
            || self.brightness_range.is_some_and(|range| !range.is_only(1.0))
            || self.bias_field.as_ref().is_some_and(|bias| likely(bias.probability, bias.coefficients, 0.0))
            || self.noise.as_ref().is_some_and(|noise| likely(noise.probability, noise.std, 0.0))
            || self.blur.as_ref().is_some_and(|blur| likely(blur.probability, blur.sigma, 0.0))
            || self.gain.as_ref().is_some_and(|gain| likely(gain.probability, gain.factor, 1.0))
            || self
                .contrast
                .as_ref()
                .is_some_and(|contrast| likely(contrast.probability, contrast.factor, 1.0))
            || self.low_resolution.as_ref().is_some_and(|low| likely(low.probability, low.scale, 1.0))
            || self.inverted_gamma.as_ref().is_some_and(gamma)
            || self.gamma.as_ref().is_some_and(gamma)
    }
}

/// True if an operation whose neutral value is `nothing` can change a sample.
fn likely(probability: f64, range: Range, nothing: f64) -> bool {
    probability > 0.0 && !range.is_only(nothing)
}

/// Height and width, and nothing else.
fn two_sides<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[usize; 2]>, D::Error> {
    let sides = Vec::deserialize(deserializer)?;
    let size = sides.as_slice().try_into();
    size.map(Some).map_err(|_| de::Error::invalid_length(sides.len(), &"height and width, as [224, 224]"))
}

/// Type expected of a field, as TOML calls it.
fn plain_words(message: &str) -> String {
    const WORDS: [(&str, &str); 5] = [
        ("f64", "a number"),
        ("u8", "a whole number"),
        ("usize", "a whole number from 0"),
        ("a sequence", "a list"),
        ("a string", "a text"),
    ];
    // What an enumeration can be written as.
    if message == "wanted string or table" {
        return "expected a text".to_owned();
    }
    let Some((before, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let words = WORDS.iter().find(|(rust, _)| expected.trim_end() == *rust).map(|(_, words)| *words);
    let words = words.or_else(|| expected.starts_with("struct ").then_some("a table"));
    format!("{before}, expected {}", words.unwrap_or(expected))
}

fn toml_error(text: &str, error: &toml::de::Error) -> AugmentError {
    let start = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count();
    AugmentError::Toml {
        line: line + 1,
        text: text.lines().nth(line).unwrap_or_default().trim().to_owned(),
        message: plain_words(error.message()),
    }
}
