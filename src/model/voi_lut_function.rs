//! The function by which a window maps values.

use super::choice;

/// VOI LUT Function (0028,1056): how a window maps values to shades (PS3.3 C.11.2.1.2 and C.11.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VoiLutFunction {
    /// LINEAR, also where the attribute is absent.
    #[default]
    Linear,
    /// LINEAR_EXACT: a line over the whole width.
    LinearExact,
    /// SIGMOID: a logistic curve.
    Sigmoid,
}

choice!(VoiLutFunction {
    Linear => "LINEAR",
    LinearExact => "LINEAR_EXACT",
    Sigmoid => "SIGMOID",
});

impl VoiLutFunction {
    /// The function of a defined term; `None` for other texts.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}
