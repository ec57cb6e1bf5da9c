//! Samples that were made before, and are taken instead of made again.

use super::{AnnotationFacts, Assembler, Remarks, SampleFacts, note_losses};
use crate::model::Pixels;
use crate::model::Sample;
use crate::source::{ImageHeader, StoredPixels, parse_header};

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

impl Assembler<'_> {
    /// Takes the sample, whose image file was read, from those made `before`. Everything but pixels and masks comes
    /// from the files of today. `None` where the row must be made; then `remarks` mean nothing.
    pub(super) fn take(
        &mut self,
        sample: &Sample,
        source_sha256: [u8; 32],
        before: &mut impl MadeBefore,
        remarks: &mut Remarks,
    ) -> Option<SampleFacts> {
        let name = self.plan.image_name(sample);
        let header = self.header_of_today(&name, sample)?;
        let map = self.grid_map(&name, &header).ok()?;
        // Whether a value was rounded to float32, and what the pixel data departs in, only decoding would tell.
        note_losses(&name, &header, &StoredPixels::default(), false, remarks);
        let planes = 0..sample.annotations.len();
        let mut annotations: Vec<_> =
            planes.map(|plane| self.read_contours(sample, plane, &map, remarks)).collect();
        if !self.is_labelled(&annotations) {
            if !self.options.keep_unlabelled {
                return None;
            }
            if annotations.iter().any(Option::is_some) {
                self.leave_out(sample, &annotations, remarks);
                annotations.fill(None);
            }
        }
        let key =
            RowKey { source_sha256: &source_sha256, frame: sample.image.frame, annotations: &annotations };
        if !before.take(key, &mut self.pixels, &mut self.masks) {
            return None;
        }
        let planes = annotations.len();
        for (plane, facts) in annotations.iter_mut().enumerate() {
            if let Some(facts) = facts {
                let cells = self.masks.iter().skip(plane).step_by(planes);
                facts.mask_pixels = cells.map(|&cell| usize::from(cell)).sum();
            }
            self.note_losses_of_mask((sample, plane), &map, *facts, remarks);
        }
        Some(SampleFacts {
            source_sha256,
            source_shape: header.shape,
            geometry: header.geometry_for(self.options.monochrome1),
            spacing: map.spacing(header.geometry.pixel_spacing),
            position: map.position(&header.geometry),
            padding: self.padding(&header),
            large_is_dark: header.stays_inverted(self.options.monochrome1),
            annotations,
        })
    }

    /// The header of a sample's image, whose file was read.
    fn header_of_today(&self, name: &str, sample: &Sample) -> Option<ImageHeader> {
        if sample.image.frame > 0 {
            return self.frames.as_ref()?.header(sample.image.frame);
        }
        let bytes = self.images.bytes();
        let header = parse_header(name, bytes, bytes.len() as u64, &self.options.limits).ok()??;
        header.check_frame(name, 0).ok()?;
        Some(header)
    }
}
