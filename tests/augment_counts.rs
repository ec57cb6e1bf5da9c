//! What augmentation allocates. The only test of its file, so that no other allocates meanwhile.

#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

use std::alloc::System;

use dicomprep::augment::{AugmentSpec, Augmenter, DrawKey, ImageAndMask, ImageAndMaskMut, Preset, draw};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SHAPE: [usize; 2] = [40, 33];

/// Everything that is in no preset, too.
const EVERYTHING: &str = "
preset = 'cardiac'
size = [32, 48]
interpolation_order = 3
shear_range = 5
height_shift_range = [1, 2]
horizontal_flip = true
channel_shift_range = 100
brightness_range = [0.8, 1.2]
quarter_turns = { probability = 0.5 }
gain = { probability = 0.5, factor = [0.9, 1.1] }
inverted_gamma = { probability = 0.5, gamma = [0.8, 1.2] }
";

#[test]
fn samples_after_the_first_allocate_nothing() {
    let (image, mask) = (vec![700.0; 40 * 33 * 2], vec![1; 40 * 33 * 3]);
    let specs = Preset::ALL.map(AugmentSpec::preset).into_iter();
    for spec in specs.chain([AugmentSpec::from_toml(EVERYTHING).unwrap()]) {
        let [height, width] = spec.output_shape(SHAPE);
        let (mut new_image, mut new_mask) = (vec![0.0; height * width * 2], vec![0; height * width * 3]);
        let mut augmenter = Augmenter::new(&spec, SHAPE, 2, 3);
        let mut augment = || {
            for row in 0..200 {
                let params = draw(&spec, DrawKey { seed: 3, epoch: 1, row }, SHAPE);
                let input = ImageAndMask { image: &image, mask: &mask };
                augmenter.apply(
                    &params,
                    input,
                    ImageAndMaskMut { image: &mut new_image, mask: &mut new_mask },
                );
            }
        };
        augment();
        let region = Region::new(ALLOCATOR);
        augment();
        let change = region.change();
        assert_eq!(change.allocations + change.reallocations, 0, "{:?}", spec.preset);
    }
}
