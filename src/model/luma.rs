//! Colour pixels as shades of grey, and shades of grey as colour pixels.

use super::pixels::Pixels;

/// The luma of each pixel of a colour image, whose pixels are red, green and blue one behind the other:
/// 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), of integers exact and rounded half to even. Pixels of the same type; `gray` is
/// used again where it has that.
pub fn luma(rgb: &Pixels, gray: &mut Pixels) {
    if gray.pixel_type() != rgb.pixel_type() {
        *gray = Pixels::empty(rgb.pixel_type());
    }
    match (rgb, gray) {
        (Pixels::UInt8(rgb), Pixels::UInt8(gray)) => each(rgb, gray, |value| value as u8),
        (Pixels::Int16(rgb), Pixels::Int16(gray)) => each(rgb, gray, |value| value as i16),
        (Pixels::UInt16(rgb), Pixels::UInt16(gray)) => each(rgb, gray, |value| value as u16),
        (Pixels::Float32(rgb), Pixels::Float32(gray)) => {
            gray.clear();
            gray.extend(rgb.as_chunks().0.iter().map(|&[r, g, b]| {
                let [r, g, b] = [r, g, b].map(f64::from);
                // Integers are weighed as integers, so that halves are halves.
                let sum = 299.0 * r + 587.0 * g + 114.0 * b;
                let is_whole = [r, g, b].iter().all(|value| value.fract() == 0.0);
                (if is_whole { (sum / 1000.0).round_ties_even() } else { sum / 1000.0 }) as f32
            }));
        }
        _ => unreachable!("both have one type"),
    }
}

fn each<T: Copy + Into<i64>>(rgb: &[T], gray: &mut Vec<T>, narrow: impl Fn(i64) -> T) {
    gray.clear();
    gray.extend(rgb.as_chunks().0.iter().map(|&[r, g, b]| {
        let sum: i64 = 299 * r.into() + 587 * g.into() + 114 * b.into();
        let (whole, rest) = (sum.div_euclid(1000), sum.rem_euclid(1000));
        narrow(whole + i64::from(rest > 500 || (rest == 500 && whole % 2 != 0)))
    }));
}

/// Gives each pixel of a monochrome image as three equal channels.
pub fn repeat_channels(pixels: &mut Pixels) {
    fn three<T: Copy>(values: &mut Vec<T>) {
        *values = values.iter().flat_map(|&value| [value; 3]).collect();
    }
    match pixels {
        Pixels::UInt8(values) => three(values),
        Pixels::Int16(values) => three(values),
        Pixels::UInt16(values) => three(values),
        Pixels::Float32(values) => three(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PixelType;

    fn gray(rgb: &Pixels) -> Pixels {
        let mut gray = Pixels::empty(PixelType::UInt8);
        luma(rgb, &mut gray);
        gray
    }

    #[test]
    fn halves_are_rounded_to_even() {
        // 587 * 500 = 293.5 thousand and 299 * 500 = 149.5 thousand.
        let rgb = Pixels::UInt16(vec![0, 500, 0, 500, 0, 0, 65_535, 65_535, 65_535]);
        assert_eq!(gray(&rgb), Pixels::UInt16(vec![294, 150, 65_535]));
        let rgb = Pixels::Float32(vec![0.0, 500.0, 0.0, 500.0, 0.0, 0.0, 0.5, 0.5, 0.5]);
        assert_eq!(gray(&rgb), Pixels::Float32(vec![294.0, 150.0, 0.5]));
        assert_eq!(
            gray(&Pixels::UInt8(vec![255, 0, 0, 0, 255, 0, 0, 0, 255])),
            Pixels::UInt8(vec![76, 150, 29])
        );
    }

    #[test]
    fn grey_stays_grey() {
        let mut pixels = Pixels::Int16(vec![-5, 0, 300]);
        repeat_channels(&mut pixels);
        assert_eq!(pixels, Pixels::Int16(vec![-5, -5, -5, 0, 0, 0, 300, 300, 300]));
        assert_eq!(gray(&pixels), Pixels::Int16(vec![-5, 0, 300]));
    }
}
