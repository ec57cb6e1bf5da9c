//! The sizes of images that have one each.

use std::sync::Arc;

use super::error::StreamError;
use crate::model::GridShape;
use crate::store::{ClosedFile, ImageSizes};

/// The size of the image of each row.
pub(super) type OwnSizes = Arc<[GridShape]>;

/// The size of the image of each row; `None` where all are as large as they are stored.
///
/// # Errors
/// [`StreamError::Store`] where a column cannot be read, [`StreamError::BadSize`] where a size is none.
pub(super) fn own_sizes(file: &ClosedFile) -> Result<Option<OwnSizes>, StreamError> {
    let (stored, mut sizes) = (file.shape(), Vec::with_capacity(file.rows()));
    let mut columns = ImageSizes::new(file)?;
    for row in 0..file.rows() {
        let sides @ [height, width] = columns.sides(row)?;
        let none = || StreamError::BadSize { path: file.path().to_owned(), row: row as u64, height, width };
        sizes.push(columns.of_sides(sides).ok_or_else(none)?);
    }
    Ok(sizes.iter().any(|size| *size != stored).then(|| sizes.into()))
}
