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

use std::fmt;

use crate::model::{MAX_COORDINATE, Mask};

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

impl MaskRule {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::Center, Self::CenterInclusive, Self::Pillow];

    /// The name used in options and in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Center => "center",
            Self::CenterInclusive => "center-inclusive",
            Self::Pillow => "pillow",
        }
    }
}

impl fmt::Display for MaskRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
        mask.reset(mask.shape());
        // NaN is not within the limit either.
        if !points.iter().flatten().all(|coordinate| coordinate.abs() <= MAX_COORDINATE) {
            return;
        }
        let Scratch { points: snapped, center, pillow } = &mut self.scratch;
        snapped.clear();
        snapped.extend(points.iter().copied().map(edges::snap));
        match self.rule {
            MaskRule::Center => center.paint(snapped, mask),
            MaskRule::CenterInclusive => {
                center.paint(snapped, mask);
                rule_center_inclusive::paint_path(snapped, mask);
            }
            MaskRule::Pillow => pillow.paint(points, mask),
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
}
