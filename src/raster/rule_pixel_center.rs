//! The rule `center`: a pixel belongs to the contour that its centre lies in.

use crate::model::Mask;

use super::edges::{FixedPoint, FloorWalk, Side, closed_sides};
use super::sweep::Sweep;

/// Paints by the rule `center`, in exact integer arithmetic.
///
/// Inside is even-odd: an odd number of sides lies left of the centre. A centre exactly on the path
/// belongs to the region on its right; where the path is horizontal, to the region below. So every
/// centre has one owner among regions that share their sides.
#[derive(Debug, Default)]
pub(super) struct PixelCenter {
    columns: Vec<FloorWalk>,
    sweep: Sweep,
    crossings: Vec<usize>,
}

impl PixelCenter {
    /// Forgets the sides of all contours.
    pub(super) fn clear(&mut self) {
        self.columns.clear();
        self.sweep.clear();
    }

    /// Adds to `mask` the pixels that an odd number of the contours that were added enclose. A contour without area
    /// has none: each of the two ways along a line ends where the other begins.
    pub(super) fn fill(&mut self, mask: &mut Mask) {
        let image_columns = mask.shape().columns() as i64;
        for row in self.sweep.start() {
            self.crossings.clear();
            for side in self.sweep.meeting(row) {
                self.crossings.push(self.columns[side].advance().clamp(0, image_columns) as usize);
            }
            self.crossings.sort_unstable();
            for pair in self.crossings.chunks_exact(2) {
                mask.set_span(row, pair[0], pair[1], true);
            }
        }
    }

    /// Adds the sides of a closed contour that meet a row of the image, each ready to walk from its first one.
    pub(super) fn add(&mut self, points: &[FixedPoint], mask: &Mask) {
        for side in closed_sides(points).filter_map(|(a, b)| Side::new(a, b)) {
            let rows = side.rows(mask.shape().rows());
            if !rows.is_empty() {
                let columns = side.columns_from(rows.start);
                self.sweep.add(self.columns.len(), rows);
                self.columns.push(columns);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::raster::picture::paint;
    use crate::raster::{MaskRule, Rasterizer};

    fn picture(points: &[[f64; 2]]) -> Vec<String> {
        paint(&mut Rasterizer::new(MaskRule::Center), points, 4, 5)
    }

    #[test]
    fn a_half_grid_square_owns_its_nine_pixels() {
        let square = [[0.5, 0.5], [3.5, 0.5], [3.5, 3.5], [0.5, 3.5]];
        assert_eq!(picture(&square), [".....", ".###.", ".###.", ".###."]);
    }

    #[test]
    fn ties_go_to_the_top_and_the_left() {
        let square = [[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0]];
        assert_eq!(picture(&square), [".....", ".##..", ".##..", "....."]);
    }

    #[test]
    fn ties_on_slanted_sides_go_to_the_left_side() {
        // The centres (1, 1) and (1, 2) lie on the left sides, (3, 1) and (3, 2) on the right ones.
        let hexagon = [[2.0, 0.0], [3.0, 1.0], [3.0, 2.0], [2.0, 3.0], [1.0, 2.0], [1.0, 1.0]];
        assert_eq!(picture(&hexagon), [".....", ".##..", ".##..", "....."]);
        let diamond = [[2.0, 0.0], [4.0, 2.0], [2.0, 4.0], [0.0, 2.0]];
        assert_eq!(picture(&diamond), [".....", ".##..", "####.", ".##.."]);
    }

    #[test]
    fn crossing_itself_leaves_the_doubly_enclosed_part_out() {
        let twice_around = [
            [0.5, 0.5],
            [4.5, 0.5],
            [4.5, 3.5],
            [0.5, 3.5],
            [0.5, 0.5],
            [1.5, 0.5],
            [1.5, 2.5],
            [3.5, 2.5],
            [3.5, 0.5],
        ];
        assert_eq!(picture(&twice_around), [".....", ".#..#", ".#..#", ".####"]);
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let partly = [[2.5, -9.0], [99.0, -9.0], [99.0, 1.5], [2.5, 1.5]];
        assert_eq!(picture(&partly), ["...##", "...##", ".....", "....."]);
        let around = [[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6]];
        assert_eq!(picture(&around), ["#####"; 4]);
        for [dx, dy] in [[0.0, 50.0], [0.0, -50.0], [50.0, 0.0], [-50.0, 0.0]] {
            let beside = [[dx, dy], [dx + 4.0, dy], [dx + 4.0, dy + 4.0]];
            assert_eq!(picture(&beside), ["....."; 4]);
        }
    }

    #[test]
    fn no_area_no_pixel() {
        assert_eq!(picture(&[]), ["....."; 4]);
        assert_eq!(picture(&[[1.0, 1.0]]), ["....."; 4]);
        assert_eq!(picture(&[[1.0, 1.0], [3.0, 3.0]]), ["....."; 4]);
        assert_eq!(picture(&[[0.0, 0.0], [3.0, 3.0], [1.0, 1.0]]), ["....."; 4]);
    }
}
