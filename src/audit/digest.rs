//! A digest of a path that does not depend on where it begins or which way it runs.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::Polygon;

/// Beyond it, distinct points are not counted.
const COUNTED: usize = 255;

/// The digest of the sides of `contour`, without those of no length, and how many distinct points it has, up to 255.
pub(super) fn points_digest(contour: &Polygon) -> (u128, u8) {
    let mut sum = 0u128;
    let mut points = Vec::with_capacity(contour.points().len());
    for (a, b) in contour.sides().filter(|(a, b)| a != b) {
        // A sum does not depend on the order of the sides, nor each term on that of its ends.
        let [a, b] = [a, b].map(|point| point.map(|coordinate| (coordinate + 0.0).to_bits()));
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let half = |seed: u64| {
            let mut hasher = DefaultHasher::new();
            (seed, low, high).hash(&mut hasher);
            hasher.finish()
        };
        sum = sum.wrapping_add(u128::from(half(1)) << 64 | u128::from(half(2)));
        points.push(a);
    }
    points.sort_unstable();
    points.dedup();
    (sum, points.len().min(COUNTED) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(points: &[[f64; 2]]) -> (u128, u8) {
        points_digest(&Polygon::new(points.to_vec()).unwrap())
    }

    #[test]
    fn start_direction_and_repeated_points_do_not_matter() {
        let path = [[0.0, 0.0], [4.0, 0.5], [3.0, 3.0], [1.0, 2.0]];
        let same = digest(&path);
        assert_eq!(same.1, 4);
        assert_eq!(digest(&[[3.0, 3.0], [1.0, 2.0], [-0.0, 0.0], [4.0, 0.5]]), same);
        assert_eq!(digest(&[[1.0, 2.0], [3.0, 3.0], [4.0, 0.5], [0.0, 0.0], [0.0, 0.0], [1.0, 2.0]]), same);
        assert_ne!(digest(&[[0.0, 0.0], [3.0, 3.0], [4.0, 0.5], [1.0, 2.0]]).0, same.0);
        assert_ne!(digest(&[[0.0, 0.0], [4.0, 0.5], [3.0, 3.0], [1.0, 2.5]]).0, same.0);
    }
}
