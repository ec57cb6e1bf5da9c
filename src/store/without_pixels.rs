//! Structures of which no mask has a pixel.

use super::{ColumnReader, StoreError};

/// Those of `structures` of which no row has a pixel, by the column `mask_pixels`; none where the file has no rows.
/// Reading ends as soon as every structure has been seen.
///
/// # Errors
/// [`StoreError`] where the column cannot be read.
pub(super) fn without_pixels(
    mask_pixels: ColumnReader,
    structures: &[String],
) -> Result<Vec<String>, StoreError> {
    let rows = mask_pixels.rows();
    let mut walk = mask_pixels.walk();
    let mut unseen: Vec<usize> = (0..structures.len()).collect();
    for row in 0..rows {
        if unseen.is_empty() {
            break;
        }
        let cell = walk.cell(row)?;
        unseen.retain(|plane| cell.number(*plane).is_none_or(|pixels| pixels <= 0.0));
    }
    if rows == 0 {
        unseen.clear();
    }
    Ok(unseen.into_iter().map(|plane| structures[plane].clone()).collect())
}
