//! Whether a closed path crosses itself.

use crate::model::Polygon;

type Point = [f64; 2];

/// Pairs of sides compared in one contour. Paths along the pixels take about ten for each point; a path that needs
/// more than this is not looked through.
const MAX_PAIRS: usize = 20_000_000;

/// What was found out about a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Crossings {
    /// So many times it crosses itself; for the first, where.
    Found(usize, Option<Point>),
    /// It would take too long.
    TooLong,
}

/// Counts where the path of `contour` crosses itself. Touching is not crossing, nor is running along itself.
pub(super) fn crossings(contour: &Polygon) -> Crossings {
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
            if crosses(sides[side], sides[other]) {
                count += 1;
                first = first.or(Some(sides[side].0));
            }
        }
        active.push(side);
    }
    Crossings::Found(count, first)
}

/// Twice the area of the triangle, by its sign the turn from `a` over `b` to `c`.
fn turn(a: Point, b: Point, c: Point) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Whether two sides cross inside both.
fn crosses((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
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

/// Whether the path at its point `a` lies on both sides of the path at `b`, which is the same place.
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
