//! The window of one row.

use crate::model::VoiLutFunction;

/// The window of a row of the file, in the units of its images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowWindow {
    /// Window Center; NaN where there is none.
    pub center: f32,
    /// Window Width; NaN where there is none.
    pub width: f32,
    /// VOI LUT Function.
    pub function: VoiLutFunction,
}

impl RowWindow {
    /// No window.
    pub const NONE: Self = Self { center: f32::NAN, width: f32::NAN, function: VoiLutFunction::Linear };
}
