//! Measures of a closed path.

use crate::model::Polygon;

/// The centre of the enclosed area in pixels; of the points where there is no area.
pub(super) fn centroid(contour: &Polygon) -> [f64; 2] {
    // Relative to the first point, so that a far-away contour loses no digits.
    let [x0, y0] = contour.points()[0];
    let (mut twice, mut sum) = (0.0, [0.0; 2]);
    for ([ax, ay], [bx, by]) in contour.sides() {
        let (ax, ay, bx, by) = (ax - x0, ay - y0, bx - x0, by - y0);
        let cross = ax * by - bx * ay;
        twice += cross;
        sum = [sum[0] + (ax + bx) * cross, sum[1] + (ay + by) * cross];
    }
    if twice.abs() < 1e-9 {
        let count = contour.points().len() as f64;
        return [0, 1].map(|axis| contour.points().iter().map(|point| point[axis]).sum::<f64>() / count);
    }
    [x0 + sum[0] / (3.0 * twice), y0 + sum[1] / (3.0 * twice)]
}

/// The length of the closed path in pixels.
pub(super) fn length(contour: &Polygon) -> f64 {
    contour.sides().map(|(a, b)| distance(a, b)).sum()
}

/// The distance of two points.
pub(super) fn distance([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    // Coordinates are bounded, so no square is beyond what f64 holds.
    ((ax - bx).powi(2) + (ay - by).powi(2)).sqrt()
}

/// The distance of `point` from the side between `a` and `b`.
pub(super) fn distance_to_side(point: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let squared = dx * dx + dy * dy;
    let along = if squared > 0.0 { ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / squared } else { 0.0 };
    let along = along.clamp(0.0, 1.0);
    distance(point, [a[0] + along * dx, a[1] + along * dy])
}

/// `count` points at equal distances along the closed path, the first of its points among them.
pub(super) fn resample(contour: &Polygon, count: usize) -> Vec<[f64; 2]> {
    let step = length(contour) / count as f64;
    let mut points = Vec::with_capacity(count);
    let mut walked = 0.0;
    for (a, b) in contour.sides() {
        let side = distance(a, b);
        while points.len() < count && side > 0.0 && points.len() as f64 * step < walked + side {
            let share = ((points.len() as f64 * step - walked) / side).clamp(0.0, 1.0);
            points.push([a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])]);
        }
        walked += side;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_is_measured() {
        let rectangle = Polygon::new(vec![[1.0, 1.0], [7.0, 1.0], [7.0, 4.0], [1.0, 4.0]]).unwrap();
        assert_eq!(centroid(&rectangle), [4.0, 2.5]);
        assert_eq!(length(&rectangle), 18.0);
        let points = resample(&rectangle, 6);
        assert_eq!(points, [[1.0, 1.0], [4.0, 1.0], [7.0, 1.0], [7.0, 4.0], [4.0, 4.0], [1.0, 4.0]]);
        assert_eq!(distance_to_side([4.0, 0.0], [1.0, 1.0], [7.0, 1.0]), 1.0);
        assert_eq!(distance_to_side([-3.0, 4.0], [1.0, 1.0], [1.0, 1.0]), 5.0);
        let line = Polygon::new(vec![[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]]).unwrap();
        assert_eq!(centroid(&line), [2.0, 2.0]);
    }
}
