//! The few numbers that are kept of each image and of each contour.

use crate::model::{Geometry, GridShape, Polygon};
use crate::source::ImageHeader;

use super::digest::points_digest;
use super::outline::centroid;

/// Header values that the audit keeps of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageFacts {
    /// Its size.
    pub shape: GridShape,
    /// Its channels: 3 in colour, else 1.
    pub channels: usize,
    /// Pixel Spacing in mm, between rows, between columns; NaN where absent.
    pub spacing: [f32; 2],
    /// Image Position (Patient) in mm, NaN where absent.
    pub position: [f32; 3],
    /// Image Orientation (Patient), NaN where absent.
    pub orientation: [f32; 6],
    /// Trigger Time in ms, NaN where absent.
    pub time: f32,
    /// Instance Number.
    pub instance_number: Option<i32>,
}

impl ImageFacts {
    /// The values of `header`.
    #[must_use]
    pub fn of(header: &ImageHeader) -> Self {
        let Geometry { pixel_spacing, image_position, image_orientation, .. } = header.geometry;
        Self {
            shape: header.shape,
            channels: header.channels(),
            spacing: pixel_spacing.map(|mm| mm as f32),
            position: image_position.map(|mm| mm as f32),
            orientation: image_orientation.map(|cosine| cosine as f32),
            time: header.trigger_time.map_or(f32::NAN, |ms| ms as f32),
            instance_number: header.instance_number,
        }
    }

    /// Pixel Spacing between columns and between rows, 1 where absent: what x and y are multiplied with.
    pub(super) fn scale(&self) -> [f64; 2] {
        let [rows, columns] = self.spacing.map(f64::from);
        if rows.is_nan() || columns.is_nan() { [1.0; 2] } else { [columns, rows] }
    }

    /// A point in pixels, in mm from the corner of the patient's coordinates: along the rows, along the columns and
    /// along the normal of `axes`. NaN where the header does not tell.
    pub(super) fn locate(&self, [x, y]: [f64; 2], axes: &Axes) -> [f64; 3] {
        let [across, down] = self.scale();
        let position = self.position.map(f64::from);
        let orientation = self.orientation.map(f64::from);
        let point: [f64; 3] = std::array::from_fn(|axis| {
            position[axis] + orientation[axis] * x * across + orientation[axis + 3] * y * down
        });
        [axes.row, axes.column, axes.normal].map(|axis| dot(point, axis))
    }
}

/// The directions in which positions of a patient are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axes {
    row: [f64; 3],
    column: [f64; 3],
    normal: [f64; 3],
}

impl Axes {
    /// Those of an image; `None` where its header does not tell.
    pub(super) fn of(image: &ImageFacts) -> Option<Self> {
        let [a, b, c, d, e, f] = image.orientation.map(f64::from);
        let normal = [b * f - c * e, c * d - a * f, a * e - b * d];
        let told = image.position.iter().all(|mm| mm.is_finite()) && dot(normal, normal) > 0.5;
        told.then_some(Self { row: [a, b, c], column: [d, e, f], normal })
    }

    /// True if images with these axes and with the `other` ones lie in parallel planes.
    pub(super) fn are_parallel(&self, other: &Self) -> bool {
        dot(self.normal, other.normal) > 0.99
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Values that the audit keeps of a contour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ContourFacts {
    /// The beginning of the SHA-256 of the file.
    pub(super) bytes: u128,
    /// A digest of the path, wherever it begins and whichever way it runs.
    pub(super) points: u128,
    /// Distinct points, counted up to 255.
    pub(super) distinct: u8,
    /// Area in square pixels.
    pub(super) area: f32,
    /// True if its points run clockwise as seen on the screen.
    pub(super) clockwise: bool,
    /// Centre of the area in pixels.
    pub(super) centre: [f32; 2],
}

impl ContourFacts {
    pub(super) fn of(contour: &Polygon, sha256: &[u8; 32]) -> Self {
        let (bytes, _) = sha256.split_at(16);
        let (points, distinct) = points_digest(contour);
        let area = contour.signed_area();
        Self {
            bytes: bytes.iter().fold(0, |number, &byte| number << 8 | u128::from(byte)),
            points,
            distinct,
            area: area.abs() as f32,
            clockwise: area > 0.0,
            centre: centroid(contour).map(|pixels| pixels as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_located_along_the_slice() {
        let image = ImageFacts {
            channels: 1,
            shape: GridShape::new(8, 8).unwrap(),
            spacing: [2.0, 3.0],
            position: [10.0, 20.0, 30.0],
            orientation: [0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            time: f32::NAN,
            instance_number: None,
        };
        let axes = Axes::of(&image).unwrap();
        assert_eq!(image.locate([2.0, 5.0], &axes), [26.0, 40.0, 10.0]);
        assert_eq!(Axes::of(&ImageFacts { orientation: [f32::NAN; 6], ..image }), None);
        assert_eq!(Axes::of(&ImageFacts { orientation: [0.0; 6], ..image }), None);
    }
}
