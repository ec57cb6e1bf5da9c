//! Self-crossings of a closed path.

use super::outline::centroid;
use crate::model::Polygon;

type Point = [f64; 2];

/// Pairs of sides compared in one contour. Paths along the pixels take about ten for each point; a path that needs
/// more than this is not looked through.
const MAX_PAIRS: usize = 20_000_000;

/// Result for a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Crossings {
    /// So many times it crosses itself; for the first, where.
    Found(usize, Option<Point>),
    /// It would take too long.
    TooLong,
}

/// Counts where the path of `contour` crosses itself. Touching is not crossing, nor is running along itself.
pub(super) fn crossings(contour: &Polygon) -> Crossings {
    if runs_once_around(contour) {
        return Crossings::Found(0, None);
    }
    let mut points = contour.points().to_vec();
    points.dedup();
    while points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let (mut count, mut first) = at_points(&points);
    let sides: Vec<(Point, Point)> =
        (0..points.len()).map(|k| (points[k], points[(k + 1) % points.len()])).collect();
    // Sides by where they begin, and at each those before it that have not ended.
    let mut order: Vec<usize> = (0..sides.len()).collect();
    let left = |side: usize| sides[side].0[0].min(sides[side].1[0]);
    let right = |side: usize| sides[side].0[0].max(sides[side].1[0]);
    order.sort_unstable_by(|&a, &b| left(a).total_cmp(&left(b)));
    let (mut active, mut pairs): (Vec<usize>, usize) = (Vec::new(), 0);
    for side in order {
        active.retain(|&other| right(other) >= left(side));
        pairs += active.len();
        if pairs > MAX_PAIRS {
            return Crossings::TooLong;
        }
        for &other in &active {
            let ((a, b), (c, d)) = (sides[side], sides[other]);
            if crosses(a, b, c, d) {
                count += 1;
                first = first.or(Some(sides[side].0));
            }
        }
        active.push(side);
    }
    Crossings::Found(count, first)
}

/// True if the path turns about its centre in one direction all the way, and once. Such a path cannot cross itself,
/// and nearly every contour of a heart is one.
fn runs_once_around(contour: &Polygon) -> bool {
    // Far above what rounding makes of a turn of nothing.
    const LEAST_TURN: f64 = 1e-6;
    let [x, y] = centroid(contour);
    let (mut left, mut right, mut rounds) = (0, 0, 0);
    for (a, b) in contour.sides().filter(|(a, b)| a != b) {
        let turn = (a[0] - x) * (b[1] - y) - (b[0] - x) * (a[1] - y);
        left += usize::from(turn < LEAST_TURN);
        right += usize::from(turn > -LEAST_TURN);
        rounds += usize::from((a[1] < y) != (b[1] < y));
    }
    (left == 0 || right == 0) && rounds == 2
}

/// Twice the area of the triangle, by its sign the turn from `a` over `b` to `c`.
fn turn(a: Point, b: Point, c: Point) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// True if two sides cross inside both.
fn crosses(a: Point, b: Point, c: Point, d: Point) -> bool {
    let apart = |axis: usize| {
        a[axis].max(b[axis]) < c[axis].min(d[axis]) || c[axis].max(d[axis]) < a[axis].min(b[axis])
    };
    let between = |p: f64, q: f64| (p < 0.0 && q > 0.0) || (p > 0.0 && q < 0.0);
    !apart(1) && between(turn(a, b, c), turn(a, b, d)) && between(turn(c, d, a), turn(c, d, b))
}

/// The crossings in points that the path passes twice.
fn at_points(points: &[Point]) -> (usize, Option<Point>) {
    // More passes of one point than this are not compared pairwise.
    const PASSES: usize = 8;
    let mut order: Vec<([u64; 2], usize)> =
        points.iter().enumerate().map(|(k, point)| (point.map(|v| (v + 0.0).to_bits()), k)).collect();
    order.sort_unstable();
    let (mut count, mut first) = (0, None);
    for passes in order.chunk_by(|a, b| a.0 == b.0).filter(|passes| passes.len() > 1) {
        for (later, &(_, number)) in passes.iter().enumerate() {
            for &(_, earlier) in &passes[..later.min(PASSES)] {
                if passes_through(points, earlier, number) {
                    count += 1;
                    first = first.or(Some(points[number]));
                }
            }
        }
    }
    (count, first)
}

/// True if the path at its point `a` lies on both sides of the path at `b`, which is the same place.
fn passes_through(points: &[Point], a: usize, b: usize) -> bool {
    let count = points.len();
    let angle = |center: usize, to: usize| {
        let (from, to) = (points[center], points[to % count]);
        (to[1] - from[1]).atan2(to[0] - from[0])
    };
    let [in_a, out_a] = [a + count - 1, a + 1].map(|to| angle(a, to));
    let [in_b, out_b] = [b + count - 1, b + 1].map(|to| angle(b, to));
    let after = |angle: f64| (angle - in_a).rem_euclid(std::f64::consts::TAU);
    let (end, [one, two]) = (after(out_a), [in_b, out_b].map(after));
    // A common direction is running along, not crossing.
    let apart = [one, two].iter().all(|angle| *angle > 1e-9 && (angle - end).abs() > 1e-9);
    apart && (one < end) != (two < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(points: &[Point]) -> usize {
        match crossings(&Polygon::new(points.to_vec()).unwrap()) {
            Crossings::Found(count, first) => {
                assert_eq!(count > 0, first.is_some());
                count
            }
            Crossings::TooLong => panic!("too long"),
        }
    }

    #[test]
    fn a_bow_tie_crosses_once() {
        assert_eq!(count(&[[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0]]), 1);
        // With a point at the crossing.
        assert_eq!(count(&[[0.0, 0.0], [2.0, 2.0], [4.0, 4.0], [4.0, 0.0], [2.0, 2.0], [0.0, 4.0]]), 1);
        assert_eq!(count(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]), 0);
    }

    #[test]
    fn only_what_runs_once_around_is_not_looked_through() {
        let wheel = |turns: f64| {
            let angle = |k: u32| f64::from(k) / 100.0 * turns * std::f64::consts::TAU;
            let radius = |k: u32| 20.0 + f64::from(k) / 20.0;
            let point = |k: u32| [50.0 + radius(k) * angle(k).cos(), 50.0 + radius(k) * angle(k).sin()];
            Polygon::new((0..100).map(point).collect()).unwrap()
        };
        // Half a wheel is closed by its spoke.
        assert!([1.0, -1.0, 0.5].iter().all(|turns| runs_once_around(&wheel(*turns))));
        assert!(!runs_once_around(&wheel(2.0)) && !runs_once_around(&wheel(1.5)));
        assert!(matches!(crossings(&wheel(2.0)), Crossings::Found(1.., _)));
        let mut looped = wheel(1.0).points().to_vec();
        looped.swap(10, 11);
        assert!(!runs_once_around(&Polygon::new(looped).unwrap()));
    }

    #[test]
    fn touching_is_not_crossing() {
        // Two loops that meet in a point, and a line there and back.
        let loops = [[0.0, 0.0], [2.0, 2.0], [4.0, 0.0], [4.0, 4.0], [2.0, 2.0], [0.0, 4.0]];
        assert_eq!(count(&loops), 0);
        assert_eq!(count(&[[0.0, 0.0], [8.0, 0.0], [4.0, 0.0], [4.0, 4.0]]), 0);
    }

    #[test]
    fn long_paths_end() {
        let circle = |count: usize| -> Vec<Point> {
            let angle = |k: usize| k as f64 / count as f64 * std::f64::consts::TAU;
            (0..count).map(|k| [50.0 + 40.0 * angle(k).cos(), 50.0 + 40.0 * angle(k).sin()]).collect()
        };
        assert_eq!(count(&circle(200_000)), 0);
        // Every side reaches from one edge to the other.
        let fan = (0..20_000).map(|k| [f64::from(k % 2) * 100.0, f64::from(k) * 0.01]).collect();
        assert_eq!(crossings(&Polygon::new(fan).unwrap()), Crossings::TooLong);
    }
}
