//! RT Structure Sets (RTSTRUCT): contours of regions of interest in the patient's coordinates (PS3.3 A.19, C.8.8.6).
//!
//! Regions of interest and their contours are joined by ROI Number, contours to images by Contour Image Sequence
//! (3006,0016), else by their position.

mod areas;
mod contour_data;
mod join;
mod place;
mod read;
mod roi;
mod structure_set;

use crate::model::{Part, Place};

use super::annotation::{
    AnnotationError, AnnotationFault, AnnotationFile, Drawn, FrameKey, Joined, PartInfo,
};

pub use structure_set::RtStruct;

impl AnnotationFile for RtStruct {
    fn parts(&self) -> &[PartInfo] {
        &self.parts
    }

    fn on(&self, part: Part, frame: &FrameKey) -> Result<Drawn, AnnotationError> {
        let roi = self.roi(part)?;
        let contours = place::contours_on(roi, frame, self.options.contour_spacing);
        if contours.is_empty() {
            return Ok(Drawn::NotAnnotated);
        }
        if frame.plane.is_none() {
            let fault = AnnotationFault::NoPlane { uid: frame.sop_instance_uid.clone() };
            return Err(AnnotationError { place: Box::new(Place::file(&self.file)), fault });
        }
        let mut polygons = place::Distinct::default();
        // Contours that cannot be placed are named by `join`; the second of two equal ones as well.
        let nearest = contours.into_iter().filter(|placed| !placed.is_farther);
        for polygon in nearest.filter_map(|placed| placed.polygon.ok()) {
            polygons.push(polygon);
        }
        let polygons = polygons.into_polygons();
        Ok(if polygons.is_empty() { Drawn::NotAnnotated } else { Drawn::Contours(polygons) })
    }

    fn annotates(&self, part: Part, frame: &FrameKey) -> Result<bool, AnnotationError> {
        let roi = self.roi(part)?;
        let contours = place::contours_on(roi, frame, self.options.contour_spacing);
        Ok(contours.into_iter().any(|placed| !placed.is_farther && placed.polygon.is_ok()))
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
        self.rois.iter().any(|roi| roi.by_image.contains_key(sop_instance_uid))
    }
}
