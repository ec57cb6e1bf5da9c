//! Whitening images.

/// Numbers that are summed in binary32 before the sum goes on in binary64.
const SPAN: usize = 512;
/// Sums that run side by side.
const LANES: usize = 16;

/// A whitening matrix that is applied to images.
#[derive(Debug, Clone, PartialEq)]
pub struct Whitening {
    features: usize,
    /// Row by row.
    matrix: Vec<f32>,
}

impl Whitening {
    /// Whitening by `matrix`, of as many rows as columns, row by row. `None` where their numbers differ, or there
    /// are none.
    #[must_use]
    pub fn new(matrix: Vec<f32>) -> Option<Self> {
        let features = matrix.len().isqrt();
        (features > 0 && features * features == matrix.len()).then_some(Self { features, matrix })
    }

    /// Numbers of an image.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Replaces each image x of `images`, which stand one after the other (H, W, C) and are centred, by W x, in
    /// binary32 with sums in binary64 over every 512 products. `scratch` is memory that is used again.
    ///
    /// The matrix is read once for all images, which is faster than once for each; what comes out is the same.
    pub fn apply(&self, images: &mut [f32], scratch: &mut Vec<f32>) {
        let features = self.features;
        scratch.clear();
        scratch.extend_from_slice(images);
        let scratch = scratch.chunks_exact(features);
        for (row, weights) in self.matrix.chunks_exact(features).enumerate() {
            let places = images.iter_mut().skip(row).step_by(features);
            for (place, image) in places.zip(scratch.clone()) {
                *place = dot(weights, image);
            }
        }
    }
}

/// The sum of the products, in an order that is fixed.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sum = 0.0;
    for (a, b) in a.chunks(SPAN).zip(b.chunks(SPAN)) {
        // Written so that the compiler makes vectors of the lanes.
        let (a, a_rest) = a.as_chunks::<LANES>();
        let (b, b_rest) = b.as_chunks::<LANES>();
        let mut lanes = [0.0f32; LANES];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
        sum += f64::from(lanes.iter().sum::<f32>() + rest);
    }
    sum as f32
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::super::{Centering, CrossProducts, WhiteningMatrix, ZcaError};
    use super::*;

    /// Numbers between -1 and 1 that look random.
    fn noise(count: usize, seed: u32) -> Vec<f32> {
        let hash = |index: u32| {
            let mixed = (index ^ seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
            let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
            mixed ^ (mixed >> 16)
        };
        (0..count as u32).map(|index| hash(index) as f32 / u32::MAX as f32 * 2.0 - 1.0).collect()
    }

    /// Images whose numbers are correlated with their neighbours.
    fn images(count: usize, features: usize) -> Vec<f32> {
        let mut numbers = noise(count * features, 3);
        for image in numbers.chunks_exact_mut(features) {
            for index in 1..features {
                image[index] = image[index].mul_add(0.5, image[index - 1] * 0.8);
            }
        }
        numbers
    }

    fn matrix_of(images: &[f32], shape: [usize; 3], epsilon: f64) -> Result<WhiteningMatrix, ZcaError> {
        let mut products = CrossProducts::new(shape)?;
        products.add(images)?;
        WhiteningMatrix::new(products, epsilon)
    }

    /// (X^T X / m)^(-1/2) by Newton's iteration for the inverse square root (Denman and Beavers), which has
    /// nothing in common with a decomposition.
    fn naive_inverse_root(images: &[f32], features: usize) -> Vec<f64> {
        let m = (images.len() / features) as f64;
        let mut y = vec![0.0; features * features];
        for image in images.chunks_exact(features) {
            for i in 0..features {
                for j in 0..features {
                    y[i * features + j] += f64::from(image[i]) * f64::from(image[j]) / m;
                }
            }
        }
        let mut z = vec![0.0; features * features];
        (0..features).for_each(|i| z[i * features + i] = 1.0);
        for _ in 0..40 {
            let (y_inverse, z_inverse) = (inverse(&y, features), inverse(&z, features));
            let half = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<_>>();
            (y, z) = (half(&y, &z_inverse), half(&z, &y_inverse));
        }
        z
    }

    /// By Gauss and Jordan; of positive definite matrices, which need no pivot.
    fn inverse(matrix: &[f64], n: usize) -> Vec<f64> {
        let mut a = matrix.to_vec();
        let mut b = vec![0.0; n * n];
        (0..n).for_each(|i| b[i * n + i] = 1.0);
        for pivot in 0..n {
            let factor = a[pivot * n + pivot].recip();
            for j in 0..n {
                a[pivot * n + j] *= factor;
                b[pivot * n + j] *= factor;
            }
            for row in (0..n).filter(|row| *row != pivot) {
                let factor = a[row * n + pivot];
                for j in 0..n {
                    a[row * n + j] -= factor * a[pivot * n + j];
                    b[row * n + j] -= factor * b[pivot * n + j];
                }
            }
        }
        b
    }

    #[test]
    fn the_matrix_is_the_inverse_root_of_the_covariance() {
        let (count, features) = (200, 24);
        let images = images(count, features);
        let matrix = matrix_of(&images, [4, 6, 1], 0.0).unwrap();
        let expected = naive_inverse_root(&images, features);
        let largest = expected.iter().fold(0.0f64, |largest, number| largest.max(number.abs()));
        for (found, expected) in matrix.numbers.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6 * largest, "{found} is not {expected}");
        }
        assert_eq!(matrix.rank, features);
    }

    #[test]
    fn whitened_images_are_not_correlated() {
        let (count, features) = (900, 300);
        let mut images = images(count, features);
        let matrix = matrix_of(&images, [15, 20, 1], 1e-6).unwrap();
        let whitening = Whitening::new(matrix.numbers).unwrap();
        whitening.apply(&mut images, &mut Vec::new());
        for i in (0..features).step_by(7) {
            for j in (0..features).step_by(11) {
                let products = images.chunks(features).map(|image| f64::from(image[i]) * f64::from(image[j]));
                let covariance = products.sum::<f64>() / count as f64;
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((covariance - expected).abs() < 1e-4, "{i}, {j}: {covariance}");
            }
        }
    }

    #[test]
    fn directions_that_no_image_has_are_left_out() {
        // Fewer images than numbers; then one of the images twice, and two numbers that are always the same.
        let (count, features) = (10, 40);
        let mut few = images(count, features);
        let matrix = matrix_of(&few, [40, 1, 1], 1e-6).unwrap();
        assert_eq!(matrix.rank, count);
        few.extend_from_within(..features);
        assert_eq!(matrix_of(&few, [40, 1, 1], 1e-6).unwrap().rank, count);
        let mut many = images(100, features);
        many.chunks_exact_mut(features).for_each(|image| (image[3], image[30]) = (-0.3, -0.3));
        let matrix = matrix_of(&many, [40, 1, 1], 1e-6).unwrap();
        assert_eq!(matrix.rank, features - 1);
        assert!(matrix.numbers.iter().all(|number| number.abs() < 100.0));
    }

    #[test]
    fn the_matrix_does_not_depend_on_threads() {
        let images = images(700, 600);
        let of = |threads: usize| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| matrix_of(&images, [20, 30, 1], 1e-6).unwrap())
        };
        let one = of(1);
        assert!([3, 8].map(of).iter().all(|other| *other == one));
        for (row, numbers) in one.numbers.chunks(600).enumerate() {
            assert!(
                numbers.iter().enumerate().all(|(column, number)| *number == one.numbers[column * 600 + row])
            );
        }
    }

    #[test]
    fn images_are_whitened_together_as_one_by_one() {
        for features in [1, 15, 16, 700] {
            let matrix = noise(features * features, 1);
            let whitening = Whitening::new(matrix.clone()).unwrap();
            let mut images = noise(features * 3, 2);
            let mut scratch = Vec::new();
            let one_by_one: Vec<f32> = images
                .chunks(features)
                .flat_map(|image| {
                    let mut image = image.to_vec();
                    whitening.apply(&mut image, &mut scratch);
                    image
                })
                .collect();
            let naive: Vec<f64> = images
                .chunks(features)
                .flat_map(|image| {
                    let product =
                        |row: &[f32]| row.iter().zip(image).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                    matrix.chunks(features).map(product).collect::<Vec<f64>>()
                })
                .collect();
            whitening.apply(&mut images, &mut scratch);
            assert_eq!(images, one_by_one);
            assert!(images.iter().zip(&naive).all(|(y, naive)| (f64::from(*y) - naive).abs() < 2e-5));
        }
        assert_eq!((Whitening::new(vec![0.0; 8]), Whitening::new(Vec::new())), (None, None));
    }

    #[test]
    fn nothing_to_whiten_is_an_error() {
        assert_eq!(matrix_of(&[0.0; 12], [2, 3, 1], 1e-6), Err(ZcaError::NoVariation));
        assert_eq!(matrix_of(&[], [2, 3, 1], 1e-6), Err(ZcaError::NoVariation));
        for epsilon in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(matrix_of(&[1.0; 6], [2, 3, 1], epsilon), Err(ZcaError::Epsilon(_))));
        }
    }

    #[test]
    fn centring_is_rounded_once() {
        let mut numbers = [300.0, -4.0, 0.0];
        Centering { rescale: 1.0 / 255.0, mean: 0.7 }.apply(&mut numbers);
        let expected = [300.0f64, -4.0, 0.0].map(|number| (number / 255.0 - 0.7) as f32);
        assert!(numbers.iter().zip(expected).all(|(a, b)| (a - b).abs() <= f32::EPSILON));
    }
}
