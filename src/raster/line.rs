//! A digital line: the pixels that stand for a segment between two pixels.

use std::ops::Range;

use crate::model::{GridShape, Mask};

use super::edges::{FloorWalk, ceil_div};

/// The segment between two pixels `[column, row]`, one pixel for each step along its longer axis,
/// without the last. Halfway between two pixels it takes the one further along, so the pixels depend on
/// the direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct DigitalLine {
    start: [i64; 2],
    sign: [i64; 2],
    /// The axis with more steps: 0 along the row, 1 down the column.
    major_axis: usize,
    major_steps: i64,
    minor_steps: i64,
}

impl DigitalLine {
    pub(super) fn new(start: [i64; 2], end: [i64; 2]) -> Self {
        let delta = [end[0] - start[0], end[1] - start[1]];
        let major_axis = usize::from(delta[0].abs() <= delta[1].abs());
        Self {
            start,
            sign: delta.map(|d| if d < 0 { -1 } else { 1 }),
            major_axis,
            major_steps: delta[major_axis].abs(),
            minor_steps: delta[1 - major_axis].abs(),
        }
    }

    /// Sets the pixels of the line that lie in the image to zero.
    pub(super) fn erase(&self, mask: &mut Mask) {
        let steps = self.steps_inside(mask.shape());
        if steps.is_empty() {
            return;
        }
        let (major, minor) = (self.major_axis, 1 - self.major_axis);
        let mut minor_offset = self.minor_offset_from(steps.start);
        for step in steps {
            let mut pixel = self.start;
            pixel[major] += self.sign[major] * step;
            pixel[minor] += self.sign[minor] * minor_offset.advance();
            let [column, row] = pixel.map(|index| index as usize);
            mask.set_span(row, column, column + 1, false);
        }
    }

    /// The distance on the minor axis at `step` and each later one: step * minor / major, halves up.
    fn minor_offset_from(&self, step: i64) -> FloorWalk {
        let dividend = 2 * step * self.minor_steps + self.major_steps;
        FloorWalk::new(i128::from(dividend), 2 * self.minor_steps, 2 * self.major_steps)
    }

    /// The steps whose pixel lies in the image. Both coordinates are monotonic, so it is one range.
    fn steps_inside(&self, shape: GridShape) -> Range<i64> {
        let size = [shape.columns() as i64, shape.rows() as i64];
        let on_major = self.offsets_inside(self.major_axis, size);
        let on_minor = self.offsets_inside(1 - self.major_axis, size);
        let (from_minor, to_minor) = if self.minor_steps > 0 {
            (self.first_step_to(on_minor.start), self.first_step_to(on_minor.end))
        } else if on_minor.contains(&0) {
            (0, self.major_steps)
        } else {
            (0, 0)
        };
        on_major.start.max(from_minor).max(0)..on_major.end.min(to_minor).min(self.major_steps)
    }

    /// Distance from the start along `axis`, in the line's direction, to the image.
    fn offsets_inside(&self, axis: usize, size: [i64; 2]) -> Range<i64> {
        let start = self.start[axis];
        if self.sign[axis] > 0 { -start..size[axis] - start } else { start - size[axis] + 1..start + 1 }
    }

    /// The first step at which the minor offset is `offset` or more; the minor axis has steps.
    fn first_step_to(&self, offset: i64) -> i64 {
        ceil_div((2 * offset - 1) * self.major_steps, 2 * self.minor_steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize) -> GridShape {
        GridShape::new(rows, columns).unwrap()
    }

    /// The pixels of the line by its definition, step for step.
    fn pixels(line: &DigitalLine) -> Vec<[i64; 2]> {
        let (major, minor) = (line.major_axis, 1 - line.major_axis);
        (0..line.major_steps)
            .map(|step| {
                let offset = (2 * step * line.minor_steps + line.major_steps) / (2 * line.major_steps);
                let mut pixel = line.start;
                pixel[major] += line.sign[major] * step;
                pixel[minor] += line.sign[minor] * offset;
                pixel
            })
            .collect()
    }

    #[test]
    fn halves_go_forward_in_each_direction() {
        assert_eq!(pixels(&DigitalLine::new([1, 1], [4, 2])), [[1, 1], [2, 1], [3, 2]]);
        assert_eq!(pixels(&DigitalLine::new([4, 2], [1, 1])), [[4, 2], [3, 2], [2, 1]]);
        assert_eq!(pixels(&DigitalLine::new([0, 0], [2, 1])), [[0, 0], [1, 1]]);
        assert!(pixels(&DigitalLine::new([3, 3], [3, 3])).is_empty());
    }

    #[test]
    fn clipping_takes_exactly_the_pixels_of_the_image() {
        let shape = grid(4, 6);
        let inside = |&[x, y]: &[i64; 2]| (0..6).contains(&x) && (0..4).contains(&y);
        let ends: Vec<[i64; 2]> = (-5..9).flat_map(|y| (-6..12).step_by(3).map(move |x| [x, y])).collect();
        for &start in &ends {
            for &end in &ends {
                let line = DigitalLine::new(start, end);
                let mut expected = Mask::zeros(shape);
                let mut erased = Mask::zeros(shape);
                (0..4).for_each(|row| erased.set_span(row, 0, 6, true));
                (0..4).for_each(|row| expected.set_span(row, 0, 6, true));
                let drawn: Vec<[i64; 2]> = pixels(&line).into_iter().filter(inside).collect();
                for &[x, y] in &drawn {
                    expected.set_span(y as usize, x as usize, x as usize + 1, false);
                }
                line.erase(&mut erased);
                assert_eq!(erased, expected, "{start:?} to {end:?}");
                let steps = line.steps_inside(shape);
                assert_eq!((steps.end - steps.start).max(0) as usize, drawn.len(), "{start:?} to {end:?}");
            }
        }
    }

    #[test]
    fn a_long_line_takes_no_more_steps_than_the_image_has() {
        let far = 1 << 20;
        let shape = grid(100, 100);
        let steps = |start, end| DigitalLine::new(start, end).steps_inside(shape).count();
        assert_eq!(steps([-far, -far], [far, far]), 100);
        assert_eq!(steps([far, 7], [-far, 7]), 100);
        assert_eq!(steps([-far, 100], [far, 101]), 0);
        assert_eq!(steps([-far, far], [far, far]), 0);
    }
}
