//! Centering before whitening.

/// y = x * rescale - mean, in binary64, rounded once: Keras' `rescale` and `featurewise_center`, which its
/// `zca_whitening` always switches on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Centering {
    /// The factor; 1 where nothing is rescaled.
    pub rescale: f64,
    /// The mean over the pixels of the train split after rescaling.
    pub mean: f64,
}

impl Centering {
    /// Rescales and centres the numbers of images.
    pub fn apply(self, images: &mut [f32]) {
        for number in images {
            *number = (f64::from(*number) * self.rescale - self.mean) as f32;
        }
    }
}
