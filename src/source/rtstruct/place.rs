//! Contours on one image: which ones, and where their points lie on it.

use std::collections::HashSet;

use crate::model::{ImagePlane, Polygon};
use crate::source::annotation::{ContourSpacing, FrameKey};

use super::roi::{Contour, Roi};

/// Points of one contour may lie apart along the normal of the image by this much, in mm, or by half a pixel.
const MAX_SPREAD: f64 = 0.5;

/// A contour on an image.
#[derive(Debug)]
pub(super) struct Placed {
    /// Its index in Contour Sequence, from 0.
    pub(super) index: usize,
    /// The contour in pixels of the image, or why it cannot be there.
    pub(super) polygon: Result<Polygon, String>,
    /// Distance of its points from the plane in mm: the mean.
    pub(super) distance: f64,
    /// True if it refers to the image; false if its position tells.
    pub(super) is_referenced: bool,
    /// True if its position tells, and others of the region lie nearer to the image, in another plane: these are what was
    /// drawn for it.
    pub(super) is_farther: bool,
}

/// Contours of which no two are equal. The second of two would cancel the first under even-odd.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    polygons: Vec<Polygon>,
    seen: HashSet<Vec<[u64; 2]>>,
}

impl Distinct {
    /// Adds a contour; false where it is there already.
    pub(super) fn push(&mut self, polygon: Polygon) -> bool {
        let is_new = self.seen.insert(polygon.points().iter().map(|point| point.map(f64::to_bits)).collect());
        if is_new {
            self.polygons.push(polygon);
        }
        is_new
    }

    /// The contours, in the order in which they came.
    pub(super) fn into_polygons(self) -> Vec<Polygon> {
        self.polygons
    }
}

/// The contours of `roi` on the image `frame`: those that refer to it, and those without reference within its reach.
pub(super) fn contours_on(roi: &Roi, frame: &FrameKey, spacing: ContourSpacing) -> Vec<Placed> {
    let mut placed = Vec::new();
    for &index in roi.by_image.get(&frame.sop_instance_uid).into_iter().flatten() {
        let contour = &roi.contours[index];
        let mut references = contour.images.iter().filter(|image| image.uid == frame.sop_instance_uid);
        if references
            .any(|image| image.names_frame(frame) && (image.frame.is_some() || is_near(contour, frame)))
        {
            placed.push(place(contour, frame, spacing, true));
        }
    }
    if frame.shares_plane || frame.plane.is_none() {
        return placed;
    }
    let first = placed.len();
    for &index in &roi.unreferenced {
        let contour = &roi.contours[index];
        if is_near(contour, frame) {
            placed.push(place(contour, frame, spacing, false));
        }
    }
    mark_farther(&mut placed[first..], frame.reach);
    placed
}

/// The share of the way between two images by which contours of one plane may lie apart.
const SAME_PLANE: f64 = 0.1;

/// Marks the contours that are not in the plane of the nearest one.
fn mark_farther(placed: &mut [Placed], [below, above]: [f64; 2]) {
    let nearer = |a: &f64, b: &f64| a.abs().total_cmp(&b.abs()).then(a.total_cmp(b));
    let Some(nearest) = placed.iter().map(|placed| placed.distance).min_by(nearer) else { return };
    for one in placed {
        one.is_farther = (one.distance - nearest).abs() > SAME_PLANE * (below + above);
    }
}

/// True if a contour lies within reach of a frame. A reference to an object that is one image needs no distance: it
/// wins over coordinates however far off they are.
fn is_near(contour: &Contour, frame: &FrameKey) -> bool {
    let is_whole_image = frame.frame == 0 && !contour.images.is_empty();
    let Some(plane) = &frame.plane else { return true };
    if is_whole_image {
        return true;
    }
    let [below, above] = frame.reach;
    let spread = max_spread(plane);
    let first = contour.points.first().map_or(f64::NAN, |&point| plane.project(point).distance);
    // Most contours are far away, and one point shows it.
    if !(-below - spread..=above + spread).contains(&first) {
        return false;
    }
    let (low, high) = distances(contour, plane);
    let middle = (low + high) / 2.0;
    // Of two images halfway apart the lower one has it.
    -below < middle && middle <= above && high - low <= spread
}

/// The largest spread of the points of a contour along the normal of `plane`, in mm.
pub(super) fn max_spread(plane: &ImagePlane) -> f64 {
    let [rows, columns] = plane.spacing();
    MAX_SPREAD.max(0.5 * rows.max(columns))
}

/// The smallest and the largest distance of the points from the plane, in mm.
pub(super) fn distances(contour: &Contour, plane: &ImagePlane) -> (f64, f64) {
    let distance = |&point: &[f64; 3]| plane.project(point).distance;
    contour.points.iter().map(distance).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), distance| {
        (low.min(distance), high.max(distance))
    })
}

fn place(contour: &Contour, frame: &FrameKey, spacing: ContourSpacing, is_referenced: bool) -> Placed {
    let Some(plane) = &frame.plane else {
        let polygon = Err("its image has no position, orientation or Pixel Spacing".to_owned());
        return Placed {
            index: contour.index,
            polygon,
            distance: f64::NAN,
            is_referenced,
            is_farther: false,
        };
    };
    let [rows, columns] = plane.spacing();
    let [stretch_x, stretch_y] = match spacing {
        ContourSpacing::AsStored => [1.0, 1.0],
        ContourSpacing::Swapped => [columns / rows, rows / columns],
    };
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut points = Vec::with_capacity(contour.points.len());
    for &point in &contour.points {
        let seen = plane.project(point);
        (low, high) = (low.min(seen.distance), high.max(seen.distance));
        points.push([seen.pixel[0] * stretch_x, seen.pixel[1] * stretch_y]);
    }
    let spread = high - low;
    let polygon = if spread > max_spread(plane) {
        Err(format!("its points lie {spread:.2} mm apart along the normal of its image"))
    } else {
        Polygon::path(points).map_err(|error| error.to_string())
    };
    Placed { index: contour.index, polygon, distance: (low + high) / 2.0, is_referenced, is_farther: false }
}
