//! RT Structure Sets (RTSTRUCT): contours of regions of interest in the patient's coordinates (PS3.3 A.19, C.8.8.6).
//!
//! Regions of interest and their contours are joined by ROI Number, contours to images by Contour Image Sequence
//! (3006,0016), else by their position.

mod areas;
mod contour_data;
mod join;
mod place;
mod read;

use std::collections::{BTreeMap, HashMap};

use crate::model::{Part, Place};

use super::annotation::{
    AnnotationError, AnnotationFault, AnnotationFile, AnnotationOptions, Drawn, FrameKey, Joined, PartInfo,
    no_part,
};
use super::dicom::Limits;
use super::references::ImageReference;

/// An RT Structure Set.
#[derive(Debug)]
pub struct RtStruct {
    file: String,
    rois: Vec<Roi>,
    parts: Vec<PartInfo>,
    notes: Vec<String>,
    is_rt_utils: bool,
    series: Vec<Box<str>>,
    options: AnnotationOptions,
}

/// A region of interest.
#[derive(Debug, Default)]
struct Roi {
    number: i32,
    name: String,
    frame_of_reference: Option<Box<str>>,
    /// Closed contours, in the order of the file.
    contours: Vec<Contour>,
    /// Contours by the SOP Instance UID of an image that they refer to.
    by_image: HashMap<Box<str>, Vec<usize>>,
    /// Contours that refer to no image.
    unreferenced: Vec<usize>,
    /// Number of contours of each type, closed or not.
    types: BTreeMap<ContourType, usize>,
    rejected: Vec<Rejected>,
    /// Number of items of Contour Sequence.
    seen: usize,
    /// Number of contours whose Number of Contour Points is wrong.
    wrong_counts: usize,
}

/// A closed contour.
#[derive(Debug)]
struct Contour {
    /// Its index in Contour Sequence, from 0.
    index: usize,
    /// `[x, y, z]` in mm, in the patient's coordinates.
    points: Vec<[f64; 3]>,
    images: Vec<ImageReference>,
}

/// A contour that cannot be used.
#[derive(Debug)]
struct Rejected {
    /// Its index in Contour Sequence, from 0.
    index: usize,
    reason: String,
}

/// Contour Geometric Type (3006,0042) (PS3.3 C.8.8.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ContourType {
    ClosedPlanar,
    ClosedPlanarXor,
    OpenPlanar,
    OpenNonplanar,
    Point,
}

impl ContourType {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        Some(match text.as_str() {
            "CLOSED_PLANAR" => Self::ClosedPlanar,
            // The standard has no underscore behind CLOSED; some writers have.
            "CLOSEDPLANAR_XOR" | "CLOSED_PLANAR_XOR" => Self::ClosedPlanarXor,
            "OPEN_PLANAR" => Self::OpenPlanar,
            "OPEN_NONPLANAR" => Self::OpenNonplanar,
            "POINT" => Self::Point,
            _ => return None,
        })
    }

    fn is_closed(self) -> bool {
        matches!(self, Self::ClosedPlanar | Self::ClosedPlanarXor)
    }

    fn name(self) -> &'static str {
        match self {
            Self::ClosedPlanar => "CLOSED_PLANAR",
            Self::ClosedPlanarXor => "CLOSEDPLANAR_XOR",
            Self::OpenPlanar => "OPEN_PLANAR",
            Self::OpenNonplanar => "OPEN_NONPLANAR",
            Self::Point => "POINT",
        }
    }
}

impl RtStruct {
    /// Reads the RT Structure Set in `file`, which is `bytes`.
    ///
    /// A contour that cannot be used is left out by itself, and [`AnnotationFile::join`] names it.
    ///
    /// # Errors
    /// [`AnnotationError`] where the file is no DICOM file, or its data set is damaged or beyond `limits`.
    pub fn open(
        file: &str,
        bytes: &[u8],
        options: &AnnotationOptions,
        limits: &Limits,
    ) -> Result<Self, AnnotationError> {
        let read::Content { mut rois, notes, is_rt_utils, series } = read::read(file, bytes, limits)?;
        for roi in &mut rois {
            roi.index_references();
        }
        let parts = rois.iter().map(Roi::info).collect();
        Ok(Self { file: file.to_owned(), rois, parts, notes, is_rt_utils, series, options: *options })
    }

    fn roi(&self, part: Part) -> Result<&Roi, AnnotationError> {
        let found = match part {
            Part::Roi(number) => self.rois.iter().find(|roi| roi.number == number),
            _ => None,
        };
        found.ok_or_else(|| no_part(&self.file, part, &self.parts))
    }
}

impl Roi {
    fn index_references(&mut self) {
        for (index, contour) in self.contours.iter().enumerate() {
            if contour.images.is_empty() {
                self.unreferenced.push(index);
            }
            for image in &contour.images {
                let contours = self.by_image.entry(image.uid.clone()).or_default();
                if contours.last() != Some(&index) {
                    contours.push(index);
                }
            }
        }
    }

    fn info(&self) -> PartInfo {
        PartInfo {
            part: Part::Roi(self.number),
            name: self.name.clone(),
            kinds: self.types.iter().map(|(kind, count)| (kind.name().to_owned(), *count)).collect(),
            images: self.by_image.len(),
        }
    }
}

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
        for polygon in contours.into_iter().filter_map(|placed| placed.polygon.ok()) {
            polygons.push(polygon);
        }
        let polygons = polygons.into_polygons();
        Ok(if polygons.is_empty() { Drawn::NotAnnotated } else { Drawn::Contours(polygons) })
    }

    fn annotates(&self, part: Part, frame: &FrameKey) -> Result<bool, AnnotationError> {
        let roi = self.roi(part)?;
        let contours = place::contours_on(roi, frame, self.options.contour_spacing);
        Ok(contours.into_iter().any(|placed| placed.polygon.is_ok()))
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
