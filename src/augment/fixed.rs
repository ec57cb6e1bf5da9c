//! Coordinates as whole numbers of 2^-32 pixel: exact sums, the same on every machine.

/// One pixel.
pub(super) const ONE: i64 = 1 << FRACTION_BITS;
/// Half a pixel.
pub(super) const HALF: i64 = ONE / 2;
const FRACTION_BITS: u32 = 32;

/// Coordinates are clamped to 2^28 pixels: sums of a few of them do not overflow.
pub(super) const FARTHEST: i64 = 1 << 60;

/// The nearest coordinate to `pixels`; not a number becomes 0.
pub(super) fn fixed(pixels: f64) -> i64 {
    ((pixels * ONE as f64).round() as i64).clamp(-FARTHEST, FARTHEST)
}

/// [`fixed`] cut off instead of rounded, which is faster.
pub(super) fn fixed_cut(pixels: f64) -> i64 {
    ((pixels * ONE as f64) as i64).clamp(-FARTHEST, FARTHEST)
}

/// The pixel at or before `coordinate`.
#[inline(always)]
pub(super) fn floor(coordinate: i64) -> i64 {
    coordinate >> FRACTION_BITS
}

/// Fraction of `coordinate` above its [`floor`], from 0 to below 1, cut to 24 bits.
#[inline(always)]
pub(super) fn fraction(coordinate: i64) -> f32 {
    low_fraction(coordinate as u32)
}

/// [`fraction`] of a coordinate modulo one pixel.
#[inline(always)]
pub(super) fn low_fraction(low: u32) -> f32 {
    const UNIT: f32 = 1.0 / (1 << 24) as f32;
    // Signed numbers become floats faster.
    (low >> 8) as i32 as f32 * UNIT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_and_fractions_make_up_a_coordinate() {
        for pixels in [0.0, 0.25, 5.75, -0.25, -3.0, 65_535.5, -1e6 + 0.125] {
            let coordinate = fixed(pixels);
            assert_eq!(floor(coordinate) as f64 + f64::from(fraction(coordinate)), pixels);
        }
        assert!(fraction(ONE - 1) < 1.0);
    }

    #[test]
    fn nothing_is_too_far() {
        assert_eq!(fixed(f64::INFINITY), FARTHEST);
        assert_eq!(fixed(-1e300), -FARTHEST);
        assert_eq!(fixed(f64::NAN), 0);
        assert_eq!(fixed_cut(1e300), FARTHEST);
    }
}
