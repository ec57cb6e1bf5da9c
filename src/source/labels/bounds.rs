//! Sizes checked before memory is asked for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::LabelFault;
use crate::model::GridShape;
use crate::source::Limits;

/// The most bytes that inflate out of one: DEFLATE codes 258 bytes in two bits at best (RFC 1951).
const DEFLATE_GAIN: u64 = 1032;

/// Refuses a file that is longer than allowed.
pub(super) fn check_file(file: &[u8], limits: &Limits) -> Result<(), LabelFault> {
    let (bytes, limit) = (file.len() as u64, limits.max_image_bytes);
    if bytes > limit {
        return Err(LabelFault::OverLimit { what: "the file", bytes, limit });
    }
    Ok(())
}

/// Refuses a mask image of more pixels than allowed, or whose rows take more bytes than allowed.
pub(super) fn check_image(shape: GridShape, row_bytes: usize, limits: &Limits) -> Result<(), LabelFault> {
    let (pixels, limit) = (shape.pixels() as u64, limits.max_image_pixels);
    if pixels > limit {
        return Err(LabelFault::TooManyPixels { pixels, limit });
    }
    let (bytes, limit) = ((row_bytes as u64).saturating_mul(shape.rows() as u64), limits.max_image_bytes);
    if bytes > limit {
        return Err(LabelFault::OverLimit { what: "the mask image", bytes, limit });
    }
    Ok(())
}

/// Refuses `needed` bytes that cannot inflate out of `encoded`.
pub(super) fn check_inflated(needed: u64, encoded: u64) -> Result<(), LabelFault> {
    // Ends of blocks and bits that are left over add little.
    if needed > encoded.saturating_mul(DEFLATE_GAIN).saturating_add(1 << 10) {
        return Err(LabelFault::Implausible { needed, encoded });
    }
    Ok(())
}

/// Runs a decoder of another crate. Those index and assert on what a file says; a panic in them is a damaged file.
pub(super) fn decode<T>(
    format: &'static str,
    decoder: impl FnOnce() -> Result<T, LabelFault>,
) -> Result<T, LabelFault> {
    catch_unwind(AssertUnwindSafe(decoder)).unwrap_or_else(|_| {
        Err(LabelFault::Damaged { format, message: "the decoder failed on damaged data".to_owned() })
    })
}
