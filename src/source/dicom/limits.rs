//! Limits of the memory that one file takes.

use serde::{Deserialize, Serialize};

use super::error::{DicomFault, Located};

/// Bounds on what one file may make the program hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest file read, and the largest image after decoding, in bytes.
    pub max_image_bytes: u64,
    /// The most pixels of an image, rows times columns.
    pub max_image_pixels: u64,
}

/// 256 MiB, and the pixels that are as much in float32.
impl Default for Limits {
    fn default() -> Self {
        Self { max_image_bytes: 256 << 20, max_image_pixels: 64 << 20 }
    }
}

impl Limits {
    /// Refuses `what` where its `bytes` are too many.
    pub(super) fn check_bytes(&self, what: &'static str, bytes: u64) -> Result<(), Located> {
        let limit = self.max_image_bytes;
        if bytes > limit {
            return Err(DicomFault::OverLimit { what, bytes, limit }.into());
        }
        Ok(())
    }

    /// Refuses an image of too many pixels.
    pub(super) fn check_pixels(&self, pixels: u64) -> Result<(), Located> {
        let limit = self.max_image_pixels;
        if pixels > limit {
            return Err(DicomFault::TooManyPixels { pixels, limit }.into());
        }
        Ok(())
    }
}

/// The largest decoded size believed for `encoded` compressed bytes: no codec here gains more than
/// 1,024 on a medical image, and a small image of one value is granted 16 MiB.
pub(super) fn plausible_decoded_bytes(encoded: u64) -> u64 {
    encoded.saturating_mul(1024).saturating_add(16 << 20)
}
