//! Coding parameters and what follows from them (T.87 C.2.4.1, A.2).

use crate::error::JpegLsError;

/// Preset coding parameters of an LSE segment; 0 stands for the default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preset {
    pub(crate) maxval: u16,
    pub(crate) thresholds: [u16; 3],
    pub(crate) reset: u16,
}

/// The parameters of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    pub(crate) maxval: i32,
    pub(crate) near: i32,
    pub(crate) thresholds: [i32; 3],
    pub(crate) reset: i32,
    /// Number of quantized prediction errors.
    pub(crate) range: i32,
    /// Bits of a quantized prediction error.
    pub(crate) error_bits: u32,
    /// The longest code.
    pub(crate) limit: u32,
    /// The first value of `a` in each context.
    pub(crate) first_a: u32,
}

/// The least number of bits that hold `values` values.
fn bits(values: i32) -> u32 {
    32 - ((values - 1) as u32).leading_zeros()
}

impl Parameters {
    pub(crate) fn new(preset: Preset, precision: u8, near: u8) -> Result<Self, JpegLsError> {
        let damaged = JpegLsError::Segment { segment: "LSE" };
        let largest = (1 << precision) - 1;
        let maxval = if preset.maxval == 0 { largest } else { i32::from(preset.maxval) };
        let near = i32::from(near);
        if maxval > largest || near > (maxval / 2).min(255) {
            return Err(damaged);
        }
        let mut thresholds = default_thresholds(maxval, near);
        let mut least = near + 1;
        for (threshold, &preset) in thresholds.iter_mut().zip(&preset.thresholds) {
            if preset > 0 {
                *threshold = preset.into();
            }
            if !(least..=maxval).contains(threshold) {
                return Err(damaged);
            }
            least = *threshold;
        }
        let reset = if preset.reset == 0 { 64 } else { i32::from(preset.reset) };
        if !(3..=255.max(maxval)).contains(&reset) {
            return Err(damaged);
        }
        let range = (maxval + 2 * near) / (2 * near + 1) + 1;
        let sample_bits = bits(maxval + 1).max(2);
        Ok(Self {
            maxval,
            near,
            thresholds,
            reset,
            range,
            error_bits: bits(range),
            limit: 2 * (sample_bits + sample_bits.max(8)),
            first_a: ((range + 32) / 64).max(2) as u32,
        })
    }

    /// True if no sample is changed, and the range is a power of two.
    pub(crate) fn is_plain(&self) -> bool {
        self.near == 0 && (self.maxval + 1) & self.maxval == 0
    }
}

/// T.87 C.2.4.1.1.1.
fn default_thresholds(maxval: i32, near: i32) -> [i32; 3] {
    let clamp = |value: i32, least: i32| if value > maxval || value < least { least } else { value };
    let [first, second, third] = if maxval >= 128 {
        let factor = (maxval.min(4095) + 128) / 256;
        [factor + 2 + 3 * near, 4 * factor + 3 + 5 * near, 17 * factor + 4 + 7 * near]
    } else {
        let factor = 256 / (maxval + 1);
        [(3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4)]
    };
    let first = clamp(first, near + 1);
    let second = clamp(second, first);
    [first, second, clamp(third, second)]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

    use super::*;

    #[test]
    fn defaults_are_those_of_the_standard() {
        // T.87 table C.3.
        let eight = Parameters::new(Preset::default(), 8, 0).unwrap();
        assert_eq!((eight.thresholds, eight.reset, eight.range, eight.limit), ([3, 7, 21], 64, 256, 32));
        let sixteen = Parameters::new(Preset::default(), 16, 0).unwrap();
        assert_eq!((sixteen.thresholds, sixteen.limit), ([18, 67, 276], 64));
        let near = Parameters::new(Preset::default(), 8, 3).unwrap();
        assert_eq!((near.thresholds, near.range), ([12, 22, 42], 38));
    }

    #[test]
    fn parameters_out_of_order_are_refused() {
        let preset = Preset { maxval: 0, thresholds: [9, 8, 0], reset: 0 };
        assert!(Parameters::new(preset, 8, 0).is_err());
        assert!(Parameters::new(Preset { maxval: 300, ..Preset::default() }, 8, 0).is_err());
        assert!(Parameters::new(Preset::default(), 8, 128).is_err());
    }
}
