//! All that happens to a sample.

use super::intensities::IntensityTransform;
use super::params::{AugmentParams, GeometryParams};
use super::resample::{ImageAndMask, ImageAndMaskMut, ResampleOptions, ResampleShape, Resampler};
use super::spec::AugmentSpec;

/// Does to samples of one shape what was drawn for them.
///
/// What comes out depends on the parameters and on what comes in, and not on what was done before. After the first
/// samples of each kind, nothing is allocated.
///
/// ```
/// use dicomprep::augment::{AugmentSpec, Augmenter, DrawKey, ImageAndMask, ImageAndMaskMut, Preset, draw};
///
/// let spec = AugmentSpec::preset(Preset::Cardiac);
/// let mut augmenter = Augmenter::new(&spec, [16, 16], 1, 1);
/// let (image, mask) = (vec![700.0; 256], vec![1; 256]);
/// let (mut new_image, mut new_mask) = (vec![0.0; 256], vec![0; 256]);
/// let params = draw(&spec, DrawKey { seed: 0, epoch: 0, row: 0 }, [16, 16]);
/// augmenter.apply(
///     &params,
///     ImageAndMask { image: &image, mask: &mask },
///     ImageAndMaskMut { image: &mut new_image, mask: &mut new_mask },
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Augmenter {
    resampler: Resampler,
    intensities: IntensityTransform,
}

impl Augmenter {
    /// For images of `shape`, height and width, with `channels` channels and masks of `planes` planes, 0 where
    /// there are no masks. Of `spec`, what is not drawn is taken: how images are interpolated, what they have
    /// outside, and the shape of the output, [`AugmentSpec::output_shape`].
    ///
    /// # Panics
    /// Where a side is 0 or above 65,535, or where there is no channel.
    #[must_use]
    pub fn new(spec: &AugmentSpec, shape: [usize; 2], channels: usize, planes: usize) -> Self {
        let output = spec.output_shape(shape);
        let options = ResampleOptions {
            interpolation: spec.interpolation_order,
            fill_mode: spec.fill_mode,
            cval: spec.cval as f32,
        };
        Self {
            resampler: Resampler::new(options, ResampleShape { input: shape, output, channels, planes }),
            intensities: IntensityTransform::new(output, channels),
        }
    }

    /// Writes to `output` what `params` make of `input`: see [the order](super#order).
    ///
    /// # Panics
    /// Where a slice has not the length that the shapes say.
    pub fn apply(&mut self, params: &AugmentParams, input: ImageAndMask<'_>, output: ImageAndMaskMut<'_>) {
        let ImageAndMaskMut { image, mask } = output;
        self.resampler.apply(&params.geometry, input, ImageAndMaskMut { image: &mut *image, mask });
        self.intensities.apply(params, image);
    }

    /// True if `params` leave every pixel where it is.
    pub(crate) fn moves_nothing(&self, params: &AugmentParams) -> bool {
        self.resampler.keeps_shape() && params.geometry == GeometryParams::default()
    }

    /// Makes of `image` what [`Augmenter::apply`] makes of it where [nothing moves](Augmenter::moves_nothing).
    ///
    /// # Panics
    /// Where it has not the length that the shape says.
    pub(crate) fn change_values(&mut self, params: &AugmentParams, image: &mut [f32]) {
        self.intensities.apply(params, image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{DrawKey, draw};

    #[test]
    fn values_change_in_place_as_they_do_elsewhere() {
        let spec = AugmentSpec::from_toml(
            "rotation_range = 90\n[blur]\nprobability = 1\nsigma = [0.5, 1]\n[low_resolution]\nprobability = 1\n\
             scale = [0.5, 1]\n[bias_field]\nprobability = 1\ncoefficients = [-0.3, 0.3]\n",
        )
        .unwrap();
        let image: Vec<f32> = (0..20 * 30).map(|index| (index * 37 % 101) as f32).collect();
        let mut augmenter = Augmenter::new(&spec, [20, 30], 1, 0);
        let rotated = draw(&spec, DrawKey { seed: 1, epoch: 2, row: 3 }, [20, 30]);
        assert!(!augmenter.moves_nothing(&rotated));
        let still = AugmentParams { geometry: GeometryParams::default(), ..rotated };
        assert!(augmenter.moves_nothing(&still));
        let (mut apart, mut in_place) = (vec![0.0; image.len()], image.clone());
        let input = ImageAndMask { image: &image, mask: &[] };
        augmenter.apply(&still, input, ImageAndMaskMut { image: &mut apart, mask: &mut [] });
        augmenter.change_values(&still, &mut in_place);
        assert_eq!(apart, in_place);
        assert_ne!(apart, image);
        let cropped = AugmentSpec { size: Some([10, 10]), ..spec };
        assert!(!Augmenter::new(&cropped, [20, 30], 1, 0).moves_nothing(&still));
    }
}
