//! Regions of interest and their contours, as they are in the file.

use std::collections::{BTreeMap, HashMap};

use crate::model::Part;
use crate::source::annotation::PartInfo;
use crate::source::references::ImageReference;

/// A region of interest.
#[derive(Debug, Default)]
pub(super) struct Roi {
    pub(super) number: i32,
    pub(super) name: String,
    pub(super) frame_of_reference: Option<Box<str>>,
    /// Closed contours, in the order of the file.
    pub(super) contours: Vec<Contour>,
    /// Contours by the SOP Instance UID of an image that they refer to.
    pub(super) by_image: HashMap<Box<str>, Vec<usize>>,
    /// Contours that refer to no image.
    pub(super) unreferenced: Vec<usize>,
    /// Number of contours of each type, closed or not.
    pub(super) types: BTreeMap<ContourType, usize>,
    pub(super) rejected: Vec<Rejected>,
    /// Number of items of Contour Sequence.
    pub(super) seen: usize,
    /// Number of contours whose Number of Contour Points is wrong.
    pub(super) wrong_counts: usize,
}

/// A closed contour.
#[derive(Debug)]
pub(super) struct Contour {
    /// Its index in Contour Sequence, from 0.
    pub(super) index: usize,
    /// `[x, y, z]` in mm, in the patient's coordinates.
    pub(super) points: Vec<[f64; 3]>,
    pub(super) images: Vec<ImageReference>,
}

/// A contour that cannot be used.
#[derive(Debug)]
pub(super) struct Rejected {
    /// Its index in Contour Sequence, from 0.
    pub(super) index: usize,
    pub(super) reason: String,
}

/// Contour Geometric Type (3006,0042) (PS3.3 C.8.8.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ContourType {
    ClosedPlanar,
    ClosedPlanarXor,
    OpenPlanar,
    OpenNonplanar,
    Point,
}

impl ContourType {
    pub(super) fn parse(text: &str) -> Option<Self> {
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

    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::ClosedPlanar | Self::ClosedPlanarXor)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ClosedPlanar => "CLOSED_PLANAR",
            Self::ClosedPlanarXor => "CLOSEDPLANAR_XOR",
            Self::OpenPlanar => "OPEN_PLANAR",
            Self::OpenNonplanar => "OPEN_NONPLANAR",
            Self::Point => "POINT",
        }
    }
}

impl Roi {
    pub(super) fn index_references(&mut self) {
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

    pub(super) fn info(&self) -> PartInfo {
        PartInfo {
            part: Part::Roi(self.number),
            name: self.name.clone(),
            kinds: self.types.iter().map(|(kind, count)| (kind.name().to_owned(), *count)).collect(),
            images: self.by_image.len(),
        }
    }
}
