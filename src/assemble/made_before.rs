//! Samples that were made before, and are taken instead of made again.

use super::AnnotationFacts;
use crate::model::Pixels;

/// Content that a sample is made of: two samples with equal keys, made with equal options, have equal pixels and masks.
#[derive(Debug, Clone, Copy)]
pub struct RowKey<'a> {
    /// SHA-256 of the image file.
    pub source_sha256: &'a [u8; 32],
    /// The frame of a multi-frame object, from 1; 0 where the object is one image.
    pub frame: u32,
    /// For each structure, its annotation as it is read today, with a mask that is not made yet; `None` where there is
    /// none. Beside the digest of a file, the area counts: what a file says about an image may depend on other images.
    pub annotations: &'a [Option<AnnotationFacts>],
}

/// Samples that were made before with the same options, by what their files contain.
pub trait MadeBefore {
    /// True if an image file with this digest was among the inputs. If not, nothing more is asked.
    fn knows_image(&mut self, source_sha256: &[u8; 32]) -> bool;

    /// Fills in the pixels (row, column) and the masks (row, column, structure) of the sample that was made of the same.
    /// `false` where there is none, or it is damaged; then the sample is made from its sources.
    fn take(&mut self, key: RowKey<'_>, pixels: &mut Pixels, masks: &mut Vec<u8>) -> bool;
}

/// No sample was made before.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingBefore;

impl MadeBefore for NothingBefore {
    fn knows_image(&mut self, _: &[u8; 32]) -> bool {
        false
    }

    fn take(&mut self, _: RowKey<'_>, _: &mut Pixels, _: &mut Vec<u8>) -> bool {
        false
    }
}
