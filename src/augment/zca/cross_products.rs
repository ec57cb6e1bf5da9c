//! The sums that the whitening matrix is made of.

use nalgebra::DMatrix;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use super::error::{MAX_FEATURES, ZcaError};

/// Rows and columns of a tile.
pub(super) const TILE: usize = 256;

/// X^T X in binary64: the sums over all images of the products of each two of their numbers.
///
/// The lower half is held, in tiles of 256 x 256. Each is summed on one thread in the order of the images, so
/// that the result does not depend on the number of threads.
#[derive(Debug)]
pub struct CrossProducts {
    features: usize,
    images: u64,
    tiles: Vec<Tile>,
    /// The images that are being added, in binary64.
    block: Vec<f64>,
}

#[derive(Debug)]
struct Tile {
    row: usize,
    column: usize,
    sums: Array2<f64>,
}

/// Bytes that [`CrossProducts`] and [`super::WhiteningMatrix::new`] take at most for so many numbers an image.
#[must_use]
pub fn work_bytes(features: usize) -> u64 {
    // The matrix, its eigenvectors, and the tiles that the matrix is made of; 8 bytes each.
    square(features).saturating_mul(3 * 8)
}

fn square(features: usize) -> u64 {
    (features as u64).saturating_mul(features as u64)
}

impl CrossProducts {
    /// No image yet, of images of this shape (rows, columns, channels).
    ///
    /// # Errors
    /// [`ZcaError::TooLarge`], and [`ZcaError::Memory`] where there is no memory for what comes.
    pub fn new(shape: [usize; 3]) -> Result<Self, ZcaError> {
        let features = shape.iter().fold(1, |product: usize, side| product.saturating_mul(*side));
        let work_bytes = work_bytes(features);
        if features > MAX_FEATURES {
            let matrix_bytes = square(features).saturating_mul(4);
            return Err(ZcaError::TooLarge { shape, features, matrix_bytes, work_bytes });
        }
        // Whether there is so much can be asked.
        let bytes = usize::try_from(work_bytes).unwrap_or(usize::MAX);
        let memory = Vec::<u8>::new().try_reserve_exact(bytes);
        memory.map_err(|_| ZcaError::Memory { features, bytes: work_bytes })?;
        let tile = |(row, column)| {
            let side = |start| TILE.min(features - start);
            Tile { row, column, sums: Array2::zeros((side(row), side(column))) }
        };
        Ok(Self { features, images: 0, tiles: lower_tiles(features).map(tile).collect(), block: Vec::new() })
    }

    /// Adds `images`, one after the other, on the threads of the current pool. The last bits of the sums
    /// depend on how images are distributed over calls.
    ///
    /// # Errors
    /// [`ZcaError::NotFinite`]; then nothing was added.
    pub fn add(&mut self, images: &[f32]) -> Result<(), ZcaError> {
        let features = self.features;
        if let Some(index) = images.iter().position(|number| !number.is_finite()) {
            return Err(ZcaError::NotFinite { image: index / features });
        }
        let Self { block, tiles, .. } = self;
        let rows = images.len() / features;
        block.clear();
        block.extend(images[..rows * features].iter().map(|&number| f64::from(number)));
        let block = ArrayView2::from_shape((rows, features), block).expect("rows of `features` numbers");
        tiles.par_iter_mut().for_each(|Tile { row, column, sums }| {
            let columns = |start: usize, count: usize| block.slice_move(s![.., start..start + count]);
            let (left, right) = (columns(*row, sums.nrows()), columns(*column, sums.ncols()));
            general_mat_mul(1.0, &left.t(), &right, 1.0, sums);
        });
        self.images += rows as u64;
        Ok(())
    }

    /// Numbers of an image.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Images that were added.
    #[must_use]
    pub fn images(&self) -> u64 {
        self.images
    }

    /// The lower half of the sums, zeros above.
    pub(super) fn into_lower(self) -> DMatrix<f64> {
        let mut lower = DMatrix::zeros(self.features, self.features);
        for Tile { row, column, sums } in self.tiles {
            for ((i, j), sum) in sums.indexed_iter() {
                lower[(row + i, column + j)] = *sum;
            }
        }
        lower
    }
}

/// First row and first column of each tile on and below the diagonal.
pub(super) fn lower_tiles(features: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = move || (0..features).step_by(TILE);
    starts().flat_map(move |row| starts().take_while(move |column| *column <= row).map(move |c| (row, c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_all_images() {
        let features = 300;
        let images: Vec<f32> = (0..features * 7).map(|index| ((index * 37) % 101) as f32 - 50.0).collect();
        let mut products = CrossProducts::new([10, 30, 1]).unwrap();
        for block in images.chunks(features * 3) {
            products.add(block).unwrap();
        }
        assert_eq!((products.images(), products.features()), (7, 300));
        let lower = products.into_lower();
        for row in 0..features {
            for column in 0..=row {
                let sum: f32 = images.chunks(features).map(|image| image[row] * image[column]).sum();
                assert_eq!(lower[(row, column)], f64::from(sum));
            }
        }
    }

    #[test]
    fn large_images_are_refused_with_what_to_do() {
        assert!(CrossProducts::new([64, 64, 1]).is_ok());
        let error = CrossProducts::new([256, 256, 1]).unwrap_err().to_string();
        for part in ["256 x 256 with 1 channel", "65536", "17.2 GB", "103.1 GB", "--size 64x64 --fit resize"]
        {
            assert!(error.contains(part), "{error}");
        }
        assert!(CrossProducts::new([usize::MAX, 9, 9]).is_err());
    }

    #[test]
    fn pixels_that_are_not_finite_are_refused() {
        let mut products = CrossProducts::new([1, 2, 1]).unwrap();
        let error = products.add(&[1.0, 2.0, 3.0, f32::NAN]).unwrap_err();
        assert_eq!((error, products.images()), (ZcaError::NotFinite { image: 1 }, 0));
        assert_eq!(products.into_lower()[(1, 1)], 0.0);
    }
}
