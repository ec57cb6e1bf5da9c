//! Masks: the nearest pixel, and 0 outside.

use super::nearest::nearest_index;
use crate::augment::coordinates::{Bounds, Coordinates};
use crate::augment::fixed::{HALF, ONE};

/// The places of a mask of (H, W, K) that may be anything else than 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaskSource<'a> {
    pixels: &'a [u8],
    columns: usize,
    planes: usize,
    /// Around the pixels that are not 0.
    bounds: Bounds,
}

impl<'a> MaskSource<'a> {
    /// `None` where every pixel is 0, or there are no planes. `any` is scratch.
    pub(super) fn new(
        pixels: &'a [u8],
        [rows, columns]: [usize; 2],
        planes: usize,
        any: &mut Vec<u8>,
    ) -> Option<Self> {
        if planes == 0 {
            return None;
        }
        any.clear();
        any.resize(columns * planes, 0);
        let (mut first, mut last) = (None, 0);
        for (number, row) in pixels.chunks_exact(columns * planes).enumerate() {
            let mut all = 0;
            for (any, &pixel) in any.iter_mut().zip(row) {
                *any |= pixel;
                all |= pixel;
            }
            if all != 0 {
                first = first.or(Some(number));
                last = number;
            }
        }
        let left = any.iter().position(|&any| any != 0)? / planes;
        let right = any.iter().rposition(|&any| any != 0)? / planes;
        // Places beyond the centers of the border pixels are outside, for masks as for constant fill.
        let low = [first?, left].map(|pixel| (pixel as i64 * ONE - HALF).max(0));
        let high = [(last, rows), (right, columns)]
            .map(|(pixel, side)| (pixel as i64 * ONE + HALF - 1).min((side as i64 - 1) * ONE));
        Some(Self { pixels, columns, planes, bounds: Bounds { low, high } })
    }

    /// Fills one row of the output, which is all 0.
    pub(super) fn fill_row(&self, places: &impl Coordinates, out: &mut [u8]) {
        let mut from = 0;
        while from < places.len() {
            let run = places.run_within(&self.bounds, from);
            from = run.end;
            let out = &mut out[run.start * self.planes..run.end * self.planes];
            if self.planes == 1 {
                for (at, pixel) in run.zip(out) {
                    *pixel = self.pixels[nearest_index(places.at(at), self.columns)];
                }
                continue;
            }
            for (at, planes) in run.zip(out.chunks_exact_mut(self.planes)) {
                let start = nearest_index(places.at(at), self.columns) * self.planes;
                planes.copy_from_slice(&self.pixels[start..start + self.planes]);
            }
        }
    }
}
