//! Masks that are rasters, in the grid of the data set.

use super::grid_map::GridMap;
use super::image::place;
use super::weights::Weights;
use crate::model::Mask;

/// Slack for sums of shares that are exactly half.
const HALF: f64 = 0.5 - 1e-9;

/// Brings a mask of the source image to the data set's grid: a pixel belongs to the structure where at least half of its
/// area does. What lies outside of the source belongs to nothing.
pub(in crate::assemble) fn map_mask(map: &GridMap, mask: &Mask) -> Mask {
    if map.is_identity() {
        return mask.clone();
    }
    let mut placed = Vec::new();
    if map.resamples() {
        place(map, 1, &resample(map, mask), 0, &mut placed);
    } else {
        place(map, 1, mask.data(), 0, &mut placed);
    }
    let columns = map.shape().columns();
    Mask::from_fn(map.shape(), |row, column| placed[row * columns + column] == 1)
}

fn resample(map: &GridMap, mask: &Mask) -> Vec<u8> {
    let (mut rows, mut columns) = (Weights::default(), Weights::default());
    rows.by_area(map.rows);
    columns.by_area(map.columns);
    let mut narrow = Vec::with_capacity(map.source_shape().rows() * map.resampled_shape().columns());
    for row in mask.data().chunks_exact(map.source_shape().columns()) {
        narrow.extend(columns.each().map(|(start, weights)| {
            weights.iter().zip(&row[start..]).map(|(weight, &inside)| weight * f64::from(inside)).sum::<f64>()
        }));
    }
    let width = map.resampled_shape().columns();
    let mut resampled = Vec::with_capacity(map.resampled_shape().pixels());
    for (start, weights) in rows.each() {
        resampled.extend((0..width).map(|column| {
            let rows = narrow.chunks_exact(width).skip(start);
            let share: f64 = weights.iter().zip(rows).map(|(weight, row)| weight * row[column]).sum();
            u8::from(share >= HALF)
        }));
    }
    resampled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::Fit;
    use crate::assemble::regrid::Spacings;
    use crate::model::GridShape;

    fn grid(rows: usize, columns: usize) -> GridShape {
        GridShape::new(rows, columns).unwrap()
    }

    fn mask(shape: GridShape, bits: &[u8]) -> Mask {
        Mask::from_fn(shape, |row, column| bits[row * shape.columns() + column] == 1)
    }

    #[test]
    fn masks_move_with_their_images() {
        let map = GridMap::new(grid(2, 2), grid(2, 4), Some(Fit::Pad), None).unwrap();
        let moved = map_mask(&map, &mask(grid(2, 2), &[1, 0, 1, 1]));
        assert_eq!(moved.data(), [0, 1, 0, 0, 0, 1, 1, 0]);
        let map = GridMap::new(grid(2, 4), grid(2, 2), Some(Fit::Crop), None).unwrap();
        assert_eq!(map_mask(&map, &mask(grid(2, 4), &[1, 1, 0, 0, 0, 0, 1, 1])).data(), [1, 0, 0, 1]);
    }

    #[test]
    fn half_of_a_pixel_is_enough() {
        let halves = Spacings { wanted: [2.0, 2.0], source: [1.0, 1.0] };
        let map = GridMap::new(grid(2, 4), grid(1, 2), None, Some(halves)).unwrap();
        assert_eq!(map_mask(&map, &mask(grid(2, 4), &[1, 0, 1, 0, 0, 1, 0, 0])).data(), [1, 0]);
        let finer = Spacings { wanted: [0.5, 0.5], source: [1.0, 1.0] };
        let map = GridMap::new(grid(1, 2), grid(2, 4), None, Some(finer)).unwrap();
        assert_eq!(map_mask(&map, &mask(grid(1, 2), &[0, 1])).data(), [0, 0, 1, 1, 0, 0, 1, 1]);
        // A pixel that reaches beyond the source by more than half of it is empty.
        let coarse = Spacings { wanted: [3.0, 1.0], source: [1.0, 1.0] };
        let map = GridMap::new(grid(1, 1), grid(1, 1), None, Some(coarse)).unwrap();
        assert_eq!(map_mask(&map, &mask(grid(1, 1), &[1])).data(), [0]);
    }
}
