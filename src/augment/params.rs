//! Augmentation parameters of one sample: plain numbers, drawn before they are applied.

use serde::{Deserialize, Serialize};

use super::bias_field::BiasFieldParams;

/// Augmentation parameters of one sample.
///
/// As JSON, it is one flat object with what was drawn and nothing else; `{}` where nothing happens. What Keras
/// has too is named as in Keras, so that `ImageDataGenerator.apply_transform` takes the object as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AugmentParams {
    /// Geometry of image and mask.
    #[serde(flatten)]
    pub geometry: GeometryParams,
    /// Value added to all pixels, in the unit of the stored pixels.
    #[serde(rename = "channel_shift_intensity", skip_serializing_if = "Option::is_none")]
    pub channel_shift: Option<f64>,
    /// By what pixels' distances from black are multiplied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<f64>,
    /// The uneven sensitivity of MR receiver coils.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bias_field: Option<BiasFieldParams>,
    /// Gaussian noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseParams>,
    /// The standard deviations of a Gaussian blur along rows' and columns' axis, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blur: Option<[f64; 2]>,
    /// By what distances from the mean are multiplied, without clipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// By what distances from the mean are multiplied, within the image's extremes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<f64>,
    /// The side of a smaller image that this one is enlarged from, as a part of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_resolution: Option<f64>,
    /// The exponent for the negative image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inverted_gamma: Option<f64>,
    /// The exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
}

/// Gaussian noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseParams {
    /// Its standard deviation as a part of the image's own.
    pub std: f64,
    /// Seed of the noise; less than 2^53.
    pub seed: u64,
}

/// Geometry of one sample. Coordinates are (row, column) from the center of the first pixel;
/// the input has h rows and w columns.
///
/// The default moves nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GeometryParams {
    /// Rotation in degrees, with Keras' sign: from the column axis to the row axis as the map from output to
    /// input goes, so that things turn counterclockwise as displayed.
    #[serde(skip_serializing_if = "is_default")]
    pub theta: f64,
    /// Shift in pixels along the columns' axis (width): what is at column c of the output was at column c + tx.
    #[serde(skip_serializing_if = "is_default")]
    pub tx: f64,
    /// Shift in pixels along the rows' axis (height).
    #[serde(skip_serializing_if = "is_default")]
    pub ty: f64,
    /// Shear in degrees, as Keras has it.
    #[serde(skip_serializing_if = "is_default")]
    pub shear: f64,
    /// Zoom along the columns' axis: above 1, the output shows more of the input, so things become smaller.
    #[serde(skip_serializing_if = "is_one")]
    pub zx: f64,
    /// Zoom along the rows' axis.
    #[serde(skip_serializing_if = "is_one")]
    pub zy: f64,
    /// True for a left-right flip.
    #[serde(skip_serializing_if = "is_default")]
    pub flip_horizontal: bool,
    /// True for a top-bottom flip.
    #[serde(skip_serializing_if = "is_default")]
    pub flip_vertical: bool,
    /// Turns by 90 degrees counterclockwise as displayed, as numpy's `rot90`; 0 to 3.
    #[serde(skip_serializing_if = "is_default")]
    pub quarter_turns: u8,
    /// Row and column of the output's first pixel in the grid of the transformed input: what lies before it is
    /// cropped. Negative where the output begins outside, and is padded.
    #[serde(skip_serializing_if = "is_default")]
    pub offset: [i64; 2],
    /// A displacement of each pixel of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticParams>,
}

/// A smooth random displacement of each pixel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ElasticParams {
    /// Largest displacement along an axis, in pixels.
    pub alpha: f64,
    /// Smoothness: the standard deviation of a Gaussian, in pixels.
    pub sigma: f64,
    /// Seed of the displacement; less than 2^53.
    pub seed: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one(value: &f64) -> bool {
    *value == 1.0
}

impl Default for GeometryParams {
    fn default() -> Self {
        Self {
            theta: 0.0,
            tx: 0.0,
            ty: 0.0,
            shear: 0.0,
            zx: 1.0,
            zy: 1.0,
            flip_horizontal: false,
            flip_vertical: false,
            quarter_turns: 0,
            offset: [0, 0],
            elastic: None,
        }
    }
}
