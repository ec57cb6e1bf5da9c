//! Options of an audit.

use super::Thresholds;
use crate::source::Limits;

/// Options of an audit.
#[derive(Debug, Clone, Copy)]
pub struct AuditOptions {
    /// Thresholds of findings.
    pub thresholds: Thresholds,
    /// Added to every contour point, `[x, y]` in pixels.
    pub contour_offset: [f64; 2],
    /// Limits of the inputs.
    pub limits: Limits,
}
