//! Samples changed at random, image and mask in step.

mod bias_field;
mod blur;
mod check;
mod draw;
mod error;
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
mod spec;

pub use bias_field::BiasFieldParams;
pub use draw::draw;
pub use error::AugmentError;
pub use operation_spec::{
    BiasFieldSpec, BlurSpec, ContrastSpec, ElasticSpec, GainSpec, GammaSpec, LowResolutionSpec, MirrorSpec,
    NoiseSpec, QuarterTurnsSpec,
};
pub use params::{AugmentParams, ElasticParams, GeometryParams, NoiseParams};
pub use preset::Preset;
pub use random::DrawKey;
pub use range::{Range, ShiftRange};
pub use spec::{AugmentSpec, Crop, FillMode};
