//! Image and mask moved in one pass.

mod linear;
mod mask;
mod nearest;
mod options;
mod source;
mod spline;
#[cfg(test)]
mod tests;
mod whole;

use self::mask::MaskSource;
use self::source::SourceImage;
use self::spline::Spline;
use self::whole::{PixelGrid, WholeCopy};
use super::affine::WholePixels;
use super::coordinates::{Coordinates, Curve, StraightRow};
use super::elastic::ElasticField;
use super::{Affine, ElasticParams, FillMode, GeometryParams};

pub use self::options::{Interpolation, InterpolationError, ResampleOptions};
pub(super) use self::spline::weights as spline_weights;

/// The sizes of what is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResampleShape {
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Rows and columns of the output.
    pub output: [usize; 2],
    /// Channels of the image, C.
    pub channels: usize,
    /// Planes of the mask, K; 0 where there is no mask.
    pub planes: usize,
}

/// An image (H, W, C) and its mask (H, W, K), row-major.
#[derive(Debug, Clone, Copy)]
pub struct ImageAndMask<'a> {
    /// The numbers of the image.
    pub image: &'a [f32],
    /// The mask, 0 or 1.
    pub mask: &'a [u8],
}

/// Destination of an [`ImageAndMask`].
#[derive(Debug)]
pub struct ImageAndMaskMut<'a> {
    /// The numbers of the image.
    pub image: &'a mut [f32],
    /// The mask.
    pub mask: &'a mut [u8],
}

/// Moves images and their masks.
///
/// Each pixel of the output is looked up once in the input, at the place that all of the geometry together leads
/// to; image and mask look at the same place. Places have a resolution of 2^-32 pixel, and those farther
/// than 2^28 pixels away are clamped.
///
/// # Exactness
/// Flips, turns by 90 degrees and shifts by whole pixels copy pixels bit by bit, whatever the interpolation.
/// Everything else agrees with `scipy.ndimage.affine_transform` in binary64 to about 1e-6 of the range of the
/// pixels. A pixel that is no number stays where it is: linear interpolation takes it one pixel farther, and cubic
/// splines, where scipy would have it take the whole image, 15 pixels.
///
/// # Masks
/// The nearest pixel, the later one halfway between two; 0 outside, which begins, as with
/// [`FillMode::Constant`], beyond the centers of the border pixels. Moving commutes with a threshold where the
/// image is interpolated by [`Interpolation::Nearest`].
///
/// After the first samples of each kind, nothing is allocated.
#[derive(Debug, Clone)]
pub struct Resampler {
    options: ResampleOptions,
    shape: ResampleShape,
    whole: WholeCopy,
    spline: Spline,
    field: ElasticField,
    curve: Curve,
    any: Vec<u8>,
}

impl Resampler {
    /// For samples of one shape.
    ///
    /// # Panics
    /// Where a side is 0 or above 65,535, or where there is no channel.
    #[must_use]
    pub fn new(options: ResampleOptions, shape: ResampleShape) -> Self {
        let sides = [shape.input, shape.output];
        assert!(sides.as_flattened().iter().all(|side| (1..=65_535).contains(side)), "a side of {shape:?}");
        assert!(shape.channels > 0, "an image has at least one channel");
        Self {
            options,
            shape,
            whole: WholeCopy::default(),
            spline: Spline::default(),
            field: ElasticField::default(),
            curve: Curve::default(),
            any: Vec::new(),
        }
    }

    /// True if the output has as many rows and columns as the input.
    pub(in crate::augment) fn keeps_shape(&self) -> bool {
        self.shape.input == self.shape.output
    }

    /// Writes what `params` make of `input` to `output`.
    ///
    /// # Panics
    /// Where a slice has not the length that the shape says.
    pub fn apply(&mut self, params: &GeometryParams, input: ImageAndMask<'_>, output: ImageAndMaskMut<'_>) {
        self.resample(&Affine::new(params, self.shape.input), params.elastic.as_ref(), input, output);
    }

    /// Writes `input` to `output`, where a pixel of the output is displaced by `elastic` first and then taken to
    /// the input by `map`.
    ///
    /// # Panics
    /// Where a slice has not the length that the shape says.
    pub fn resample(
        &mut self,
        map: &Affine,
        elastic: Option<&ElasticParams>,
        input: ImageAndMask<'_>,
        output: ImageAndMaskMut<'_>,
    ) {
        let ResampleShape { input: from, output: to, channels, planes } = self.shape;
        assert_eq!(input.image.len(), from[0] * from[1] * channels, "the numbers of the image");
        assert_eq!(input.mask.len(), from[0] * from[1] * planes, "the pixels of the mask");
        assert_eq!(output.image.len(), to[0] * to[1] * channels, "the numbers of the new image");
        assert_eq!(output.mask.len(), to[0] * to[1] * planes, "the pixels of the new mask");
        let elastic = elastic.filter(|elastic| elastic.alpha != 0.0);
        match (map.whole_pixels(), elastic) {
            (Some(whole), None) => self.copy(&whole, input, output),
            (_, elastic) => self.interpolate(map, elastic, input, output),
        }
    }

    fn copy(&mut self, map: &WholePixels, input: ImageAndMask<'_>, output: ImageAndMaskMut<'_>) {
        let ResampleShape { input: from, output: to, channels, planes } = self.shape;
        self.whole.plan(map, self.options.fill_mode, from, to);
        let image = PixelGrid { numbers: input.image, depth: channels, outside: self.options.cval };
        self.whole.copy(&image, output.image);
        if self.options.fill_mode != FillMode::Constant {
            self.whole.plan(map, FillMode::Constant, from, to);
        }
        self.whole.copy(&PixelGrid { numbers: input.mask, depth: planes, outside: 0 }, output.mask);
    }

    fn interpolate(
        &mut self,
        map: &Affine,
        elastic: Option<&ElasticParams>,
        input: ImageAndMask<'_>,
        output: ImageAndMaskMut<'_>,
    ) {
        let ResampleShape { input: from, output: to, channels, planes } = self.shape;
        let source = SourceImage::new(input.image, from, channels, &self.options);
        if self.options.interpolation == Interpolation::Cubic {
            self.spline.fit(&source);
        }
        if let Some(elastic) = elastic {
            self.field.draw(elastic, to);
        }
        output.mask.fill(0);
        let mask = MaskSource::new(input.mask, from, planes, &mut self.any);
        for (row, image) in output.image.chunks_exact_mut(to[1] * channels).enumerate() {
            let line = StraightRow::new(map, row, to[1]);
            let mask_row = &mut output.mask[row * to[1] * planes..][..to[1] * planes];
            let out = ImageAndMaskMut { image, mask: mask_row };
            if elastic.is_some() {
                self.curve.displace(&line, map, self.field.row(row));
                self.fill_row(&source, mask.as_ref(), &self.curve, out);
            } else {
                self.fill_row(&source, mask.as_ref(), &line, out);
            }
        }
    }

    fn fill_row(
        &self,
        source: &SourceImage<'_>,
        mask: Option<&MaskSource<'_>>,
        places: &impl Coordinates,
        out: ImageAndMaskMut<'_>,
    ) {
        match self.options.interpolation {
            Interpolation::Nearest => nearest::fill_row(source, places, out.image),
            Interpolation::Linear => linear::fill_row(source, places, out.image),
            Interpolation::Cubic => self.spline.fill_row(source, places, out.image),
        }
        if let Some(mask) = mask {
            mask.fill_row(places, out.mask);
        }
    }
}
