//! Normalization of the values of an image.

use std::fmt;

use super::scaling::Scaling;
use super::standardize::{Standardization, StandardizeSteps};
use super::{ConvertError, RowWindow};
use crate::model::{PixelType, VoiLutFunction, choice};
use crate::store::{ChannelFigures, ChannelStatistics, TrainFigures};

/// Normalization: pixel x becomes the number y that leaves.
///
/// y is computed in binary64 and rounded once, to float32; float16 is that, rounded again. NaN stays NaN.
/// Infinite pixels, which only float32 images can have, are what the formula makes of them, so NaN where
/// they would be multiplied by 0; no statistics count them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Normalization {
    /// `none`: y = x, the value in the file.
    #[default]
    None,
    /// `zscore`: y = (x - mean) / std, with the numbers of the train split, so mean 0 and deviation 1 over
    /// its pixels; of colour images, with those of each channel. Where std is 0, y = x - mean.
    ZScore {
        /// Attribute `train_mean` of `/images`; NaN where the file has none.
        mean: f64,
        /// Attribute `train_std`, the population standard deviation; NaN where the file has none.
        std: f64,
    },
    /// `sample-zscore`: y = (x - mean) / std, with mean and population standard deviation (the sum of squares
    /// divided by the number of pixels, as numpy's `std`) of the finite pixels of the image itself, of all
    /// its channels together. Where std is 0, y = x - mean, which is 0 for all of them. Where no pixel is
    /// finite, y is NaN.
    SampleZScore,
    /// `minmax`: y = (x - min) / (max - min), so 0 to 1 over the train split; what lies outside its extremes
    /// is not clipped. Where max = min, y = 0. Of colour images, with the numbers of each channel.
    MinMax {
        /// Attribute `train_min` of `/images`; NaN where the file has none.
        min: f64,
        /// Attribute `train_max`; NaN where the file has none.
        max: f64,
    },
    /// `window`: the linear function of PS3.3 C.11.2.1.2.1 with output from 0 to 1. With center c and width w:
    ///
    /// ```text
    /// y = 0                              where x <= c - 0.5 - (w - 1) / 2
    /// y = 1                              where x >  c - 0.5 + (w - 1) / 2
    /// y = (x - (c - 0.5)) / (w - 1) + 0.5   elsewhere
    /// ```
    ///
    /// The width is at least 1; with width 1, y is 0 up to c - 0.5 and 1 above.
    ///
    /// A row's own window maps by its own VOI LUT Function, `samples/window_function`. LINEAR_EXACT (PS3.3 C.11.2.1.3.2)
    /// is (x - c) / w + 0.5, clipped to 0 to 1; SIGMOID (PS3.3 C.11.2.1.3.1) is 1 / (1 + exp(-4 (x - c) / w)). Their
    /// width is above 0.
    Window(
        /// Center and width for all images; `None` takes each row's own, `samples/window`.
        Option<(f64, f64)>,
    ),
    /// `percentile`: y = (x - low) / (high - low), clipped to 0 to 1. Where high = low, y = 0. Of colour images, with the
    /// numbers of each channel.
    Percentile {
        /// The first of `train_percentiles` of `/images`, at 0.5 per cent; NaN where the file has none.
        low: f64,
        /// The last, at 99.5 per cent; NaN where the file has none.
        high: f64,
    },
    /// Standardization of Keras' `ImageDataGenerator`.
    Standardize(Standardization),
}

/// A [`Normalization`] for each channel of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelNormalization {
    /// Of images of one channel; of colour images, what is not by channel.
    all: Normalization,
    /// Of red, green and blue.
    channels: Option<[Normalization; 3]>,
}

impl From<Normalization> for ChannelNormalization {
    fn from(all: Normalization) -> Self {
        Self { all, channels: None }
    }
}

impl ChannelNormalization {
    /// Normalization by `choice` with the numbers of `train`: with those of each channel where there are three.
    #[must_use]
    pub fn new(choice: NormalizationChoice, train: &TrainFigures) -> Self {
        let all = Normalization::new(choice, train);
        let of_channel = |figures: ChannelFigures| {
            let ChannelFigures { mean, std, min, max, outer_percentiles } = figures;
            Normalization::new(
                choice,
                &TrainFigures { mean, std, min, max, outer_percentiles, channels: None },
            )
        };
        Self { all, channels: train.channels.map(|channels| channels.map(of_channel)) }
    }

    /// The name and the needs that all channels have in common.
    #[must_use]
    pub fn common(self) -> Normalization {
        self.all
    }

    /// True where channels differ.
    pub(super) fn is_by_channel(self) -> bool {
        self.channels.is_some_and(|channels| channels != [channels[0]; 3])
    }

    /// As [`Normalization::check`].
    pub(super) fn check(self) -> Result<(), ConvertError> {
        self.all.check()?;
        self.channels.into_iter().flatten().try_for_each(Normalization::check)
    }

    /// As [`Normalization::scaling`], for each channel.
    pub(super) fn scaling(
        self,
        pixel_type: PixelType,
        stored: &[u8],
        row_window: RowWindow,
    ) -> Result<Option<ChannelScaling>, ConvertError> {
        let of = |normalization: Normalization| normalization.scaling(pixel_type, stored, row_window);
        let Some(channels) = self.channels.filter(|_| self.is_by_channel()) else {
            return Ok(of(self.all)?.map(ChannelScaling::All));
        };
        let [red, green, blue] = channels.map(of);
        Ok(red?.zip(green?).zip(blue?).map(|((red, green), blue)| ChannelScaling::Each([red, green, blue])))
    }
}

/// A [`Scaling`] of all channels, or of red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ChannelScaling {
    All(Scaling),
    Each([Scaling; 3]),
}

/// A [`Normalization`] that is asked for, without the numbers of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NormalizationChoice {
    /// The one of this name.
    Named(NormalizationName),
    /// [`Normalization::Window`] with this center and width; `None` takes each row's own.
    Window(Option<(f64, f64)>),
    /// [`Normalization::Standardize`].
    Standardize(StandardizeSteps),
}

/// The name of a [`Normalization`], without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NormalizationName {
    /// [`Normalization::None`].
    #[default]
    None,
    /// [`Normalization::ZScore`].
    ZScore,
    /// [`Normalization::SampleZScore`].
    SampleZScore,
    /// [`Normalization::MinMax`].
    MinMax,
    /// [`Normalization::Window`].
    Window,
    /// [`Normalization::Percentile`].
    Percentile,
}

choice!(NormalizationName {
    None => "none",
    ZScore => "zscore",
    SampleZScore => "sample-zscore",
    MinMax => "minmax",
    Window => "window",
    Percentile => "percentile",
});

impl Normalization {
    /// The normalization of `choice` with the numbers of `train`.
    #[must_use]
    pub fn new(choice: NormalizationChoice, train: &TrainFigures) -> Self {
        let known = |figure: Option<f64>| figure.unwrap_or(f64::NAN);
        let (mean, std) = (known(train.mean), known(train.std));
        match choice {
            NormalizationChoice::Standardize(steps) => {
                Self::Standardize(Standardization { steps, train_mean: mean, train_std: std })
            }
            NormalizationChoice::Window(window) => Self::Window(window),
            NormalizationChoice::Named(name) => match name {
                NormalizationName::None => Self::None,
                NormalizationName::ZScore => Self::ZScore { mean, std },
                NormalizationName::SampleZScore => Self::SampleZScore,
                NormalizationName::MinMax => Self::MinMax { min: known(train.min), max: known(train.max) },
                NormalizationName::Window => Self::Window(None),
                NormalizationName::Percentile => {
                    let [low, high] = train.outer_percentiles.unwrap_or([f64::NAN; 2]);
                    Self::Percentile { low, high }
                }
            },
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let name = match self {
            Self::None => NormalizationName::None,
            Self::ZScore { .. } => NormalizationName::ZScore,
            Self::SampleZScore => NormalizationName::SampleZScore,
            Self::MinMax { .. } => NormalizationName::MinMax,
            Self::Window(_) => NormalizationName::Window,
            Self::Percentile { .. } => NormalizationName::Percentile,
            Self::Standardize(_) => return "standardize",
        };
        name.name()
    }

    /// True if each row's own window is needed.
    #[must_use]
    pub fn needs_row_window(self) -> bool {
        self == Self::Window(None)
    }

    /// True if it depends on all pixels of a sample.
    pub(super) fn needs_sample(self) -> bool {
        match self {
            Self::Standardize(standardization) => standardization.steps.needs_sample(),
            _ => self == Self::SampleZScore,
        }
    }

    /// True if its own numbers, those that no sample gives, are there and make sense.
    pub(super) fn check(self) -> Result<(), ConvertError> {
        match self {
            Self::None | Self::SampleZScore | Self::Window(None) => Ok(()),
            Self::Window(Some((center, width))) => Scaling::window(center, width).map(|_| ()),
            Self::Standardize(standardization) if !standardization.steps.needs_train() => Ok(()),
            Self::Standardize(Standardization { train_mean: a, train_std: b, .. })
            | Self::ZScore { mean: a, std: b }
            | Self::MinMax { min: a, max: b }
            | Self::Percentile { low: a, high: b } => {
                let known = a.is_finite() && b.is_finite();
                known.then_some(()).ok_or(ConvertError::NoTrainStatistics { normalization: self.name() })
            }
        }
    }

    /// The scaling of one sample: `stored` are its pixels as in the file, which only those look at that
    /// [`Normalization::needs_sample`] names, `row_window` its `samples/window`.
    /// `None` leaves the pixels as they are.
    pub(super) fn scaling(
        self,
        pixel_type: PixelType,
        stored: &[u8],
        row_window: RowWindow,
    ) -> Result<Option<Scaling>, ConvertError> {
        Ok(Some(match self {
            Self::None => return Ok(None),
            Self::ZScore { mean, std } => Scaling::z_score(mean, std),
            Self::Standardize(standardization) if standardization.steps.needs_sample() => {
                let sample = ChannelStatistics::of_le_bytes(pixel_type, stored);
                standardization.scaling([sample.mean(), sample.std()])
            }
            Self::Standardize(standardization) => standardization.scaling([0.0, 0.0]),
            Self::SampleZScore => {
                let sample = ChannelStatistics::of_le_bytes(pixel_type, stored);
                Scaling::z_score(sample.mean(), sample.std())
            }
            Self::MinMax { min, max } => Scaling::range(min, max),
            Self::Percentile { low, high } => Scaling::range(low, high).clipped(),
            Self::Window(Some((center, width))) => Scaling::window(center, width)?,
            Self::Window(None) => {
                let [center, width] = [row_window.center, row_window.width].map(f64::from);
                if center.is_nan() || width.is_nan() {
                    return Err(ConvertError::NoWindow);
                }
                match row_window.function {
                    VoiLutFunction::Linear => Scaling::window(center, width)?,
                    VoiLutFunction::LinearExact => Scaling::exact_window(center, width)?,
                    VoiLutFunction::Sigmoid => Scaling::sigmoid(center, width)?,
                }
            }
        }))
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standardize(Standardization { steps, .. }) => steps.fmt(f),
            _ => f.write_str(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `normalization` makes of `pixel`, with a row's window of (0, 100).
    fn apply(normalization: Normalization, pixel: f32) -> f32 {
        apply_window(normalization, VoiLutFunction::Linear, pixel)
    }

    fn apply_window(normalization: Normalization, function: VoiLutFunction, pixel: f32) -> f32 {
        let window = RowWindow { center: 0.0, width: 100.0, function };
        let scaling = normalization.scaling(PixelType::Float32, &pixel.to_le_bytes(), window);
        let scaling = scaling.unwrap().unwrap();
        if scaling.is_logistic() { scaling.apply_logistic(pixel) } else { scaling.apply(pixel) }
    }

    /// Compares what leaves with `reference`, rounded to float32, for every value of 16 bits, signed and
    /// unsigned. At most one unit in the last place may lie between them.
    fn compare(normalization: Normalization, reference: impl Fn(f64) -> f64) {
        for value in -32_768..65_536 {
            let found = apply(normalization, value as f32);
            let expected = reference(f64::from(value)) as f32;
            assert!(
                found == expected || found == expected.next_up() || found == expected.next_down(),
                "{normalization:?} of {value} is {found}, not {expected}"
            );
        }
    }

    #[test]
    fn every_integer_is_scaled_as_in_binary64() {
        for (a, b) in [(32_000.0, 1.0), (-31_999.9, 0.37), (812.345_678_9, 301.234_567), (0.1, 40_000.0)] {
            compare(Normalization::ZScore { mean: a, std: b }, |x| (x - a) / b);
            compare(Normalization::MinMax { min: a, max: a + b }, |x| (x - a) / (a + b - a));
            let percentile = Normalization::Percentile { low: a, high: a + b };
            compare(percentile, |x| ((x - a) / (a + b - a)).clamp(0.0, 1.0));
        }
    }

    /// PS3.3 C.11.2.1.2.1, literally.
    fn standard_window(x: f64, c: f64, w: f64) -> f64 {
        if x <= c - 0.5 - (w - 1.0) / 2.0 {
            0.0
        } else if x > c - 0.5 + (w - 1.0) / 2.0 {
            1.0
        } else {
            (x - (c - 0.5)) / (w - 1.0) + 0.5
        }
    }

    #[test]
    fn every_integer_is_windowed_as_the_standard_says() {
        // The first four are the examples of the standard.
        let windows = [(2048.0, 4096.0), (2048.0, 1.0), (0.0, 100.0), (0.0, 1.0)];
        for (c, w) in windows.into_iter().chain([(40.0, 400.0), (-600.25, 1500.5), (0.5, 1.0), (7.0, 1.001)])
        {
            compare(Normalization::Window(Some((c, w))), |x| standard_window(x, c, w));
        }
        compare(Normalization::Window(None), |x| standard_window(x, 0.0, 100.0));
    }

    #[test]
    fn every_integer_goes_through_the_functions_of_the_standard() {
        for value in -32_768..65_536 {
            let x = f64::from(value);
            let of = |function| apply_window(Normalization::Window(None), function, value as f32);
            let exact = (x / 100.0 + 0.5).clamp(0.0, 1.0) as f32;
            assert_eq!(of(VoiLutFunction::LinearExact), exact, "{value}");
            let sigmoid = 1.0 / (1.0 + (-4.0 * x / 100.0).exp());
            let found = f64::from(of(VoiLutFunction::Sigmoid));
            // Below the smallest float32 there is 0.
            assert!(
                (found - sigmoid).abs() <= 1e-7 * sigmoid + f64::from(f32::MIN_POSITIVE),
                "{value}: {found}, not {sigmoid}"
            );
        }
    }

    #[test]
    fn the_edges_of_a_window_are_exact() {
        let window = |center, width, pixel| apply(Normalization::Window(Some((center, width))), pixel);
        assert_eq!([-50.0, 49.0, 50.0].map(|pixel| window(0.0, 100.0, pixel)), [0.0, 1.0, 1.0]);
        assert!(window(0.0, 100.0, -49.99) > 0.0 && window(0.0, 100.0, 48.99) < 1.0);
        let step = [2047.5f32.next_down(), 2047.5, 2047.5f32.next_up()];
        assert_eq!(step.map(|pixel| window(2048.0, 1.0, pixel)), [0.0, 0.0, 1.0]);
        assert_eq!(window(0.5, 1.0, 1e-45), 1.0);
    }

    #[test]
    fn no_spread_divides_by_nothing() {
        let z_score = Normalization::ZScore { mean: 5.0, std: 0.0 };
        assert_eq!([4.0, 5.0, 7.0].map(|pixel| apply(z_score, pixel)), [-1.0, 0.0, 2.0]);
        for range in
            [Normalization::MinMax { min: 5.0, max: 5.0 }, Normalization::Percentile { low: 5.0, high: 5.0 }]
        {
            assert_eq!([4.0, 5.0, 7.0].map(|pixel| apply(range, pixel)), [0.0; 3]);
        }
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        let z_score = Normalization::ZScore { mean: 5.0, std: 2.0 };
        let percentile = Normalization::Percentile { low: 5.0, high: 7.0 };
        assert_eq!(apply(z_score, f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert_eq!([f32::NEG_INFINITY, f32::INFINITY].map(|pixel| apply(percentile, pixel)), [0.0, 1.0]);
        for normalization in [z_score, percentile, Normalization::Window(Some((0.0, 1.0)))] {
            assert!(apply(normalization, f32::NAN).is_nan());
        }
    }

    #[test]
    fn a_sample_is_scaled_by_its_own_finite_pixels() {
        let sample = |values: &[f32]| {
            let stored: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let scaling = Normalization::SampleZScore.scaling(PixelType::Float32, &stored, RowWindow::NONE);
            let scaling = scaling.unwrap().unwrap();
            values.iter().map(|&value| scaling.apply(value)).collect::<Vec<_>>()
        };
        assert_eq!(sample(&[1e6, 1e6 + 4.0, f32::INFINITY]), [-1.0, 1.0, f32::INFINITY]);
        assert_eq!(sample(&[0.1; 77]), [0.0; 77]);
        assert!(sample(&[f32::NAN, f32::INFINITY]).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn numbers_that_are_missing_or_wrong_are_named() {
        let error = |normalization: Normalization| normalization.check().unwrap_err().to_string();
        for normalization in [
            Normalization::ZScore { mean: f64::NAN, std: f64::NAN },
            Normalization::MinMax { min: 0.0, max: f64::NAN },
            Normalization::Percentile { low: f64::NAN, high: 1.0 },
        ] {
            let message = error(normalization);
            assert!(message.contains(normalization.name()) && message.contains("the file has none"));
        }
        for window in [(0.0, 0.99), (0.0, -5.0), (f64::NAN, 10.0), (0.0, f64::INFINITY)] {
            assert!(error(Normalization::Window(Some(window))).contains("at least 1"), "{window:?}");
        }
        assert_eq!(Normalization::Window(Some((0.0, 1.0))).check(), Ok(()));
    }

    #[test]
    fn a_row_without_a_window_is_an_error() {
        let of_row = |center, width, function| {
            let window = RowWindow { center, width, function };
            Normalization::Window(None).scaling(PixelType::UInt8, &[0], window)
        };
        for function in VoiLutFunction::ALL {
            assert_eq!(of_row(f32::NAN, 100.0, function), Err(ConvertError::NoWindow));
            assert_eq!(of_row(40.0, f32::NAN, function), Err(ConvertError::NoWindow));
        }
        let error = of_row(40.0, 0.5, VoiLutFunction::Linear);
        assert_eq!(error, Err(ConvertError::BadWindow { center: 40.0, width: 0.5 }));
        for function in [VoiLutFunction::LinearExact, VoiLutFunction::Sigmoid] {
            assert!(of_row(40.0, 0.5, function).is_ok());
            let error = of_row(40.0, 0.0, function);
            assert_eq!(error, Err(ConvertError::BadFunctionWindow { center: 40.0, width: 0.0 }));
        }
    }
}
