//! Frames of a segmentation and images: which belong together, and on which grid both are.

use crate::model::{GridShape, ImagePlane};
use crate::source::annotation::FrameKey;

use super::error::SegmentationFault;
use super::read::{Form, SegmentFrame};
use super::segmentation::DicomSegmentation;

/// The largest distance of corresponding corners of one grid, in pixels.
const SAME_GRID: f64 = 0.01;

/// The largest distance of planes that are one, in mm. Positions are written with rounded decimals.
pub(super) const SAME_PLANE: f64 = 0.05;

/// Match of a segment and an image.
#[derive(Debug, PartialEq)]
pub(super) enum Match {
    /// Nothing.
    NotAnnotated,
    /// The frames of the segment, none where it is annotated as absent.
    Frames(Vec<usize>),
    /// The structure is present on another grid, and needs resampling.
    OtherGrid,
}

/// Position of the grid of a frame relative to that of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    /// On it, pixel for pixel.
    On,
    /// In a parallel plane, its pixels above those of the image.
    Above,
    /// Otherwise.
    Elsewhere,
}

impl DicomSegmentation {
    /// The frames of segment `number` on the image `key`.
    pub(super) fn match_frames(&self, number: u16, key: &FrameKey) -> Result<Match, SegmentationFault> {
        let derived: Vec<usize> = self.derived_from(key);
        if !derived.is_empty() {
            return self.match_derived(&derived, number, key);
        }
        let is_about = self.instances.contains(&key.sop_instance_uid);
        let mut frames = Vec::new();
        let (mut touches, mut other_grid) = (false, false);
        for &index in &self.unreferenced {
            match self.lies(index, key) {
                Some(Lies::On) if key.shares_plane && !self.is_only_image(key) => {
                    return Err(SegmentationFault::Ambiguous { frame: index + 1 });
                }
                Some(Lies::On) => {
                    touches = true;
                    if self.is_of(index, number) {
                        frames.push(index);
                    }
                }
                Some(Lies::Above) => other_grid |= is_about && self.is_within_reach(index, key),
                Some(Lies::Elsewhere) => other_grid |= is_about || self.is_within_reach(index, key),
                // PS3.3 C.7.6.16.2: projection images have no planes; then the only image is meant.
                None if self.is_only_image(key) => {
                    if self.shape != key.shape {
                        return self.on_other_grid(index, key);
                    }
                    touches = true;
                    if self.is_of(index, number) {
                        frames.push(index);
                    }
                }
                None => {}
            }
        }
        match (touches, other_grid) {
            (true, _) => Ok(Match::Frames(frames)),
            (false, true) => self.on_other_grid(self.unreferenced[0], key),
            (false, false) if is_about => Ok(Match::Frames(Vec::new())),
            (false, false) => Ok(Match::NotAnnotated),
        }
    }

    /// The frames that were derived from the image.
    fn derived_from(&self, key: &FrameKey) -> Vec<usize> {
        let indices = self.by_image.get(&key.sop_instance_uid).into_iter().flatten().copied();
        let names = |index: &usize| {
            let sources = &self.frames[*index].sources;
            sources.iter().any(|source| source.uid == key.sop_instance_uid && source.names_frame(key))
        };
        indices.filter(names).collect()
    }

    fn match_derived(
        &self,
        derived: &[usize],
        number: u16,
        key: &FrameKey,
    ) -> Result<Match, SegmentationFault> {
        let mut frames = Vec::new();
        let mut touches = false;
        for &index in derived {
            let on = match self.lies(index, key) {
                Some(lies) => lies == Lies::On,
                None => self.shape == key.shape,
            };
            touches |= on;
            if on && self.is_of(index, number) {
                frames.push(index);
            }
        }
        if touches {
            return Ok(Match::Frames(frames));
        }
        // A frame that lists many sources, as all images of the series, is on the grid of one of them.
        match derived.iter().find(|&&index| self.frames[index].sources.len() == 1) {
            Some(&index) => self.on_other_grid(index, key),
            None if derived.iter().all(|&index| self.lies(index, key) == Some(Lies::Above)) => {
                Ok(Match::Frames(Vec::new()))
            }
            None => self.on_other_grid(derived[0], key),
        }
    }

    fn on_other_grid(&self, frame: usize, key: &FrameKey) -> Result<Match, SegmentationFault> {
        if self.options.resample_labels && key.plane.is_some() && self.frames[frame].plane.is_some() {
            return Ok(Match::OtherGrid);
        }
        Err(SegmentationFault::OtherGrid {
            uid: key.sop_instance_uid.clone(),
            labels: described(self.shape, self.frames[frame].plane.as_ref()),
            image: described(key.shape, key.plane.as_ref()),
        })
    }

    fn is_of(&self, index: usize, number: u16) -> bool {
        self.form == Form::LabelMap || self.frames[index].segment == Some(number)
    }

    /// True if the image is the only one that the segmentation is about.
    fn is_only_image(&self, key: &FrameKey) -> bool {
        self.instances.len() == 1 && self.instances.contains(&key.sop_instance_uid)
    }

    /// Position of the grid of frame `index` relative to the image's; `None` where one of them has none.
    fn lies(&self, index: usize, key: &FrameKey) -> Option<Lies> {
        let (own, image) = (self.frames[index].plane.as_ref()?, key.plane.as_ref()?);
        let above = self.shape == key.shape
            && image.is_parallel_to(own)
            && image.grid_offset(own, key.shape) <= SAME_GRID;
        Some(match above {
            false => Lies::Elsewhere,
            true if image.project(own.position()).distance.abs() <= SAME_PLANE => Lies::On,
            true => Lies::Above,
        })
    }

    /// True if the centre of frame `index` lies between the planes halfway to the next images.
    fn is_within_reach(&self, index: usize, key: &FrameKey) -> bool {
        let (Some(own), Some(image)) = (&self.frames[index].plane, &key.plane) else { return false };
        let distance = image.project(centre(own, self.shape)).distance;
        -key.reach[0] < distance && distance <= key.reach[1]
    }

    /// Frames with planes, for resampling.
    pub(super) fn planes(&self) -> impl Iterator<Item = (usize, &SegmentFrame, &ImagePlane)> {
        let with_plane = |(index, frame)| {
            let frame: &SegmentFrame = frame;
            frame.plane.as_ref().map(|plane| (index, frame, plane))
        };
        self.frames.iter().enumerate().filter_map(with_plane)
    }
}

/// The centre of a grid of `shape` pixels on `plane`.
fn centre(plane: &ImagePlane, shape: GridShape) -> [f64; 3] {
    plane.point([(shape.columns() as f64 - 1.0) / 2.0, (shape.rows() as f64 - 1.0) / 2.0])
}

/// A grid in words.
fn described(shape: GridShape, plane: Option<&ImagePlane>) -> String {
    let Some(plane) = plane else { return format!("{shape} pixels without position") };
    let [rows, columns] = plane.spacing();
    let [x, y, z] = plane.position().map(|mm| (mm * 1000.0).round() / 1000.0 + 0.0);
    let normal = plane.normal().map(|part| (part * 1000.0).round() / 1000.0 + 0.0);
    format!("{shape} pixels of {rows} x {columns} mm at ({x}, {y}, {z}) with the normal {normal:?}")
}
