//! Samples changed at random, image and mask in step.

mod affine;
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
mod pixel_statistics;
mod power;
mod preset;
mod random;
mod range;
mod resample;
mod spec;

pub use affine::Affine;
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
