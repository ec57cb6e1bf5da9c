//! Specs as they are written in TOML, good and bad, and presets.

use dicomprep::augment::{
    AugmentError, AugmentParams, AugmentSpec, Crop, DrawKey, FillMode, Interpolation, MirrorSpec, NoiseSpec,
    Preset, Range, ShiftRange, draw,
};

fn read(text: &str) -> AugmentSpec {
    AugmentSpec::from_toml(text).unwrap()
}

fn error(text: &str) -> String {
    AugmentSpec::from_toml(text).unwrap_err().to_string()
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(read(""), AugmentSpec::default());
    assert!(read("").is_identity());
    assert_eq!(read("").output_shape([3, 4]), [3, 4]);
    assert_eq!(AugmentSpec::default().check(), Ok(()));
}

#[test]
fn every_field_is_read() {
    let spec = read(
        "rotation_range = 15
        rotation_probability = 0.5
        width_shift_range = 5
        height_shift_range = [1, 2.5]
        shift_probability = 0.25
        shear_range = 7.5
        shear_probability = 1
        zoom_range = [0.9, 1.2]
        zoom_isotropic = true
        zoom_probability = 0.75
        horizontal_flip = true
        vertical_flip = true
        fill_mode = 'wrap'
        cval = -1000
        interpolation_order = 3
        channel_shift_range = 20.0
        brightness_range = [0.5, 1.5]
        size = [224, 192]
        crop = 'center'
        elastic = { probability = 0.1, alpha = 3, sigma = [4, 5] }
        [mirror]
        horizontal = 0.0
        [quarter_turns]
        probability = 0.2
        [bias_field]
        probability = 0.3
        coefficients = [-0.5, 0.5]
        [noise]
        probability = 0.4
        std = 0.1
        [blur]
        probability = 0.5
        sigma = [0.5, 1.0]
        [gain]
        probability = 0.6
        factor = [0.75, 1.25]
        [contrast]
        probability = 0.7
        factor = [0.75, 1.25]
        [low_resolution]
        probability = 0.8
        scale = [0.5, 1.0]
        [inverted_gamma]
        probability = 0.9
        gamma = [0.7, 1.5]
        [gamma]
        probability = 1.0
        gamma = 2",
    );
    assert_eq!(spec.width_shift_range, ShiftRange::Whole(5));
    assert_eq!(spec.height_shift_range, ShiftRange::Choice(vec![1.0, 2.5]));
    assert_eq!(
        (spec.rotation_range, spec.cval, spec.interpolation_order),
        (15.0, -1000.0, Interpolation::Cubic)
    );
    assert_eq!((spec.zoom_range, spec.brightness_range), (Range::new(0.9, 1.2), Some(Range::new(0.5, 1.5))));
    assert_eq!((spec.fill_mode, spec.crop), (FillMode::Wrap, Crop::Center));
    assert_eq!(spec.output_shape([256, 256]), [224, 192]);
    assert_eq!(spec.elastic.as_ref().unwrap().alpha, Range::new(3.0, 3.0));
    assert_eq!(spec.noise, Some(NoiseSpec { probability: 0.4, std: Range::new(0.1, 0.1) }));
    assert_eq!(spec.gamma.as_ref().unwrap().gamma, Range::new(2.0, 2.0));
    assert!(!spec.is_identity());
    // What is written out is read as the same.
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<AugmentSpec>(&json).unwrap(), spec);
}

#[test]
fn numbers_mean_what_they_mean_to_keras() {
    assert_eq!(read("zoom_range = 0.2").zoom_range, Range::new(0.8, 1.2));
    assert_eq!(read("width_shift_range = 0.1").width_shift_range, ShiftRange::Real(0.1));
    assert_eq!(read("width_shift_range = 5.0").width_shift_range, ShiftRange::Real(5.0));
    assert_eq!(read("width_shift_range = []").width_shift_range, ShiftRange::Choice(vec![]));
    for nothing in
        ["width_shift_range = 1", "width_shift_range = [0, 0]", "zoom_range = 0", "fill_mode = 'wrap'"]
    {
        assert!(read(nothing).is_identity(), "{nothing}");
    }
}

#[test]
fn texts_mean_what_toml_means() {
    let shift = |text: &str| text.parse::<ShiftRange>().unwrap();
    for (text, toml) in [
        ("5", "5"),
        ("5.0", "5.0"),
        ("0.1", "0.1"),
        ("1, 2", "[1, 2]"),
        ("3,", "[3]"),
        ("0", "0"),
        ("1e-1", "0.1"),
    ] {
        assert_eq!(shift(text), read(&format!("width_shift_range = {toml}")).width_shift_range, "{text}");
    }
    for (text, toml) in [("0.2", "0.2"), ("0.5,2", "[0.5, 2]"), ("0", "0")] {
        assert_eq!(
            Range::from_zoom_text(text),
            Ok(read(&format!("zoom_range = {toml}")).zoom_range),
            "{text}"
        );
    }
    assert_eq!("0.5, 1.5".parse(), Ok(Range::new(0.5, 1.5)));
    assert_eq!("2".parse(), Ok(Range::new(2.0, 2.0)));
    for text in ["", "a", "1,,2", ",", "1;2", "1,2,3"] {
        let message = text.parse::<Range>().unwrap_err().to_string();
        assert_eq!(message, format!("`{text}` is not a number or two numbers, as 0.8,1.2"));
        assert!(Range::from_zoom_text(text).is_err());
    }
    for text in ["", "a", "1,,2", ",", "1;2"] {
        assert!(text.parse::<ShiftRange>().is_err(), "{text}");
    }
}

#[test]
fn operations_that_cannot_happen_are_nothing() {
    for nothing in [
        "noise = { probability = 0, std = 0.1 }",
        "noise = { probability = 1, std = 0 }",
        "gain = { probability = 1, factor = 1 }",
        "gamma = { probability = 0, gamma = 2 }",
        "blur = { probability = 1, sigma = 0 }",
        "elastic = { probability = 1, alpha = 0, sigma = 5 }",
        "low_resolution = { probability = 1, scale = 1 }",
        "rotation_range = 9\nrotation_probability = 0",
        "brightness_range = [1, 1]",
        "mirror = {}",
    ] {
        assert!(read(nothing).is_identity(), "{nothing}");
    }
    for something in
        ["size = [5, 5]", "mirror = { vertical = 0.1 }", "noise = { probability = 0.1, std = 0.1 }"]
    {
        assert!(!read(something).is_identity(), "{something}");
    }
}

#[test]
fn what_is_no_spec_is_named_with_its_line() {
    for (text, expected) in [
        ("\nrotation = 5", ["line 2, `rotation = 5`", "unknown field `rotation`"]),
        ("rotation_range = 'much'", ["line 1, `rotation_range = 'much'`", "invalid type: string"]),
        ("zoom_range = 'much'", ["`zoom_range = 'much'`", "expected a number or two numbers, [low, high]"]),
        ("zoom_range = [1, 2, 3]", ["zoom_range = [1, 2, 3]", "expected two numbers, [low, high]"]),
        ("width_shift_range = true", ["width_shift_range = true", "a number or a list of numbers"]),
        ("width_shift_range = ['a']", ["width_shift_range = ['a']", "string"]),
        ("fill_mode = 'mirror'", ["fill_mode = 'mirror'", "`nearest`, `constant`, `reflect`, `wrap`"]),
        ("size = [1]", ["size = [1]", "height and width"]),
        ("size = [-1, 5]", ["size = [-1, 5]", "-1"]),
        ("[noise]\nstd = 0.1", ["[noise]", "missing field `probability`"]),
        ("[noise]\nprobability = 1\nstd = 0\nvariance = 1", ["line 4, `variance = 1`", "unknown field"]),
        ("preset = 'heart'", ["preset = 'heart'", "`keras-default`, `cardiac`, `nnunet`"]),
        ("interpolation_order = 1.5", ["interpolation_order = 1.5", "expected a whole number"]),
        ("shear_range = 1\nshear_range = 2", ["line 2, `shear_range = 2`", "duplicate key"]),
        ("= 5", ["line 1, `= 5`", "key"]),
        ("rotation_range = 'ä", ["line 1", "string"]),
    ] {
        let message = error(text);
        assert!(expected.iter().all(|part| message.contains(part)), "{text}: {message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_named_with_their_field() {
    for (text, expected) in [
        ("rotation_range = -1", "`rotation_range` is -1: it must be finite in float32 and not less than 0"),
        ("rotation_range = nan", "`rotation_range` is NaN"),
        ("rotation_range = inf", "`rotation_range` is inf"),
        ("width_shift_range = -3", "`width_shift_range` is -3"),
        ("height_shift_range = -0.5", "`height_shift_range` is -0.5"),
        ("height_shift_range = [1, nan]", "`height_shift_range` is NaN: it must be finite"),
        ("zoom_range = [1.2, 0.8]", "`zoom_range` is [1.2, 0.8]: the first number must not be more"),
        ("zoom_range = 1.5", "`zoom_range` is -0.5: it must be finite in float32 and more than 0"),
        ("zoom_probability = 1.01", "`zoom_probability` is 1.01: a probability is from 0 to 1"),
        ("rotation_probability = nan", "`rotation_probability` is NaN: a probability"),
        ("brightness_range = [0.5, -0.5]", "`brightness_range` is -0.5"),
        ("channel_shift_range = -9", "`channel_shift_range` is -9"),
        ("cval = nan", "`cval` is NaN: it must be finite"),
        ("cval = -1e39", "`cval` is -1000000000000000000000000000000000000000: it must be finite in float32"),
        ("interpolation_order = 2", "`interpolation_order = 2`: interpolation order 2: it must be 0"),
        ("size = [0, 5]", "`size` is 0: a side has 1 to 65535 pixels"),
        ("size = [5, 65536]", "`size` is 65536"),
        ("elastic = { probability = 2, alpha = 1, sigma = 1 }", "`elastic.probability` is 2"),
        ("elastic = { probability = 1, alpha = -1, sigma = 1 }", "`elastic.alpha` is -1"),
        ("elastic = { probability = 1, alpha = 1, sigma = 0 }", "`elastic.sigma` is 0"),
        ("mirror = { vertical = -1 }", "`mirror.vertical` is -1"),
        (
            "horizontal_flip = true\nmirror = { horizontal = 0.1 }",
            "`horizontal_flip` and `mirror.horizontal`",
        ),
        ("vertical_flip = true\nmirror = { vertical = 0.1 }", "`vertical_flip` and `mirror.vertical`"),
        ("quarter_turns = { probability = nan }", "`quarter_turns.probability` is NaN"),
        (
            "bias_field = { probability = 1, coefficients = 6 }",
            "`bias_field.coefficients` is 6: it must be from",
        ),
        ("noise = { probability = 1, std = [0.2, 0.1] }", "`noise.std` is [0.2, 0.1]"),
        ("blur = { probability = 1, sigma = 65 }", "`blur.sigma` is 65: it must be from 0 to 64"),
        ("gain = { probability = 1, factor = -1 }", "`gain.factor` is -1"),
        ("contrast = { probability = 7, factor = 1 }", "`contrast.probability` is 7"),
        ("low_resolution = { probability = 1, scale = 1.5 }", "`low_resolution.scale` is 1.5"),
        ("inverted_gamma = { probability = 1, gamma = 0 }", "`inverted_gamma.gamma` is 0"),
        ("gamma = { probability = 1, gamma = inf }", "`gamma.gamma` is inf"),
    ] {
        let message = error(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn every_preset_makes_sense_and_has_its_name() {
    for preset in Preset::ALL {
        let spec = AugmentSpec::preset(preset);
        assert_eq!((spec.check(), spec.is_identity(), spec.preset), (Ok(()), false, Some(preset)));
        assert_eq!(preset.name().parse(), Ok(preset));
        assert_eq!(serde_json::to_value(preset).unwrap(), preset.name());
        assert_eq!(read(&format!("preset = '{}'", preset.name())), spec);
        assert_eq!(AugmentSpec { preset: Some(preset), ..read(preset.toml()) }, spec);
    }
    let unknown = "heart".parse::<Preset>().unwrap_err();
    assert_eq!(unknown, AugmentError::UnknownPreset { name: "heart".to_owned() });
    assert!(Preset::ALL.iter().all(|preset| unknown.to_string().contains(preset.name())));
}

#[test]
fn a_file_replaces_what_its_preset_says() {
    let nnunet = AugmentSpec::preset(Preset::Nnunet);
    let spec = read(
        "preset = 'nnunet'\nrotation_range = 15\n[mirror]\nvertical = 0.5\n[noise]\nprobability = 0\nstd = 0",
    );
    let expected = AugmentSpec {
        rotation_range: 15.0,
        mirror: Some(MirrorSpec { horizontal: 0.0, vertical: 0.5 }),
        noise: Some(NoiseSpec { probability: 0.0, std: Range::new(0.0, 0.0) }),
        ..nnunet
    };
    assert_eq!(spec, expected);
    // What only makes no sense together with the preset.
    assert!(error("preset = 'nnunet'\nhorizontal_flip = true").contains("`mirror.horizontal`"));
}

#[test]
fn parameters_come_back_from_json() {
    for spec in [Preset::Cardiac, Preset::Nnunet, Preset::KerasDefault].map(AugmentSpec::preset) {
        for row in 0..50 {
            let drawn = draw(&spec, DrawKey { seed: 3, epoch: 1, row }, [64, 48]);
            let text = serde_json::to_string(&drawn).unwrap();
            assert_eq!(serde_json::from_str::<AugmentParams>(&text).unwrap(), drawn, "{text}");
        }
    }
}

#[test]
fn parameters_are_json_of_what_was_drawn() {
    let key = DrawKey { seed: 0, epoch: 0, row: 0 };
    let json = |text: &str| serde_json::to_value(draw(&read(text), key, [64, 64])).unwrap();
    let names = |text: &str| json(text).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(json("").to_string(), "{}");
    assert_eq!(names("rotation_range = 9"), ["theta"]);
    assert_eq!(
        names("channel_shift_range = 9\nbrightness_range = [2, 2]"),
        ["brightness", "channel_shift_intensity"]
    );
    assert_eq!(json("brightness_range = [2, 2]")["brightness"], 2.0);
    assert_eq!(json("size = [32, 70]\ncrop = 'center'")["offset"], serde_json::json!([16, -3]));
    assert_eq!(json("blur = { probability = 1, sigma = 3 }").to_string(), r#"{"blur":[3.0,3.0]}"#);
    let noise = json("noise = { probability = 1, std = 0.5 }");
    assert_eq!(noise["noise"]["std"], 0.5);
    assert!(noise["noise"]["seed"].as_u64().unwrap() < 1 << 53);
    let bias = json("bias_field = { probability = 1, coefficients = 0.25 }");
    assert_eq!(bias.to_string(), format!("{{\"bias_field\":{:?}}}", [0.25; 9]).replace(", ", ","));
}
