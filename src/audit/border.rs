//! Position of a contour in its image.

use crate::model::{GridShape, Polygon};

/// Centres of pixels nearer than this to the border's count as touching, in pixels.
const TOUCHING: f64 = 0.5;

/// The share of the area of `contour` that lies beyond an image of `shape`, 0 to 1.
pub(super) fn share_outside(contour: &Polygon, shape: GridShape) -> f64 {
    let high = [shape.columns() as f64 - 0.5, shape.rows() as f64 - 0.5];
    let ([min_x, min_y], [max_x, max_y]) = contour.bounds();
    if min_x >= -0.5 && min_y >= -0.5 && max_x <= high[0] && max_y <= high[1] {
        return 0.0;
    }
    let area = contour.area();
    if area == 0.0 {
        return 0.0;
    }
    let mut points = contour.points().to_vec();
    for axis in [0, 1] {
        points = clip(&points, axis, -0.5, 1.0);
        points = clip(&points, axis, high[axis], -1.0);
    }
    let inside = Polygon::new(points).map_or(0.0, |clipped| clipped.area());
    (1.0 - inside / area).clamp(0.0, 1.0)
}

/// True if `contour` reaches the outermost pixels of an image of `shape`.
pub(super) fn touches(contour: &Polygon, shape: GridShape) -> bool {
    let ([min_x, min_y], [max_x, max_y]) = contour.bounds();
    let beyond = |max: f64, side: usize| max > side as f64 - 1.0 - TOUCHING;
    min_x < TOUCHING || min_y < TOUCHING || beyond(max_x, shape.columns()) || beyond(max_y, shape.rows())
}

/// The path cut off where `side * (coordinate - limit)` is negative (Sutherland and Hodgman 1974).
fn clip(points: &[[f64; 2]], axis: usize, limit: f64, side: f64) -> Vec<[f64; 2]> {
    let mut clipped = Vec::with_capacity(points.len());
    let depth = |point: [f64; 2]| side * (point[axis] - limit);
    for (number, &point) in points.iter().enumerate() {
        let before = points[(number + points.len() - 1) % points.len()];
        let (from, to) = (depth(before), depth(point));
        if (from < 0.0) != (to < 0.0) {
            let share = from / (from - to);
            clipped.push([0, 1].map(|k| before[k] + share * (point[k] - before[k])));
        }
        if to >= 0.0 {
            clipped.push(point);
        }
    }
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64) -> Polygon {
        Polygon::new(vec![[x, y], [x + 4.0, y], [x + 4.0, y + 4.0], [x, y + 4.0]]).unwrap()
    }

    #[test]
    fn shares_beyond_each_side_and_corner() {
        let shape = GridShape::new(10, 20).unwrap();
        for (x, y, share) in [
            (5.0, 5.0, 0.0),
            (-0.5, -0.5, 0.0),
            (-1.5, 3.0, 0.25),
            (16.5, 3.0, 0.25),
            (3.0, -2.5, 0.5),
            (3.0, 7.5, 0.5),
            (17.5, 7.5, 0.75),
            (30.0, 3.0, 1.0),
        ] {
            assert_eq!(share_outside(&square(x, y), shape), share, "{x} {y}");
        }
    }

    #[test]
    fn the_outermost_pixels_count_as_border() {
        let shape = GridShape::new(10, 20).unwrap();
        assert!(!touches(&square(0.5, 0.5), shape) && !touches(&square(14.5, 4.5), shape));
        for (x, y) in [(0.4, 3.0), (3.0, 0.0), (15.0, 3.0), (3.0, 5.0)] {
            assert!(touches(&square(x, y), shape), "{x} {y}");
        }
    }
}
