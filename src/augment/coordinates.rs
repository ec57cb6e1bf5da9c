//! Input positions of the pixels of one output row.

use std::array;
use std::ops::Range;

use super::Affine;
use super::fixed::{FARTHEST, fixed, fixed_cut, floor, fraction, low_fraction};

/// The places in the input, as fixed-point (row, column), of the pixels of one output row.
pub(super) trait Coordinates {
    /// Number of pixels.
    fn len(&self) -> usize;

    /// The place of pixel `at`.
    fn at(&self, at: usize) -> [i64; 2];

    /// The places of [`BLOCK`] pixels from `at` on. Those after the last are anywhere.
    fn block(&self, at: usize) -> Block;

    /// The first run of pixels from pixel `from` on that all lie within `bounds`, as long as can be; empty and
    /// at the end where there is none.
    fn run_within(&self, bounds: &Bounds, from: usize) -> Range<usize>;

    /// The row that the pixels of `run` make from the first on once their places are clamped to `bounds`, as long as it is
    /// a straight one, and the pixel where it ends; `None` where it is not straight.
    fn clamped(&self, bounds: &Bounds, run: Range<usize>) -> Option<(StraightRow, usize)>;
}

/// Pixels handled together: enough for the compiler to use vectors, few enough to stay in registers.
pub(super) const BLOCK: usize = 8;

/// Some places, as whole pixels and what is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// (row, column) of the pixels at or before the places.
    pub(super) pixels: [[i64; 2]; BLOCK],
    /// Offsets of the positions below and to the right of these pixels.
    pub(super) down: [f32; BLOCK],
    pub(super) right: [f32; BLOCK],
}

impl Block {
    /// Of any places.
    #[inline(always)]
    pub(super) fn new(places: impl Fn(usize) -> [i64; 2]) -> Self {
        let mut block = Self { pixels: [[0; 2]; BLOCK], down: [0.0; BLOCK], right: [0.0; BLOCK] };
        for number in 0..BLOCK {
            let [row, column] = places(number);
            block.pixels[number] = [floor(row), floor(column)];
            block.down[number] = fraction(row);
            block.right[number] = fraction(column);
        }
        block
    }
}

/// A rectangle of places, its ends included; empty where an end lies before its start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) low: [i64; 2],
    pub(super) high: [i64; 2],
}

impl Bounds {
    fn contain(&self, [row, column]: [i64; 2]) -> bool {
        (self.low[0] <= row && row <= self.high[0]) && (self.low[1] <= column && column <= self.high[1])
    }
}

/// A straight row, as an affine map makes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct StraightRow {
    start: [i64; 2],
    step: [i64; 2],
    /// 0, 1, 2 ... steps, modulo one pixel.
    fractions: [[u32; BLOCK]; 2],
    len: usize,
}

impl StraightRow {
    /// Row `row` of the output, of `len` pixels. The last pixel is off by at most `len` times 2^-33 pixel.
    pub(super) fn new(map: &Affine, row: usize, len: usize) -> Self {
        let longest = FARTHEST / len.max(1) as i64;
        let step = map.matrix.map(|[_, column]| fixed(column).clamp(-longest, longest));
        Self::from_step(map.at([row as f64, 0.0]).map(fixed), step, len)
    }

    fn from_step(start: [i64; 2], step: [i64; 2], len: usize) -> Self {
        let fractions = step.map(|step| array::from_fn(|number| (step as u32).wrapping_mul(number as u32)));
        Self { start, step, fractions, len }
    }

    /// True if all its pixels are at one place.
    pub(super) fn stands_still(&self) -> bool {
        self.step == [0, 0]
    }

    /// The pixels whose places lie within `bounds` on one axis. Where there are none, it is empty and begins after the pixels
    /// that are still before the bounds.
    fn axis_within(&self, axis: usize, bounds: &Bounds) -> Range<usize> {
        let (mut low, mut high) = (bounds.low[axis] - self.start[axis], bounds.high[axis] - self.start[axis]);
        let (mut step, len) = (self.step[axis], self.len as i64);
        if step < 0 {
            (low, high, step) = (-high, -low, -step);
        }
        if step == 0 {
            return if low > 0 || high < 0 { self.len..self.len } else { 0..self.len };
        }
        // ceil(low / step) to floor(high / step). Most rows begin or end inside: a division takes long.
        let first = if low <= 0 { 0 } else { ((low - 1) / step + 1).min(len) };
        let end = match high {
            ..0 => 0,
            _ if (len - 1) * step <= high => len,
            _ => high / step + 1,
        };
        first as usize..end as usize
    }
}

impl Coordinates for StraightRow {
    fn len(&self) -> usize {
        self.len
    }

    #[inline]
    fn at(&self, at: usize) -> [i64; 2] {
        [self.start[0] + at as i64 * self.step[0], self.start[1] + at as i64 * self.step[1]]
    }

    /// Fractions are those of sums modulo one pixel, of which the compiler makes vectors.
    #[inline(always)]
    fn block(&self, at: usize) -> Block {
        let mut block = Block { pixels: [[0; 2]; BLOCK], down: [0.0; BLOCK], right: [0.0; BLOCK] };
        let [mut row, mut column] = self.at(at);
        for number in 0..BLOCK {
            block.down[number] = low_fraction((row as u32).wrapping_add(self.fractions[0][number]));
            block.right[number] = low_fraction((column as u32).wrapping_add(self.fractions[1][number]));
        }
        for pixel in &mut block.pixels {
            *pixel = [floor(row), floor(column)];
            row += self.step[0];
            column += self.step[1];
        }
        block
    }

    fn run_within(&self, bounds: &Bounds, from: usize) -> Range<usize> {
        let [rows, columns] = [0, 1].map(|axis| self.axis_within(axis, bounds));
        let run = from.max(rows.start).max(columns.start)..rows.end.min(columns.end);
        if run.is_empty() { self.len..self.len } else { run }
    }

    fn clamped(&self, bounds: &Bounds, run: Range<usize>) -> Option<(StraightRow, usize)> {
        let (mut row, mut end) = (*self, run.end);
        for (axis, place) in self.at(run.start).into_iter().enumerate() {
            let inside = self.axis_within(axis, bounds);
            let clamped = place.clamp(bounds.low[axis], bounds.high[axis]);
            if clamped == place {
                end = end.min(inside.end);
                continue;
            }
            if run.start < inside.start {
                end = end.min(inside.start);
            }
            (row.start[axis], row.step[axis], row.fractions[axis]) = (clamped, 0, [0; BLOCK]);
        }
        Some((row, end))
    }
}

/// A row of any form, pixel by pixel.
#[derive(Debug, Clone, Default)]
pub(super) struct Curve {
    places: Vec<[i64; 2]>,
}

impl Curve {
    /// The line whose pixels are displaced in the output before `map` takes them to the input.
    pub(super) fn displace(&mut self, line: &StraightRow, map: &Affine, displacements: &[[f32; 2]]) {
        self.places.clear();
        let [[a, b], [c, d]] = map.matrix;
        self.places.extend(displacements.iter().enumerate().map(|(at, displacement)| {
            let [row, column] = displacement.map(f64::from);
            let place = line.at(at);
            [place[0] + fixed_cut(a * row + b * column), place[1] + fixed_cut(c * row + d * column)]
        }));
    }
}

impl Coordinates for Curve {
    fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    fn at(&self, at: usize) -> [i64; 2] {
        self.places[at]
    }

    #[inline(always)]
    fn block(&self, at: usize) -> Block {
        match self.places[at..].first_chunk::<BLOCK>() {
            Some(places) => Block::new(|number| places[number]),
            None => Block::new(|number| self.places[(at + number).min(self.places.len() - 1)]),
        }
    }

    fn run_within(&self, bounds: &Bounds, from: usize) -> Range<usize> {
        let places = &self.places[from..];
        let Some(start) = places.iter().position(|&place| bounds.contain(place)) else {
            return self.len()..self.len();
        };
        let len = places[start..].iter().position(|&place| !bounds.contain(place));
        let end = len.map_or(places.len(), |len| start + len);
        from + start..from + end
    }

    fn clamped(&self, _: &Bounds, _: Range<usize>) -> Option<(StraightRow, usize)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_run_of_a_line_is_that_of_its_pixels(
            start in [-50_i64..50, -50_i64..50],
            step in [-7_i64..8, -7_i64..8],
            low in [-20_i64..20, -20_i64..20],
            size in [-1_i64..30, -1_i64..30],
            len in 0_usize..40,
            from in 0_usize..40,
        ) {
            let line = StraightRow::from_step(start, step, len);
            let curve = Curve { places: (0..len).map(|at| line.at(at)).collect() };
            let bounds = Bounds { low, high: [low[0] + size[0], low[1] + size[1]] };
            let from = from.min(len);
            prop_assert_eq!(line.run_within(&bounds, from), curve.run_within(&bounds, from));
        }

        #[test]
        fn a_clamped_line_is_straight_in_parts(
            start in [-50_i64..50, -50_i64..50],
            step in [-7_i64..8, -7_i64..8],
            low in [-20_i64..20, -20_i64..20],
            size in [0_i64..30, 0_i64..30],
            len in 0_usize..40,
        ) {
            let line = StraightRow::from_step(start, step, len);
            let high = [low[0] + size[0], low[1] + size[1]];
            let (mut at, mut parts) = (0, 0);
            while at < len {
                let (row, end) = line.clamped(&Bounds { low, high }, at..len).unwrap();
                prop_assert!(at < end && end <= len);
                for pixel in at..end {
                    let place = line.at(pixel);
                    let clamped = [0, 1].map(|axis| place[axis].clamp(low[axis], high[axis]));
                    prop_assert_eq!(row.at(pixel), clamped);
                }
                (at, parts) = (end, parts + 1);
            }
            prop_assert!(parts <= 5, "each axis enters once and leaves once");
        }
    }

    #[test]
    fn far_lines_do_not_overflow() {
        let map = Affine { matrix: [[1e300, -1e300], [f64::NAN, 1e300]], offset: [1e300, f64::NEG_INFINITY] };
        let line = StraightRow::new(&map, 65_535, 65_535);
        let bounds = Bounds { low: [0; 2], high: [1 << 48; 2] };
        let mut curve = Curve::default();
        curve.displace(&line, &map, &[[1e30, f32::NAN]; 65_535]);
        assert!(line.run_within(&bounds, 0).len() <= 65_535);
        assert!(curve.run_within(&bounds, 65_534).len() <= 1);
    }
}
