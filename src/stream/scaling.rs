//! A linear function of pixels, with bounds, or its logistic function.

use super::convert_error::ConvertError;
use super::logistic::logistic;

/// y = (x - offset) * factor, not less than `low` and not more than `high`; or the logistic function of (x - offset) *
/// factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scaling {
    is_logistic: bool,
    offset: f64,
    factor: f64,
    low: f32,
    high: f32,
}

impl Scaling {
    pub(super) fn unbounded(offset: f64, factor: f64) -> Self {
        Self { is_logistic: false, offset, factor, low: f32::NEG_INFINITY, high: f32::INFINITY }
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

    // PS3.3 C.11.2.1.3.2.
    pub(super) fn exact_window(center: f64, width: f64) -> Result<Self, ConvertError> {
        Self::check_width(center, width)?;
        Ok(Self::unbounded(center - width / 2.0, width.recip()).clipped())
    }

    // PS3.3 C.11.2.1.3.1.
    pub(super) fn sigmoid(center: f64, width: f64) -> Result<Self, ConvertError> {
        Self::check_width(center, width)?;
        Ok(Self { is_logistic: true, ..Self::unbounded(center, 4.0 / width) })
    }

    fn check_width(center: f64, width: f64) -> Result<(), ConvertError> {
        let is_window = center.is_finite() && width.is_finite() && width > 0.0 && (4.0 / width).is_finite();
        is_window.then_some(()).ok_or(ConvertError::BadFunctionWindow { center, width })
    }

    /// True if it is [`Scaling::apply_logistic`] that is meant.
    pub(super) fn is_logistic(self) -> bool {
        self.is_logistic
    }

    /// The logistic function of the scaled pixel.
    pub(super) fn apply_logistic(self, pixel: f32) -> f32 {
        logistic((f64::from(pixel) - self.offset) * self.factor) as f32
    }

    #[inline]
    pub(super) fn apply(self, pixel: f32) -> f32 {
        let value = ((f64::from(pixel) - self.offset) * self.factor) as f32;
        // As `clamp`, without its assertion, which keeps the compiler from making vectors.
        let value = if value < self.low { self.low } else { value };
        if value > self.high { self.high } else { value }
    }
}
