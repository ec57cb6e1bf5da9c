//! Order 1: between the four pixels around a place.

use std::ops::Range;

use super::Source;
use crate::augment::coordinates::{BLOCK, Block, Bounds, Coordinates};
use crate::augment::fixed::ONE;

/// Fills one row of the output.
pub(super) fn fill_row(source: &Source<'_>, places: &impl Coordinates, out: &mut [f32]) {
    let corners = Corners::new(source);
    let mut from = 0;
    while from < places.len() {
        let run = places.run_within(&corners.inside, from);
        corners.fill_border(places, from..run.start, out);
        from = run.end;
        corners.fill_inside(places, run, out);
    }
}

/// An image and how to find four pixels around a place.
struct Corners<'a> {
    source: &'a Source<'a>,
    /// How far apart left and right, and top and bottom are; 0 where there is only one column or row.
    right: usize,
    down: usize,
    /// The places that are before the last row and column, so that there is a pixel after them.
    inside: Bounds,
}

impl<'a> Corners<'a> {
    fn new(source: &'a Source<'a>) -> Self {
        let [rows, columns] = source.shape;
        let right = if columns > 1 { source.channels } else { 0 };
        let down = if rows > 1 { columns * source.channels } else { 0 };
        let high = source.shape.map(|side| ((side as i64 - 1) * ONE - 1).max(0));
        Self { source, right, down, inside: Bounds { low: [0, 0], high } }
    }

    /// All of `run` lies inside.
    fn fill_inside(&self, places: &impl Coordinates, run: Range<usize>, out: &mut [f32]) {
        let out = &mut out[run.start * self.source.channels..run.end * self.source.channels];
        let mut at = run.start;
        let mut rest = out;
        if self.source.channels == 1 {
            let blocks;
            (blocks, rest) = rest.as_chunks_mut::<BLOCK>();
            self.fill_blocks(places, at, blocks);
            at += blocks.len() * BLOCK;
        }
        for pixels in rest.chunks_mut(BLOCK * self.source.channels) {
            let last = run.end - 1 - at;
            self.store(&Block::new(|number| places.at(at + number.min(last))), pixels);
            at += BLOCK;
        }
    }

    /// Inside an image of one channel. What the loop needs fits into registers as long as it stands alone.
    #[inline(never)]
    fn fill_blocks(&self, places: &impl Coordinates, start: usize, blocks: &mut [[f32; BLOCK]]) {
        let slices = self.slices();
        let columns = self.source.shape[1];
        for (number, block) in blocks.iter_mut().enumerate() {
            *block = between(slices, columns, 1, &places.block(start + number * BLOCK));
        }
    }

    /// Pixels anywhere.
    fn fill_border(&self, places: &impl Coordinates, run: Range<usize>, out: &mut [f32]) {
        let channels = self.source.channels;
        let out = &mut out[run.start * channels..run.end * channels];
        for (number, pixels) in out.chunks_mut(BLOCK * channels).enumerate() {
            let start = run.start + number * BLOCK;
            let mut found = [Some([0; 2]); BLOCK];
            for (found, at) in found.iter_mut().zip(start..run.end) {
                *found = self.source.locate(places.at(at));
            }
            if found.iter().any(Option::is_some) {
                let [bottom, right] = self.inside.high;
                // The last row and column are 2^-32 pixel away, which is less than a float32 can tell.
                let place = |[row, column]: [i64; 2]| [row.clamp(0, bottom), column.clamp(0, right)];
                self.store(&Block::new(|number| found[number].map_or([0; 2], place)), pixels);
            }
            for (pixel, found) in pixels.chunks_exact_mut(channels).zip(found) {
                if found.is_none() {
                    pixel.fill(self.source.cval);
                }
            }
        }
    }

    /// Four slices of the same length: what is at one index is a number of the image, its right neighbor, the
    /// one below and the one below to the right.
    #[inline(always)]
    fn slices(&self) -> [&'a [f32]; 4] {
        let Self { right, down, .. } = *self;
        let all = self.source.pixels;
        let len = all.len() - right - down;
        [&all[..len], &all[right..][..len], &all[down..][..len], &all[down + right..][..len]]
    }

    /// Stores at most [`BLOCK`] pixels of all channels.
    fn store(&self, block: &Block, pixels: &mut [f32]) {
        let channels = self.source.channels;
        let slices = self.slices();
        for channel in 0..channels {
            let slices = slices.map(|slice| &slice[channel..]);
            let values = between(slices, self.source.shape[1], channels, block);
            for (pixel, value) in pixels.chunks_exact_mut(channels).zip(values) {
                pixel[channel] = value;
            }
        }
    }
}

/// What is between the corners in four slices of the same length.
#[inline(always)]
fn between(slices: [&[f32]; 4], columns: usize, channels: usize, block: &Block) -> [f32; BLOCK] {
    let mut corners = [[0.0; 4]; BLOCK];
    for (corners, [row, column]) in corners.iter_mut().zip(block.pixels) {
        let index = (row as usize * columns + column as usize) * channels;
        *corners = [slices[0][index], slices[1][index], slices[2][index], slices[3][index]];
    }
    let mut values = [0.0; BLOCK];
    for number in 0..BLOCK {
        let [a, b, c, d] = corners[number];
        let top = a + block.right[number] * (b - a);
        let bottom = c + block.right[number] * (d - c);
        values[number] = top + block.down[number] * (bottom - top);
    }
    values
}
