//! Samples changed at random, image and mask in step.

mod params;

pub use params::{ElasticParams, GeometryParams};
