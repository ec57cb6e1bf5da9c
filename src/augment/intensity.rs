//! Operations that change each pixel by itself, with numbers of the whole image.
//!
//! x is a pixel before, y after; min, max, mean and std (the population standard deviation) are those of all
//! finite pixels of the image, of all channels together, as they are when the operation begins. They are
//! computed in binary64, pixels in binary32. NaN stays NaN; infinite pixels become the extremes where an
//! operation clips. An image without finite pixels stays as it is, and so does every image where the number
//! that is given means no change.

use dicomprep_widest::with_512_bits;

use super::pixel_statistics::{Extremes, MeanAndStd};
use super::power::unit_power;

/// Puts what `changed` makes of each pixel in its place. `changed` is `#[inline(always)]`.
fn change(image: &mut [f32], changed: impl Fn(f32) -> f32) {
    with_512_bits(
        #[inline(always)]
        || {
            image.iter_mut().for_each(
                #[inline(always)]
                |x| *x = changed(*x),
            )
        },
    );
}

/// Keras' channel shift: y = x + `intensity`, clipped to min and max.
pub(super) fn channel_shift(image: &mut [f32], intensity: f64) {
    let Some(Extremes { min, max }) = Extremes::of(image) else { return };
    if intensity == 0.0 {
        return;
    }
    let intensity = intensity as f32;
    change(
        image,
        #[inline(always)]
        |x| (x + intensity).clamp(min, max),
    );
}

/// Keras' brightness, without its 8 bits: y = black + (x - black) `factor`, clipped to black and white.
///
/// As there, black and white are 0 and 255 where all pixels are between them, and min and max elsewhere. Keras cuts
/// off twice what is less than a 255th of what is between black and white.
pub(super) fn brightness(image: &mut [f32], factor: f64) {
    let Some(Extremes { min, max }) = Extremes::of(image) else { return };
    if factor == 1.0 {
        return;
    }
    let [black, white] = if min >= 0.0 && max <= 255.0 { [0.0, 255.0] } else { [min, max] };
    let factor = factor as f32;
    change(
        image,
        #[inline(always)]
        |x| (black + (x - black) * factor).clamp(black, white),
    );
}

/// nnU-Net's brightness: y = mean + (x - mean) `factor`. Of an image whose mean is 0, it is the product.
pub(super) fn gain(image: &mut [f32], factor: f64) {
    let Some(MeanAndStd { mean, .. }) = MeanAndStd::of(image) else { return };
    if factor == 1.0 {
        return;
    }
    let (mean, factor) = (mean as f32, factor as f32);
    change(
        image,
        #[inline(always)]
        |x| mean + (x - mean) * factor,
    );
}

/// Contrast: y = mean + (x - mean) `factor`, clipped to min and max; batchgenerators' with `preserve_range`.
pub(super) fn contrast(image: &mut [f32], factor: f64) {
    let (Some(moments), Some(Extremes { min, max })) = (MeanAndStd::of(image), Extremes::of(image)) else {
        return;
    };
    if factor == 1.0 {
        return;
    }
    let (mean, factor) = (moments.mean as f32, factor as f32);
    change(
        image,
        #[inline(always)]
        |x| (mean + (x - mean) * factor).clamp(min, max),
    );
}

/// Gamma: z = min + (max - min) ((x - min) / (max - min))^`gamma`, then y = mean + (z - mean') std / std', where
/// mean' and std' are those of z; batchgenerators' with `retain_stats`. Equal pixels stay as they are.
pub(super) fn gamma(image: &mut [f32], gamma: f64) {
    bend(image, gamma, false);
}

/// Gamma of the negative image: z = max - (max - min) ((max - x) / (max - min))^`gamma`, then as [`gamma`].
pub(super) fn inverted_gamma(image: &mut [f32], gamma: f64) {
    bend(image, gamma, true);
}

fn bend(image: &mut [f32], gamma: f64, inverted: bool) {
    let (Some(before), Some(Extremes { min, max })) = (MeanAndStd::of(image), Extremes::of(image)) else {
        return;
    };
    if gamma == 1.0 || min == max {
        return;
    }
    // Half the range, which is always finite.
    let (base, half) = if inverted { (max, min / 2.0 - max / 2.0) } else { (min, max / 2.0 - min / 2.0) };
    let (scale, gamma) = (half.recip() / 2.0, gamma as f32);
    if !scale.is_finite() {
        return;
    }
    change(
        image,
        #[inline(always)]
        |x| {
            let place = ((x - base) * scale).clamp(0.0, 1.0);
            base + unit_power(place, gamma) * half * 2.0
        },
    );
    let Some(after) = MeanAndStd::of(image) else { return };
    let factor = if after.std > 0.0 { (before.std / after.std) as f32 } else { 0.0 };
    let (mean_before, mean_after) = (before.mean as f32, after.mean as f32);
    change(
        image,
        #[inline(always)]
        |x| mean_before + (x - mean_after) * factor,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut [f32], f64);

    const ALL: [(Change, f64); 6] = [
        (channel_shift, 0.0),
        (brightness, 1.0),
        (gain, 1.0),
        (contrast, 1.0),
        (gamma, 1.0),
        (inverted_gamma, 1.0),
    ];

    fn image(scale: f32) -> Vec<f32> {
        (0..997_u32).map(|index| (index * 37 % 401) as f32 * scale + (index % 7) as f32).collect()
    }

    fn changed(change: Change, value: f64, image: &[f32]) -> Vec<f32> {
        let mut image = image.to_vec();
        change(&mut image, value);
        image
    }

    /// Mean and population standard deviation.
    fn moments(image: &[f64]) -> (f64, f64) {
        let mean = image.iter().sum::<f64>() / image.len() as f64;
        let squares: f64 = image.iter().map(|x| (x - mean).powi(2)).sum();
        (mean, (squares / image.len() as f64).sqrt())
    }

    /// Compares with formulas in binary64: to a millionth of the image's range.
    fn compare(change: Change, value: f64, reference: impl Fn(&[f64], f64, f64) -> Vec<f64>) {
        for scale in [10.0, 0.25, -3.0] {
            let image = image(scale);
            let wide: Vec<f64> = image.iter().map(|x| f64::from(*x)).collect();
            let (min, max) = wide.iter().fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(*x), b.max(*x)));
            let limit = (max - min) * 2e-6;
            for (found, expected) in changed(change, value, &image).iter().zip(reference(&wide, min, max)) {
                assert!((f64::from(*found) - expected).abs() <= limit, "{value}: {found}, not {expected}");
            }
        }
    }

    fn each(image: &[f64], change: impl Fn(f64) -> f64) -> Vec<f64> {
        image.iter().map(|x| change(*x)).collect()
    }

    #[test]
    fn formulas_are_those_of_binary64() {
        for value in [-70.0, -1.5, 33.0, 1e9] {
            compare(channel_shift, value, |x, min, max| each(x, |x| (x + value).clamp(min, max)));
        }
        for value in [0.0, 0.3, 0.9, 1.7, 4.0] {
            compare(brightness, value, |x, min, max| {
                let [black, white] = if min >= 0.0 && max <= 255.0 { [0.0, 255.0] } else { [min, max] };
                each(x, |x| (black + (x - black) * value).clamp(black, white))
            });
            compare(gain, value, |image, _, _| {
                let (mean, _) = moments(image);
                each(image, |x| mean + (x - mean) * value)
            });
            compare(contrast, value, |image, min, max| {
                let (mean, _) = moments(image);
                each(image, |x| (mean + (x - mean) * value).clamp(min, max))
            });
        }
        for value in [0.3, 0.7, 1.5, 3.0] {
            let retained = |image: &[f64], bent: Vec<f64>| {
                let ((mean, std), (mean_bent, std_bent)) = (moments(image), moments(&bent));
                each(&bent, |z| mean + (z - mean_bent) * std / std_bent)
            };
            compare(gamma, value, |image, min, max| {
                let range = max - min;
                retained(image, each(image, |x| min + range * ((x - min) / range).powf(value)))
            });
            compare(inverted_gamma, value, |image, min, max| {
                let range = max - min;
                retained(image, each(image, |x| max - range * ((max - x) / range).powf(value)))
            });
        }
    }

    #[test]
    fn no_change_changes_no_bit() {
        let mut image = image(0.1);
        image.extend([f32::NAN, f32::INFINITY, -0.0, 1e-40]);
        let bits = |image: &[f32]| image.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for (change, nothing) in ALL {
            assert_eq!(bits(&changed(change, nothing, &image)), bits(&image));
        }
    }

    #[test]
    fn equal_pixels_stay_or_move_together() {
        for value in [0.0, 7.5, 65_535.0, -3e38, 1e-42] {
            for (change, _) in ALL {
                let found = changed(change, 1.3, &[value; 50]);
                assert!(found.iter().all(|x| x.is_finite() && *x == found[0]), "{value}: {}", found[0]);
            }
            for change in [gain, contrast, gamma, inverted_gamma, channel_shift] {
                assert_eq!(changed(change, 1.3, &[value; 50]), [value; 50]);
            }
        }
    }

    #[test]
    fn what_is_not_finite_spoils_no_other_pixel() {
        let clean = image(2.0);
        for hole in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let holed: Vec<f32> = clean.iter().copied().chain([hole]).collect();
            for (change, _) in ALL {
                let (expected, found) = (changed(change, 1.4, &clean), changed(change, 1.4, &holed));
                // An infinite pixel is clipped, and then counts among those of a power.
                let off = |(a, b): (&f32, &f32)| (a - b).abs() > 2.0;
                assert!(!expected.iter().zip(&found).any(off), "{hole}");
                assert_eq!(found[clean.len()].is_nan(), hole.is_nan());
            }
        }
        for (change, _) in ALL {
            assert!(changed(change, 1.4, &[f32::NAN; 20]).iter().all(|x| x.is_nan()));
            assert!(changed(change, 1.4, &[]).is_empty());
        }
    }
}
