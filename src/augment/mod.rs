//! Samples changed at random, image and mask in step.

mod affine;
mod coordinates;
mod elastic;
mod fill_mode;
mod fixed;
mod params;
mod resample;

pub use affine::Affine;
pub use fill_mode::FillMode;
pub use params::{ElasticParams, GeometryParams};
pub use resample::{
    ImageAndMask, ImageAndMaskMut, Interpolation, InterpolationError, ResampleOptions, ResampleShape,
    Resampler,
};
