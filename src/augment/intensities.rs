//! All that happens to the values of an image, in order.

use super::bias_field::bias_field;
use super::blur::{BlurScratch, blur};
use super::intensity::{brightness, channel_shift, contrast, gain, gamma, inverted_gamma};
use super::low_resolution::{LowResolutionScratch, low_resolution};
use super::noise::noise;
use super::params::AugmentParams;

/// Changes the values of images of one shape.
#[derive(Debug, Clone)]
pub(super) struct IntensityTransform {
    shape: [usize; 2],
    channels: usize,
    fields: Vec<f32>,
    blur: BlurScratch,
    low_resolution: LowResolutionScratch,
}

impl IntensityTransform {
    pub(super) fn new(shape: [usize; 2], channels: usize) -> Self {
        Self {
            shape,
            channels,
            fields: Vec::new(),
            blur: BlurScratch::default(),
            low_resolution: LowResolutionScratch::default(),
        }
    }

    /// Changes `image`, of the shape given before, in place. The order is part of what comes out.
    pub(super) fn apply(&mut self, params: &AugmentParams, image: &mut [f32]) {
        let Self { shape, channels, .. } = *self;
        if let Some(intensity) = params.channel_shift {
            channel_shift(image, intensity);
        }
        if let Some(factor) = params.brightness {
            brightness(image, factor);
        }
        if let Some(params) = &params.bias_field {
            bias_field(image, shape, channels, params, &mut self.fields);
        }
        if let Some(params) = &params.noise {
            noise(image, params);
        }
        if let Some(sigma) = params.blur {
            blur(image, shape, channels, sigma, &mut self.blur);
        }
        if let Some(factor) = params.gain {
            gain(image, factor);
        }
        if let Some(factor) = params.contrast {
            contrast(image, factor);
        }
        if let Some(scale) = params.low_resolution {
            low_resolution(image, shape, channels, scale, &mut self.low_resolution);
        }
        if let Some(exponent) = params.inverted_gamma {
            inverted_gamma(image, exponent);
        }
        if let Some(exponent) = params.gamma {
            gamma(image, exponent);
        }
    }
}
