//! Contours and masks of one plane, on the grid of the data set.

use std::ops::Range;

use crate::model::{Mask, Polygon};

/// Content of one mask plane.
#[derive(Debug, Default)]
pub(super) struct DrawnPlane {
    /// Ranges of contours; those of one range make a mask together, and the masks are united.
    pub(super) groups: Vec<Range<usize>>,
    /// Masks on the grid of the data set, which are united with them.
    pub(super) masks: Vec<Mask>,
    /// Pixels of these masks that cropping has cut off.
    pub(super) cut: usize,
}

/// One annotation, on the grid of the data set.
pub(super) struct ReadAnnotation {
    /// The digest of its file, and of the part in it.
    pub(super) digest: [u8; 32],
    /// Its area in square pixels of the source image.
    pub(super) area: f64,
    pub(super) contours: Vec<Polygon>,
    pub(super) mask: Option<Mask>,
    /// Pixels of the mask that cropping has cut off.
    pub(super) cut: usize,
}

impl DrawnPlane {
    pub(super) fn clear(&mut self) {
        self.groups.clear();
        self.masks.clear();
        self.cut = 0;
    }

    /// Adds an annotation, whose contours go to the end of those of the plane.
    pub(super) fn add(&mut self, all: &mut Vec<Polygon>, read: ReadAnnotation) {
        let ReadAnnotation { contours, mask, cut, .. } = read;
        self.cut += cut;
        if !contours.is_empty() {
            self.groups.push(all.len()..all.len() + contours.len());
            all.extend(contours);
        }
        self.masks.extend(mask);
    }
}

/// More contours on one image are specks, whose areas are added.
const MOST_NESTED: usize = 300;

/// The area that an odd number of contours encloses, where none crosses another: a contour within another one is a hole.
pub(super) fn enclosed(contours: &[Polygon]) -> f64 {
    let depth = |index: usize, contour: &Polygon| {
        let point = contour.points()[0];
        let others = contours.iter().enumerate().filter(|(other, _)| *other != index);
        others.filter(|(_, other)| encloses(other, point)).count()
    };
    let is_nested = contours.len() <= MOST_NESTED;
    let signed = |(index, contour): (usize, &Polygon)| {
        if is_nested && depth(index, contour) % 2 == 1 { -contour.area() } else { contour.area() }
    };
    contours.iter().enumerate().map(signed).sum::<f64>() + 0.0
}

/// True if a contour encloses a point, by even-odd.
fn encloses(contour: &Polygon, [x, y]: [f64; 2]) -> bool {
    let crosses = |&([ax, ay], [bx, by]): &([f64; 2], [f64; 2])| {
        (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
    };
    contour.sides().filter(crosses).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(low: f64, high: f64) -> Polygon {
        Polygon::new(vec![[low, low], [high, low], [high, high], [low, high]]).unwrap()
    }

    #[test]
    fn holes_have_no_area_and_islands_in_them_have() {
        assert_eq!(enclosed(&[square(0.0, 10.0)]), 100.0);
        assert_eq!(enclosed(&[square(4.0, 6.0), square(0.0, 10.0), square(2.0, 8.0)]), 100.0 - 36.0 + 4.0);
        assert_eq!(enclosed(&[]), 0.0);
    }
}
