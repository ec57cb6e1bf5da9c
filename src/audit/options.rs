//! Options of an audit.

use super::{AuditProfile, CheckLevels, Thresholds};
use crate::raster::{Combine, MaskRule};
use crate::source::Limits;

/// Options of an audit.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// Thresholds of findings.
    pub thresholds: Thresholds,
    /// Added to every contour point, `[x, y]` in pixels.
    pub contour_offset: [f64; 2],
    /// Rule that assigns pixels to a contour.
    pub mask_rule: MaskRule,
    /// Combination of several contours of one structure on one image into one mask.
    pub combine: Combine,
    /// Kind of images.
    pub profile: AuditProfile,
    /// Severities by choice.
    pub levels: CheckLevels,
    /// Limits of the inputs.
    pub limits: Limits,
}
