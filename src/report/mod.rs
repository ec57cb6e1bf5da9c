//! Samples for people to look at.

mod overlay;

pub use overlay::{Picture, side_by_side};
