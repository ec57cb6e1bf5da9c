//! Labels on another grid: the nearest one in the patient for each pixel of an image.

use std::collections::HashMap;

use crate::model::{ImagePlane, Mask};
use crate::source::annotation::{AnnotationError, Drawn, FrameKey};

use super::grid::SAME_PLANE;
use super::read::Form;
use super::segmentation::DicomSegmentation;

/// The planes of a segmentation along its normal.
struct Slab {
    /// The plane that distances are measured from.
    first: ImagePlane,
    /// Distances, rising, each with a plane there.
    planes: Vec<(f64, ImagePlane)>,
    /// Half the thickness of the outermost planes.
    edge: f64,
}

impl Slab {
    /// The plane nearest to `distance`, where one is near enough.
    fn nearest(&self, distance: f64) -> Option<usize> {
        let after = self.planes.partition_point(|(at, _)| *at < distance);
        let near = [after.checked_sub(1), Some(after).filter(|&after| after < self.planes.len())];
        let apart = |index: usize| (self.planes[index].0 - distance).abs();
        let nearest = near.into_iter().flatten().min_by(|&a, &b| apart(a).total_cmp(&apart(b)))?;
        // Between two planes the nearer one counts; beyond the last one, half a slice.
        let is_between = after > 0 && after < self.planes.len();
        (is_between || apart(nearest) <= self.edge).then_some(nearest)
    }
}

impl DicomSegmentation {
    /// The planes of all frames that are parallel to the first one.
    fn slab(&self) -> Option<Slab> {
        let first = *self.planes().next()?.2;
        let mut planes: Vec<(f64, ImagePlane)> = self
            .planes()
            .filter(|(_, _, plane)| plane.is_parallel_to(&first))
            .map(|(_, _, plane)| (first.project(plane.position()).distance, *plane))
            .collect();
        planes.sort_by(|a, b| a.0.total_cmp(&b.0));
        planes.dedup_by(|a, b| (a.0 - b.0).abs() <= SAME_PLANE);
        let gaps = planes.windows(2).map(|two| two[1].0 - two[0].0);
        let smallest = gaps.fold(f64::INFINITY, f64::min);
        let edge = if smallest.is_finite() { smallest / 2.0 } else { 0.5 };
        Some(Slab { first, planes, edge })
    }

    /// True if some pixel of the image has a plane of the segmentation near it.
    pub(super) fn reaches(&self, key: &FrameKey) -> bool {
        let (Some(slab), Some(plane)) = (self.slab(), key.plane) else { return false };
        let (right, bottom) = (key.shape.columns() as f64 - 1.0, key.shape.rows() as f64 - 1.0);
        let points = [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom], [right / 2.0, bottom / 2.0]];
        let distances = points.map(|point| slab.first.project(plane.point(point)).distance);
        let (low, high) =
            distances.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &distance| {
                (low.min(distance), high.max(distance))
            });
        let ends = slab.planes.first().zip(slab.planes.last());
        ends.is_some_and(|(first, last)| low <= last.0 + slab.edge && first.0 - slab.edge <= high)
    }

    /// The mask of segment `number` on the image, each pixel with the nearest label.
    pub(super) fn resample(&self, number: u16, key: &FrameKey) -> Result<Drawn, AnnotationError> {
        let (Some(slab), Some(image)) = (self.slab(), key.plane) else { return Ok(Drawn::NotAnnotated) };
        if !self.reaches(key) {
            return Ok(Drawn::NotAnnotated);
        }
        let mut masks: HashMap<usize, Option<Mask>> = HashMap::new();
        let mut failed = None;
        let mut is_inside = |row: usize, column: usize| {
            let point = image.point([column as f64, row as f64]);
            let Some(at) = slab.nearest(slab.first.project(point).distance) else { return false };
            let plane = &slab.planes[at].1;
            let mask = masks.entry(at).or_insert_with(|| {
                self.mask_on(plane, number).unwrap_or_else(|error| {
                    failed = Some(error);
                    None
                })
            });
            let Some(mask) = mask else { return false };
            let [x, y] = plane.project(point).pixel.map(f64::round_ties_even);
            let (rows, columns) = (self.shape.rows(), self.shape.columns());
            let is_on_grid = x >= 0.0 && y >= 0.0 && x < columns as f64 && y < rows as f64;
            is_on_grid && mask.data()[y as usize * columns + x as usize] != 0
        };
        let mask = Mask::from_fn(key.shape, &mut is_inside);
        match failed {
            Some(error) => Err(error),
            None => Ok(Drawn::Raster(mask)),
        }
    }

    /// The pixels of segment `number` on one plane of the segmentation; `None` where it has none there.
    fn mask_on(&self, plane: &ImagePlane, number: u16) -> Result<Option<Mask>, AnnotationError> {
        let mut joined: Option<Mask> = None;
        for (index, frame, own) in self.planes() {
            let is_of = self.form == Form::LabelMap || frame.segment == Some(number);
            if !is_of || plane.project(own.position()).distance.abs() > SAME_PLANE {
                continue;
            }
            let mask = self.mask(index, number)?;
            match &mut joined {
                Some(joined) => joined.include(&mask),
                None => joined = Some(mask),
            }
        }
        Ok(joined)
    }
}
