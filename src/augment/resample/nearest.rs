//! Order 0: the nearest pixel.

use super::Source;
use crate::augment::coordinates::Coordinates;
use crate::augment::fixed::{HALF, floor};

/// Fills one row of the output. Halfway between two pixels, the later one is taken.
pub(super) fn fill_row(source: &Source<'_>, places: &impl Coordinates, out: &mut [f32]) {
    for (at, pixel) in out.chunks_exact_mut(source.channels).enumerate() {
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
