//! The choice among the parts of a larger image.

use crate::model::choice;

/// The part of an image that a batch of another size has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CropMode {
    /// One that is drawn anew in each epoch.
    Random,
    /// The middle.
    #[default]
    Center,
    /// All of it: a larger image is an error.
    Pad,
}

choice!(CropMode {
    Random => "random",
    Center => "center",
    Pad => "pad",
});
