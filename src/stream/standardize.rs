//! The standardization of Keras' `ImageDataGenerator`.

use std::fmt;

use super::scaling::Scaling;

/// Steps of Keras' `ImageDataGenerator.standardize`, in its order, for pixel x:
///
/// 1. x = x * rescale;
/// 2. with `samplewise_center`, x = x - mean of the image;
/// 3. with `samplewise_std_normalization`, x = x / (std of the image + 1e-6);
/// 4. with `featurewise_center`, x = x - mean of the train split;
/// 5. with `featurewise_std_normalization`, x = x / (std of the train split + 1e-6).
///
/// As in Keras, what divides by a standard deviation also centers. The numbers of the train split are those of
/// rescaled pixels; of colour images, those of each channel, while those of an image are of all its channels together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StandardizeSteps {
    /// Factor of all pixels; not 0.
    pub rescale: f64,
    /// Step 2.
    pub samplewise_center: bool,
    /// Step 3.
    pub samplewise_std_normalization: bool,
    /// Step 4.
    pub featurewise_center: bool,
    /// Step 5.
    pub featurewise_std_normalization: bool,
}

impl Default for StandardizeSteps {
    /// Nothing.
    fn default() -> Self {
        Self {
            rescale: 1.0,
            samplewise_center: false,
            samplewise_std_normalization: false,
            featurewise_center: false,
            featurewise_std_normalization: false,
        }
    }
}

impl StandardizeSteps {
    pub(super) fn needs_sample(&self) -> bool {
        self.samplewise_center || self.samplewise_std_normalization
    }

    pub(super) fn needs_train(&self) -> bool {
        self.featurewise_center || self.featurewise_std_normalization
    }
}

/// [`StandardizeSteps`] with the numbers of the train split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardization {
    /// The steps.
    pub steps: StandardizeSteps,
    /// Attribute `train_mean` of `/images`; NaN where the file has none.
    pub train_mean: f64,
    /// Attribute `train_std`; NaN where the file has none.
    pub train_std: f64,
}

impl Standardization {
    /// Number that Keras adds to deviations so as not to divide by 0.
    const EPSILON: f64 = 1e-6;

    /// The steps as one function of a sample with this mean and standard deviation.
    pub(super) fn scaling(&self, [mean, std]: [f64; 2]) -> Scaling {
        let (mut factor, mut offset) = (self.steps.rescale, 0.0);
        if self.steps.needs_sample() {
            offset = mean;
        }
        if self.steps.samplewise_std_normalization {
            factor /= self.steps.rescale.abs() * std + Self::EPSILON;
        }
        if self.steps.needs_train() {
            offset += self.steps.rescale * self.train_mean / factor;
        }
        if self.steps.featurewise_std_normalization {
            factor /= self.steps.rescale.abs() * self.train_std + Self::EPSILON;
        }
        Scaling::unbounded(offset, factor)
    }
}

impl fmt::Display for StandardizeSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = [
            (self.samplewise_center, "samplewise_center"),
            (self.samplewise_std_normalization, "samplewise_std_normalization"),
            (self.featurewise_center, "featurewise_center"),
            (self.featurewise_std_normalization, "featurewise_std_normalization"),
        ];
        write!(f, "rescale={}", self.rescale)?;
        given.iter().filter(|(given, _)| *given).try_for_each(|(_, name)| write!(f, ",{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Normalization, NormalizationChoice, RowWindow};
    use super::*;
    use crate::model::PixelType;
    use crate::store::TrainFigures;

    #[test]
    fn standardizing_takes_the_steps_of_keras() {
        let values = [3.0f32, -7.0, 250.0, 12.5];
        let stored: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / 4.0;
        let std = (values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
        for bits in 0..16 {
            for rescale in [1.0, -0.25] {
                let [sample_center, sample_std, feature_center, feature_std] =
                    [1, 2, 4, 8].map(|bit| bits & bit != 0);
                let steps = StandardizeSteps {
                    rescale,
                    samplewise_center: sample_center,
                    samplewise_std_normalization: sample_std,
                    featurewise_center: feature_center,
                    featurewise_std_normalization: feature_std,
                };
                let train = TrainFigures { mean: Some(40.0), std: Some(9.0), ..TrainFigures::default() };
                let scaling = Normalization::new(NormalizationChoice::Standardize(steps), &train)
                    .scaling(PixelType::Float32, &stored, RowWindow::NONE)
                    .unwrap()
                    .unwrap();
                for value in values {
                    let mut x = f64::from(value) * rescale;
                    x -= if sample_center || sample_std { mean * rescale } else { 0.0 };
                    x /= if sample_std { std * rescale.abs() + 1e-6 } else { 1.0 };
                    x -= if feature_center || feature_std { 40.0 * rescale } else { 0.0 };
                    x /= if feature_std { 9.0 * rescale.abs() + 1e-6 } else { 1.0 };
                    let found = f64::from(scaling.apply(value));
                    assert!((found - x).abs() <= 1e-6 * x.abs().max(1.0), "{steps:?}: {found}, not {x}");
                }
            }
        }
        let check = |featurewise_center| {
            let steps = StandardizeSteps {
                rescale: 0.5,
                samplewise_center: true,
                samplewise_std_normalization: false,
                featurewise_center,
                featurewise_std_normalization: false,
            };
            let choice = NormalizationChoice::Standardize(steps);
            Normalization::new(choice, &TrainFigures::default()).check()
        };
        assert!(check(true).is_err());
        assert_eq!(check(false), Ok(()));
    }
}
