//! Samples changed at random, image and mask in step.
//!
//! ```text
//! TOML, Preset --> AugmentSpec --draw(DrawKey)--> AugmentParams --Augmenter--> image and mask
//! ```
//!
//! What can happen stands in an [`AugmentSpec`]; what happens to one sample is [drawn](draw) into
//! [`AugmentParams`], plain numbers that can be kept and used again; an [`Augmenter`] does it. A sample's numbers
//! depend on the seed, the epoch and the row of the file alone, so neither threads nor batches nor ranks nor a
//! start in the middle change them.
//!
//! # Order
//! Options that Keras' `ImageDataGenerator` has come in its order, and give what it gives.
//!
//! 1. Stored values become binary32, and stay so: nothing goes through 8 bits.
//! 2. Geometry, of image and mask, in one resampling: rotation, shift, shear and zoom about
//!    (h / 2 - 0.5, w / 2 - 0.5), composed as Keras does; quarter turns; flips; crop or padding; elastic
//!    displacement ([`Affine`] and [`ElasticParams`] say how). Flips come later in Keras, with the same result.
//! 3. Channel shift: y = x + c, clipped to min and max.
//! 4. Brightness: y = black + (x - black) f, clipped to black and white. As in Keras these are 0 and 255 where
//!    all pixels are between them, and min and max elsewhere.
//! 5. Bias field: y = min + (x - min) e^p, with p a polynomial of the pixel's place ([`BiasFieldParams`]).
//! 6. Noise: y = x + s std n, with n a standard normal deviate, of each value its own.
//! 7. Blur: the convolution with a Gaussian, up to floor(4 sigma + 1/2) pixels away; outside is the nearest pixel.
//! 8. Gain: y = mean + (x - mean) f.
//! 9. Contrast: y = mean + (x - mean) f, clipped to min and max.
//! 10. Low resolution: the nearest pixels of an image of round(s h) x round(s w), then linear between them.
//! 11. Inverted gamma: z = max - (max - min) ((max - x) / (max - min))^g, then y = mean + (z - mean') std / std',
//!     where mean' and std' are those of z.
//! 12. Gamma: z = min + (max - min) ((x - min) / (max - min))^g, then as in 11.
//! 13. Normalization, which the stream does; it is not part of this module.
//!
//! 6 to 12 are in the order of nnU-Net v2. A bias field is before them, as the coil that it comes from is before
//! the noise of the receiver. min, max, mean and std (the population standard deviation) are those of all finite
//! pixels of the image, of all channels together, as they are when the operation begins, so that nothing beyond
//! Keras depends on the unit of the pixels. NaN stays NaN and spreads by interpolation and blur only.
//!
//! Masks take part in 2 alone: the nearest pixel, 0 outside, so they stay 0 and 1.

mod affine;
mod augmenter;
mod bias_field;
mod blur;
mod check;
mod coordinates;
mod draw;
mod elastic;
mod error;
mod fill_mode;
mod fixed;
mod intensities;
mod intensity;
mod low_resolution;
mod noise;
mod normal;
mod operation_spec;
mod params;
mod pick;
mod pixel_statistics;
mod power;
mod preset;
mod random;
mod range;
mod resample;
mod spec;
mod zca;

pub use affine::Affine;
pub use augmenter::Augmenter;
pub use bias_field::BiasFieldParams;
pub use draw::draw;
pub use error::AugmentError;
pub use fill_mode::FillMode;
pub use operation_spec::{
    BiasFieldSpec, BlurSpec, ContrastSpec, ElasticSpec, GainSpec, GammaSpec, LowResolutionSpec, MirrorSpec,
    NoiseSpec, QuarterTurnsSpec,
};
pub use params::{AugmentParams, ElasticParams, GeometryParams, NoiseParams};
pub use preset::Preset;
pub use random::DrawKey;
pub use range::{Range, ShiftRange};
pub use resample::{
    ImageAndMask, ImageAndMaskMut, Interpolation, InterpolationError, ResampleOptions, ResampleShape,
    Resampler,
};
pub use spec::{AugmentSpec, Crop};
pub use zca::{Centering, CrossProducts, MAX_FEATURES, Whitening, WhiteningMatrix, ZcaError, work_bytes};
