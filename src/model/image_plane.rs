//! The plane of an image in the patient's coordinates.

use serde::{Deserialize, Serialize};

use super::{Geometry, GridShape};

/// A plane of pixels in the patient's coordinates (LPS, mm): from pixels to the patient and back (PS3.3 C.7.6.2.1.1).
///
/// Pixels are `[x, y]`: x along a row, y down the rows, an integer is the centre of a pixel. All arithmetic is in f64.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImagePlane {
    position: [f64; 3],
    row: [f64; 3],
    column: [f64; 3],
    normal: [f64; 3],
    /// Between rows, between columns, in mm.
    spacing: [f64; 2],
}

/// A point of the patient as a plane sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanePoint {
    /// Its foot on the plane, `[x, y]` in pixels.
    pub pixel: [f64; 2],
    /// Its distance from the plane along the normal in mm; the sign tells the side.
    pub distance: f64,
}

/// Tolerance of direction cosines: from unit length, and of their product from 0.
const COSINE_TOLERANCE: f64 = 1e-2;

/// Two directions are one where the cosine between them is at least this.
const SAME_DIRECTION: f64 = 1.0 - 1e-4;

impl ImagePlane {
    /// The plane of an image with this geometry. `None` where position, orientation or Pixel Spacing is absent, or the
    /// orientation is no pair of unit vectors at right angles.
    #[must_use]
    pub fn of(geometry: &Geometry) -> Option<Self> {
        let [rx, ry, rz, cx, cy, cz] = geometry.image_orientation;
        let (row, column) = ([rx, ry, rz], [cx, cy, cz]);
        let (position, spacing) = (geometry.image_position, geometry.pixel_spacing);
        let unit = |v| (dot(v, v) - 1.0).abs() < COSINE_TOLERANCE;
        let placed = position.iter().all(|mm| mm.is_finite());
        let spaced = spacing.iter().all(|&mm| mm.is_finite() && mm > 0.0);
        let upright = unit(row) && unit(column) && dot(row, column).abs() < COSINE_TOLERANCE;
        (placed && spaced && upright).then(|| {
            let normal = cross(row, column);
            let length = dot(normal, normal).sqrt();
            Self { position, row, column, normal: normal.map(|part| part / length), spacing }
        })
    }

    /// The unit normal: the direction of the row times that of the column.
    #[must_use]
    pub fn normal(&self) -> [f64; 3] {
        self.normal
    }

    /// Distance of the plane from the origin of the patient's coordinates along its normal, in mm.
    #[must_use]
    pub fn depth(&self) -> f64 {
        dot(self.position, self.normal)
    }

    /// Pixel Spacing in mm: between rows, between columns.
    #[must_use]
    pub fn spacing(&self) -> [f64; 2] {
        self.spacing
    }

    /// Centre of the first pixel in the patient's coordinates, in mm.
    #[must_use]
    pub fn position(&self) -> [f64; 3] {
        self.position
    }

    /// A point of the patient (mm), seen from the plane: the solution of
    /// `point - position = row * spacing[1] * x + column * spacing[0] * y + normal * distance`.
    #[must_use]
    pub fn project(&self, point: [f64; 3]) -> PlanePoint {
        let way = minus(point, self.position);
        // Direction cosines are rounded in the file, so neither of exact length nor at exact right angles.
        let (rr, rc, cc) =
            (dot(self.row, self.row), dot(self.row, self.column), dot(self.column, self.column));
        let (along_row, along_column) = (dot(self.row, way), dot(self.column, way));
        let determinant = rr * cc - rc * rc;
        let x = (along_row * cc - along_column * rc) / determinant / self.spacing[1];
        let y = (along_column * rr - along_row * rc) / determinant / self.spacing[0];
        PlanePoint { pixel: [x, y], distance: dot(self.normal, way) }
    }

    /// The point of the patient, in mm, at `[x, y]` in pixels.
    #[must_use]
    pub fn point(&self, [x, y]: [f64; 2]) -> [f64; 3] {
        let (across, down) = (x * self.spacing[1], y * self.spacing[0]);
        std::array::from_fn(|axis| self.position[axis] + self.row[axis] * across + self.column[axis] * down)
    }

    /// True if both planes have one normal, or opposite ones.
    #[must_use]
    pub fn is_parallel_to(&self, other: &Self) -> bool {
        dot(self.normal, other.normal).abs() >= SAME_DIRECTION
    }

    /// The largest distance, in pixels of this plane, between the corners of a grid of `shape` pixels on this plane
    /// and on `other`, within the plane. Grids are the same where it is small; 0.01 px is usual.
    #[must_use]
    pub fn grid_offset(&self, other: &Self, shape: GridShape) -> f64 {
        let (right, bottom) = (shape.columns() as f64 - 1.0, shape.rows() as f64 - 1.0);
        let corners = [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]];
        let offset = |corner: [f64; 2]| {
            let [x, y] = self.project(other.point(corner)).pixel;
            (x - corner[0]).abs().max((y - corner[1]).abs())
        };
        corners.into_iter().map(offset).fold(0.0, f64::max)
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn cross([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3]) -> [f64; 3] {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(orientation: [f64; 6], spacing: [f64; 2]) -> ImagePlane {
        let geometry = Geometry {
            pixel_spacing: spacing,
            image_position: [10.0, -20.0, 30.0],
            image_orientation: orientation,
            ..Geometry::ABSENT
        };
        ImagePlane::of(&geometry).unwrap()
    }

    const OBLIQUE: [f64; 6] = [0.36, 0.48, -0.8, 0.8, -0.6, 0.0];

    #[test]
    fn the_way_back_is_exact_where_cosines_are_rounded() {
        let rounded = plane([0.360_04, 0.48, -0.8, 0.8, -0.600_03, 0.0001], [0.7, 1.367_187_5]);
        for pixel in [[0.0, 0.0], [511.0, 3.5], [-4.25, 300.0]] {
            let back = rounded.project(rounded.point(pixel));
            assert!((back.pixel[0] - pixel[0]).abs() < 1e-9 && (back.pixel[1] - pixel[1]).abs() < 1e-9);
            assert!(back.distance.abs() < 1e-9);
        }
    }

    #[test]
    fn spacing_is_between_rows_then_between_columns() {
        let axial = plane([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [2.0, 0.5]);
        assert_eq!(axial.point([4.0, 3.0]), [12.0, -14.0, 30.0]);
        let seen = axial.project([12.0, -14.0, 33.0]);
        assert_eq!((seen.pixel, seen.distance), ([4.0, 3.0], 3.0));
    }

    #[test]
    fn grids_are_compared_at_their_corners() {
        let shape = GridShape::new(100, 200).unwrap();
        let one = plane(OBLIQUE, [0.7, 0.7]);
        assert!(one.grid_offset(&one, shape) < 1e-9);
        let wider = plane(OBLIQUE, [0.7, 0.7007]);
        assert!((one.grid_offset(&wider, shape) - 0.199).abs() < 1e-6);
        let turned = plane([0.8, -0.6, 0.0, 0.36, 0.48, -0.8], [0.7, 0.7]);
        assert!(one.is_parallel_to(&turned) && one.grid_offset(&turned, shape) > 100.0);
    }

    #[test]
    fn without_geometry_there_is_no_plane() {
        assert_eq!(ImagePlane::of(&Geometry::ABSENT), None);
        let flat = Geometry {
            pixel_spacing: [1.0; 2],
            image_position: [0.0; 3],
            image_orientation: [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            ..Geometry::ABSENT
        };
        assert_eq!(ImagePlane::of(&flat), None);
    }
}
