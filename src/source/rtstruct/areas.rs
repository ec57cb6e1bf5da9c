//! Areas of several contours together, for notes on holes and overlaps. Masks are made by the raster.

use crate::model::Polygon;

/// Areas of contours on one image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Areas {
    /// Of the points that an odd number of contours encloses.
    pub(super) even_odd: f64,
    /// Of the points that any contour encloses.
    pub(super) union: f64,
}

/// Lines on which areas are measured, a pixel, each in the middle of its stripe: sides through pixel centres meet none.
const LINES: f64 = 4.0;

/// The work that measuring may cost, in crossings of lines and sides.
#[derive(Debug)]
pub(super) struct Effort(usize);

/// Some seconds, for one structure set. Real ones need a hundredth of it.
impl Default for Effort {
    fn default() -> Self {
        Self(64 << 20)
    }
}

/// An area that is more than what few lines a pixel leave uncertain, in pixels.
const SOME: f64 = 1.0;

/// The areas of `polygons`, measured on [`LINES`] lines a pixel. `None` where that is more work than `left`.
pub(super) fn areas(polygons: &[&Polygon], left: &mut Effort) -> Option<Areas> {
    let mut crossings: Vec<(i64, f64, usize)> = Vec::new();
    for (index, polygon) in polygons.iter().enumerate() {
        for (a, b) in polygon.sides() {
            let (top, bottom) = if a[1] < b[1] { (a, b) } else { (b, a) };
            let first = (top[1] * LINES - 0.5).ceil() as i64;
            let end = (bottom[1] * LINES - 0.5).ceil() as i64;
            left.0 = left.0.checked_sub((end - first) as usize)?;
            let slope = (bottom[0] - top[0]) / (bottom[1] - top[1]);
            crossings.extend(
                (first..end)
                    .map(|line| (line, top[0] + slope * ((line as f64 + 0.5) / LINES - top[1]), index)),
            );
        }
    }
    crossings.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut found, mut inside, mut enclosing) = (Areas::default(), vec![false; polygons.len()], 0_usize);
    for two in crossings.windows(2) {
        let (line, x, index) = two[0];
        inside[index] = !inside[index];
        if inside[index] {
            enclosing += 1
        } else {
            enclosing -= 1
        }
        if two[1].0 == line {
            let length = (two[1].1 - x) / LINES;
            found.union += if enclosing > 0 { length } else { 0.0 };
            found.even_odd += if enclosing % 2 == 1 { length } else { 0.0 };
        }
    }
    Some(found)
}

/// True if two contours overlap and neither contains the other.
pub(super) fn overlap_partly(a: &Polygon, b: &Polygon, left: &mut Effort) -> bool {
    let (low_a, high_a) = a.bounds();
    let (low_b, high_b) = b.bounds();
    if (0..2).any(|axis| high_a[axis] < low_b[axis] || high_b[axis] < low_a[axis]) {
        return false;
    }
    let mut union = |polygons: &[&Polygon]| areas(polygons, left).map(|areas| areas.union);
    let (Some(both), Some(a), Some(b)) = (union(&[a, b]), union(&[a]), union(&[b])) else {
        return false;
    };
    let common = a + b - both;
    common > SOME && a - common > SOME && b - common > SOME
}

impl Areas {
    /// True if some contour lies within another, or overlaps it.
    pub(super) fn differ(self) -> bool {
        self.union - self.even_odd > SOME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(low: f64, high: f64) -> Polygon {
        Polygon::new(vec![[low, low], [high, low], [high, high], [low, high]]).unwrap()
    }

    #[test]
    fn holes_and_overlaps_are_told_apart() {
        let [outer, inner, shifted] = [square(5.0, 45.0), square(20.0, 30.0), square(25.0, 65.0)];
        let left = &mut Effort::default();
        let ring = areas(&[&outer, &inner], left).unwrap();
        assert_eq!(ring, Areas { even_odd: 1500.0, union: 1600.0 });
        assert!(ring.differ() && !overlap_partly(&outer, &inner, left));
        let both = areas(&[&outer, &shifted], left).unwrap();
        assert_eq!(both, Areas { even_odd: 2400.0, union: 2800.0 });
        assert!(overlap_partly(&outer, &shifted, left));
        assert!(!overlap_partly(&inner, &square(31.0, 40.0), left));
    }

    #[test]
    fn what_is_too_much_work_is_not_measured() {
        let outer = square(5.0, 45.0);
        assert_eq!(areas(&[&outer], &mut Effort(319)), None);
        assert!(areas(&[&outer], &mut Effort(320)).is_some());
    }
}
