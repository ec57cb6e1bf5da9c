//! The sides of a contour in fixed point, and exact walks along them.

use std::ops::Range;

/// Fixed-point units in a pixel. With |coordinate| ≤ 2^20 px a unit count stays within ±2^36.
pub(super) const UNITS_PER_PIXEL: i64 = 1 << 16;

/// A point `[x, y]` in fixed-point units.
pub(super) type FixedPoint = [i64; 2];

/// The fixed-point position nearest to a point in pixels, ties to the even unit.
///
/// From here on the arithmetic is exact. Noise far below a unit, as coordinate transforms leave it,
/// disappears, so a point that was meant to lie on a pixel centre does.
pub(super) fn snap([x, y]: [f64; 2]) -> FixedPoint {
    let units = |pixels: f64| (pixels * UNITS_PER_PIXEL as f64).round_ties_even() as i64;
    [units(x), units(y)]
}

/// Each point with the next one, and the last with the first.
pub(super) fn closed_sides<T: Copy>(points: &[T]) -> impl Iterator<Item = (T, T)> + '_ {
    let ends = points.iter().skip(1).chain(points.first());
    points.iter().zip(ends).map(|(&start, &end)| (start, end))
}

/// The smallest integer that is at least `dividend / divisor`; `divisor` is positive.
pub(super) fn ceil_div(dividend: i64, divisor: i64) -> i64 {
    -(-dividend).div_euclid(divisor)
}

/// A side that crosses rows, from its upper end to its lower one whichever way the contour runs:
/// two polygons that share a side compute the same columns for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    upper: FixedPoint,
    lower: FixedPoint,
}

impl Side {
    /// The side between two points, or nothing where it is horizontal.
    pub(super) fn new(a: FixedPoint, b: FixedPoint) -> Option<Self> {
        match a[1].cmp(&b[1]) {
            std::cmp::Ordering::Less => Some(Self { upper: a, lower: b }),
            std::cmp::Ordering::Greater => Some(Self { upper: b, lower: a }),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// The image rows whose centre line the side meets: its upper end counts, its lower end does not.
    pub(super) fn rows(&self, image_rows: usize) -> Range<usize> {
        let limit = image_rows as i64;
        let first_at_or_below = |y: i64| ceil_div(y, UNITS_PER_PIXEL).clamp(0, limit) as usize;
        first_at_or_below(self.upper[1])..first_at_or_below(self.lower[1])
    }

    /// For `row` and each row after it, the first column whose centre lies on the side or right of it.
    pub(super) fn columns_from(&self, row: usize) -> FloorWalk {
        let [dx, dy] = [self.lower[0] - self.upper[0], self.lower[1] - self.upper[1]];
        let down = row as i64 * UNITS_PER_PIXEL - self.upper[1];
        // x at the row is upper.x + down * dx / dy. The products stay below 2^75, the divisor below 2^53.
        let divisor = dy * UNITS_PER_PIXEL;
        let dividend = i128::from(self.upper[0]) * i128::from(dy) + i128::from(down) * i128::from(dx);
        FloorWalk::new(dividend + i128::from(divisor - 1), dx * UNITS_PER_PIXEL, divisor)
    }
}

/// The integer parts of n/d, (n + s)/d, (n + 2s)/d, …: one division, then only additions.
#[derive(Debug, Clone, Copy)]
pub(super) struct FloorWalk {
    value: i64,
    remainder: i64,
    value_step: i64,
    remainder_step: i64,
    divisor: i64,
}

impl FloorWalk {
    /// A walk from `dividend / divisor` that adds `step / divisor` each time; `divisor` is positive and
    /// below 2^62, and no value leaves i64.
    pub(super) fn new(dividend: i128, step: i64, divisor: i64) -> Self {
        let (value, remainder) = match i64::try_from(dividend) {
            Ok(dividend) => (dividend.div_euclid(divisor), dividend.rem_euclid(divisor)),
            Err(_) => {
                let wide = i128::from(divisor);
                (dividend.div_euclid(wide) as i64, dividend.rem_euclid(wide) as i64)
            }
        };
        Self {
            value,
            remainder,
            value_step: step.div_euclid(divisor),
            remainder_step: step.rem_euclid(divisor),
            divisor,
        }
    }

    /// The current integer part; then goes one step on.
    pub(super) fn advance(&mut self) -> i64 {
        let value = self.value;
        self.value += self.value_step;
        self.remainder += self.remainder_step;
        if self.remainder >= self.divisor {
            self.remainder -= self.divisor;
            self.value += 1;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snaps_ties_to_the_even_unit() {
        let unit = 1.0 / UNITS_PER_PIXEL as f64;
        assert_eq!(snap([0.5 * unit, 1.5 * unit]), [0, 2]);
        assert_eq!(snap([-0.5 * unit, -1.5 * unit]), [0, -2]);
        assert_eq!(snap([106.5 + 1e-11, -1_048_576.0]), [6_979_584, -(1 << 36)]);
    }

    #[test]
    fn sides_close_the_contour() {
        assert_eq!(closed_sides::<u8>(&[]).count(), 0);
        assert_eq!(closed_sides(&[7]).collect::<Vec<_>>(), [(7, 7)]);
        assert_eq!(closed_sides(&[1, 2, 3]).collect::<Vec<_>>(), [(1, 2), (2, 3), (3, 1)]);
    }

    #[test]
    fn ceil_div_rounds_up_on_both_sides_of_zero() {
        assert_eq!([ceil_div(7, 4), ceil_div(8, 4), ceil_div(-7, 4), ceil_div(-8, 4)], [2, 2, -1, -2]);
    }

    #[test]
    fn a_side_owns_its_upper_end_only() {
        let rows = |y0, y1| Side::new(snap([3.0, y0]), snap([5.0, y1])).map(|side| side.rows(10));
        assert_eq!(rows(2.0, 5.0), Some(2..5));
        assert_eq!(rows(5.0, 2.0), Some(2..5));
        assert_eq!(rows(2.5, 2.75), Some(3..3));
        assert_eq!(rows(4.0, 4.0), None);
    }

    #[test]
    fn rows_are_clipped_to_the_image_before_anything_walks() {
        let rows = |y0, y1| Side::new(snap([0.0, y0]), snap([0.0, y1])).unwrap().rows(10);
        assert_eq!(rows(-1_048_576.0, 1_048_576.0), 0..10);
        assert!(rows(-1_048_576.0, -1_000.0).is_empty());
        assert!(rows(1_000.0, 1_048_576.0).is_empty());
    }

    #[test]
    fn a_walk_equals_a_division_at_each_step() {
        for (start, step, divisor) in [(-17, 5, 7), (3, -11, 4), (0, 0, 1), (9, 9, 9), (1 << 80, -3, 1 << 50)]
        {
            let mut walk = FloorWalk::new(start, step, divisor);
            for k in 0..50 {
                let expected = (start + k * i128::from(step)).div_euclid(i128::from(divisor));
                assert_eq!(i128::from(walk.advance()), expected);
            }
        }
    }

    #[test]
    fn the_longest_sides_do_not_overflow() {
        let far = 1_048_576.0;
        let side = Side::new(snap([-far, -far]), snap([far, far])).unwrap();
        assert_eq!(side.columns_from(65_534).advance(), 65_534);
        let side = Side::new(snap([far, -far]), snap([-far, far])).unwrap();
        assert_eq!(side.columns_from(65_534).advance(), -65_534);
    }
}
