//! The pixels of a stored image that statistics count.

use std::borrow::Cow;

use super::{GridShape, PaddingRange, PixelType, Pixels};

/// The pixels that statistics count of an image as it is stored: those of its own size, at the top left of the stored one,
/// that are not padding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountedPixels {
    /// Values that are padding.
    pub padding: PaddingRange,
    /// The image's own size.
    pub own: GridShape,
    /// The size of every stored image.
    pub stored: GridShape,
}

impl CountedPixels {
    /// The counted ones of `pixels`, (row, column, channel).
    #[must_use]
    pub fn of(self, pixels: &Pixels) -> Cow<'_, Pixels> {
        let Some(own) = self.own_of(pixels) else { return self.padding.counted(pixels) };
        match self.padding.without(&own) {
            Some(counted) => Cow::Owned(counted),
            None => Cow::Owned(own),
        }
    }

    /// As [`CountedPixels::of`], of pixels that stand as [`Pixels::le_bytes`] gives them.
    #[must_use]
    pub fn of_le_bytes(self, pixel_type: PixelType, bytes: &[u8]) -> Cow<'_, [u8]> {
        let own = self.own_of_bytes(bytes);
        match self.padding.without_le_bytes(pixel_type, &own) {
            Some(counted) => Cow::Owned(counted),
            None => own,
        }
    }

    /// Number of values, or bytes, that are padding, where `counted` are counted of `stored` ones.
    #[must_use]
    pub fn padding_values(self, stored: usize, counted: usize) -> usize {
        stored / self.stored.pixels() * self.own.pixels() - counted
    }

    /// Bytes, or masks, of the image's own pixels alone.
    #[must_use]
    pub fn own_of_bytes(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        match self.is_whole() {
            true => Cow::Borrowed(bytes),
            false => Cow::Owned(self.cut(bytes)),
        }
    }

    fn is_whole(self) -> bool {
        self.own.rows() >= self.stored.rows() && self.own.columns() >= self.stored.columns()
    }

    /// `None` where all stored pixels are its own.
    fn own_of(self, pixels: &Pixels) -> Option<Pixels> {
        (!self.is_whole()).then(|| match pixels {
            Pixels::UInt8(values) => Pixels::UInt8(self.cut(values)),
            Pixels::Int16(values) => Pixels::Int16(self.cut(values)),
            Pixels::UInt16(values) => Pixels::UInt16(self.cut(values)),
            Pixels::Float32(values) => Pixels::Float32(self.cut(values)),
        })
    }

    fn cut<T: Copy>(self, values: &[T]) -> Vec<T> {
        let of_pixel = values.len() / self.stored.pixels();
        let (line, width) = (self.stored.columns() * of_pixel, self.own.columns() * of_pixel);
        let lines = values.chunks_exact(line.max(1)).take(self.own.rows());
        lines.flat_map(|line| &line[..width.min(line.len())]).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_pixels_without_padding_are_counted() {
        let grid = |rows, columns| GridShape::new(rows, columns).unwrap();
        let counted =
            CountedPixels { padding: PaddingRange::new(4.0, 4.0), own: grid(2, 1), stored: grid(3, 2) };
        let pixels = Pixels::UInt8(vec![1, 2, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0]);
        assert_eq!(*counted.of(&pixels), Pixels::UInt8(vec![1, 2, 3]));
        assert_eq!(*counted.of_le_bytes(PixelType::UInt8, &pixels.le_bytes()), [1, 2, 3]);
        assert_eq!(
            (counted.padding_values(12, 3), &*counted.own_of_bytes(&[1, 0, 1, 0, 0, 0])),
            (1, &[1, 1][..])
        );
        let whole = CountedPixels { own: grid(3, 2), padding: PaddingRange::NONE, ..counted };
        assert!(matches!(whole.of(&pixels), Cow::Borrowed(_)));
        assert!(matches!(whole.of_le_bytes(PixelType::UInt8, &[0; 12]), Cow::Borrowed(_)));
    }
}
