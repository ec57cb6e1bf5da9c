//! The rule `pillow`: what Pillow 11.2 and later paint for a polygon.

use crate::model::Mask;

use super::edges::closed_sides;
use super::line::DigitalLine;
use super::sweep::Sweep;

/// Paints as `ImageDraw.polygon(points, outline=0, fill=1)` of Pillow ≥ 11.2 does on x86-64, bit for bit.
///
/// Pillow drops the fraction of each coordinate, fills with both ends of every run included, then draws
/// the outline in the background value and thereby erases the boundary. It computes in f32; the integers
/// here are far below 2^24 and exact in it.
#[derive(Debug, Default)]
pub(super) struct Pillow {
    vertices: Vec<[i32; 2]>,
    sides: Vec<SlantedSide>,
    sweep: Sweep,
    tips: Vec<Tip>,
    crossings: Vec<f32>,
}

/// A side that is not horizontal.
#[derive(Debug, Clone, Copy)]
struct SlantedSide {
    /// The end that the contour reaches first, `[column, row]`.
    start: [i32; 2],
    top: i32,
    bottom: i32,
    /// Columns a row.
    slope: f32,
}

/// An end of a side that is neither horizontal nor vertical. Sorted, the ends of one kind that share a
/// column stand together, in the order of the sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tip {
    is_bottom: bool,
    column: i32,
    side: usize,
}

impl Pillow {
    /// Adds the pixels of the closed contour `points` (pixels) to an empty `mask`. A single point, which
    /// Pillow refuses, adds none.
    pub(super) fn paint(&mut self, points: &[[f64; 2]], mask: &mut Mask) {
        if points.len() < 2 {
            return;
        }
        self.vertices.clear();
        self.vertices.extend(points.iter().map(|point| point.map(|v| v as i32)));
        self.gather(mask);
        self.fill(mask);
        for (start, end) in closed_sides(&self.vertices) {
            DigitalLine::new(start.map(i64::from), end.map(i64::from)).erase(mask);
        }
    }

    /// Paints the horizontal sides and collects the others.
    fn gather(&mut self, mask: &mut Mask) {
        self.sides.clear();
        self.sweep.clear();
        // Pillow does not close a contour that ends where it began. Here that is a side without length,
        // whose one pixel is a vertex: painted or erased anyway.
        for (start, end) in closed_sides(&self.vertices) {
            if let Some(side) = SlantedSide::new(start, end) {
                let row = |row: i32| row.clamp(0, mask.shape().rows() as i32) as usize;
                self.sweep.add(self.sides.len(), row(side.top)..row(side.bottom + 1));
                self.sides.push(side);
            } else {
                paint_run(mask, start[1], start[0].min(end[0]), start[0].max(end[0]));
            }
        }
    }

    /// Fills between the sides, row by row.
    fn fill(&mut self, mask: &mut Mask) {
        let bottom = self.sides.iter().map(|side| side.bottom).max().unwrap_or(0);
        for row in self.sweep.start() {
            let row = row as i32;
            self.cross(row, bottom);
            self.crossings.sort_unstable_by(f32::total_cmp);
            for pair in self.crossings.chunks_exact(2) {
                paint_run(mask, row, first_column(pair[0]), last_column(pair[1]));
            }
        }
    }

    /// Collects where the sides cross `row`; `bottom` is the contour's last row.
    fn cross(&mut self, row: i32, bottom: i32) {
        let Self { sides, sweep, tips, crossings, .. } = self;
        crossings.clear();
        tips.clear();
        tips.extend(sweep.meeting(row as usize).filter_map(|index| Tip::new(&sides[index], index, row)));
        tips.sort_unstable();
        for index in sweep.meeting(row as usize) {
            let side = &sides[index];
            let column = side.column_at(row);
            if side.bottom == row && row < bottom {
                // Counted twice, so that a vertex between two sides keeps the number of crossings even.
                crossings.extend([column, column]);
            } else {
                let partner = Tip::new(side, index, row).and_then(|tip| tip.first_at_same_place(tips));
                crossings.push(partner.map_or(column, |other| corner_column(side, &sides[other], row)));
            }
        }
    }
}

impl SlantedSide {
    fn new(start: [i32; 2], end: [i32; 2]) -> Option<Self> {
        let [dx, dy] = [end[0] - start[0], end[1] - start[1]];
        let slope = dx as f32 / dy as f32;
        (dy != 0).then(|| Self { start, top: start[1].min(end[1]), bottom: start[1].max(end[1]), slope })
    }

    /// Crossing of the side with `row`. Rust never fuses the multiplication with the addition.
    fn column_at(&self, row: i32) -> f32 {
        (row - self.start[1]) as f32 * self.slope + self.start[0] as f32
    }
}

impl Tip {
    /// The end of `side` at `row`, if it has one there and is not vertical.
    fn new(side: &SlantedSide, index: usize, row: i32) -> Option<Self> {
        let ends_here = side.top == row || side.bottom == row;
        (ends_here && side.slope != 0.0).then(|| Self {
            is_bottom: side.bottom == row,
            column: side.column_at(row).round() as i32,
            side: index,
        })
    }

    /// The first side that ends as this one does and in the same column, if it comes before this one.
    fn first_at_same_place(&self, sorted: &[Self]) -> Option<usize> {
        let first = sorted.partition_point(|tip| (tip.is_bottom, tip.column) < (self.is_bottom, self.column));
        sorted.get(first).map(|tip| tip.side).filter(|&side| side < self.side)
    }
}

/// The crossing of `side` at its end in `row`, where it meets `other`: moved next to the further of the
/// two in the neighbouring row if both recede from the corner by more than a pixel, so that the run
/// paints the sharp corner.
fn corner_column(side: &SlantedSide, other: &SlantedSide, row: i32) -> f32 {
    let column = side.column_at(row);
    let neighbour = if side.bottom == row { row - 1 } else { row + 1 };
    let [here, there] = [side.column_at(neighbour), other.column_at(neighbour)];
    if column > here + 1.0 && column > there + 1.0 {
        here.max(there).round() + 1.0
    } else if column < here - 1.0 && column < there - 1.0 {
        here.min(there).round() - 1.0
    } else {
        column
    }
}

/// The first column of a run that begins at `x`: the nearest, halves away from zero. Pillow adds in f32
/// on the positive side and in f64 on the negative one.
fn first_column(x: f32) -> i32 {
    if x >= 0.0 { (x + 0.5).floor() as i32 } else { -((f64::from(-x) + 0.5).floor() as i32) }
}

/// The last column of a run that ends at `x`: the nearest, halves toward zero.
fn last_column(x: f32) -> i32 {
    if x >= 0.0 { (x - 0.5).ceil() as i32 } else { -((f64::from(-x) - 0.5).ceil() as i32) }
}

/// Sets the columns `first` to `last`, both included, as far as they lie in the image.
fn paint_run(mask: &mut Mask, row: i32, first: i32, last: i32) {
    if let (Ok(row), Ok(end)) = (usize::try_from(row), usize::try_from(last + 1)) {
        mask.set_span(row, first.max(0) as usize, end, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::picture::paint;
    use crate::raster::{MaskRule, Rasterizer};

    fn picture(points: &[[f64; 2]]) -> Vec<String> {
        paint(&mut Rasterizer::new(MaskRule::Pillow), points, 4, 6)
    }

    #[test]
    fn the_outline_is_erased() {
        let square = [[1.0, 0.0], [4.0, 0.0], [4.0, 3.0], [1.0, 3.0]];
        assert_eq!(picture(&square), ["......", "..##..", "..##..", "......"]);
    }

    #[test]
    fn fractions_are_dropped_toward_zero() {
        let square = [[1.9, 0.5], [4.5, -0.9], [4.0, 3.99], [1.0, 3.0]];
        assert_eq!(picture(&square), ["......", "..##..", "..##..", "......"]);
    }

    #[test]
    fn forth_and_back_are_different_lines() {
        assert_eq!(picture(&[[1.0, 1.0], [4.0, 2.0]]), ["......", "...#..", "..#...", "......"]);
    }

    #[test]
    fn two_equal_points_leave_their_pixel() {
        assert_eq!(picture(&[[2.0, 1.0], [2.0, 1.0]]), ["......", "..#...", "......", "......"]);
    }

    #[test]
    fn less_than_two_points_paint_nothing() {
        assert_eq!(picture(&[]), ["......"; 4]);
        assert_eq!(picture(&[[2.0, 1.0]]), ["......"; 4]);
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let partly = [[3.0, -9.0], [99.0, -9.0], [99.0, 2.0], [3.0, 2.0]];
        assert_eq!(picture(&partly), ["....##", "....##", "......", "......"]);
        let far = 1_048_576.0;
        assert_eq!(picture(&[[-far, -far], [far, -far], [far, far], [-far, far]]), ["######"; 4]);
        assert_eq!(picture(&[[-far, -far], [-far, far], [-9.0, 0.0]]), ["......"; 4]);
    }

    #[test]
    fn halves_begin_away_from_zero_and_end_toward_it() {
        assert_eq!([first_column(1.5), first_column(-1.5), first_column(-0.0)], [2, -2, 0]);
        assert_eq!([last_column(1.5), last_column(-1.5), last_column(0.2)], [1, -1, 0]);
        // The sum is rounded to f32 and becomes 1.
        assert_eq!(first_column(0.499_999_97), 1);
    }
}
