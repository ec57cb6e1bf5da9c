//! Order 1: between the four pixels around a place.

use std::ops::Range;

use dicomprep_widest::with_widest;

use super::SourceImage;
use crate::augment::FillMode;
use crate::augment::coordinates::{BLOCK, Block, Bounds, Coordinates, StraightRow};
use crate::augment::fixed::ONE;

/// Fills one row of the output.
pub(super) fn fill_row(source: &SourceImage<'_>, places: &impl Coordinates, out: &mut [f32]) {
    let corners = Corners::new(source);
    if source.fill_mode == FillMode::Constant {
        out.fill(source.cval);
    }
    let mut from = 0;
    while from < places.len() {
        let run = places.run_within(&corners.inside, from);
        corners.fill_border(places, from..run.start, out);
        from = run.end;
        corners.fill_run(places, run, out);
    }
}

/// An image and how to find four pixels around a place.
struct Corners<'a> {
    source: &'a SourceImage<'a>,
    /// Distance of left and right, and of top and bottom; 0 if there is only one column or row.
    right: usize,
    down: usize,
    /// The places that are before the last row and column, so that there is a pixel after them.
    inside: Bounds,
}

impl<'a> Corners<'a> {
    fn new(source: &'a SourceImage<'a>) -> Self {
        let [rows, columns] = source.shape;
        let right = if columns > 1 { source.channels } else { 0 };
        let down = if rows > 1 { columns * source.channels } else { 0 };
        let high = source.shape.map(|side| ((side as i64 - 1) * ONE - 1).max(0));
        Self { source, right, down, inside: Bounds { low: [0, 0], high } }
    }

    /// Pixels anywhere. With constant, those outside have their value already.
    fn fill_border(&self, places: &impl Coordinates, run: Range<usize>, out: &mut [f32]) {
        match self.source.fill_mode {
            FillMode::Nearest => return self.fill_clamped(places, run, out),
            FillMode::Reflect | FillMode::Wrap => {
                return self.fill_run(&Located { corners: self, places }, run, out);
            }
            FillMode::Constant => {}
        }
        let image = Bounds { low: [0, 0], high: self.source.shape.map(|side| (side as i64 - 1) * ONE) };
        let mut from = run.start;
        while from < run.end {
            let found = places.run_within(&image, from);
            from = found.end;
            self.fill_run(
                &Located { corners: self, places },
                found.start.min(run.end)..from.min(run.end),
                out,
            );
        }
    }

    /// Pixels anywhere, those outside as the border nearest to them: along a side of the image they are a straight row
    /// again, and beyond a corner all are the same.
    fn fill_clamped(&self, places: &impl Coordinates, mut run: Range<usize>, out: &mut [f32]) {
        while !run.is_empty() {
            let Some((row, end)) = places.clamped(&self.inside, run.clone()) else {
                return self.fill_run(&Located { corners: self, places }, run, out);
            };
            if row.stands_still() {
                let channels = self.source.channels;
                let pixels = &mut out[run.start * channels..end * channels];
                let (first, rest) = pixels.split_at_mut(channels);
                self.store(&Block::new(|_| row.at(run.start)), first);
                rest.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_from_slice(first));
            } else {
                self.fill_run(&row, run.start..end, out);
            }
            run.start = end;
        }
    }

    /// All of `run` lies inside.
    fn fill_run(&self, places: &impl Coordinates, run: Range<usize>, out: &mut [f32]) {
        let channels = self.source.channels;
        let out = &mut out[run.start * channels..run.end * channels];
        if channels > 1 || self.right == 0 || run.len() < BLOCK {
            for (number, pixels) in out.chunks_mut(BLOCK * channels).enumerate() {
                let at = run.start + number * BLOCK;
                self.store(&Block::new(|number| places.at((at + number).min(run.end - 1))), pixels);
            }
            return;
        }
        let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
        self.fill_blocks(places, run.start, blocks);
        if !rest.is_empty()
            && let Some(last) = out.last_chunk_mut::<BLOCK>()
        {
            self.fill_blocks(places, run.end - BLOCK, std::slice::from_mut(last));
        }
    }

    /// Inside an image of one channel that has several columns. What the loop needs fits into registers as long as it stands
    /// alone.
    #[inline(never)]
    fn fill_blocks(&self, places: &impl Coordinates, start: usize, blocks: &mut [[f32; BLOCK]]) {
        let (all, columns, down) = (self.source.pixels, self.source.shape[1], self.down);
        with_widest(
            #[inline(always)]
            || {
                // Made here, they are known to be of one length.
                let len = all.len() - down;
                let rows = [&all[..len], &all[down..][..len]];
                for (number, block) in blocks.iter_mut().enumerate() {
                    *block = between_rows(rows, columns, &places.block(start + number * BLOCK));
                }
            },
        );
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

    /// Four slices of the same length: what is at one index is a number of the image, its right neighbor, the
    /// one below and the one below to the right.
    #[inline(always)]
    fn slices(&self) -> [&'a [f32]; 4] {
        let Self { right, down, .. } = *self;
        let all = self.source.pixels;
        let len = all.len() - right - down;
        [&all[..len], &all[right..][..len], &all[down..][..len], &all[down + right..][..len]]
    }
}

/// Places that the fill mode maps into the image.
struct Located<'a, T> {
    corners: &'a Corners<'a>,
    places: &'a T,
}

impl<T: Coordinates> Coordinates for Located<'_, T> {
    fn len(&self) -> usize {
        self.places.len()
    }

    /// The last row and column are 2^-32 pixel away, which is less than a float32 can tell.
    #[inline(always)]
    fn at(&self, at: usize) -> [i64; 2] {
        let Corners { source, inside, .. } = self.corners;
        let place = self.places.at(at);
        let place = match source.fill_mode {
            FillMode::Nearest | FillMode::Constant => place,
            FillMode::Reflect | FillMode::Wrap => source.locate(place).unwrap_or(place),
        };
        [place[0].clamp(0, inside.high[0]), place[1].clamp(0, inside.high[1])]
    }

    #[inline(always)]
    fn block(&self, at: usize) -> Block {
        Block::new(|number| self.at(at + number))
    }

    fn run_within(&self, _: &Bounds, from: usize) -> Range<usize> {
        from..self.len()
    }

    fn clamped(&self, _: &Bounds, _: Range<usize>) -> Option<(StraightRow, usize)> {
        None
    }
}

/// Bilinear interpolation between four slices of the same length.
#[inline(always)]
fn between(slices: [&[f32]; 4], columns: usize, channels: usize, block: &Block) -> [f32; BLOCK] {
    let mut corners = [[0.0; 4]; BLOCK];
    for (corners, [row, column]) in corners.iter_mut().zip(block.pixels) {
        let index = (row as usize * columns + column as usize) * channels;
        *corners = [slices[0][index], slices[1][index], slices[2][index], slices[3][index]];
    }
    interpolate(&corners, block)
}

/// [`between`] two rows of one channel, one below the other, of the same length: what is next to each other is loaded together.
#[inline(always)]
fn between_rows([top, bottom]: [&[f32]; 2], columns: usize, block: &Block) -> [f32; BLOCK] {
    // No index is larger, and none is checked again.
    let last = top.len() - 2;
    let mut corners = [[0.0; 4]; BLOCK];
    for (corners, &[row, column]) in corners.iter_mut().zip(&block.pixels) {
        let index = (row as usize * columns + column as usize).min(last);
        *corners = [top[index], top[index + 1], bottom[index], bottom[index + 1]];
    }
    interpolate(&corners, block)
}

#[inline(always)]
fn interpolate(corners: &[[f32; 4]; BLOCK], block: &Block) -> [f32; BLOCK] {
    let mut values = [0.0; BLOCK];
    for number in 0..BLOCK {
        let [a, b, c, d] = corners[number];
        let top = a + block.right[number] * (b - a);
        let bottom = c + block.right[number] * (d - c);
        values[number] = top + block.down[number] * (bottom - top);
    }
    values
}
