//! Turns by 90 degrees, flips and shifts by whole pixels: pixels are copied as they are.

use std::ops::Range;

use crate::augment::FillMode;
use crate::augment::affine::WholePixels;
use crate::augment::fixed::{ONE, floor};

/// Stands for what is outside: no index, however much is added to it.
const OUTSIDE: usize = usize::MAX / 2;

/// Pixels of `depth` numbers each, row-major.
#[derive(Debug, Clone, Copy)]
pub(super) struct PixelGrid<'a, T> {
    pub(super) numbers: &'a [T],
    pub(super) depth: usize,
    /// Value of each channel outside the image.
    pub(super) outside: T,
}

/// Input position of each row and column of the output.
#[derive(Debug, Clone, Default)]
pub(super) struct WholeCopy {
    /// For each row of the output, how far the pixels of its first column are from the input's first.
    down: Vec<usize>,
    /// For each column of the output, the same of its first row.
    right: Vec<usize>,
    /// Columns of the output that lie side by side in the input, in the same order.
    together: Range<usize>,
}

impl WholeCopy {
    /// For an input and an output of these shapes. Reuses what was allocated.
    pub(super) fn plan(
        &mut self,
        map: &WholePixels,
        fill_mode: FillMode,
        input: [usize; 2],
        output: [usize; 2],
    ) {
        for (axis, table) in [&mut self.down, &mut self.right].into_iter().enumerate() {
            // The axis of the input that this axis of the output follows.
            let follows = if map.transposed { 1 - axis } else { axis };
            let distance = if follows == 0 { input[1] } else { 1 };
            table.clear();
            table.extend((0..output[axis] as i64).map(|at| {
                let index = map.offset[follows] + at * map.direction[follows];
                let found = fill_mode.locate(index * ONE, input[follows]);
                found.map_or(OUTSIDE, |found| floor(found) as usize * distance)
            }));
        }
        self.together = 0..0;
        if !map.transposed && map.direction[1] == 1 {
            let first = (-map.offset[1]).clamp(0, output[1] as i64);
            let last = (input[1] as i64 - map.offset[1]).clamp(first, output[1] as i64);
            self.together = first as usize..last as usize;
        }
    }

    /// Copies the pixels of an input of the shape that was planned for.
    pub(super) fn copy<T: Copy>(&self, input: &PixelGrid<'_, T>, out: &mut [T]) {
        let depth = input.depth;
        if depth == 0 {
            return;
        }
        for (&down, out) in self.down.iter().zip(out.chunks_exact_mut(self.right.len() * depth)) {
            if down == OUTSIDE {
                out.fill(input.outside);
                continue;
            }
            let input = PixelGrid { numbers: &input.numbers[down * depth..], ..*input };
            let Range { start, end } = self.together;
            self.copy_one_by_one(&input, 0..start, out);
            if start < end {
                let first = self.right[start] * depth;
                let out = &mut out[start * depth..end * depth];
                out.copy_from_slice(&input.numbers[first..first + out.len()]);
            }
            self.copy_one_by_one(&input, end..self.right.len(), out);
        }
    }

    fn copy_one_by_one<T: Copy>(&self, input: &PixelGrid<'_, T>, columns: Range<usize>, out: &mut [T]) {
        let depth = input.depth;
        let out = &mut out[columns.start * depth..columns.end * depth];
        let right = &self.right[columns];
        let at = |index| input.numbers.get(index).copied().unwrap_or(input.outside);
        if depth == 1 {
            for (pixel, &right) in out.iter_mut().zip(right) {
                *pixel = at(right);
            }
            return;
        }
        for (pixel, &right) in out.chunks_exact_mut(depth).zip(right) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = if right == OUTSIDE { input.outside } else { at(right * depth + channel) };
            }
        }
    }
}
