//! Smooth random displacements.

use dicomprep_widest::with_widest;

use super::ElasticParams;
use super::resample::spline_weights;
use crate::order::mix;

/// A displacement of every pixel of the output, in pixels along rows and columns.
///
/// It is white noise, smoothed by a Gaussian of standard deviation sigma, each of its two components alone.
/// Then both are multiplied by the same factor, so that the largest coefficient of either is alpha: no pixel moves
/// by more than alpha along an axis, and some move by nearly as much. The noise goes on beyond the image, so
/// that pixels at the border move as others do. (That is the way of batchgenerators'
/// `elastic_deform_coordinates_2`. In its older `elastic_deform_coordinates` and in most texts, alpha is a
/// factor of the smoothed noise and has to grow with sigma.)
///
/// The noise has one number every sigma / 2 pixels, but not more than one a pixel. A Gaussian smooths it there
/// and cubic B-splines lead from there to the pixels. Variances add up: that of the splines is a third of the
/// squared distance, and the Gaussian has the rest of sigma squared. Below a sigma of 0.58 the splines alone
/// smooth.
#[derive(Debug, Clone, Default)]
pub(super) struct ElasticField {
    /// Coefficients (rows, columns) every `spacing` pixels; the first is one spacing before the first pixel.
    coefficients: Vec<[f32; 2]>,
    columns: usize,
    spacing: f64,
    /// For each pixel of a row the first of its four coefficients, and their weights.
    across: Vec<(u32, [f32; 4])>,
    noise: Vec<[f32; 2]>,
    smoothed: Vec<[f32; 2]>,
    down: Vec<[f32; 2]>,
    row: Vec<[f32; 2]>,
}

/// The kernel's largest standard deviation is 1.92 coefficients.
const REACH: usize = 7;

/// Difference of successive states of SplitMix64.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl ElasticField {
    /// The displacement of an output of `shape`. Reuses what was allocated.
    pub(super) fn draw(&mut self, params: &ElasticParams, shape: [usize; 2]) {
        let sigma = if params.sigma.is_finite() { params.sigma.max(0.0) } else { 0.0 };
        self.spacing = (sigma / 2.0).max(1.0);
        let [rows, columns] = shape.map(|side| ((side - 1) as f64 / self.spacing) as usize + 4);
        self.columns = columns;
        self.draw_noise(params.seed, [rows + 2 * REACH, columns + 2 * REACH]);
        let kernel = kernel(sigma / self.spacing);
        with_widest(
            #[inline(always)]
            || self.smooth(kernel, [rows, columns]),
        );
        let largest =
            self.coefficients.iter().flatten().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let factor = (params.alpha / f64::from(largest.max(f32::MIN_POSITIVE))) as f32;
        for value in self.coefficients.as_flattened_mut() {
            *value *= factor;
        }
        self.across.clear();
        self.across.extend((0..shape[1]).map(|at| {
            let (first, weights) = place(at, self.spacing);
            (first as u32, weights)
        }));
    }

    /// Uniform from -1 to 1, a function of the seed and the place alone.
    fn draw_noise(&mut self, seed: u64, [rows, columns]: [usize; 2]) {
        self.noise.clear();
        self.noise.extend((1..=(rows * columns) as u64).map(|number| {
            let bits = mix(seed.wrapping_add(number.wrapping_mul(GAMMA)));
            [bits as u32, (bits >> 32) as u32].map(|bits| bits as i32 as f32 / i32::MAX as f32)
        }));
    }

    /// From the noise to the coefficients, which are [`REACH`] fewer on each side.
    #[inline(always)]
    fn smooth(&mut self, kernel: [f32; 2 * REACH + 1], [rows, columns]: [usize; 2]) {
        let noise_columns = columns + 2 * REACH;
        self.smoothed.clear();
        self.smoothed.resize(rows * noise_columns, [0.0; 2]);
        for (row, smoothed) in self.smoothed.chunks_exact_mut(noise_columns).enumerate() {
            for (noise, weight) in self.noise[row * noise_columns..].chunks_exact(noise_columns).zip(kernel) {
                add_scaled(smoothed, noise, weight);
            }
        }
        self.coefficients.clear();
        self.coefficients.resize(rows * columns, [0.0; 2]);
        let rows = self.smoothed.chunks_exact(noise_columns);
        for (smoothed, coefficients) in rows.zip(self.coefficients.chunks_exact_mut(columns)) {
            for (start, weight) in kernel.into_iter().enumerate() {
                add_scaled(coefficients, &smoothed[start..], weight);
            }
        }
    }

    /// The displacements along rows and columns of the pixels of row `row` of the output.
    pub(super) fn row(&mut self, row: usize) -> &[[f32; 2]] {
        let (first, weights) = place(row, self.spacing);
        with_widest(
            #[inline(always)]
            || self.fill_row(first, weights),
        );
        &self.row
    }

    #[inline(always)]
    fn fill_row(&mut self, first: usize, weights: [f32; 4]) {
        self.down.clear();
        self.down.resize(self.columns, [0.0; 2]);
        for (coefficients, weight) in
            self.coefficients[first * self.columns..].chunks_exact(self.columns).zip(weights)
        {
            add_scaled(&mut self.down, coefficients, weight);
        }
        self.row.clear();
        self.row.extend(self.across.iter().map(|&(first, weights)| {
            let mut sum = [0.0; 2];
            for (coefficient, weight) in self.down[first as usize..].iter().zip(weights) {
                sum[0] += coefficient[0] * weight;
                sum[1] += coefficient[1] * weight;
            }
            sum
        }));
    }
}

/// The first of the four coefficients around a pixel and their weights.
fn place(at: usize, spacing: f64) -> (usize, [f32; 4]) {
    let place = at as f64 / spacing;
    (place as usize, spline_weights(place.fract() as f32))
}

/// The Gaussian that remains: `sigma` in coefficients. The weights add up to 1.
fn kernel(sigma: f64) -> [f32; 2 * REACH + 1] {
    let variance = (sigma * sigma - 1.0 / 3.0).max(1e-9);
    let mut kernel = [0.0; 2 * REACH + 1];
    for (number, weight) in kernel.iter_mut().enumerate() {
        let distance = number as f64 - REACH as f64;
        *weight = (-0.5 * distance * distance / variance).exp();
    }
    let sum: f64 = kernel.iter().sum();
    kernel.map(|weight| (weight / sum) as f32)
}

#[inline(always)]
fn add_scaled(sums: &mut [[f32; 2]], values: &[[f32; 2]], weight: f32) {
    for (sum, value) in sums.as_flattened_mut().iter_mut().zip(values.as_flattened()) {
        *sum += weight * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(params: &ElasticParams, shape: [usize; 2]) -> Vec<[f32; 2]> {
        let mut field = ElasticField::default();
        field.draw(params, shape);
        (0..shape[0]).flat_map(|row| field.row(row).to_vec()).collect()
    }

    #[test]
    fn a_field_is_a_function_of_its_parameters() {
        let params = ElasticParams { alpha: 5.0, sigma: 6.0, seed: 3 };
        assert_eq!(field(&params, [40, 50]), field(&params, [40, 50]));
        assert_ne!(field(&params, [40, 50]), field(&ElasticParams { seed: 4, ..params }, [40, 50]));
        let mut used = ElasticField::default();
        used.draw(&ElasticParams { alpha: 9.0, sigma: 1.0, seed: 8 }, [70, 20]);
        used.draw(&params, [40, 50]);
        assert_eq!(used.row(7), &field(&params, [40, 50])[7 * 50..8 * 50]);
    }

    #[test]
    fn alpha_is_the_largest_displacement() {
        for sigma in [0.0, 0.7, 2.0, 8.0, 30.0, 1e6, f64::NAN] {
            let field = field(&ElasticParams { alpha: 7.0, sigma, seed: 1 }, [120, 130]);
            let largest = field.iter().flatten().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            assert!(largest <= 7.0, "sigma {sigma}: {largest}");
            let least = if sigma > 10.0 || sigma == 0.0 { 1.0 } else { 5.0 };
            assert!(largest > least, "sigma {sigma}: {largest}");
        }
    }

    /// Smoothed white noise correlates as exp(-distance² / 4 sigma²).
    #[test]
    fn sigma_is_that_of_a_gaussian() {
        for sigma in [1.5, 4.0, 9.0] {
            let (mut products, mut squares) = ([0.0; 4], 0.0);
            let distances = [0.5, 1.0, 2.0, 4.0].map(|factor| (factor * sigma) as usize);
            for seed in 0..40 {
                let field = field(&ElasticParams { alpha: 1.0, sigma, seed }, [100, 100]);
                let value =
                    |row: usize, column: usize, axis: usize| f64::from(field[row * 100 + column][axis]);
                for (row, column) in (0..60).flat_map(|row| (0..60).map(move |column| (row, column))) {
                    for axis in 0..2 {
                        squares += value(row, column, axis).powi(2) / 2.0;
                        for (product, distance) in products.iter_mut().zip(distances) {
                            let along = value(row + distance, column, axis);
                            let across = value(row, column + distance, axis);
                            *product += value(row, column, axis) * (along + across) / 4.0;
                        }
                    }
                }
            }
            for (product, distance) in products.into_iter().zip(distances) {
                let expected = (-(distance as f64).powi(2) / (4.0 * sigma * sigma)).exp();
                let found = product / squares;
                assert!(
                    (found - expected).abs() < 0.1,
                    "{found} instead of {expected} at {distance} of {sigma}"
                );
            }
        }
    }
}
