//! Normal deviates, many at a time, each found by its place alone.

use std::f32::consts::{LN_2, TAU};

use super::power::log2;
use crate::order::mix;

/// Half the deviates that are made at a time.
const HALF: usize = 64;

/// Number of deviates drawn together.
pub(super) const BLOCK: usize = 2 * HALF;

/// The increment of SplitMix64.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Block `block` of the independent standard normal deviates of `seed`.
///
/// By the method of Box and Muller (1958). Let h be output 64 `block` + j of SplitMix64 whose state begins with
/// mix(`seed`), j from 0 to 63; a its upper 23 bits and b the 24 bits below them, as whole numbers. With
/// r = sqrt(-2 ln((2 a + 1) 2^-24)) and t = 2 pi b 2^-24, deviate j is r cos t and deviate 64 + j is r sin t.
/// Logarithm, sine and cosine are computed in binary32 and are off by less than 2^-20; no deviate is beyond 5.8.
pub(super) fn normals(seed: u64, block: u64) -> [f32; BLOCK] {
    let first = mix(seed).wrapping_add((block * HALF as u64 + 1).wrapping_mul(GAMMA));
    let mut radii = [0_i32; HALF];
    let mut turns = [0_i32; HALF];
    let mut state = first;
    for (radius, turn) in radii.iter_mut().zip(&mut turns) {
        let bits = mix(state);
        state = state.wrapping_add(GAMMA);
        *radius = (bits >> 41) as i32;
        *turn = (bits >> 17) as i32 & 0xff_ffff;
    }
    let mut deviates = [0.0; BLOCK];
    let (cosines, sines) = deviates.split_at_mut(HALF);
    for (((a, b), cosine), sine) in radii.iter().zip(&turns).zip(cosines).zip(sines) {
        let radius = ((2 * a + 1) as f32 * 2_f32.powi(-24)).max(f32::MIN_POSITIVE);
        let radius = (log2(radius) * (-2.0 * LN_2)).sqrt();
        // From -1/2 to 1/2 of a turn.
        let turn = *b as f32 * 2_f32.powi(-24) - 0.5;
        let (sin, cos) = sin_cos(turn);
        // Half a turn was taken away.
        *cosine = -radius * cos;
        *sine = -radius * sin;
    }
    deviates
}

/// Sine and cosine of a part of a turn, from -1/2 to 1/2.
#[inline(always)]
fn sin_cos(turn: f32) -> (f32, f32) {
    let size = turn.abs();
    let folded = if size > 0.25 { 0.5 - size } else { size };
    (sine(folded).copysign(turn), sine(0.25 - size))
}

/// The sine of a part of a turn, from -1/4 to 1/4; the next term is below 2^-24.
#[inline(always)]
fn sine(turn: f32) -> f32 {
    let x = turn * TAU;
    let square = x * x;
    x * (1.0
        - square / 6.0
            * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0 * (1.0 - square / 110.0)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviates_are_those_of_box_and_muller_in_binary64() {
        for (seed, block) in [(0, 0), (7, 1), ((1 << 53) - 1, 4095)] {
            let found = normals(seed, block);
            for j in 0..HALF {
                let output = block * HALF as u64 + j as u64 + 1;
                let bits = mix(mix(seed).wrapping_add(output.wrapping_mul(GAMMA)));
                let (a, b) = ((bits >> 41) as f64, (bits >> 17 & 0xff_ffff) as f64);
                let r = (-2.0 * ((2.0 * a + 1.0) * 2_f64.powi(-24)).ln()).sqrt();
                let (sin, cos) = (std::f64::consts::TAU * b * 2_f64.powi(-24)).sin_cos();
                assert!((f64::from(found[j]) - r * cos).abs() < 2e-6, "{j}");
                assert!((f64::from(found[HALF + j]) - r * sin).abs() < 2e-6, "{j}");
            }
        }
    }

    #[test]
    fn sines_and_cosines_of_every_eighth() {
        let half = 0.5_f32.sqrt();
        for (turn, sin, cos) in [
            (-0.5, 0.0, -1.0),
            (-0.375, -half, -half),
            (-0.25, -1.0, 0.0),
            (-0.125, -half, half),
            (0.0, 0.0, 1.0),
            (0.25, 1.0, 0.0),
            (0.375, half, -half),
        ] {
            let found = sin_cos(turn);
            assert!((found.0 - sin).abs() < 1e-6 && (found.1 - cos).abs() < 1e-6, "{turn}: {found:?}");
        }
    }
}
