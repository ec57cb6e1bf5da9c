//! The logistic function, the same on every machine.

/// 1 / (1 + e^-t), to some units in the last place. NaN stays NaN.
pub(super) fn logistic(t: f64) -> f64 {
    1.0 / (1.0 + exp(-t))
}

/// e^x, for x of any size: beyond 708, that of 708, either way. Only additions, multiplications, divisions and bits are
/// used, so that the system's library does not matter.
fn exp(x: f64) -> f64 {
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    // The logarithm of 2 in two parts, of which multiples of the first are exact.
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-708.0, 708.0);
    let whole = (x * LOG2_E).round_ties_even();
    let rest = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    // With |rest| at most ln(2) / 2, the next term is below 2^-57.
    let series = (1..=13).rev().fold(1.0, |series, n| 1.0 + series * rest / f64::from(n));
    series * f64::from_bits(((whole as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_function_of_the_library() {
        for step in -4000..4000 {
            let t = f64::from(step) / 37.0;
            let expected = 1.0 / (1.0 + (-t).exp());
            assert!((logistic(t) - expected).abs() <= 4.0 * f64::EPSILON * expected, "{t}");
        }
        assert_eq!((logistic(f64::INFINITY), logistic(0.0)), (1.0, 0.5));
        assert!(logistic(f64::NEG_INFINITY) < 1e-300 && logistic(f64::NAN).is_nan());
    }
}
