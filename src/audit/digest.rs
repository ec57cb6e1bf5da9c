//! A digest of a path that does not depend on where it begins or which way it runs.

use crate::model::Polygon;

/// Beyond it, distinct points are not counted.
const COUNTED: usize = 255;

/// The digest of the sides of `contour`, without those of no length, and how many distinct points it has, up to 255.
pub(super) fn points_digest(contour: &Polygon) -> (u128, u8) {
    let (mut sum, mut distinct) = (0u128, DistinctHashes::new());
    let last = contour.points().len() - 1;
    let mut before = (contour.points()[last], hashes(contour.points()[last]));
    for &point in contour.points() {
        if point != before.0 {
            let hashes = hashes(point);
            // A sum does not depend on the order of the sides, nor each term on that of its ends.
            let [high, low] = [0, 1].map(|half| mixed(hashes[half].wrapping_add(before.1[half])));
            sum = sum.wrapping_add(u128::from(high) << 64 | u128::from(low));
            distinct.add(hashes[0]);
            before = (point, hashes);
        }
    }
    (sum, distinct.count as u8)
}

/// Distinct hashes, counted up to [`COUNTED`].
struct DistinctHashes {
    /// Each hash behind the place that its lowest bits name, at the first place that was free; 0 is a free place.
    places: [u64; 2 * (COUNTED + 1)],
    count: usize,
}

impl DistinctHashes {
    fn new() -> Self {
        Self { places: [0; 2 * (COUNTED + 1)], count: 0 }
    }

    fn add(&mut self, hash: u64) {
        // Two hashes in 2^64 are taken for one.
        let hash = hash.max(1);
        let mut place = hash as usize % self.places.len();
        // There is always a free place: half of them are never taken.
        while self.places[place] != 0 && self.places[place] != hash {
            place = (place + 1) % self.places.len();
        }
        if self.places[place] == 0 && self.count < COUNTED {
            self.places[place] = hash;
            self.count += 1;
        }
    }
}

/// Two hashes of a point.
fn hashes(point: [f64; 2]) -> [u64; 2] {
    let [x, y] = point.map(|coordinate| (coordinate + 0.0).to_bits());
    [1, 2].map(|seed| mixed(mixed(x.wrapping_add(seed)).wrapping_add(y)))
}

/// The finalizer of MurmurHash3 (Appleby 2011): every bit depends on all.
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ bits >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ bits >> 33
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
