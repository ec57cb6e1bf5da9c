//! Images with the outlines of their masks.

use std::io;

use super::Shades;
use super::lettering::{Canvas, LETTER};
use crate::model::GridShape;

/// The colours of the outlines, in the order of the mask planes: vermilion, sky blue, yellow and green, which colour
/// vision deficiencies leave apart (M. Okabe and K. Ito, "Color Universal Design", 2008).
pub(super) const COLOURS: [[u8; 3]; 4] = [[213, 94, 0], [86, 180, 233], [240, 228, 66], [0, 158, 115]];

/// Sides below this are enlarged, by a whole number.
const SMALL_SIDE: usize = 384;

/// An image and its mask, to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'p> {
    /// Rows and columns.
    pub shape: GridShape,
    /// The image, row-major (row, column, channel): one channel, or red, green and blue.
    pub image: &'p [f32],
    /// The mask, row-major (row, column, plane), 0 or 1.
    pub mask: &'p [u8],
    /// Number of mask planes.
    pub planes: usize,
    /// Text below it; empty for none.
    pub label: &'p str,
}

/// Draws `pictures` beside each other as a PNG (RGB, 8 bits), all in the same shades, and writes it to `to`. Along
/// the inner border of each plane of a mask runs a coloured line one pixel wide; below each picture stands its label.
///
/// # Errors
/// What `to` says.
pub fn side_by_side(pictures: &[Picture<'_>], shades: Shades, to: impl io::Write) -> io::Result<()> {
    const GAP: usize = 8;
    let largest = pictures.iter().map(|picture| picture.shape.rows().max(picture.shape.columns())).max();
    let enlarged = SMALL_SIDE.div_ceil(largest.unwrap_or(SMALL_SIDE)).max(1);
    let height = enlarged * pictures.iter().map(|picture| picture.shape.rows()).max().unwrap_or(0);
    let columns: usize = pictures.iter().map(|picture| picture.shape.columns()).sum();
    let width = enlarged * columns + GAP * pictures.len().saturating_sub(1);
    let has_labels = pictures.iter().any(|picture| !picture.label.is_empty());
    let below = if has_labels { GAP + LETTER } else { 0 };
    let mut canvas = Canvas::new([width, height + below], [255; 3]);
    let mut left = 0;
    for picture in pictures {
        let drawn = picture.shape.columns() * enlarged;
        for row in 0..picture.shape.rows() * enlarged {
            let line = &mut canvas.pixels[row * width + left..][..drawn];
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel = picture.colour(row / enlarged, column / enlarged, shades);
            }
        }
        canvas.write(picture.label, [left, height + GAP], drawn, [0; 3]);
        left += drawn + GAP;
    }
    write_png(to, [canvas.width, canvas.height], png::ColorType::Rgb, canvas.pixels.as_flattened())
}

/// Writes a PNG of 8 bits, `width` and `height` in pixels.
pub(super) fn write_png(
    to: impl io::Write,
    [width, height]: [usize; 2],
    colour: png::ColorType,
    pixels: &[u8],
) -> io::Result<()> {
    let [width, height] = [width, height].map(|side| u32::try_from(side).map_err(io::Error::other));
    let mut encoder = png::Encoder::new(to, width?, height?);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    Ok(writer.finish()?)
}

impl Picture<'_> {
    /// The colour of a pixel: of the last plane whose outline it is on, or its grey.
    pub(super) fn colour(&self, row: usize, column: usize, shades: Shades) -> [u8; 3] {
        match self.outline(row, column) {
            Some(colour) => colour,
            None => self.shade(row, column, shades),
        }
    }

    /// The pixel without an outline.
    pub(super) fn shade(&self, row: usize, column: usize, shades: Shades) -> [u8; 3] {
        let pixel = row * self.shape.columns() + column;
        if self.image.len() == 3 * self.shape.pixels() {
            return [0, 1, 2].map(|channel| shades.grey(self.image[3 * pixel + channel]));
        }
        [shades.grey(self.image[pixel]); 3]
    }

    /// The colour of the last plane whose outline the pixel is on, `None` where it is on none.
    pub(super) fn outline(&self, row: usize, column: usize) -> Option<[u8; 3]> {
        let plane = (0..self.planes).rev().find(|plane| self.is_outline(row, column, *plane))?;
        Some(COLOURS[plane % COLOURS.len()])
    }

    /// True if the pixel belongs to the plane and one of its four neighbours does not.
    fn is_outline(&self, row: usize, column: usize, plane: usize) -> bool {
        let (rows, columns) = (self.shape.rows(), self.shape.columns());
        let is_inside = |row: usize, column: usize| {
            row < rows && column < columns && self.mask[(row * columns + column) * self.planes + plane] != 0
        };
        let neighbours = [
            (row.wrapping_sub(1), column),
            (row + 1, column),
            (row, column.wrapping_sub(1)),
            (row, column + 1),
        ];
        is_inside(row, column) && !neighbours.iter().all(|&(row, column)| is_inside(row, column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_are_drawn_over_shades_of_grey() {
        let shape = GridShape::new(200, 400).unwrap();
        let image: Vec<f32> = (0..shape.pixels()).map(|pixel| (pixel / 400) as f32).collect();
        let mask: Vec<u8> = (0..shape.pixels())
            .map(|pixel| u8::from((50..60).contains(&(pixel / 400)) && (100..120).contains(&(pixel % 400))))
            .collect();
        let picture = Picture { shape, image: &image, mask: &mask, planes: 1, label: "" };
        let mut file = Vec::new();
        side_by_side(&[picture, picture], Shades { black: 0.0, white: 199.0 }, &mut file).unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (808, 200));
        let pixel = |row: usize, column: usize| &pixels[(row * 808 + column) * 3..][..3];
        assert_eq!((pixel(0, 0), pixel(199, 5), pixel(5, 403)), (&[0; 3][..], &[255; 3][..], &[255; 3][..]));
        for left in [0, 408] {
            assert_eq!((pixel(50, left + 100), pixel(55, left + 119)), (&COLOURS[0][..], &COLOURS[0][..]));
            let grey = (255.0f32 * 55.0 / 199.0).round() as u8;
            assert_eq!(pixel(55, left + 110), [grey; 3]);
            assert_eq!(pixel(55, left + 121), [grey; 3]);
        }
    }
}
