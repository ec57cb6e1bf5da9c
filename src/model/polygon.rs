//! A closed contour in image coordinates.

/// The largest magnitude of a coordinate, in pixels. Beyond it the fixed-point raster would overflow,
/// and no image is that large.
pub const MAX_COORDINATE: f64 = 1_048_576.0;

/// A closed contour: finite points `[x, y]` in pixels. [`Polygon::new`] asks for three that differ, [`Polygon::path`]
/// for one.
///
/// x runs to the right along a row, y down the rows; an integer coordinate is the centre of a pixel.
/// The points are kept as they were given: in file order, and with a repeated first point where there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    points: Vec<[f64; 2]>,
}

/// Why a list of points is not a polygon.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PolygonError {
    /// There is no point at all.
    #[error("the contour is empty")]
    Empty,
    /// Fewer than three of the points differ.
    #[error("the contour has {distinct} distinct points; a polygon needs 3")]
    TooFewPoints {
        /// Number of distinct points.
        distinct: usize,
    },
    /// A coordinate is NaN or infinite, or further than [`MAX_COORDINATE`] from the origin.
    #[error("point {index} is ({x}, {y}): coordinates must be finite and within {MAX_COORDINATE} px")]
    BadCoordinate {
        /// Index of the point, from 1.
        index: usize,
        /// Its x.
        x: f64,
        /// Its y.
        y: f64,
    },
}

impl Polygon {
    /// A polygon of `points` (`[x, y]`, pixels).
    ///
    /// # Errors
    /// [`PolygonError`] where a coordinate is not finite or absurd, or fewer than three points differ.
    pub fn new(points: Vec<[f64; 2]>) -> Result<Self, PolygonError> {
        check_coordinates(&points)?;
        let (mut first, mut distinct) = ([[0.0; 2]; 3], 0);
        for &point in &points {
            if distinct < 3 && !first[..distinct].contains(&point) {
                first[distinct] = point;
                distinct += 1;
            }
        }
        match distinct {
            0 => Err(PolygonError::Empty),
            1..=2 => Err(PolygonError::TooFewPoints { distinct }),
            _ => Ok(Self { points }),
        }
    }

    /// The closed contour through `points`, however few: planning systems draw a structure of one pixel as one point
    /// and a line of pixels as two. Its area may be 0.
    ///
    /// # Errors
    /// [`PolygonError`] where there is no point, or a coordinate is not finite or absurd.
    pub fn path(points: Vec<[f64; 2]>) -> Result<Self, PolygonError> {
        check_coordinates(&points)?;
        if points.is_empty() { Err(PolygonError::Empty) } else { Ok(Self { points }) }
    }

    /// The points `[x, y]`, in the order of the contour.
    #[must_use]
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    /// The sides, each from a point to the next, and from the last back to the first.
    pub fn sides(&self) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
        let next = self.points.iter().cycle().skip(1);
        self.points.iter().zip(next).map(|(&a, &b)| (a, b))
    }

    /// The enclosed area in square pixels by the shoelace formula, never negative.
    #[must_use]
    pub fn area(&self) -> f64 {
        self.signed_area().abs()
    }

    /// The same, negative where the points run counterclockwise as seen on the screen: x to the right, y down.
    #[must_use]
    pub fn signed_area(&self) -> f64 {
        // Relative to the first point, so that a far-away contour loses no digits.
        let [x0, y0] = self.points[0];
        let twice: f64 =
            self.sides().map(|([ax, ay], [bx, by])| (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)).sum();
        twice / 2.0
    }

    /// The bounding box `([min x, min y], [max x, max y])` in pixels.
    #[must_use]
    pub fn bounds(&self) -> ([f64; 2], [f64; 2]) {
        let start = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        self.points.iter().fold(start, |(low, high), &[x, y]| {
            ([low[0].min(x), low[1].min(y)], [high[0].max(x), high[1].max(y)])
        })
    }

    /// The same polygon with every point moved to `map(point)`.
    ///
    /// # Errors
    /// [`PolygonError`] where a moved point is not finite or absurd, or fewer than three differ that were three before.
    pub fn map(mut self, map: impl Fn([f64; 2]) -> [f64; 2]) -> Result<Self, PolygonError> {
        let few = self.points.len() < 3;
        for point in &mut self.points {
            *point = map(*point);
        }
        if few { Self::path(self.points) } else { Self::new(self.points) }
    }
}

fn check_coordinates(points: &[[f64; 2]]) -> Result<(), PolygonError> {
    let good = |v: f64| v.is_finite() && v.abs() <= MAX_COORDINATE;
    match points.iter().position(|&[x, y]| !good(x) || !good(y)) {
        Some(at) => Err(PolygonError::BadCoordinate { index: at + 1, x: points[at][0], y: points[at][1] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_polygon() {
        assert_eq!(Polygon::new(vec![]), Err(PolygonError::Empty));
        let two = vec![[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]];
        assert_eq!(Polygon::new(two), Err(PolygonError::TooFewPoints { distinct: 2 }));
        let wild = vec![[0.0, 0.0], [1.0, 0.0], [f64::NAN, 1.0]];
        assert!(matches!(Polygon::new(wild), Err(PolygonError::BadCoordinate { index: 3, .. })));
        let absurd = vec![[0.0, 0.0], [1.0, 0.0], [1e7, 1.0]];
        assert!(matches!(Polygon::new(absurd), Err(PolygonError::BadCoordinate { index: 3, .. })));
    }

    #[test]
    fn a_path_may_have_one_point() {
        assert_eq!(Polygon::path(vec![]), Err(PolygonError::Empty));
        let one = Polygon::path(vec![[2.0, 3.0]]).unwrap();
        assert_eq!((one.area(), one.bounds()), (0.0, ([2.0, 3.0], [2.0, 3.0])));
        assert_eq!(one.map(|[x, y]| [x + 1.0, y]).unwrap().points(), [[3.0, 3.0]]);
        assert!(Polygon::path(vec![[f64::INFINITY, 0.0]]).is_err());
    }

    #[test]
    fn the_sign_of_the_area_alone_depends_on_direction() {
        let right_then_down = vec![[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]];
        let reversed = right_then_down.iter().rev().copied().collect();
        let [clockwise, counterclockwise] = [right_then_down, reversed].map(|p| Polygon::new(p).unwrap());
        assert_eq!((clockwise.signed_area(), clockwise.area()), (4.0, 4.0));
        assert_eq!((counterclockwise.signed_area(), counterclockwise.area()), (-4.0, 4.0));
    }
}
