//! Options of resampling.

use serde::{Deserialize, Serialize};

use crate::augment::FillMode;

/// Interpolation of image pixels, as the order of a spline. In TOML and JSON it is that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Interpolation {
    /// Order 0: the nearest pixel, the later one halfway between two.
    Nearest,
    /// Order 1: linear along rows and columns, between four pixels.
    #[default]
    Linear,
    /// Order 3: the cubic spline through all pixels, which may overshoot their range.
    Cubic,
}

/// An order of interpolation that is none of 0, 1 and 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interpolation order {0}: it must be 0 (nearest), 1 (linear) or 3 (cubic)")]
pub struct InterpolationError(pub u8);

impl TryFrom<u8> for Interpolation {
    type Error = InterpolationError;

    fn try_from(order: u8) -> Result<Self, InterpolationError> {
        match order {
            0 => Ok(Self::Nearest),
            1 => Ok(Self::Linear),
            3 => Ok(Self::Cubic),
            _ => Err(InterpolationError(order)),
        }
    }
}

impl From<Interpolation> for u8 {
    fn from(interpolation: Interpolation) -> Self {
        match interpolation {
            Interpolation::Nearest => 0,
            Interpolation::Linear => 1,
            Interpolation::Cubic => 3,
        }
    }
}

/// Resampling of images. Masks always take the nearest pixel, and 0 from outside.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ResampleOptions {
    /// The order of interpolation.
    pub interpolation: Interpolation,
    /// Pixels outside the image.
    pub fill_mode: FillMode,
    /// The value outside with [`FillMode::Constant`].
    pub cval: f32,
}
