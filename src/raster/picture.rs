//! Masks as text, for tests that can be checked by hand.

use crate::model::{GridShape, Mask};

use super::Rasterizer;

/// The rows of the mask of `points`, `#` for a pixel that belongs to it and `.` for one that does not.
pub(super) fn paint(
    rasterizer: &mut Rasterizer,
    points: &[[f64; 2]],
    rows: usize,
    columns: usize,
) -> Vec<String> {
    let mut mask = Mask::zeros(GridShape::new(rows, columns).unwrap());
    rasterizer.rasterize(points, &mut mask);
    let symbol = |&value: &u8| if value == 0 { '.' } else { '#' };
    mask.data().chunks(columns).map(|row| row.iter().map(symbol).collect()).collect()
}
