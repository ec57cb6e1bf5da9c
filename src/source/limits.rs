//! How large an image may be.

/// Bounds on what one file may make the program hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest file read, and the largest image after decoding, in bytes.
    pub max_image_bytes: u64,
}

/// 256 MiB.
impl Default for Limits {
    fn default() -> Self {
        Self { max_image_bytes: 256 << 20 }
    }
}

/// The largest decoded size believed for `encoded` compressed bytes: no codec here gains more than
/// 1,024 on a medical image, and a small image of one value is granted 16 MiB.
pub(super) fn plausible_decoded_bytes(encoded: u64) -> u64 {
    encoded.saturating_mul(1024).saturating_add(16 << 20)
}
