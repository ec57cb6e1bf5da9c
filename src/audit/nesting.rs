//! Nesting of contours.

use super::outline::{distance_to_side, resample};
use super::shape::Painter;
use crate::model::Polygon;

/// Points and sides that are compared of each contour.
const COMPARED: usize = 256;

/// Part of an inner contour outside of an outer one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Outside {
    /// The share of its pixels, 0 to 1.
    pub(super) share: f64,
    /// The worst distance in pixels, and the way from the outer contour to there in x and y.
    pub(super) distance: f64,
}

/// Compares `inner` with `outer` pixel by pixel. `scale` is what x and y are multiplied with to be mm: the worst
/// distance is in px and in mm.
pub(super) fn outside(
    inner: &Polygon,
    outer: &Polygon,
    scale: [f64; 2],
    painter: &mut Painter,
) -> (Outside, f64) {
    let (only_inner, inner_pixels) = painter.count_outside(inner, outer);
    if only_inner == 0 {
        return (Outside { share: 0.0, distance: 0.0 }, 0.0);
    }
    let share = only_inner as f64 / inner_pixels as f64;
    let path = resample(outer, COMPARED);
    let worst = |scale: [f64; 2]| {
        let scaled = |[x, y]: [f64; 2]| [x * scale[0], y * scale[1]];
        let sides = || (0..path.len()).map(|k| (scaled(path[k]), scaled(path[(k + 1) % path.len()])));
        let far = |point: [f64; 2]| {
            sides().map(|(a, b)| distance_to_side(scaled(point), a, b)).fold(f64::INFINITY, f64::min)
        };
        let beyond = resample(inner, COMPARED).into_iter().filter(|point| !contains(&path, *point));
        beyond.map(far).fold(0.0, f64::max)
    };
    (Outside { share, distance: worst([1.0; 2]) }, worst(scale))
}

/// True if `point` is inside the closed path, even-odd.
fn contains(path: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let mut inside = false;
    for (k, &[ax, ay]) in path.iter().enumerate() {
        let [bx, by] = path[(k + 1) % path.len()];
        if (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax) {
            inside = !inside;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, side: f64) -> Polygon {
        Polygon::new(vec![[x, x], [x + side, x], [x + side, x + side], [x, x + side]]).unwrap()
    }

    #[test]
    fn share_and_distance_are_measured() {
        let mut painter = Painter::default();
        let outer = square(0.0, 20.0);
        let (inside, mm) = outside(&square(5.0, 10.0), &outer, [1.0; 2], &mut painter);
        assert_eq!((inside.share, inside.distance, mm), (0.0, 0.0, 0.0));
        // 10 x 10 with a corner of 8 x 8 within the outer contour.
        let (beyond, mm) = outside(&square(12.0, 10.0), &outer, [1.0, 2.0], &mut painter);
        assert!((beyond.share - 0.36).abs() < 1e-9);
        assert!((beyond.distance - 8f64.sqrt()).abs() < 0.1, "{}", beyond.distance);
        assert!((mm - 20f64.sqrt()).abs() < 0.2, "{mm}");
        let (apart, _) = outside(&square(40.0, 10.0), &outer, [1.0; 2], &mut painter);
        assert_eq!(apart.share, 1.0);
    }
}
