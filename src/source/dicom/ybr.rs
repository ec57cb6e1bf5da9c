//! From luma and colour differences to red, green and blue.

use super::stored_pixels::StoredValues;

/// Converts pixels of YBR_FULL, one behind the other, to RGB (PS3.3 C.7.6.3.1.2), rounded to nearest and clipped to the
/// values of so many bits. False where the values are not unsigned integers of 8 or 16 bits.
pub(super) fn to_rgb(values: &mut StoredValues, bits_stored: u16) -> bool {
    let largest = f64::from((1_u32 << bits_stored.min(16)) - 1);
    match values {
        StoredValues::UInt8(values) => convert(values, largest, |value| value as u8),
        StoredValues::UInt16(values) => convert(values, largest, |value| value as u16),
        _ => return false,
    }
    true
}

/// Weights of red and blue in luma (ITU-R BT.601); green has the rest.
const RED: f64 = 0.299;
const BLUE: f64 = 0.114;
const GREEN: f64 = 1.0 - RED - BLUE;

fn convert<T: Copy + Into<f64>>(values: &mut [T], largest: f64, narrow: impl Fn(f64) -> T) {
    // Differences are 0 in the middle: 128 of 8 bits.
    let middle = (largest + 1.0) / 2.0;
    let rounded = |value: f64| narrow((value + 0.5).floor().clamp(0.0, largest));
    let (from_red, from_blue) = (2.0 - 2.0 * RED, 2.0 - 2.0 * BLUE);
    for [y, cb, cr] in values.as_chunks_mut().0 {
        let (luma, blue, red) = ((*y).into(), (*cb).into() - middle, (*cr).into() - middle);
        let green = luma - BLUE * from_blue / GREEN * blue - RED * from_red / GREEN * red;
        *y = rounded(luma + from_red * red);
        *cb = rounded(green);
        *cr = rounded(luma + from_blue * blue);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_back() {
        // The forward transform of PS3.3 C.7.6.3.1.2, rounded, of primary colours.
        let pairs = [
            ([76, 85, 255], [254, 0, 0]),
            ([150, 44, 21], [0, 255, 1]),
            ([29, 255, 107], [0, 0, 254]),
            ([128, 128, 128], [128, 128, 128]),
            ([255, 128, 128], [255, 255, 255]),
        ];
        for (ybr, rgb) in pairs {
            let mut values = StoredValues::UInt8(ybr.to_vec());
            assert!(to_rgb(&mut values, 8));
            assert_eq!(values, StoredValues::UInt8(rgb.to_vec()), "{ybr:?}");
        }
    }

    #[test]
    fn the_middle_follows_bits_stored() {
        let mut values = StoredValues::UInt16(vec![1000, 2048, 2048, 4095, 2048, 2049]);
        assert!(to_rgb(&mut values, 12));
        assert_eq!(values, StoredValues::UInt16(vec![1000, 1000, 1000, 4095, 4094, 4095]));
        assert!(!to_rgb(&mut StoredValues::UInt32(vec![1, 2, 3]), 32));
    }
}
