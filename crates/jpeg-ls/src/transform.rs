//! Undoes the colour transforms of HP's reference encoder, modulo the range of the samples.

use crate::header::ColorTransform;

/// Undoes `transform` in pixels of three samples with `precision` bits.
pub(crate) fn undo(transform: ColorTransform, precision: u8, samples: &mut [u16]) {
    let range = 1_i32 << precision;
    let (half, mask) = (range / 2, range - 1);
    for pixel in samples.as_chunks_mut::<3>().0 {
        let [x, y, z] = pixel.map(i32::from);
        let [red, green, blue] = match transform {
            ColorTransform::Hp1 => [x + y - half, y, z + y - half],
            ColorTransform::Hp2 => {
                let red = (x + y - half) & mask;
                [red, y, z + ((red + y) >> 1) - half]
            }
            ColorTransform::Hp3 => {
                let green = (x - ((z + y) >> 2) + range / 4) & mask;
                [z + green - half, green, y + green - half]
            }
        };
        *pixel = [red, green, blue].map(|value| (value & mask) as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_undone() {
        let (r, g, b) = (200_i32, 30, 90);
        let hp1 = [r - g + 128, g, b - g + 128];
        let hp2 = [r - g + 128, g, b - ((r + g) >> 1) + 128];
        let (u, v) = ((b - g + 128) & 255, (r - g + 128) & 255);
        let hp3 = [g + ((u + v) >> 2) - 64, u, v];
        let transforms = [(ColorTransform::Hp1, hp1), (ColorTransform::Hp2, hp2), (ColorTransform::Hp3, hp3)];
        for (transform, coded) in transforms {
            let mut samples = coded.map(|value| (value & 255) as u16);
            undo(transform, 8, &mut samples);
            assert_eq!(samples, [200, 30, 90], "{transform:?}");
        }
    }
}
