//! Order 0: the nearest pixel.

use std::ops::Range;

use super::SourceImage;
use crate::augment::coordinates::{Bounds, Coordinates};
use crate::augment::fixed::{HALF, ONE, floor};

/// Fills one row of the output. Halfway between two pixels, the later one is taken.
pub(super) fn fill_row(source: &SourceImage<'_>, places: &impl Coordinates, out: &mut [f32]) {
    let inside = Bounds { low: [0, 0], high: source.shape.map(|side| (side as i64 - 1) * ONE) };
    let mut from = 0;
    while from < places.len() {
        let run = places.run_within(&inside, from);
        fill_border(source, places, from..run.start, out);
        from = run.end;
        if source.channels > 1 {
            fill_border(source, places, run, out);
            continue;
        }
        for (at, pixel) in run.clone().zip(&mut out[run]) {
            *pixel = source.pixels[nearest_index(places.at(at), source.shape[1])];
        }
    }
}

/// Pixels anywhere.
fn fill_border(source: &SourceImage<'_>, places: &impl Coordinates, run: Range<usize>, out: &mut [f32]) {
    let pixels = &mut out[run.start * source.channels..run.end * source.channels];
    for (at, pixel) in run.zip(pixels.chunks_exact_mut(source.channels)) {
        let Some(place) = source.locate(places.at(at)) else {
            pixel.fill(source.cval);
            continue;
        };
        for (value, &found) in pixel.iter_mut().zip(source.pixel(place.map(|axis| floor(axis + HALF)))) {
            *value = found;
        }
    }
}

/// The index of the pixel nearest to a place inside the image.
pub(super) fn nearest_index([row, column]: [i64; 2], columns: usize) -> usize {
    floor(row + HALF) as usize * columns + floor(column + HALF) as usize
}
