//! Rasterizing: which pixels of an image a contour owns.
//!
//! Coordinates are in pixels, x along a row, y down the rows; an integer coordinate is the centre of a
//! pixel. A [`MaskRule`] is exact: the same points give the same mask on every platform.
//!
//! ```
//! use dicomprep::model::{GridShape, Mask};
//! use dicomprep::raster::{MaskRule, Rasterizer};
//!
//! let mut mask = Mask::zeros(GridShape::new(4, 4)?);
//! let triangle = [[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]];
//! Rasterizer::new(MaskRule::Center).rasterize(&triangle, &mut mask);
//! assert_eq!(mask.count_ones(), 6);
//! # Ok::<(), dicomprep::model::GridError>(())
//! ```

mod edges;
mod line;
#[cfg(test)]
mod picture;
mod rule_center_inclusive;
mod rule_pillow;
mod rule_pixel_center;
mod sweep;

use crate::model::{MAX_COORDINATE, Mask, choice};

use edges::FixedPoint;
use rule_pillow::Pillow;
use rule_pixel_center::PixelCenter;

/// Rule that assigns pixels to a contour. Inside is even-odd under every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MaskRule {
    /// The pixels whose centre lies inside. A centre exactly on the path belongs to the region right of
    /// it, or below it where the path is horizontal: regions that share sides share no pixel and leave
    /// none out. Points are snapped to 1/65536 px first.
    Center,
    /// [`MaskRule::Center`], and every pixel whose centre lies within 1/64 px of the path.
    CenterInclusive,
    /// The pixels that `ImageDraw.polygon(points, outline=0, fill=1)` of Pillow 11.2 and later paints: fractions
    /// are dropped, and the outline is not part of the mask.
    Pillow,
}

choice!(MaskRule {
    Center => "center",
    CenterInclusive => "center-inclusive",
    Pillow => "pillow",
});

/// How several contours of one structure on one image make one mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Combine {
    /// The pixels that an odd number of the contours enclose: a contour within another is a hole, whether it is
    /// drawn as a contour of its own, by a keyhole or as CLOSEDPLANAR_XOR (PS3.3 C.8.8.6.3).
    #[default]
    EvenOdd,
    /// The pixels that any of the contours encloses: contours that overlap are joined, and holes are filled.
    Union,
}

choice!(Combine {
    EvenOdd => "even-odd",
    Union => "union",
});

/// Rasterizes contours by one rule. Keeps its scratch memory, so that once it has seen the largest
/// contour nothing is allocated any more.
#[derive(Debug)]
pub struct Rasterizer {
    rule: MaskRule,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    points: Vec<FixedPoint>,
    center: PixelCenter,
    pillow: Pillow,
}

impl Rasterizer {
    /// A rasterizer for `rule`.
    #[must_use]
    pub fn new(rule: MaskRule) -> Self {
        Self { rule, scratch: Scratch::default() }
    }

    /// The rule it rasterizes by.
    #[must_use]
    pub fn rule(&self) -> MaskRule {
        self.rule
    }

    /// Makes `mask` the mask of the closed contour through `points` (`[x, y]` in pixels, an integer is
    /// the centre of a pixel). The shape of `mask` stays, its content is replaced. What lies outside the
    /// image is cut off.
    ///
    /// The points of a [`Polygon`](crate::model::Polygon) are what is expected: finite and within
    /// [`MAX_COORDINATE`]. If one is not, the mask is left empty. Fewer than three points own only what
    /// the rule gives to the path itself.
    pub fn rasterize(&mut self, points: &[[f64; 2]], mask: &mut Mask) {
        self.rasterize_all([points], Combine::EvenOdd, mask);
    }

    /// Makes `mask` the mask of all `contours` of one structure together, each as in [`Rasterizer::rasterize`].
    ///
    /// Under [`MaskRule::CenterInclusive`] the paths are painted after all contours have been filled, so that the
    /// pixels on the edge of a hole belong to the structure. Under [`MaskRule::Pillow`] each contour is painted by
    /// itself, and the masks are combined.
    pub fn rasterize_all<'p>(
        &mut self,
        contours: impl IntoIterator<Item = &'p [[f64; 2]]> + Clone,
        combine: Combine,
        mask: &mut Mask,
    ) {
        mask.reset(mask.shape());
        // NaN is not within the limit either.
        let is_good = |points: &[[f64; 2]]| points.iter().flatten().all(|c| c.abs() <= MAX_COORDINATE);
        if !contours.clone().into_iter().all(is_good) {
            return;
        }
        match (self.rule, combine) {
            (MaskRule::Pillow, _) => self.paint_pillow(contours, combine, mask),
            (_, Combine::EvenOdd) => self.paint_centers(contours, mask),
            (_, Combine::Union) => {
                contours.into_iter().for_each(|points| self.paint_centers([points], mask));
            }
        }
    }

    fn paint_pillow<'p>(
        &mut self,
        contours: impl IntoIterator<Item = &'p [[f64; 2]]>,
        combine: Combine,
        mask: &mut Mask,
    ) {
        let mut contours = contours.into_iter();
        if let Some(first) = contours.next() {
            self.scratch.pillow.paint(first, mask);
        }
        for points in contours {
            let mut other = Mask::zeros(mask.shape());
            self.scratch.pillow.paint(points, &mut other);
            match combine {
                Combine::EvenOdd => mask.toggle(&other),
                Combine::Union => mask.include(&other),
            }
        }
    }

    /// Adds to `mask` the pixels of which the centre is inside, by even-odd, and those that the rule gives to the paths.
    fn paint_centers<'p>(
        &mut self,
        contours: impl IntoIterator<Item = &'p [[f64; 2]]> + Clone,
        mask: &mut Mask,
    ) {
        let Scratch { points: snapped, center, .. } = &mut self.scratch;
        center.clear();
        for points in contours.clone() {
            snapped.clear();
            snapped.extend(points.iter().copied().map(edges::snap));
            center.add(snapped, mask);
        }
        center.fill(mask);
        if self.rule != MaskRule::CenterInclusive {
            return;
        }
        for points in contours {
            snapped.clear();
            snapped.extend(points.iter().copied().map(edges::snap));
            rule_center_inclusive::paint_path(snapped, mask);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GridShape;

    #[test]
    fn rules_have_their_names() {
        let names: Vec<String> = MaskRule::ALL.iter().map(MaskRule::to_string).collect();
        assert_eq!(names, ["center", "center-inclusive", "pillow"]);
    }

    #[test]
    fn old_content_is_cleared_and_the_shape_kept() {
        let shape = GridShape::new(3, 4).unwrap();
        for rule in MaskRule::ALL {
            let mut mask = Mask::zeros(shape);
            mask.set_span(1, 0, 4, true);
            Rasterizer::new(rule).rasterize(&[], &mut mask);
            assert_eq!(mask, Mask::zeros(shape));
        }
    }

    #[test]
    fn a_point_that_no_polygon_has_leaves_the_mask_empty() {
        for bad in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1_048_577.0] {
            for rule in MaskRule::ALL {
                let mut mask = Mask::zeros(GridShape::new(3, 4).unwrap());
                let points = [[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [0.0, bad]];
                Rasterizer::new(rule).rasterize(&points, &mut mask);
                assert_eq!(mask.count_ones(), 0, "{rule} {bad}");
            }
        }
    }

    fn square(low: f64, high: f64) -> Vec<[f64; 2]> {
        vec![[low, low], [high, low], [high, high], [low, high]]
    }

    fn count(rule: MaskRule, combine: Combine, contours: &[Vec<[f64; 2]>]) -> usize {
        let mut mask = Mask::zeros(GridShape::new(60, 60).unwrap());
        Rasterizer::new(rule).rasterize_all(contours.iter().map(Vec::as_slice), combine, &mut mask);
        mask.count_ones()
    }

    #[test]
    fn several_contours_are_even_odd_and_then_their_paths() {
        // Squares of 41 and of 11 pixel centres with their sides through the centres.
        let nested = [square(5.0, 45.0), square(20.0, 30.0)];
        assert_eq!(count(MaskRule::Center, Combine::EvenOdd, &nested), 1500);
        assert_eq!(count(MaskRule::CenterInclusive, Combine::EvenOdd, &nested), 41 * 41 - 9 * 9);
        assert_eq!(count(MaskRule::Center, Combine::Union, &nested), 1600);
        assert_eq!(count(MaskRule::CenterInclusive, Combine::Union, &nested), 41 * 41);
        assert_eq!(count(MaskRule::Pillow, Combine::EvenOdd, &nested), 39 * 39 - 9 * 9);
        let keyhole =
            [[&square(5.0, 45.0)[..], &[[5.0, 5.0]], &square(20.0, 30.0), &[[20.0, 20.0]]].concat()];
        assert_eq!(count(MaskRule::Center, Combine::EvenOdd, &keyhole), 1500);
        let overlapping = [square(5.0, 25.0), square(15.0, 35.0)];
        assert_eq!(count(MaskRule::Center, Combine::EvenOdd, &overlapping), 600);
        assert_eq!(count(MaskRule::Center, Combine::Union, &overlapping), 700);
        let twice = [square(5.0, 25.0), square(5.0, 25.0)];
        assert_eq!(count(MaskRule::Center, Combine::EvenOdd, &twice), 0);
        assert_eq!(count(MaskRule::CenterInclusive, Combine::EvenOdd, &twice), 80);
    }
}
