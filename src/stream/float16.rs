//! Pixels as float16, refused where it has no room for them.

use dicomprep_widest::with_widest;
use half::f16;
use half::slice::HalfFloatSliceExt;

use super::ConvertError;

/// Pixels that are converted at a time where they cannot be all at once: they stay in the nearest cache.
pub(super) const BLOCK: usize = 512;

/// The smallest number that rounds to infinity in float16, whose largest is 65,504.
const FLOAT16_LIMIT: f32 = 65_520.0;

/// From the bytes of a pixel to its number in a batch.
#[derive(Clone, Copy)]
pub(super) struct PixelMap<R, S> {
    /// The stored value.
    pub(super) read: R,
    /// Its value after normalization.
    pub(super) scale: S,
}

/// Largest magnitude up to which float16 has a worse resolution than at larger ones: there it has no more than 11 bits,
/// as its smallest step is 2^-24.
const FLOAT16_FINE_FROM: f32 = 1.0 / 8192.0;

/// The range of the numbers of one image that become float16.
#[derive(Debug, Default)]
pub(super) struct Float16Range {
    largest: f32,
    /// A pixel that became 0 and was not.
    vanished: Option<f32>,
}

impl Float16Range {
    /// An image of small numbers alone must not lose any of them. Beside large numbers, what becomes 0 was 0 but for the
    /// resolution that float16 has there.
    pub(super) fn check(&self) -> Result<(), ConvertError> {
        match self.vanished {
            Some(pixel) if self.largest < FLOAT16_FINE_FROM => Err(ConvertError::Float16Underflow { pixel }),
            _ => Ok(()),
        }
    }
}

/// For at most [`BLOCK`] pixels.
pub(super) fn convert_to_float16<const SIZE: usize>(
    pixels: &[[u8; SIZE]],
    out: &mut [u8],
    map: PixelMap<impl Fn([u8; SIZE]) -> f32 + Copy, impl Fn(f32) -> f32 + Copy>,
    range: &mut Float16Range,
) -> Result<(), ConvertError> {
    let PixelMap { read, scale } = map;
    let values = &mut [0.0; BLOCK][..pixels.len()];
    let largest = with_widest(
        #[inline(always)]
        || {
            let mut largest = 0.0_f32;
            for (value, &pixel) in values.iter_mut().zip(pixels) {
                *value = scale(read(pixel));
                largest = if value.abs() > largest { value.abs() } else { largest };
            }
            largest
        },
    );
    range.largest = range.largest.max(largest);
    if largest >= FLOAT16_LIMIT {
        let overflowing = pixels.iter().zip(&*values).filter(|(_, value)| value.abs() >= FLOAT16_LIMIT);
        // An infinite pixel may stay infinite.
        if let Some(pixel) = overflowing.map(|(&pixel, _)| read(pixel)).find(|pixel| pixel.is_finite()) {
            return Err(ConvertError::Float16Overflow { pixel });
        }
    }
    let halves = &mut [f16::ZERO; BLOCK][..pixels.len()];
    halves.convert_from_f32_slice(values);
    if range.largest < FLOAT16_FINE_FROM && range.vanished.is_none() {
        let vanished =
            halves.iter().zip(&*values).position(|(half, value)| *half == f16::ZERO && *value != 0.0);
        range.vanished = vanished.map(|index| read(pixels[index]));
    }
    let (out, _) = out.as_chunks_mut::<2>();
    for (to, half) in out.iter_mut().zip(halves) {
        *to = half.to_le_bytes();
    }
    Ok(())
}
