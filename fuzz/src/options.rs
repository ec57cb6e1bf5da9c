//! The small languages of options: cursors, conditions, ranges, splits, and the TOML file of an augmentation.
//! The first byte chooses which.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use dicomprep::augment::{
    AugmentSpec, Augmenter, DrawKey, ImageAndMask, ImageAndMaskMut, Preset, Range, ShiftRange, draw,
};
use dicomprep::order::Cursor;
use dicomprep::split::{SplitName, SplitSpec};
use dicomprep::stream::Condition;

pub(crate) fn run(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match choice % 7 {
        0 => round_trip::<Cursor>(text),
        1 => condition(text),
        2 => {
            let _ = text.parse::<Range>();
            let _ = Range::from_zoom_text(text);
        }
        3 => {
            let _ = text.parse::<ShiftRange>();
        }
        4 => split(text),
        5 => {
            if let Ok(preset) = text.parse::<Preset>() {
                assert_eq!(preset.name(), text);
            }
        }
        _ => augmentation(text),
    }
}

/// What a text was read as is read again from what it displays as.
fn round_trip<T>(text: &str)
where
    T: FromStr<Err: Display> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(value) => assert_eq!(value.to_string().parse::<T>().ok(), Some(value)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn condition(text: &str) {
    round_trip::<Condition>(text);
    let Ok(condition) = text.parse::<Condition>() else { return };
    let structures = ["inner".to_owned(), "outer".to_owned()];
    assert!(condition.cell(&structures).is_ok_and(|cell| cell < 3) || condition.cell(&[]).is_err());
    assert!(!condition.matches_number(f64::NAN));
    if condition.is_text() {
        assert!(!condition.matches_number(0.0));
    } else {
        assert!(!condition.matches_text("0"));
    }
}

fn split(text: &str) {
    let Ok(spec) = SplitSpec::parse(text) else { return };
    if !spec.is_none() {
        let sum: f64 = SplitName::ALL.iter().map(|&name| spec.fraction(name)).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{text:?} sums to {sum}");
    }
}

/// A spec that passes its check can be drawn from and applied; what comes out does not depend on the augmenter.
fn augmentation(text: &str) {
    let Ok(spec) = AugmentSpec::from_toml(text) else { return };
    if spec.check().is_err() {
        return;
    }
    let shape = [6, 9];
    let [rows, columns] = spec.output_shape(shape);
    if rows * columns > 4096 {
        return;
    }
    let image: Vec<f32> = (0..shape[0] * shape[1]).map(|pixel| (pixel * 37 % 101) as f32).collect();
    let mask: Vec<u8> = (0..image.len()).map(|pixel| u8::from(pixel % 3 == 0)).collect();
    let apply = |augmenter: &mut Augmenter, row| {
        let (mut new_image, mut new_mask) = (vec![0.0; rows * columns], vec![0; rows * columns]);
        let params = draw(&spec, DrawKey { seed: 1, epoch: 2, row }, shape);
        let output = ImageAndMaskMut { image: &mut new_image, mask: &mut new_mask };
        augmenter.apply(&params, ImageAndMask { image: &image, mask: &mask }, output);
        assert!(new_mask.iter().all(|&pixel| pixel <= 1), "a mask that is not 0 or 1");
        let bits: Vec<u32> = new_image.iter().map(|pixel| pixel.to_bits()).collect();
        (bits, new_mask)
    };
    let new = || Augmenter::new(&spec, shape, 1, 1);
    let mut used = new();
    for row in 0..3 {
        assert_eq!(apply(&mut used, row), apply(&mut new(), row));
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        (0, "7:1200"),
        (0, "18446744073709551615:00"),
        (1, "split=train"),
        (1, "mask_pixels.inner > 50"),
        (1, "pixel_spacing.row<=1.5"),
        (1, "value_range.max!= -3e5"),
        (1, "image_position.z >= inf"),
        (1, "id = =a=b!=c"),
        (2, "0.8,1.2"),
        (2, "0.2"),
        (3, "0.1"),
        (3, "-1,0,2"),
        (3, "5"),
        (4, "train=0.8,val=0.1,test=0.1"),
        (4, "none"),
        (5, "nnunet"),
        (6, "size = [4, 5]\ncrop = \"random\"\nfill_mode = \"wrap\"\n[quarter_turns]\nprobability = 1\n"),
    ];
    let texts = texts.into_iter().chain([
        (6, Preset::KerasDefault.toml()),
        (6, Preset::Cardiac.toml()),
        (6, Preset::Nnunet.toml()),
    ]);
    texts.map(|(choice, text)| [&[choice], text.as_bytes()].concat()).collect()
}
