//! Facts about a sample beside its pixels.

use std::time::Duration;

use crate::model::{CountedPixels, Geometry, GridShape, PaddingRange};

/// Facts about an assembled sample beside its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleFacts {
    /// SHA-256 of the image file.
    pub source_sha256: [u8; 32],
    /// Size of the source image.
    pub source_shape: GridShape,
    /// Size of the image in the data set, at the top left of the stored one.
    pub image_shape: GridShape,
    /// Geometry of the source image.
    pub geometry: Geometry,
    /// Distances between rows and between columns in mm, of the image at the size of the data set.
    pub spacing: [f64; 2],
    /// Position in the patient, in mm, of the centre of the first pixel of the image at the size of the data set.
    pub position: [f64; 3],
    /// The values of the image that are padding, as far as statistics leave it out.
    pub padding: PaddingRange,
    /// True if a large value is dark: MONOCHROME1 that was kept as it is.
    pub large_is_dark: bool,
    /// For each structure, what was annotated.
    pub annotations: Vec<Option<AnnotationFacts>>,
}

impl SampleFacts {
    /// The pixels that statistics count, of an image stored in a data set of images of `stored`.
    #[must_use]
    pub fn counted(&self, stored: GridShape) -> CountedPixels {
        CountedPixels { padding: self.padding, own: self.image_shape, stored }
    }
}

/// Facts about one annotation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnnotationFacts {
    /// SHA-256 of the contour file.
    pub sha256: [u8; 32],
    /// Shoelace area in square pixels of the source image.
    pub contour_area: f64,
    /// Number of ones in the mask.
    pub mask_pixels: usize,
}

/// Outcome of a planned sample.
#[expect(clippy::large_enum_variant, reason = "one at a time, and hardly ever another than the large one")]
#[derive(Debug, Clone, PartialEq)]
pub enum Assembled {
    /// It is complete; pixels and masks are in the [`Assembler`](super::Assembler).
    Sample(SampleFacts),
    /// The image is good, and no contour is left that makes it a sample.
    Unlabelled,
    /// The image cannot be used.
    Rejected,
}

/// Time spent in each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Reading files, and their digests.
    pub read: Duration,
    /// From file bytes to pixels.
    pub decode: Duration,
    /// From contour text to masks.
    pub rasterize: Duration,
}
