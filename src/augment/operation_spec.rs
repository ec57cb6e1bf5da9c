//! Random ranges of the operations that Keras does not have, each a table in TOML.

use serde::{Deserialize, Serialize};

use super::range::Range;

/// `[elastic]`: a smooth displacement of each pixel of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElasticSpec {
    /// Probability that a sample is deformed, 0 to 1.
    pub probability: f64,
    /// Largest displacement along an axis, in pixels; 0 to 65535.
    pub alpha: Range,
    /// Smoothness: the standard deviation of a Gaussian, in pixels; above 0.
    pub sigma: Range,
}

/// `[mirror]`: flips with probabilities of their own; Keras' `horizontal_flip` is `horizontal = 0.5`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MirrorSpec {
    /// Probability of a left-right flip, 0 to 1.
    pub horizontal: f64,
    /// Probability of a top-bottom flip, 0 to 1.
    pub vertical: f64,
}

/// `[quarter_turns]`: a turn by 90, 180 or 270 degrees, each as likely. It moves pixels without changing them.
/// The output keeps its shape: an image that is not square is cropped and padded about its center.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuarterTurnsSpec {
    /// Probability that a sample is turned, 0 to 1.
    pub probability: f64,
}

/// `[bias_field]`: the uneven sensitivity of MR receiver coils. The image is multiplied by e to the power of a
/// polynomial of degree 3 (K. Van Leemput et al., 1999; TorchIO's `RandomBiasField` has the same, with a
/// constant term).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasFieldSpec {
    /// Probability of a bias field, 0 to 1.
    pub probability: f64,
    /// From which each of the nine coefficients is drawn, of coordinates from -1 to 1; -5 to 5. TorchIO's
    /// default is [-0.5, 0.5].
    pub coefficients: Range,
}

/// `[noise]`: Gaussian noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseSpec {
    /// Probability of noise, 0 to 1.
    pub probability: f64,
    /// The noise's standard deviation as a part of the image's own; 0 to 1000.
    pub std: Range,
}

/// `[blur]`: a Gaussian blur.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlurSpec {
    /// Probability of a blur, 0 to 1.
    pub probability: f64,
    /// The Gaussian's standard deviation in pixels, drawn for rows and columns apart; 0 to 64.
    pub sigma: Range,
}

/// `[gain]`: nnU-Net's brightness, which multiplies an image of mean 0: pixels' distances from the image's mean
/// grow or shrink. Unlike `[contrast]`, it clips nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GainSpec {
    /// Probability that a sample is changed, 0 to 1.
    pub probability: f64,
    /// By how much distances are multiplied; 0 to 1000. Below and above 1 are as likely where both are possible.
    pub factor: Range,
}

/// `[contrast]`: pixels' distances from the image's mean grow or shrink, within the image's extremes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastSpec {
    /// Probability that a sample is changed, 0 to 1.
    pub probability: f64,
    /// By how much distances are multiplied; 0 to 1000. Below and above 1 are as likely where both are possible.
    pub factor: Range,
}

/// `[low_resolution]`: an image of fewer pixels, enlarged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowResolutionSpec {
    /// Probability that a sample is changed, 0 to 1.
    pub probability: f64,
    /// The side of the small image as a part of the image's own; above 0, at most 1.
    pub scale: Range,
}

/// `[gamma]` and `[inverted_gamma]`: a power of the pixels' place between the image's extremes. The inverted
/// one is that of the negative image. Mean and standard deviation are what they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaSpec {
    /// Probability that a sample is changed, 0 to 1.
    pub probability: f64,
    /// The exponent; above 0. Below and above 1 are as likely where both are possible.
    pub gamma: Range,
}
