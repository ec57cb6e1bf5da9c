use half::f16;
use proptest::prelude::*;

use super::super::{NormalizationChoice, NormalizationName};
use super::*;
use crate::model::Pixels;
use crate::store::{ChannelFigures, TrainFigures};

const NO_WINDOW: RowWindow = RowWindow::NONE;

fn bytes_of(pixels: &Pixels) -> Vec<u8> {
    pixels.le_bytes().into_owned()
}

/// One row of `pixels` as `dtype`.
fn convert(
    pixels: &Pixels,
    dtype: ImageDtype,
    normalization: Normalization,
) -> Result<Vec<u8>, ConvertError> {
    let shape = [1, pixels.len(), 1];
    let converter = ImageConverter::new(pixels.pixel_type(), shape, dtype, AxisOrder::Nhwc, normalization)?;
    let mut out = vec![0xAA; converter.schema().sample_bytes()];
    converter.convert(&bytes_of(pixels), NO_WINDOW, &mut out)?;
    Ok(out)
}

fn to_float32(pixels: &Pixels, normalization: Normalization) -> Vec<f32> {
    let out = convert(pixels, ImageDtype::Float32, normalization).unwrap();
    out.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

fn to_float16(pixels: &Pixels) -> Result<Vec<f16>, ConvertError> {
    let out = convert(pixels, ImageDtype::Float16, Normalization::None)?;
    Ok(out.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes)).collect())
}

/// Every value of every integer type, and a few floats.
fn all_values() -> [Pixels; 4] {
    [
        Pixels::UInt8((0..=u8::MAX).collect()),
        Pixels::Int16((i16::MIN..=i16::MAX).collect()),
        Pixels::UInt16((0..=u16::MAX).collect()),
        Pixels::Float32(vec![0.0, -0.0, 1e-45, -3.5, 1e30, f32::INFINITY]),
    ]
}

fn as_floats(pixels: &Pixels) -> Vec<f32> {
    match pixels {
        Pixels::UInt8(values) => values.iter().map(|&value| value.into()).collect(),
        Pixels::Int16(values) => values.iter().map(|&value| value.into()).collect(),
        Pixels::UInt16(values) => values.iter().map(|&value| value.into()).collect(),
        Pixels::Float32(values) => values.clone(),
    }
}

#[test]
fn float32_holds_every_stored_value() {
    for pixels in all_values() {
        assert_eq!(to_float32(&pixels, Normalization::None), as_floats(&pixels));
    }
}

#[test]
fn stored_pixels_leave_as_they_are() {
    for pixels in all_values() {
        let out = convert(&pixels, ImageDtype::Stored, Normalization::None).unwrap();
        assert_eq!(out, bytes_of(&pixels));
    }
}

#[test]
fn every_value_is_normalized() {
    let (mean, std) = (1234.5, 67.8);
    for pixels in all_values() {
        let expected = as_floats(&pixels);
        let expected = expected.iter().map(|&x| ((f64::from(x) - mean) / std) as f32);
        let found = to_float32(&pixels, Normalization::ZScore { mean, std });
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(found == expected || (found - expected).abs() <= expected.abs() * f32::EPSILON);
        }
    }
}

#[test]
fn a_sample_gets_mean_0_and_deviation_1() {
    let found = to_float32(&Pixels::Int16(vec![31_999, 32_001]), Normalization::SampleZScore);
    assert_eq!(found, [-1.0, 1.0]);
    assert_eq!(to_float32(&Pixels::UInt8(vec![9; 5]), Normalization::SampleZScore), [0.0; 5]);
}

#[test]
fn float16_rounds_to_nearest_even() {
    let found = to_float16(&Pixels::Int16(vec![2048, 2049, 2050, 2051, -2049, -32_768])).unwrap();
    let found: Vec<f32> = found.into_iter().map(f16::to_f32).collect();
    assert_eq!(found, [2048.0, 2048.0, 2050.0, 2052.0, -2048.0, -32_768.0]);
    let integers = Pixels::UInt16((0..65_520).collect());
    let expected: Vec<f16> = as_floats(&integers).into_iter().map(f16::from_f32).collect();
    assert_eq!(to_float16(&integers).unwrap(), expected);
    assert_eq!(expected[65_519].to_f32(), 65_504.0);
}

#[test]
fn float16_has_no_room_for_large_numbers() {
    let mut values = vec![65_519; 2 * BLOCK];
    values[BLOCK + 7] = 65_520;
    let error = to_float16(&Pixels::UInt16(values.clone())).unwrap_err();
    assert_eq!(error, ConvertError::Float16Overflow { pixel: 65_520.0 });
    let min_max = Normalization::MinMax { min: 0.0, max: 65_535.0 };
    assert!(convert(&Pixels::UInt16(values), ImageDtype::Float16, min_max).is_ok());
    let error = to_float16(&Pixels::Float32(vec![f32::INFINITY, -1e30])).unwrap_err();
    assert_eq!(error, ConvertError::Float16Overflow { pixel: -1e30 });
    let small = Pixels::Float32(vec![0.0, 1e-6, -2e-8]);
    let error = convert(&small, ImageDtype::Float16, Normalization::None).unwrap_err();
    assert_eq!(error, ConvertError::Float16Underflow { pixel: -2e-8 });
    assert!(error.hint().unwrap().for_shell().to_string().contains("float32"));
    let mixed = Pixels::Float32(vec![1.0, 1e-6, -2e-8]);
    assert!(convert(&mixed, ImageDtype::Float16, Normalization::None).is_ok(), "0 beside 1, as -2e-8 is");
    let infinite = Pixels::Float32(vec![f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
    let found = to_float16(&infinite).unwrap();
    assert_eq!(found[..2], [f16::INFINITY, f16::NEG_INFINITY]);
    assert!(found[2].is_nan());
}

#[test]
fn identity_is_what_changes_no_byte() {
    let identity = |pixel_type, channels, dtype, layout| {
        let shape = [2, 3, channels];
        ImageConverter::new(pixel_type, shape, dtype, layout, Normalization::None).unwrap().is_identity()
    };
    assert!(identity(PixelType::Int16, 1, ImageDtype::Stored, AxisOrder::Nchw));
    assert!(identity(PixelType::Int16, 3, ImageDtype::Stored, AxisOrder::Nhwc));
    assert!(identity(PixelType::Float32, 1, ImageDtype::Float32, AxisOrder::Nhwc));
    assert!(!identity(PixelType::Int16, 3, ImageDtype::Stored, AxisOrder::Nchw));
    assert!(!identity(PixelType::Int16, 1, ImageDtype::Float32, AxisOrder::Nhwc));
    let shape = [2, 3, 1];
    let scaled = Normalization::SampleZScore;
    let scaled = ImageConverter::new(PixelType::Float32, shape, ImageDtype::Float32, AxisOrder::Nhwc, scaled);
    assert!(!scaled.unwrap().is_identity());
}

#[test]
fn what_cannot_be_made_is_refused_at_once() {
    let new = |dtype, normalization| {
        ImageConverter::new(PixelType::Int16, [2, 2, 1], dtype, AxisOrder::Nhwc, normalization).unwrap_err()
    };
    let missing = Normalization::ZScore { mean: f64::NAN, std: f64::NAN };
    assert_eq!(
        new(ImageDtype::Float32, missing),
        ConvertError::NoTrainStatistics { normalization: "zscore" }
    );
    assert_eq!(
        new(ImageDtype::Stored, Normalization::SampleZScore),
        ConvertError::StoredNormalized { normalization: "sample-zscore" }
    );
}

#[test]
fn channels_are_normalized_each_by_its_own_numbers() {
    let figures = |mean: f64, std: f64| ChannelFigures {
        mean: Some(mean),
        std: Some(std),
        min: Some(mean - std),
        max: Some(mean + std),
        outer_percentiles: Some([mean, mean + std]),
    };
    let train = TrainFigures {
        mean: Some(0.0),
        std: Some(1.0),
        outer_percentiles: Some([0.0, 1.0]),
        channels: Some([figures(100.0, 10.0), figures(50.0, 20.0), figures(7.0, 0.0)]),
        ..TrainFigures::default()
    };
    // More pixels than a block.
    let pixels: Vec<u8> = (0..3 * 600).map(|at| (at * 7 % 256) as u8).collect();
    let names = [NormalizationName::ZScore, NormalizationName::Percentile];
    for (name, layout) in names.into_iter().flat_map(|name| AxisOrder::ALL.map(|layout| (name, layout))) {
        let expected = |pixel: usize, channel: usize| {
            let value = f64::from(pixels[pixel * 3 + channel]);
            let centered = [(value - 100.0) / 10.0, (value - 50.0) / 20.0, value - 7.0][channel] as f32;
            match name {
                NormalizationName::ZScore => centered,
                _ if channel == 2 => 0.0,
                _ => centered.clamp(0.0, 1.0),
            }
        };
        let normalization = ChannelNormalization::new(NormalizationChoice::Named(name), &train);
        let shape = [2, 300, 3];
        let converter =
            ImageConverter::new(PixelType::UInt8, shape, ImageDtype::Float32, layout, normalization).unwrap();
        assert!(!converter.is_identity());
        let mut out = vec![0xAA; converter.schema().sample_bytes()];
        assert!(converter.parts(NO_WINDOW, &mut out).unwrap().is_none());
        converter.convert(&pixels, NO_WINDOW, &mut out).unwrap();
        let found: Vec<f32> = out.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        for pixel in 0..600 {
            for channel in 0..3 {
                let at = if layout == AxisOrder::Nhwc { pixel * 3 + channel } else { channel * 600 + pixel };
                let difference = (found[at] - expected(pixel, channel)).abs();
                assert!(difference <= 1e-5, "{name:?} {layout:?} {pixel} {channel}: {difference}");
            }
        }
    }
}

proptest! {
    #[test]
    fn nchw_is_nhwc_with_the_axes_moved(
        (rows, columns) in (1usize..40, 1usize..40),
        seed in any::<u16>(),
        pixel_type in prop::sample::select(&PixelType::ALL[..]),
        dtype in prop::sample::select(&ImageDtype::ALL[..]),
    ) {
        const CHANNELS: usize = 3;
        let pixels = rows * columns;
        // No byte above 0x3F: as float32 they are below 1, so that float16 holds them.
        let stored: Vec<u8> = (0..pixels * CHANNELS * pixel_type.size())
            .map(|index| (index.wrapping_mul(usize::from(seed) | 1) >> 3) as u8 & 0x3F)
            .collect();
        let mut stored = stored;
        if pixel_type == PixelType::Float32 {
            // An image of tiny numbers alone is none for float16.
            stored[..4].copy_from_slice(&0.5_f32.to_le_bytes());
        }
        let convert = |layout| {
            let shape = [rows, columns, CHANNELS];
            let converter =
                ImageConverter::new(pixel_type, shape, dtype, layout, Normalization::None).unwrap();
            let mut out = vec![0xAA; converter.schema().sample_bytes()];
            converter.convert(&stored, NO_WINDOW, &mut out).unwrap();
            (out, converter.schema().clone())
        };
        let ((nhwc, _), (nchw, schema)) = (convert(AxisOrder::Nhwc), convert(AxisOrder::Nchw));
        prop_assert_eq!(schema.shape, [CHANNELS, rows, columns]);
        prop_assert_eq!(schema.axes, ["channel", "row", "column"]);
        let size = schema.element.size();
        for pixel in 0..pixels {
            for channel in 0..CHANNELS {
                let moved = &nchw[(channel * pixels + pixel) * size..][..size];
                prop_assert_eq!(moved, &nhwc[(pixel * CHANNELS + channel) * size..][..size]);
            }
        }
    }
}
