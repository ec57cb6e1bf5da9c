//! Validation of random ranges.

use super::error::AugmentError;
use super::operation_spec::{ElasticSpec, GammaSpec, MirrorSpec};
use super::range::{Range, ShiftRange};
use super::spec::AugmentSpec;

type Checked = Result<(), AugmentError>;

/// Numbers a field accepts, in words and as a test that fails for NaN.
struct Allowed(&'static str, fn(f64) -> bool);

const PROBABILITY: Allowed = Allowed("a probability is from 0 to 1", |value| (0.0..=1.0).contains(&value));
// Pixels are binary32, and so are the numbers that they are computed with.
const LARGEST: f64 = f32::MAX as f64;
const FINITE: Allowed = Allowed("it must be finite in float32", |value| value.abs() <= LARGEST);
const FROM_ZERO: Allowed =
    Allowed("it must be finite in float32 and not less than 0", |value| (0.0..=LARGEST).contains(&value));
const ABOVE_ZERO: Allowed =
    Allowed("it must be finite in float32 and more than 0", |value| value > 0.0 && value <= LARGEST);
// What pixels of any type are multiplied by, and float32 holds.
const FACTOR: Allowed = Allowed("it must be from 0 to 1000", |value| (0.0..=1000.0).contains(&value));
const PIXELS: Allowed =
    Allowed("it must be from 0 to 65535 pixels", |value| (0.0..=65_535.0).contains(&value));
const SIDE: Allowed =
    Allowed("a side has 1 to 65535 pixels", |value| (1.0..=f64::from(u16::MAX)).contains(&value));
const COEFFICIENT: Allowed = Allowed("it must be from -5 to 5", |value| (-5.0..=5.0).contains(&value));
const BLUR: Allowed = Allowed("it must be from 0 to 64", |value| (0.0..=64.0).contains(&value));
const SCALE: Allowed = Allowed("it must be more than 0 and at most 1", |value| value > 0.0 && value <= 1.0);

fn number(field: &'static str, value: f64, Allowed(allowed, test): Allowed) -> Checked {
    if test(value) { Ok(()) } else { Err(AugmentError::NotAllowed { field, value, allowed }) }
}

fn range(field: &'static str, Range { low, high }: Range, Allowed(allowed, test): Allowed) -> Checked {
    number(field, low, Allowed(allowed, test))?;
    number(field, high, Allowed(allowed, test))?;
    if low <= high { Ok(()) } else { Err(AugmentError::Reversed { field, low, high }) }
}

fn shift(field: &'static str, shift: &ShiftRange) -> Checked {
    match shift {
        ShiftRange::Whole(count) => number(field, *count as f64, FROM_ZERO),
        ShiftRange::Real(limit) => number(field, *limit, FROM_ZERO),
        ShiftRange::Choice(list) => list.iter().try_for_each(|value| number(field, *value, FINITE)),
    }
}

impl AugmentSpec {
    /// Checks all fields.
    ///
    /// # Errors
    /// [`AugmentError`], with the first field that does not.
    pub fn check(&self) -> Checked {
        self.check_affine()?;
        number("cval", self.cval, FINITE)?;
        for side in self.size.iter().flatten() {
            number("size", *side as f64, SIDE)?;
        }
        self.elastic.as_ref().map_or(Ok(()), elastic)?;
        self.mirror.as_ref().map_or(Ok(()), |mirror| self.check_mirror(mirror))?;
        if let Some(turns) = &self.quarter_turns {
            number("quarter_turns.probability", turns.probability, PROBABILITY)?;
        }
        self.check_intensity()
    }

    fn check_affine(&self) -> Checked {
        number("rotation_range", self.rotation_range, FROM_ZERO)?;
        number("rotation_probability", self.rotation_probability, PROBABILITY)?;
        shift("width_shift_range", &self.width_shift_range)?;
        shift("height_shift_range", &self.height_shift_range)?;
        number("shift_probability", self.shift_probability, PROBABILITY)?;
        number("shear_range", self.shear_range, FROM_ZERO)?;
        number("shear_probability", self.shear_probability, PROBABILITY)?;
        range("zoom_range", self.zoom_range, ABOVE_ZERO)?;
        number("zoom_probability", self.zoom_probability, PROBABILITY)
    }

    fn check_mirror(&self, mirror: &MirrorSpec) -> Checked {
        number("mirror.horizontal", mirror.horizontal, PROBABILITY)?;
        number("mirror.vertical", mirror.vertical, PROBABILITY)?;
        if self.horizontal_flip && mirror.horizontal > 0.0 {
            return Err(AugmentError::Twice { field: "horizontal_flip", other: "mirror.horizontal" });
        }
        if self.vertical_flip && mirror.vertical > 0.0 {
            return Err(AugmentError::Twice { field: "vertical_flip", other: "mirror.vertical" });
        }
        Ok(())
    }

    fn check_intensity(&self) -> Checked {
        number("channel_shift_range", self.channel_shift_range, FROM_ZERO)?;
        if let Some(brightness) = self.brightness_range {
            range("brightness_range", brightness, FROM_ZERO)?;
        }
        if let Some(bias) = &self.bias_field {
            number("bias_field.probability", bias.probability, PROBABILITY)?;
            range("bias_field.coefficients", bias.coefficients, COEFFICIENT)?;
        }
        if let Some(noise) = &self.noise {
            number("noise.probability", noise.probability, PROBABILITY)?;
            range("noise.std", noise.std, FACTOR)?;
        }
        if let Some(blur) = &self.blur {
            number("blur.probability", blur.probability, PROBABILITY)?;
            range("blur.sigma", blur.sigma, BLUR)?;
        }
        if let Some(gain) = &self.gain {
            number("gain.probability", gain.probability, PROBABILITY)?;
            range("gain.factor", gain.factor, FACTOR)?;
        }
        if let Some(contrast) = &self.contrast {
            number("contrast.probability", contrast.probability, PROBABILITY)?;
            range("contrast.factor", contrast.factor, FACTOR)?;
        }
        if let Some(low) = &self.low_resolution {
            number("low_resolution.probability", low.probability, PROBABILITY)?;
            range("low_resolution.scale", low.scale, SCALE)?;
        }
        let gamma = |name: [&'static str; 2], spec: &GammaSpec| {
            number(name[0], spec.probability, PROBABILITY)?;
            range(name[1], spec.gamma, ABOVE_ZERO)
        };
        if let Some(inverted) = &self.inverted_gamma {
            gamma(["inverted_gamma.probability", "inverted_gamma.gamma"], inverted)?;
        }
        self.gamma.as_ref().map_or(Ok(()), |spec| gamma(["gamma.probability", "gamma.gamma"], spec))
    }
}

fn elastic(elastic: &ElasticSpec) -> Checked {
    number("elastic.probability", elastic.probability, PROBABILITY)?;
    range("elastic.alpha", elastic.alpha, PIXELS)?;
    range("elastic.sigma", elastic.sigma, ABOVE_ZERO)
}
