//! The options that say how images of other sizes come to the size of the data set.

use crate::model::choice;

/// Handling of images that do not have the size of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// Centre the image and surround it with its own smallest value. Larger images are refused.
    #[default]
    Pad,
    /// Centre the image, cut off what is outside, and surround it as [`Fit::Pad`] does where it is smaller.
    Crop,
    /// Interpolate linearly to the largest size that keeps the proportions of the image, and surround it as
    /// [`Fit::Pad`] does. Shrinking averages over the pixels that fall together. Integer pixels are rounded to nearest,
    /// ties to even.
    Resize,
}

choice!(Fit {
    Pad => "pad",
    Crop => "crop",
    Resize => "resize",
});
