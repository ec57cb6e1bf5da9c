//! Samples changed at random, image and mask in step.

mod affine;
mod fill_mode;
mod fixed;
mod params;

pub use affine::Affine;
pub use fill_mode::FillMode;
pub use params::{ElasticParams, GeometryParams};
