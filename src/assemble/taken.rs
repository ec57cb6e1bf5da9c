//! A sample that is taken from those made before.

use super::remarks::note_losses;
use super::{Assembler, MadeBefore, Remarks, RowKey, SampleFacts};
use crate::model::Sample;
use crate::source::{ImageHeader, StoredPixels, parse_header};

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
        if !self.keep_labelled(sample, &mut annotations, remarks) {
            return None;
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
            remarks.notes.extend(self.note_on_mask(sample, plane, &map, *facts));
        }
        Some(self.facts(source_sha256, &header, &map, annotations))
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
