//! The rule `center-inclusive`: `center`, and every pixel whose centre lies on the path.

use std::ops::Range;

use crate::model::Mask;

use super::edges::{FixedPoint, UNITS_PER_PIXEL, closed_sides};

/// Distance from the path, in pixels, within which a centre counts as lying on it.
const REACH: f64 = 1.0 / 64.0;

/// The margin, in pixels, within which centres are tested at all. It exceeds [`REACH`] by far more than
/// the rounding of the coordinates that choose them.
const SEARCH: f64 = 2.0 * REACH;

/// Adds to `mask` the pixels whose centre lies within [`REACH`] of the closed path through `points`.
/// One or two points are a path too.
pub(super) fn paint_path(points: &[FixedPoint], mask: &mut Mask) {
    for (start, end) in closed_sides(points) {
        Segment::new(start, end).paint(mask);
    }
}

/// A side in pixels. Fixed-point coordinates and their differences are exact in f64.
struct Segment {
    start: [f64; 2],
    delta: [f64; 2],
    squared_length: f64,
}

impl Segment {
    fn new(start: FixedPoint, end: FixedPoint) -> Self {
        let pixels = |units: i64| units as f64 / UNITS_PER_PIXEL as f64;
        let delta = [pixels(end[0] - start[0]), pixels(end[1] - start[1])];
        Self { start: start.map(pixels), delta, squared_length: delta[0] * delta[0] + delta[1] * delta[1] }
    }

    fn paint(&self, mask: &mut Mask) {
        let shape = mask.shape();
        let (top, bottom) = ordered(self.start[1], self.start[1] + self.delta[1]);
        for row in centers_within(top - REACH, bottom + REACH, shape.rows()) {
            for column in self.columns_near(row as f64, shape.columns()) {
                if self.reaches([column as f64, row as f64]) {
                    mask.set_span(row, column, column + 1, true);
                }
            }
        }
    }

    /// The columns near the part of the segment that comes close to the line `y`.
    fn columns_near(&self, y: f64, image_columns: usize) -> Range<usize> {
        let [dx, dy] = self.delta;
        let (enter, leave) = if dy == 0.0 {
            (0.0, 1.0)
        } else {
            let along = |y: f64| ((y - self.start[1]) / dy).clamp(0.0, 1.0);
            (along(y - SEARCH), along(y + SEARCH))
        };
        let (left, right) = ordered(self.start[0] + enter * dx, self.start[0] + leave * dx);
        centers_within(left - SEARCH, right + SEARCH, image_columns)
    }

    /// True if the distance from `point` to the nearest point of the segment is at most [`REACH`].
    fn reaches(&self, point: [f64; 2]) -> bool {
        let [dx, dy] = self.delta;
        let [x, y] = [point[0] - self.start[0], point[1] - self.start[1]];
        let along = if self.squared_length > 0.0 {
            ((x * dx + y * dy) / self.squared_length).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let [aside_x, aside_y] = [x - along * dx, y - along * dy];
        aside_x * aside_x + aside_y * aside_y <= REACH * REACH
    }
}

fn ordered(a: f64, b: f64) -> (f64, f64) {
    (a.min(b), a.max(b))
}

/// The integers from `low` to `high`, both included, that are an index below `count`.
fn centers_within(low: f64, high: f64, count: usize) -> Range<usize> {
    // A float below 0 becomes 0 in the cast.
    let first = low.ceil() as usize;
    let end = (high.floor() + 1.0) as usize;
    first..end.min(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::picture::paint;
    use crate::raster::{MaskRule, Rasterizer};

    fn picture(points: &[[f64; 2]]) -> Vec<String> {
        paint(&mut Rasterizer::new(MaskRule::CenterInclusive), points, 4, 5)
    }

    #[test]
    fn ties_belong_on_all_four_sides() {
        let square = [[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0]];
        assert_eq!(picture(&square), [".....", ".###.", ".###.", ".###."]);
    }

    #[test]
    fn a_half_grid_square_gains_nothing() {
        let square = [[0.5, 0.5], [3.5, 0.5], [3.5, 3.5], [0.5, 3.5]];
        assert_eq!(picture(&square), [".....", ".###.", ".###.", ".###."]);
    }

    #[test]
    fn one_and_two_points_are_a_path() {
        assert_eq!(picture(&[]), ["....."; 4]);
        assert_eq!(picture(&[[2.0, 1.0]]), [".....", "..#..", ".....", "....."]);
        assert_eq!(picture(&[[0.0, 0.0], [4.0, 2.0]]), ["#....", "..#..", "....#", "....."]);
    }

    #[test]
    fn the_reach_is_a_64th_of_a_pixel() {
        assert_eq!(picture(&[[2.0 + REACH, 1.0]])[1], "..#..");
        assert_eq!(picture(&[[2.0, 1.0 - REACH]])[1], "..#..");
        assert_eq!(picture(&[[2.0 + 1.01 * REACH, 1.0]])[1], ".....");
        assert_eq!(picture(&[[2.0 + 0.8 * REACH, 1.0 + 0.8 * REACH]])[1], ".....");
        assert_eq!(picture(&[[0.0, 1.0 + REACH], [4.0, 1.0 + REACH]])[1], "#####");
    }

    #[test]
    fn only_centres_of_the_image_are_tried() {
        let far = 1 << 36;
        let diagonal = Segment::new([-far, -far], [far, far]);
        assert_eq!(diagonal.columns_near(3.0, 5), 3..4);
        let level = Segment::new([-far, 0], [far, 0]);
        assert_eq!(level.columns_near(0.0, 5), 0..5);
        assert_eq!(centers_within(-1e6, -2.0, 5).len(), 0);
        assert_eq!(centers_within(7.0, 1e6, 5).len(), 0);
    }
}
