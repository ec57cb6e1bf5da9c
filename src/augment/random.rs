//! Numbers drawn for one operation on one sample, each found by its place alone.

use super::range::Range;
use crate::order::{digest, mix};

const SALT: &[u8] = b"dicomprep augment v1";

/// Seed, epoch and row that a draw depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DrawKey {
    /// The seed of the stream.
    pub seed: u64,
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// The row of the file, counted from 0.
    pub row: u64,
}

/// Purpose of a draw. The discriminants enter the random numbers and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Rotation = 1,
    Shift = 2,
    Shear = 3,
    Zoom = 4,
    HorizontalFlip = 5,
    VerticalFlip = 6,
    ChannelShift = 7,
    Brightness = 8,
    Elastic = 9,
    QuarterTurns = 10,
    Crop = 11,
    BiasField = 12,
    Noise = 13,
    Blur = 14,
    Gain = 15,
    Contrast = 16,
    LowResolution = 17,
    InvertedGamma = 18,
    Gamma = 19,
}

/// All numbers of one sample.
///
/// Let s and t be the first two words of the SHA-256 of "dicomprep augment v1", the seed, the epoch and the
/// row, each as 8 bytes, and mix the finalizer of SplitMix64. Number n of operation o is 64 bits,
/// mix(mix(s xor o) xor t xor n). All bytes are little endian.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleDraws {
    secrets: [u64; 2],
}

impl SampleDraws {
    pub(super) fn new(key: DrawKey) -> Self {
        let [one, other, ..] = digest(SALT, &[key.seed, key.epoch, key.row]);
        Self { secrets: [one, other] }
    }

    pub(super) fn of(self, operation: Operation) -> OperationDraws {
        let [one, other] = self.secrets;
        OperationDraws { key: mix(one ^ operation as u64) ^ other }
    }
}

/// The numbers of one operation, each named by its index.
#[derive(Debug, Clone, Copy)]
pub(super) struct OperationDraws {
    key: u64,
}

impl OperationDraws {
    fn bits(self, index: u64) -> u64 {
        mix(self.key ^ index)
    }

    /// Uniform from 0 to 1, exclusive: a multiple of 2^-53.
    pub(super) fn unit(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * 2_f64.powi(-53)
    }

    /// Uniform from low to high, exclusive but where both are equal.
    pub(super) fn uniform(self, index: u64, range: Range) -> f64 {
        let value = range.low + (range.high - range.low) * self.unit(index);
        // The sum is rounded, to the end of the range at worst.
        if value >= range.high { range.high.next_down().max(range.low) } else { value }
    }

    /// Uniform from low to high where 1 is not between them. Where it is: from low to 1 or from 1 to high, one
    /// as likely as the other.
    pub(super) fn factor(self, index: u64, range: Range) -> f64 {
        if !(range.low < 1.0 && range.high > 1.0) {
            return self.uniform(index, range);
        }
        let half = if self.chance(index + 1, 0.5) {
            Range::new(range.low, 1.0)
        } else {
            Range::new(1.0, range.high)
        };
        self.uniform(index, half)
    }

    /// True with this probability.
    pub(super) fn chance(self, index: u64, probability: f64) -> bool {
        self.unit(index) < probability
    }

    /// Uniform over the whole numbers less than `bound`, which is not 0.
    pub(super) fn below(self, index: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(index)) * u128::from(bound)) >> 64) as u64
    }

    /// A seed for what is drawn pixel by pixel. It has 53 bits, so that every reader of JSON keeps it.
    pub(super) fn seed(self, index: u64) -> u64 {
        self.bits(index) >> 11
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(row: u64) -> OperationDraws {
        SampleDraws::new(DrawKey { seed: 1, epoch: 2, row }).of(Operation::Rotation)
    }

    #[test]
    fn ranges_exclude_their_end() {
        let narrow = Range::new(1.0, 1.0_f64.next_up());
        let wide = Range::new(-1e300, 1e300);
        for row in 0..1000 {
            assert_eq!(draws(row).uniform(0, narrow), 1.0);
            assert_eq!(draws(row).uniform(0, Range::new(0.3, 0.3)), 0.3);
            assert!(draws(row).uniform(0, wide).abs() < 1e300);
            assert!(draws(row).below(0, 3) < 3);
            assert!(draws(row).seed(0) < 1 << 53);
            assert!(!draws(row).chance(0, 0.0) && draws(row).chance(0, 1.0));
        }
    }

    #[test]
    fn factors_are_below_and_above_1_equally_often() {
        let below = |range| (0..10_000).filter(|&row| draws(row).factor(0, range) < 1.0).count();
        assert!(below(Range::new(0.9, 3.0)).abs_diff(5000) < 200);
        assert_eq!(below(Range::new(0.5, 1.0)), 10_000);
        assert_eq!(below(Range::new(1.0, 3.0)), 0);
    }
}
