//! What becomes of samples.

use dicomprep::augment::{
    AugmentParams, AugmentSpec, Augmenter, DrawKey, ImageAndMask, ImageAndMaskMut, draw,
};

const SHAPE: [usize; 2] = [40, 33];
const CHANNELS: usize = 2;
const PLANES: usize = 3;

/// An image of a smooth hill with steps, and masks of it.
fn sample() -> (Vec<f32>, Vec<u8>) {
    let [height, width] = SHAPE;
    let mut image = Vec::new();
    let mut mask = Vec::new();
    for index in 0..height * width {
        let (row, column) = ((index / width) as f32 - 20.0, (index % width) as f32 - 16.0);
        let hill = 4000.0 / (1.0 + (row * row + column * column) / 100.0) + (index % 5) as f32;
        image.extend([hill, 0.5 * hill]);
        mask.extend([1000.0, 2000.0, 3000.0].map(|level| u8::from(hill > level)));
    }
    (image, mask)
}

struct Output {
    image: Vec<f32>,
    mask: Vec<u8>,
}

fn output(spec: &AugmentSpec) -> Output {
    let [height, width] = spec.output_shape(SHAPE);
    Output { image: vec![f32::NAN; height * width * CHANNELS], mask: vec![7; height * width * PLANES] }
}

fn apply_to(
    augmenter: &mut Augmenter,
    params: &AugmentParams,
    (image, mask): &(Vec<f32>, Vec<u8>),
    output: &mut Output,
) {
    let Output { image: new_image, mask: new_mask } = output;
    augmenter.apply(
        params,
        ImageAndMask { image, mask },
        ImageAndMaskMut { image: new_image, mask: new_mask },
    );
}

fn augmenter(spec: &AugmentSpec) -> Augmenter {
    Augmenter::new(spec, SHAPE, CHANNELS, PLANES)
}

fn applied(spec: &AugmentSpec, params: &AugmentParams) -> Output {
    let mut output = output(spec);
    apply_to(&mut augmenter(spec), params, &sample(), &mut output);
    output
}

fn key(row: u64) -> DrawKey {
    DrawKey { seed: 3, epoch: 1, row }
}

/// Everything at once, with a crop.
fn everything() -> AugmentSpec {
    let text = "
        preset = 'cardiac'
        size = [32, 48]
        shear_range = 5
        horizontal_flip = true
        vertical_flip = true
        channel_shift_range = 100
        brightness_range = [0.8, 1.2]
        quarter_turns = { probability = 0.5 }
        gain = { probability = 0.5, factor = [0.9, 1.1] }
        inverted_gamma = { probability = 0.5, gamma = [0.8, 1.2] }";
    AugmentSpec::from_toml(text).unwrap()
}

#[test]
fn nothing_drawn_changes_no_bit() {
    let spec = AugmentSpec::default();
    let (image, mask) = sample();
    let params = draw(&spec, key(0), SHAPE);
    assert_eq!(params, AugmentParams::default());
    let found = applied(&spec, &params);
    assert_eq!((found.image, found.mask), (image, mask));
}

#[test]
fn intensities_leave_masks_alone() {
    let spec = AugmentSpec::from_toml(
        "noise = { probability = 1, std = 0.1 }\nblur = { probability = 1, sigma = 2 }
        brightness_range = [1.5, 1.6]\nlow_resolution = { probability = 1, scale = 0.5 }",
    )
    .unwrap();
    let (image, mask) = sample();
    let found = applied(&spec, &draw(&spec, key(0), SHAPE));
    assert_eq!(found.mask, mask);
    assert!(found.image.iter().zip(&image).filter(|(y, x)| y == x).count() < 10);
}

#[test]
fn operations_come_in_the_order_that_is_documented() {
    let one = |change: fn(&mut AugmentParams), all: &AugmentParams| {
        let mut params = AugmentParams::default();
        change(&mut params);
        assert_ne!(*all, params);
        params
    };
    let all = AugmentParams {
        brightness: Some(1.7),
        gain: Some(0.6),
        contrast: Some(1.4),
        gamma: Some(0.8),
        inverted_gamma: Some(1.3),
        low_resolution: Some(0.6),
        channel_shift: Some(250.0),
        blur: Some([1.0, 2.0]),
        ..AugmentParams::default()
    };
    let spec = AugmentSpec::default();
    let mut augmenter = augmenter(&spec);
    let mut stepwise = sample();
    for step in [
        one(|params| params.channel_shift = Some(250.0), &all),
        one(|params| params.brightness = Some(1.7), &all),
        one(|params| params.blur = Some([1.0, 2.0]), &all),
        one(|params| params.gain = Some(0.6), &all),
        one(|params| params.contrast = Some(1.4), &all),
        one(|params| params.low_resolution = Some(0.6), &all),
        one(|params| params.inverted_gamma = Some(1.3), &all),
        one(|params| params.gamma = Some(0.8), &all),
    ] {
        let mut next = output(&spec);
        apply_to(&mut augmenter, &step, &stepwise, &mut next);
        stepwise = (next.image, next.mask);
    }
    assert_eq!(applied(&spec, &all).image, stepwise.0);
}

#[test]
fn what_was_done_before_changes_nothing() {
    let spec = everything();
    let mut used = augmenter(&spec);
    let mut found = output(&spec);
    for row in 0..60 {
        let params = draw(&spec, key(row), SHAPE);
        apply_to(&mut used, &params, &sample(), &mut found);
        let fresh = applied(&spec, &params);
        assert_eq!((&found.image, &found.mask), (&fresh.image, &fresh.mask));
        assert!(found.mask.iter().all(|pixel| *pixel <= 1));
        assert!(found.image.iter().all(|x| x.is_finite()));
    }
}
