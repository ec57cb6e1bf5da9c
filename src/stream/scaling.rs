//! A linear function of pixels, with bounds.

use super::convert_error::ConvertError;

/// y = (x - offset) * factor, not less than `low` and not more than `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaling {
    offset: f64,
    factor: f64,
    low: f32,
    high: f32,
}

impl Scaling {
    pub(super) fn unbounded(offset: f64, factor: f64) -> Self {
        Self { offset, factor, low: f32::NEG_INFINITY, high: f32::INFINITY }
    }

    pub(super) fn z_score(mean: f64, std: f64) -> Self {
        Self::unbounded(mean, if std == 0.0 { 1.0 } else { std.recip() })
    }

    pub(super) fn range(min: f64, max: f64) -> Self {
        Self::unbounded(min, if max == min { 0.0 } else { (max - min).recip() })
    }

    pub(super) fn clipped(self) -> Self {
        Self { low: 0.0, high: 1.0, ..self }
    }

    // PS3.3 C.11.2.1.2.1: its line is 0 at the lower edge and 1 at the upper, so its three cases are that
    // line, clipped.
    pub(super) fn window(center: f64, width: f64) -> Result<Self, ConvertError> {
        if !(center.is_finite() && width.is_finite() && width >= 1.0) {
            return Err(ConvertError::BadWindow { center, width });
        }
        let lower_edge = center - 0.5 - (width - 1.0) / 2.0;
        // With width 1 the line is vertical. The factor is finite all the same, so that 0 stays 0.
        let factor = if width == 1.0 { f64::MAX } else { (width - 1.0).recip() };
        Ok(Self::unbounded(lower_edge, factor).clipped())
    }

    #[inline]
    pub(super) fn apply(self, pixel: f32) -> f32 {
        let value = ((f64::from(pixel) - self.offset) * self.factor) as f32;
        // As `clamp`, without its assertion, which keeps the compiler from making vectors.
        let value = if value < self.low { self.low } else { value };
        if value > self.high { self.high } else { value }
    }
}
