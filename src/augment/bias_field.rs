//! The uneven sensitivity of MR receiver coils.

use std::f32::consts::LOG2_E;

use dicomprep_widest::with_512_bits;
use serde::{Deserialize, Serialize};

use super::pixel_statistics::Extremes;
use super::power::exp2;

/// A polynomial of degree 3 without a constant term, of which the bias field is e to the power.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BiasFieldParams {
    /// Of v, v^2, v^3, u, u v, u v^2, u^2, u^2 v, u^3, in this order; u and v are the pixel's row and column,
    /// scaled so that the image's edges are at -1 and 1: u = (2 r + 1) / h - 1 for row r of h.
    pub coefficients: [f64; 9],
}

impl BiasFieldParams {
    /// The polynomial's coefficients of 1, v, v^2, v^3 in the row at `u`.
    fn of_row(&self, u: f64) -> [f32; 4] {
        let [v, vv, vvv, u1, uv, uvv, uu, uuv, uuu] = self.coefficients;
        [u * (u1 + u * (uu + u * uuu)), v + u * (uv + u * uuv), vv + u * uvv, vvv].map(|value| value as f32)
    }
}

/// y = min + (x - min) e^p, where p is the polynomial at the pixel and min the least finite pixel, so what an MR
/// image has where there is no signal. `fields` is scratch.
pub(super) fn bias_field(
    image: &mut [f32],
    shape: [usize; 2],
    channels: usize,
    params: &BiasFieldParams,
    fields: &mut Vec<f32>,
) {
    with_512_bits(
        #[inline(always)]
        || multiply(image, shape, channels, params, fields),
    );
}

#[inline(always)]
fn multiply(
    image: &mut [f32],
    [height, width]: [usize; 2],
    channels: usize,
    params: &BiasFieldParams,
    fields: &mut Vec<f32>,
) {
    let Some(Extremes { min, .. }) = Extremes::of(image) else { return };
    if params.coefficients == [0.0; 9] {
        return;
    }
    fields.resize(width, 0.0);
    let place = |index: usize, side: usize| (2 * index + 1) as f64 / side as f64 - 1.0;
    for (row, pixels) in image.chunks_exact_mut(width * channels).enumerate() {
        let [one, v1, v2, v3] = params.of_row(place(row, height)).map(|value| value * LOG2_E);
        let step = 2.0 / width as f32;
        let first = place(0, width) as f32;
        for (column, field) in (0_u32..).zip(fields.iter_mut()) {
            let v = first + step * column as i32 as f32;
            *field = exp2(one + v * (v1 + v * (v2 + v * v3)));
        }
        if channels == 1 {
            pixels.iter_mut().zip(fields.iter()).for_each(|(x, field)| *x = min + (*x - min) * field);
        } else {
            for (pixel, field) in pixels.chunks_exact_mut(channels).zip(fields.iter()) {
                pixel.iter_mut().for_each(|x| *x = min + (*x - min) * field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_that_of_binary64() {
        let coefficients = [0.5, -0.4, 0.3, -0.2, 0.1, 0.45, -0.35, 0.25, -0.15];
        let params = BiasFieldParams { coefficients };
        for (height, width, channels) in [(9, 14, 1), (14, 9, 3), (1, 1, 1), (33, 1, 2)] {
            let len = height * width * channels;
            let image: Vec<f32> = (0..len).map(|index| (index * 37 % 401) as f32 - 50.0).collect();
            let min = f64::from(image.iter().copied().fold(f32::MAX, f32::min));
            let mut found = image.clone();
            bias_field(&mut found, [height, width], channels, &params, &mut Vec::new());
            for (index, (found, x)) in found.iter().zip(&image).enumerate() {
                let u = (2.0 * (index / channels / width) as f64 + 1.0) / height as f64 - 1.0;
                let v = (2.0 * (index / channels % width) as f64 + 1.0) / width as f64 - 1.0;
                let terms = [v, v * v, v * v * v, u, u * v, u * v * v, u * u, u * u * v, u * u * u];
                let p: f64 = terms.iter().zip(&coefficients).map(|(term, factor)| term * factor).sum();
                let expected = min + (f64::from(*x) - min) * p.exp();
                assert!((f64::from(*found) - expected).abs() < 1e-6 * expected.abs().max(100.0));
            }
        }
    }

    #[test]
    fn no_field_changes_no_bit_and_the_largest_overflows_nothing() {
        let image: Vec<f32> = (0..256).map(|index| index as f32 * 0.1).collect();
        let mut found = image.clone();
        bias_field(&mut found, [16, 16], 1, &BiasFieldParams { coefficients: [0.0; 9] }, &mut Vec::new());
        assert_eq!(found, image);
        bias_field(&mut found, [16, 16], 1, &BiasFieldParams { coefficients: [5.0; 9] }, &mut Vec::new());
        assert!(found.iter().all(|x| x.is_finite()));
    }
}
