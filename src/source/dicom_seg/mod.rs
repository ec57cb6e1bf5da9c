//! DICOM segmentations (SEG): BINARY, FRACTIONAL and LABELMAP (PS3.3 A.51, A.96, C.8.20).
//!
//! Frames belong to images by Derivation Image Sequence (0008,9124), else by their plane. A pixel of a frame is a pixel
//! of its image: another grid is an error, unless labels are resampled.

mod error;
mod grid;
mod join;
mod pixels;
mod read;
mod resample;
mod segment;
mod segmentation;

use crate::model::{Mask, Part};

use super::annotation::{AnnotationError, AnnotationFile, Drawn, FrameKey, Joined, PartInfo};

pub use error::SegmentationFault;
pub use segmentation::DicomSegmentation;

use grid::Match;

impl AnnotationFile for DicomSegmentation {
    fn parts(&self) -> &[PartInfo] {
        &self.parts
    }

    fn on(&self, part: Part, frame: &FrameKey) -> Result<Drawn, AnnotationError> {
        let number = self.number(part)?;
        match self.match_frames(number, frame).map_err(|fault| self.error(fault))? {
            Match::NotAnnotated => Ok(Drawn::NotAnnotated),
            Match::OtherGrid => self.resample(number, frame),
            Match::Frames(frames) => {
                let mut mask: Option<Mask> = None;
                for index in frames {
                    let own = self.mask(index, number)?;
                    match &mut mask {
                        Some(mask) => mask.include(&own),
                        None => mask = Some(own),
                    }
                }
                Ok(Drawn::Raster(mask.unwrap_or_else(|| Mask::zeros(frame.shape))))
            }
        }
    }

    fn annotates(&self, part: Part, frame: &FrameKey) -> Result<bool, AnnotationError> {
        let number = self.number(part)?;
        match self.match_frames(number, frame).map_err(|fault| self.error(fault))? {
            Match::NotAnnotated => Ok(false),
            Match::Frames(_) => Ok(true),
            Match::OtherGrid => Ok(self.reaches(frame)),
        }
    }

    fn join(&self, parts: &[Part], frames: &[FrameKey]) -> Joined {
        join::join(self, parts, frames)
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn series(&self) -> &[Box<str>] {
        &self.series
    }

    fn refers_to(&self, sop_instance_uid: &str) -> bool {
        self.by_image.contains_key(sop_instance_uid) || self.instances.contains(sop_instance_uid)
    }
}
