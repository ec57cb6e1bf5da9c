//! Turns by 90 degrees, flips and shifts by whole pixels: pixels are copied as they are.

use std::ops::Range;

use crate::augment::FillMode;
use crate::augment::affine::WholePixels;
use crate::augment::fixed::{ONE, floor};

/// Stands for what is outside: no index, however much is added to it.
const OUTSIDE: usize = usize::MAX / 2;

/// Where each row and each column of the output is found in the input.
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

    /// Copies pixels of `depth` numbers each. Pixels from outside become `outside`.
    pub(super) fn copy<T: Copy>(&self, input: &[T], depth: usize, outside: T, out: &mut [T]) {
        if depth == 0 {
            return;
        }
        for (&down, out) in self.down.iter().zip(out.chunks_exact_mut(self.right.len() * depth)) {
            if down == OUTSIDE {
                out.fill(outside);
                continue;
            }
            let Range { start, end } = self.together;
            self.copy_one_by_one(&input[down * depth..], depth, 0..start, outside, out);
            if start < end {
                let first = (down + self.right[start]) * depth;
                let out = &mut out[start * depth..end * depth];
                out.copy_from_slice(&input[first..first + out.len()]);
            }
            self.copy_one_by_one(&input[down * depth..], depth, end..self.right.len(), outside, out);
        }
    }

    fn copy_one_by_one<T: Copy>(
        &self,
        input: &[T],
        depth: usize,
        columns: Range<usize>,
        outside: T,
        out: &mut [T],
    ) {
        let out = &mut out[columns.start * depth..columns.end * depth];
        let right = &self.right[columns];
        let at = |index| input.get(index).copied().unwrap_or(outside);
        if depth == 1 {
            for (pixel, &right) in out.iter_mut().zip(right) {
                *pixel = at(right);
            }
            return;
        }
        for (pixel, &right) in out.chunks_exact_mut(depth).zip(right) {
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = if right == OUTSIDE { outside } else { at(right * depth + channel) };
            }
        }
    }
}
