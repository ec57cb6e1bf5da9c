//! Options of assembling samples.

use super::Fit;
use crate::layout::Require;
use crate::model::{GridShape, Padding, PixelType};
use crate::raster::{Combine, MaskRule};
use crate::source::{Limits, Monochrome1};

/// Options of assembling samples; the same for all of a data set.
#[derive(Debug, Clone)]
pub struct AssembleOptions {
    /// The size of every image and mask.
    pub shape: GridShape,
    /// Handling of images of another size; `None` where all have one, and another one is refused.
    pub fit: Option<Fit>,
    /// True if images keep their own size, at the top left of `shape`; `fit` is `None` then.
    pub own_size: bool,
    /// The distances between rows and between columns in mm that all images are resampled to; `None` keeps their own.
    pub spacing: Option<[f64; 2]>,
    /// The type of the pixels.
    pub pixel_type: PixelType,
    /// Channels of every image: 1, or 3 of colour.
    pub channels: usize,
    /// Handling of MONOCHROME1 images.
    pub monochrome1: Monochrome1,
    /// Treatment of padding in statistics.
    pub padding: Padding,
    /// Rule that assigns pixels to a contour.
    pub mask_rule: MaskRule,
    /// Combination of several contours of one structure on one image into one mask.
    pub combine: Combine,
    /// Added to every contour point, `[x, y]` in pixels of the source image.
    pub contour_offset: [f64; 2],
    /// Structures that a sample needs: any or all.
    pub require: Require,
    /// True if an image without a usable contour is a sample too.
    pub keep_unlabelled: bool,
    /// Limits of images.
    pub limits: Limits,
}
