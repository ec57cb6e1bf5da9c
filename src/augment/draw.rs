//! From random ranges to what happens to one sample.

use super::bias_field::BiasFieldParams;
use super::operation_spec::{ElasticSpec, MirrorSpec};
use super::params::{AugmentParams, ElasticParams, GeometryParams, NoiseParams};
use super::random::{DrawKey, Operation, OperationDraws, SampleDraws};
use super::range::{Range, ShiftRange};
use super::spec::{AugmentSpec, Crop};

/// The index that decides whether an operation happens; what it does has indices from 1.
const WHETHER: u64 = 0;

/// Draws what happens to the sample of `key`, whose image has `shape`, height and width.
///
/// It depends on the spec, the key and the shape, and on nothing else: not on what is drawn for other samples,
/// nor, for one operation, on whether there are others. `spec` is taken as [`AugmentSpec::check`] wants it.
///
/// What Keras draws too has the distribution of its `ImageDataGenerator.get_random_transform`:
///
/// - `theta` uniform from -r to r, `shear` from -s to s, `channel_shift` from -c to c;
/// - `tx` (of the width) and `ty` (of the height) as [`ShiftRange`] says; in Keras' code it is the other way
///   round, against its documentation and against what its transformation does with them;
/// - `zx` and `zy` uniform over `zoom_range`, each for itself, or one number for both if it is isotropic;
/// - flips with probability 0.5;
/// - `brightness` uniform over `brightness_range`.
///
/// The ends of ranges other than their first number are never drawn.
#[must_use]
pub fn draw(spec: &AugmentSpec, key: DrawKey, shape: [usize; 2]) -> AugmentParams {
    let draws = SampleDraws::new(key);
    let uniform = |operation, probability, range| {
        let draws = draws.of(operation);
        draws.chance(WHETHER, probability).then(|| draws.uniform(1, range))
    };
    let factor = |operation, probability, range| {
        let draws = draws.of(operation);
        draws.chance(WHETHER, probability).then(|| draws.factor(1, range))
    };
    AugmentParams {
        geometry: draw_geometry(spec, draws, shape),
        channel_shift: (spec.channel_shift_range != 0.0)
            .then(|| draws.of(Operation::ChannelShift).uniform(1, around_zero(spec.channel_shift_range))),
        brightness: spec.brightness_range.map(|range| draws.of(Operation::Brightness).uniform(1, range)),
        bias_field: spec.bias_field.as_ref().and_then(|bias| {
            let draws = draws.of(Operation::BiasField);
            draws.chance(WHETHER, bias.probability).then(|| BiasFieldParams {
                coefficients: std::array::from_fn(|term| draws.uniform(1 + term as u64, bias.coefficients)),
            })
        }),
        noise: spec.noise.as_ref().and_then(|noise| {
            let draws = draws.of(Operation::Noise);
            let drawn = || NoiseParams { std: draws.uniform(1, noise.std), seed: draws.seed(2) };
            draws.chance(WHETHER, noise.probability).then(drawn)
        }),
        blur: spec.blur.as_ref().and_then(|blur| {
            let draws = draws.of(Operation::Blur);
            draws
                .chance(WHETHER, blur.probability)
                .then(|| [1, 2].map(|index| draws.uniform(index, blur.sigma)))
        }),
        gain: spec.gain.as_ref().and_then(|gain| factor(Operation::Gain, gain.probability, gain.factor)),
        contrast: spec
            .contrast
            .as_ref()
            .and_then(|contrast| factor(Operation::Contrast, contrast.probability, contrast.factor)),
        low_resolution: spec
            .low_resolution
            .as_ref()
            .and_then(|low| uniform(Operation::LowResolution, low.probability, low.scale)),
        inverted_gamma: spec
            .inverted_gamma
            .as_ref()
            .and_then(|gamma| factor(Operation::InvertedGamma, gamma.probability, gamma.gamma)),
        gamma: spec.gamma.as_ref().and_then(|gamma| factor(Operation::Gamma, gamma.probability, gamma.gamma)),
    }
}

fn draw_geometry(spec: &AugmentSpec, draws: SampleDraws, shape: [usize; 2]) -> GeometryParams {
    let symmetric = |operation, probability, limit| {
        let draws = draws.of(operation);
        let happens = limit != 0.0 && draws.chance(WHETHER, probability);
        if happens { draws.uniform(1, around_zero(limit)) } else { 0.0 }
    };
    let shift = draws.of(Operation::Shift);
    let [tx, ty] = if shift.chance(WHETHER, spec.shift_probability) {
        let [height, width] = shape;
        [
            draw_shift(shift, 1, &spec.width_shift_range, width),
            draw_shift(shift, 3, &spec.height_shift_range, height),
        ]
    } else {
        [0.0; 2]
    };
    let zoom = draws.of(Operation::Zoom);
    let [zx, zy] = if zoom.chance(WHETHER, spec.zoom_probability) {
        [1, if spec.zoom_isotropic { 1 } else { 2 }].map(|index| zoom.uniform(index, spec.zoom_range))
    } else {
        [1.0; 2]
    };
    let [horizontal, vertical] = flip_probabilities(spec);
    let quarter_turns = draw_quarter_turns(spec, draws);
    GeometryParams {
        theta: symmetric(Operation::Rotation, spec.rotation_probability, spec.rotation_range),
        tx,
        ty,
        shear: symmetric(Operation::Shear, spec.shear_probability, spec.shear_range),
        zx,
        zy,
        flip_horizontal: draws.of(Operation::HorizontalFlip).chance(WHETHER, horizontal),
        flip_vertical: draws.of(Operation::VerticalFlip).chance(WHETHER, vertical),
        quarter_turns,
        offset: draw_offset(spec, draws.of(Operation::Crop), shape, quarter_turns),
        elastic: spec.elastic.as_ref().and_then(|elastic| draw_elastic(elastic, draws)),
    }
}

fn around_zero(limit: f64) -> Range {
    Range::new(-limit, limit)
}

/// A shift in pixels of a side with `side` pixels. Two indices are used, from `index` on.
fn draw_shift(draws: OperationDraws, index: u64, range: &ShiftRange, side: usize) -> f64 {
    let to_either_side = |value: f64| if draws.chance(index + 1, 0.5) { -value } else { value };
    let shift = match range {
        ShiftRange::Whole(count) if *count > 0 => {
            to_either_side(draws.below(index, count.unsigned_abs()) as f64)
        }
        ShiftRange::Whole(_) => 0.0,
        ShiftRange::Real(limit) => draws.uniform(index, around_zero(*limit)) * scale(*limit, side),
        ShiftRange::Choice(list) if list.is_empty() => 0.0,
        ShiftRange::Choice(list) => {
            let largest = list.iter().fold(f64::NEG_INFINITY, |one, other| one.max(*other));
            let chosen = list[draws.below(index, list.len() as u64) as usize];
            to_either_side(chosen) * scale(largest, side)
        }
    };
    // No shift is 0, to whichever side.
    shift + 0.0
}

fn scale(largest: f64, side: usize) -> f64 {
    if largest < 1.0 { side as f64 } else { 1.0 }
}

fn flip_probabilities(spec: &AugmentSpec) -> [f64; 2] {
    let mirror = spec.mirror.clone().unwrap_or(MirrorSpec { horizontal: 0.0, vertical: 0.0 });
    let of = |flip: bool, probability: f64| if flip { 0.5 } else { probability };
    [of(spec.horizontal_flip, mirror.horizontal), of(spec.vertical_flip, mirror.vertical)]
}

fn draw_quarter_turns(spec: &AugmentSpec, draws: SampleDraws) -> u8 {
    let draws = draws.of(Operation::QuarterTurns);
    match &spec.quarter_turns {
        Some(turns) if draws.chance(WHETHER, turns.probability) => 1 + draws.below(1, 3) as u8,
        _ => 0,
    }
}

/// Offset of the output in the turned image.
fn draw_offset(spec: &AugmentSpec, draws: OperationDraws, shape: [usize; 2], quarter_turns: u8) -> [i64; 2] {
    let [height, width] = shape.map(|side| side as i64);
    let turned = if quarter_turns.is_multiple_of(2) { [height, width] } else { [width, height] };
    let output = spec.output_shape(shape).map(|side| side as i64);
    let random = spec.crop == Crop::Random && spec.size.is_some();
    [0, 1].map(|axis| {
        // Negative where the output is larger.
        let room = turned[axis] - output[axis];
        if random {
            room.signum() * draws.below(1 + axis as u64, room.unsigned_abs() + 1) as i64
        } else {
            room / 2
        }
    })
}

fn draw_elastic(elastic: &ElasticSpec, draws: SampleDraws) -> Option<ElasticParams> {
    let draws = draws.of(Operation::Elastic);
    draws.chance(WHETHER, elastic.probability).then(|| ElasticParams {
        alpha: draws.uniform(1, elastic.alpha),
        sigma: draws.uniform(2, elastic.sigma),
        seed: draws.seed(3),
    })
}
