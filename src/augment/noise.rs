//! Gaussian noise.

use super::normal::{BLOCK, normals};
use super::params::NoiseParams;
use super::pixel_statistics::MeanAndStd;

/// y = x + `std` s n, where s is the population standard deviation of the image's finite pixels and n a standard
/// normal deviate, of each pixel and channel its own: number i of [`normals`] of `seed` for value i of the image,
/// in row order. Equal pixels stay as they are.
pub(super) fn noise(image: &mut [f32], params: &NoiseParams) {
    let Some(moments) = MeanAndStd::of(image) else { return };
    let scale = (params.std * moments.std) as f32;
    if scale == 0.0 {
        return;
    }
    for (block, pixels) in (0..).zip(image.chunks_mut(BLOCK)) {
        for (x, deviate) in pixels.iter_mut().zip(&normals(params.seed, block)) {
            *x += scale * deviate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(image: &[f32], std: f64, seed: u64) -> Vec<f32> {
        let mut image = image.to_vec();
        noise(&mut image, &NoiseParams { std, seed });
        image
    }

    fn image() -> Vec<f32> {
        (0..70_001_u32).map(|index| 1000.0 + (index % 2) as f32 * 200.0).collect()
    }

    #[test]
    fn its_deviation_is_relative_to_that_of_the_image() {
        let image = image();
        let noise: Vec<f32> = noisy(&image, 0.1, 5).iter().zip(&image).map(|(y, x)| y - x).collect();
        let moments = MeanAndStd::of(&noise).unwrap();
        assert!(moments.mean.abs() < 0.2 && (moments.std - 10.0).abs() < 0.1, "{moments:?}");
    }

    #[test]
    fn it_depends_on_the_seed_and_the_pixel_alone() {
        let image = image();
        assert_eq!(noisy(&image, 0.1, 5), noisy(&image, 0.1, 5));
        let equal = |one: &[f32], other: &[f32]| one.iter().zip(other).filter(|(a, b)| a == b).count();
        assert!(equal(&noisy(&image, 0.1, 5), &noisy(&image, 0.1, 6)) < 100);
        // Values of an image with the same deviation that is shorter.
        let short = &image[..10_000];
        let (short, long) = (noisy(short, 0.1, 5), noisy(&image, 0.1, 5));
        assert!(short.iter().zip(&long).all(|(a, b)| (a - b).abs() < 0.01));
    }

    #[test]
    fn no_noise_and_no_deviation_change_no_bit() {
        assert_eq!(noisy(&image(), 0.0, 5), image());
        assert_eq!(noisy(&[3.5; 300], 0.1, 5), [3.5; 300]);
        assert!(noisy(&[f32::NAN; 3], 0.1, 5).iter().all(|x| x.is_nan()));
        let found = noisy(&[1.0, f32::NAN, 2.0, f32::INFINITY], 0.1, 5);
        assert_eq!([0, 1, 2, 3].map(|index: usize| found[index].is_finite()), [true, false, true, false]);
    }
}
