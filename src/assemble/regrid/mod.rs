//! From the grid of a source image to that of the data set: images, points and masks.

mod axis;
mod grid_map;
mod image;
mod mask;
mod weights;

pub(super) use grid_map::Uncropped;
pub use grid_map::{GridMap, GridMapError, Spacings};
pub(super) use image::ImageRegridder;
pub(super) use mask::map_mask;
