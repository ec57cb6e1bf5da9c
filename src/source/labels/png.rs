//! Mask images as PNG (ISO/IEC 15948).

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, DecodingError, Transformations};

use super::bounds::{check_file, check_image, check_inflated, decode};
use super::mask_image::{MaskImage, Samples};
use super::{LabelError, LabelFault};
use crate::model::GridShape;
use crate::source::Limits;

/// Reads the mask in `file`, which is `bytes` of PNG: grey values as they are stored, of 1 to 16 bits, or the indices of
/// a palette, whatever colours and opacities these stand for. A colour image is read where each pixel is a shade of
/// grey.
///
/// # Errors
/// [`LabelError`] where it is no PNG, damaged, in colour, of several frames, or beyond `limits`.
pub fn parse_png(file: &str, bytes: &[u8], limits: &Limits) -> Result<MaskImage, LabelError> {
    decode("PNG", || parse(bytes, limits)).map_err(|fault| fault.in_file(file))
}

fn parse(bytes: &[u8], limits: &Limits) -> Result<MaskImage, LabelFault> {
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(LabelFault::NotThisFormat { format: "PNG" });
    }
    check_file(bytes, limits)?;
    let memory = png::Limits { bytes: usize::try_from(limits.max_image_bytes).unwrap_or(usize::MAX) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), memory);
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(damaged)?;
    let shape = GridShape::new(info.height as usize, info.width as usize)?;
    let samples = samples(info.color_type, info.bit_depth);
    check_image(shape, samples.row_bytes(shape.columns()), limits)?;
    let needed = samples.row_bytes(shape.columns()) * shape.rows();
    check_inflated(needed as u64, bytes.len() as u64)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    if reader.info().animation_control().is_some_and(|animation| animation.num_frames > 1) {
        return Err(LabelFault::unsupported("the PNG has several frames", "save one mask a file"));
    }
    let mut rows = vec![0; needed];
    reader.next_frame(&mut rows).map_err(damaged)?;
    MaskImage::from_rows(shape, samples, &rows, limits)
}

fn samples(color: ColorType, depth: BitDepth) -> Samples {
    let (colours, alpha) = match color {
        ColorType::Grayscale | ColorType::Indexed => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb => (3, false),
        ColorType::Rgba => (3, true),
    };
    Samples { bits: depth as u8, colours, alpha, big_endian: true }
}

fn damaged(error: DecodingError) -> LabelFault {
    LabelFault::Damaged { format: "PNG", message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::LabelSelection;

    /// A PNG of packed rows, two rows of `columns` pixels.
    fn png(color: ColorType, depth: BitDepth, columns: u32, rows: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, columns, 2);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            // All colours equal, and the second one transparent: only indices tell the pixels apart.
            encoder.set_palette(vec![9; 48]);
            encoder.set_trns(vec![255, 0]);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(rows).unwrap();
        writer.finish().unwrap();
        file
    }

    fn values(file: &[u8]) -> Vec<i64> {
        let image = parse_png("m.png", file, &Limits::default()).unwrap();
        (0..image.shape().pixels()).map(|index| image.values.get(index)).collect()
    }

    #[test]
    fn grey_values_and_indices_are_read_as_they_are_stored() {
        use ColorType::{Grayscale, Indexed};
        let bits = png(Grayscale, BitDepth::One, 3, &[0b1010_0000, 0b0110_0000]);
        assert_eq!(values(&bits), [1, 0, 1, 0, 1, 1]);
        assert_eq!(values(&png(Indexed, BitDepth::Two, 3, &[0b0001_1000, 0b1100_0000])), [0, 1, 2, 3, 0, 0]);
        assert_eq!(values(&png(Indexed, BitDepth::Four, 3, &[0x01, 0x20, 0xF0, 0x30])), [0, 1, 2, 15, 0, 3]);
        assert_eq!(values(&png(Grayscale, BitDepth::Eight, 2, &[0, 128, 255, 1])), [0, 128, 255, 1]);
        let wide = png(Grayscale, BitDepth::Sixteen, 2, &[1, 0, 0, 1, 0xFF, 0xFF, 0, 0]);
        assert_eq!(values(&wide), [256, 1, 65_535, 0]);
    }

    #[test]
    fn colour_is_read_where_it_is_grey() {
        let grey = [[7, 7, 7, 255], [0, 0, 0, 255], [9, 9, 9, 255], [0, 0, 0, 255]].concat();
        assert_eq!(values(&png(ColorType::Rgba, BitDepth::Eight, 2, &grey)), [7, 0, 9, 0]);
        let mut red = grey.clone();
        red[9] = 8;
        let read = |file: &[u8]| parse_png("m.png", file, &Limits::default()).unwrap_err().fault;
        let colour = read(&png(ColorType::Rgba, BitDepth::Eight, 2, &red));
        assert_eq!(colour, LabelFault::Colour { row: 1, column: 0 });
        let mut clear = grey;
        clear[7] = 0;
        assert!(matches!(
            read(&png(ColorType::Rgba, BitDepth::Eight, 2, &clear)),
            LabelFault::Unsupported { .. }
        ));
        assert_eq!(read(b"GIF89a"), LabelFault::NotThisFormat { format: "PNG" });
    }

    #[test]
    fn the_mask_has_the_size_of_its_image() {
        let file = png(ColorType::Grayscale, BitDepth::Eight, 3, &[0, 128, 5, 5, 0, 1]);
        let image = parse_png("m.png", &file, &Limits::default()).unwrap();
        assert_eq!(image.mask(LabelSelection::AboveZero).data(), [0, 1, 1, 1, 0, 1]);
        assert_eq!(image.mask(LabelSelection::Value(5)).data(), [0, 0, 1, 1, 0, 0]);
        assert_eq!(image.counts(3), Some([(1, 1), (5, 2), (128, 1)].into()));
        let fault = image.mask_for(GridShape::new(3, 2).unwrap(), LabelSelection::AboveZero).unwrap_err();
        let said = "the mask image has 2x3 pixels and its image 3x2: rows and columns are exchanged";
        assert_eq!(fault.to_string(), said);
    }

    #[test]
    fn sizes_are_checked_before_memory_is_asked_for() {
        let file = png(ColorType::Grayscale, BitDepth::Eight, 3, &[0; 6]);
        let few = Limits { max_image_pixels: 5, ..Limits::default() };
        let fault = parse_png("m.png", &file, &few).unwrap_err().fault;
        assert_eq!(fault, LabelFault::TooManyPixels { pixels: 6, limit: 5 });
        let short = Limits { max_image_bytes: 20, ..Limits::default() };
        let fault = parse_png("m.png", &file, &short).unwrap_err().fault;
        assert!(matches!(fault, LabelFault::OverLimit { what: "the file", limit: 20, .. }));
    }
}
