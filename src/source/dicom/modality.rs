//! The modality transform: from stored values to what the modality measured (PS3.3 C.11.1).

use super::stored_format::StoredFormat;

/// Conversion of stored values to modality values.
#[derive(Debug, Clone, PartialEq)]
pub enum ModalityTransform {
    /// Modality values are the stored values.
    Identity,
    /// `slope * stored + intercept` (PS3.3 C.11.1.1.2). Both are finite, the slope is not 0.
    Linear {
        /// Rescale Slope (0028,1053).
        slope: f64,
        /// Rescale Intercept (0028,1052).
        intercept: f64,
    },
    /// A table (PS3.3 C.11.1.1.1).
    Lut(ModalityLut),
}

/// A Modality LUT: stored values below the first map to the first entry, beyond the last to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModalityLut {
    first: i64,
    entries: Vec<u16>,
}

/// The modality values that a header allows: `low <= value <= high`, both finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueRange {
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// True if all values are integers.
    pub integers: bool,
}

/// Integers up to here are exact in f64.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl ModalityLut {
    /// A table of at least one entry; `first` is the stored value that the first entry is for.
    pub(super) fn new(first: i64, entries: Vec<u16>) -> Option<Self> {
        (!entries.is_empty()).then_some(Self { first, entries })
    }

    /// The modality value of a stored value.
    #[must_use]
    pub fn look_up(&self, stored: i64) -> u16 {
        self.entries[self.index(stored)]
    }

    /// The smallest and the largest modality value of stored values from one to another, both included.
    pub(super) fn extremes_between(&self, a: i64, b: i64) -> [u16; 2] {
        let [first, last] = [a.min(b), a.max(b)].map(|stored| self.index(stored));
        let entries = &self.entries[first..=last];
        let start = [entries[0]; 2];
        entries.iter().fold(start, |[low, high], &entry| [low.min(entry), high.max(entry)])
    }

    fn index(&self, stored: i64) -> usize {
        let last = self.entries.len() as i64 - 1;
        (stored - self.first).clamp(0, last) as usize
    }
}

impl ValueRange {
    /// `low + high - value`: where `value` goes when the image is inverted.
    #[must_use]
    pub fn mirror(&self, value: f64) -> f64 {
        self.low + self.high - value
    }
}

impl ModalityTransform {
    /// The modality values that stored values of `format` can take; `None` for floating point, where any
    /// value may occur.
    #[must_use]
    pub fn value_range(&self, format: StoredFormat) -> Option<ValueRange> {
        let (low, high) = format.range()?;
        let (low, high) = (low as f64, high as f64);
        Some(match self {
            Self::Identity => ValueRange { low, high, integers: true },
            Self::Linear { slope, intercept } => {
                let (a, b) = (slope * low + intercept, slope * high + intercept);
                let (low, high) = (a.min(b), a.max(b));
                let whole = slope.fract() == 0.0 && intercept.fract() == 0.0;
                ValueRange { low, high, integers: whole && low >= -EXACT && high <= EXACT }
            }
            Self::Lut(lut) => {
                let low = lut.entries.iter().min().map_or(0.0, |&value| f64::from(value));
                let high = lut.entries.iter().max().map_or(0.0, |&value| f64::from(value));
                ValueRange { low, high, integers: true }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED_12: StoredFormat =
        StoredFormat::Integer { bits_allocated: 16, bits_stored: 12, high_bit: 11, signed: true };

    #[test]
    fn lut_clamps_to_its_ends() {
        let lut = ModalityLut::new(-1, vec![10, 20, 30]).unwrap();
        let values = [-5, -1, 0, 1, 9].map(|stored| lut.look_up(stored));
        assert_eq!(values, [10, 10, 20, 30, 30]);
        assert_eq!(ModalityLut::new(0, vec![]), None);
    }

    #[test]
    fn range_follows_bits_stored_and_a_negative_slope() {
        let identity = ModalityTransform::Identity.value_range(SIGNED_12).unwrap();
        assert_eq!((identity.low, identity.high, identity.integers), (-2048.0, 2047.0, true));
        let linear = ModalityTransform::Linear { slope: -0.5, intercept: 1.0 };
        let range = linear.value_range(SIGNED_12).unwrap();
        assert_eq!((range.low, range.high, range.integers), (-1022.5, 1025.0, false));
        assert_eq!(range.mirror(range.low), range.high);
        assert_eq!(ModalityTransform::Identity.value_range(StoredFormat::Float32), None);
    }
}
