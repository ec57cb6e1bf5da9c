//! The sizes of images that have one each.

use std::sync::Arc;

use super::error::StreamError;
use crate::model::GridShape;
use crate::store::{ClosedFile, SampleColumns, column};

/// The size of the image of each row.
pub(super) type OwnSizes = Arc<[GridShape]>;

/// The size of the image of each row; `None` where all are as large as they are stored.
///
/// # Errors
/// [`StreamError::Store`] where a column cannot be read, [`StreamError::BadSize`] where a size is none.
pub(super) fn own_sizes(file: &ClosedFile) -> Result<Option<OwnSizes>, StreamError> {
    let names = [column::IMAGE_ROWS, column::IMAGE_COLUMNS];
    // Files of earlier versions have images of one size.
    if names.iter().any(|name| !file.column_names().any(|known| known == *name)) {
        return Ok(None);
    }
    let (stored, mut sizes) = (file.shape(), Vec::with_capacity(file.rows()));
    let (mut rows, mut columns) = (file.column(names[0])?.walk(), file.column(names[1])?.walk());
    for row in 0..file.rows() {
        let [height, width] =
            [rows.cell(row)?, columns.cell(row)?].map(|cell| cell.number(0).unwrap_or(0.0) as usize);
        let size = GridShape::new(height, width).ok();
        let size = size.filter(|_| height <= stored.rows() && width <= stored.columns());
        let path = file.path().to_owned();
        sizes.push(size.ok_or(StreamError::BadSize { path, row: row as u64, height, width })?);
    }
    Ok(sizes.iter().any(|size| *size != stored).then(|| sizes.into()))
}
