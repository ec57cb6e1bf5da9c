//! Powers of many float32 numbers, in operations that a compiler can do several at a time.
//!
//! Only additions, multiplications, divisions and bits are used, so results are the same on every machine.

use std::f32::consts::LN_2;

/// The logarithm to base 2 of a positive normal number, to 2^-23 of itself or of 1, whichever is more.
#[inline(always)]
pub(super) fn log2(x: f32) -> f32 {
    // x = m 2^e with m from sqrt(1/2) to sqrt(2).
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    // ln m = 2 artanh((m - 1) / (m + 1)), whose next term is below 2^-31.
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = 1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square / 9.0)));
    exponent as f32 + s * series * (2.0 / LN_2)
}

/// 2 to the power of x, to 2^-22 of itself; of the nearest from -126 to 127 where x is not between them.
#[inline(always)]
pub(super) fn exp2(x: f32) -> f32 {
    // Adding it leaves no bits for a fraction: the whole number nearest to x is in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    let x = x.clamp(-126.0, 127.0);
    let shifted = x + WHOLE;
    let t = (x - (shifted - WHOLE)) * LN_2;
    // e to the power of t, with |t| at most ln(2) / 2; the next term is below 2^-27.
    let series = 1.0
        + t * (1.0
            + t * (1.0 / 2.0
                + t * (1.0 / 6.0
                    + t * (1.0 / 24.0 + t * (1.0 / 120.0 + t * (1.0 / 720.0 + t * (1.0 / 5040.0)))))));
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    power * series
}

/// x to the power of a positive exponent, for x from 0 to 1; 0 for all that is less than 2^-126. NaN stays NaN.
#[inline(always)]
pub(super) fn unit_power(x: f32, exponent: f32) -> f32 {
    let power = exp2(log2(x) * exponent);
    if x >= f32::MIN_POSITIVE { power } else { x * 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positive normal numbers, every 4096th.
    fn positive() -> impl Iterator<Item = f32> {
        (f32::MIN_POSITIVE.to_bits()..f32::INFINITY.to_bits()).step_by(4096).map(f32::from_bits)
    }

    #[test]
    fn logarithms_are_those_of_binary64() {
        for x in positive().chain([1.0_f32.next_down(), 1.0_f32.next_up()]) {
            let (found, expected) = (f64::from(log2(x)), f64::from(x).log2());
            let limit = 2_f64.powi(-23) * expected.abs().max(1.0);
            assert!((found - expected).abs() <= limit, "log2({x}) is {found}, not {expected}");
        }
        assert_eq!([1.0, 2.0, 0.25, f32::MIN_POSITIVE].map(log2), [0.0, 1.0, -2.0, -126.0]);
    }

    #[test]
    fn powers_of_2_are_those_of_binary64() {
        for step in -126_000..=127_000 {
            let x = step as f32 / 1000.0;
            let (found, expected) = (f64::from(exp2(x)), f64::from(x).exp2());
            assert!((found / expected - 1.0).abs() <= 2_f64.powi(-22), "2^{x} is {found}, not {expected}");
        }
        assert_eq!(
            [0.0, 1.0, -126.0, -1e30, 1e30].map(exp2),
            [1.0, 2.0, f32::MIN_POSITIVE, f32::MIN_POSITIVE, 2_f32.powi(127)]
        );
    }

    #[test]
    fn powers_between_0_and_1_are_those_of_binary64() {
        for exponent in [0.1_f32, 0.7, 1.5, 4.0] {
            for x in positive().take_while(|x| *x <= 1.0) {
                let (found, expected) =
                    (f64::from(unit_power(x, exponent)), f64::from(x).powf(f64::from(exponent)));
                assert!((found - expected).abs() < 1e-6 * expected.max(1e-3), "{x}^{exponent}: {found}");
            }
            assert_eq!(unit_power(0.0, exponent), 0.0);
            assert_eq!(unit_power(1.0, exponent), 1.0);
            assert!(unit_power(f32::NAN, exponent).is_nan());
        }
    }
}
