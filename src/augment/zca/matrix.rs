//! From the sums to the matrix.

use nalgebra::SymmetricEigen;
use ndarray::{Array2, ArrayView2, ShapeBuilder, s};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::cross_products::{TILE, lower_tiles};
use super::{CrossProducts, ZcaError};

/// Rounds of the iteration for each number of an image; LAPACK's limit for an eigenvalue.
const MOST_ROUNDS: usize = 30;

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
        let largest = eigenvalues.first().copied().unwrap_or(0.0);
        if largest <= 0.0 {
            return Err(ZcaError::NoVariation);
        }
        let most = usize::try_from(images).unwrap_or(usize::MAX).min(features);
        let threshold = largest * features as f64 * f64::EPSILON;
        let rank = eigenvalues.iter().take(most).take_while(|value| **value > threshold).count();
        // With the roots of the factors in the vectors, W is a product of a matrix and its transpose.
        for (mut vector, eigenvalue) in vectors.columns_mut().into_iter().zip(&eigenvalues).take(rank) {
            let factor = (images as f64).sqrt() / (eigenvalue.sqrt() + epsilon);
            vector *= factor.sqrt();
        }
        let numbers = with_its_transpose(vectors.slice(s![.., ..rank]));
        Ok(Self { numbers, rank })
    }
}

/// Eigenvalues, descending, and the eigenvectors as columns.
fn decompose(products: CrossProducts) -> Result<(Vec<f64>, Array2<f64>), ZcaError> {
    let features = products.features();
    let rounds = MOST_ROUNDS * features;
    // On one thread, so that the order of its sums, and with it the last bits, does not depend on their number.
    let SymmetricEigen { eigenvalues, eigenvectors } =
        SymmetricEigen::try_new(products.into_lower(), f64::EPSILON, rounds).ok_or(ZcaError::NotConverged)?;
    let mut order: Vec<usize> = (0..features).collect();
    order.sort_by(|&a, &b| eigenvalues[b].total_cmp(&eigenvalues[a]));
    let values = order.iter().map(|&index| eigenvalues[index]).collect();
    let vectors =
        Array2::from_shape_fn((features, features).f(), |(row, column)| eigenvectors[(row, order[column])]);
    Ok((values, vectors))
}

/// V V^T, row by row.
fn with_its_transpose(v: ArrayView2<'_, f64>) -> Vec<f32> {
    let features = v.nrows();
    let mut product = vec![0.0; features * features];
    let places: Vec<(usize, usize)> = lower_tiles(features).collect();
    for row_of_tiles in places.chunk_by(|a, b| a.0 == b.0) {
        let tiles: Vec<Array2<f64>> =
            row_of_tiles.into_par_iter().map(|&(row, column)| tile(v, row, column)).collect();
        for (&(row, column), tile) in row_of_tiles.iter().zip(&tiles) {
            for ((i, j), &number) in tile.indexed_iter() {
                let (row, column) = (row + i, column + j);
                // A tile on the diagonal is used up to there.
                if column <= row {
                    product[row * features + column] = number as f32;
                    product[column * features + row] = number as f32;
                }
            }
        }
    }
    product
}

/// The tile of V V^T that begins at `row` and `column`.
fn tile(v: ArrayView2<'_, f64>, row: usize, column: usize) -> Array2<f64> {
    let rows = |start: usize| v.slice_move(s![start..(start + TILE).min(v.nrows()), ..]);
    rows(row).dot(&rows(column).t())
}
