//! From the sums to the matrix.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::cross_products::{TILE, lower_tiles};
use super::{CrossProducts, ZcaError};

/// W = U diag(sqrt(m) / (s + epsilon)) U^T for m images, where U and s are the left singular vectors and the
/// singular values of the matrix that has an image in each column.
///
/// They are found as eigenvectors and roots of eigenvalues of the sums of products, X^T X. Directions in which
/// the images do not differ are left out, so that W makes 0 of them: of n numbers an image, min(m, n) are kept
/// at most, as numpy's `svd(full_matrices=False)` keeps, and of these the ones whose eigenvalue is more than
/// n * 2.2e-16 of the largest, the part that binary64 can tell from rounding (that is s > 1e-6 of the largest
/// for 4096 numbers, 2.4e-7 for 256).
#[derive(Debug, Clone, PartialEq)]
pub struct WhiteningMatrix {
    /// n x n numbers, row by row; exactly symmetric.
    pub numbers: Vec<f32>,
    /// Directions that were kept.
    pub rank: usize,
}

impl WhiteningMatrix {
    /// The matrix, in part on the threads of the current pool; the result does not depend on their number.
    ///
    /// # Errors
    /// [`ZcaError::Epsilon`], [`ZcaError::NoVariation`], [`ZcaError::NotConverged`].
    pub fn new(products: CrossProducts, epsilon: f64) -> Result<Self, ZcaError> {
        if !(epsilon.is_finite() && epsilon >= 0.0) {
            return Err(ZcaError::Epsilon(epsilon));
        }
        let (features, images) = (products.features(), products.images());
        let (eigenvalues, mut vectors) = decompose(products)?;
        let largest = eigenvalues.last().copied().unwrap_or(0.0);
        if largest <= 0.0 {
            return Err(ZcaError::NoVariation);
        }
        let most = usize::try_from(images).unwrap_or(usize::MAX).min(features);
        let threshold = largest * features as f64 * f64::EPSILON;
        let rank = eigenvalues.iter().rev().take(most).take_while(|value| **value > threshold).count();
        let left_out = features - rank;
        // With the roots of the factors in the vectors, W is a product of a matrix and its transpose.
        for (column, eigenvalue) in eigenvalues.iter().enumerate().skip(left_out) {
            let factor = (images as f64).sqrt() / (eigenvalue.sqrt() + epsilon);
            let root = factor.sqrt();
            vectors.col_mut(column).iter_mut().for_each(|number| *number *= root);
        }
        let numbers = with_its_transpose(vectors.subcols(left_out, rank));
        Ok(Self { numbers, rank })
    }
}

/// Eigenvalues, ascending, and the eigenvectors as columns.
fn decompose(products: CrossProducts) -> Result<(Vec<f64>, Mat<f64>), ZcaError> {
    let features = products.features();
    let lower = products.into_lower();
    let mut vectors = Mat::zeros(features, features);
    let mut values = Diag::<f64>::zeros(features);
    // On one thread: on several, the order of its sums, and so the last bits, would depend on their number.
    let parallelism = Par::Seq;
    let scratch =
        self_adjoint_evd_scratch::<f64>(features, ComputeEigenvectors::Yes, parallelism, Default::default());
    let bytes = scratch.unaligned_bytes_required() as u64;
    let mut memory = MemBuffer::try_new(scratch).map_err(|_| ZcaError::Memory { features, bytes })?;
    self_adjoint_evd(
        lower.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        parallelism,
        MemStack::new(&mut memory),
        Default::default(),
    )
    .map_err(|_| ZcaError::NotConverged)?;
    Ok((values.column_vector().iter().copied().collect(), vectors))
}

/// V V^T, row by row.
fn with_its_transpose(v: MatRef<'_, f64>) -> Vec<f32> {
    let features = v.nrows();
    let mut product = vec![0.0; features * features];
    let places: Vec<(usize, usize)> = lower_tiles(features).collect();
    for row_of_tiles in places.chunk_by(|a, b| a.0 == b.0) {
        let tiles: Vec<Mat<f64>> =
            row_of_tiles.into_par_iter().map(|&(row, column)| tile(v, row, column)).collect();
        for (&(row, column), tile) in row_of_tiles.iter().zip(&tiles) {
            for j in 0..tile.ncols() {
                for i in 0..tile.nrows() {
                    let (row, column) = (row + i, column + j);
                    // What a tile on the diagonal has above it is not used.
                    if column <= row {
                        let number = tile[(i, j)] as f32;
                        product[row * features + column] = number;
                        product[column * features + row] = number;
                    }
                }
            }
        }
    }
    product
}

/// The tile of V V^T that begins at `row` and `column`.
fn tile(v: MatRef<'_, f64>, row: usize, column: usize) -> Mat<f64> {
    let rows = |start: usize| v.subrows(start, TILE.min(v.nrows() - start));
    let (left, right) = (rows(row), rows(column).transpose());
    let mut tile = Mat::zeros(left.nrows(), right.ncols());
    matmul(tile.as_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
    tile
}
