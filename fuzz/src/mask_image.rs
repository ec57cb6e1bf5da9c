//! A mask image: any bytes give a mask of the size that the file says, or an error that names the file.
//!
//! The first byte chooses the format; what follows is the file.

use dicomprep::source::{LabelSelection, Limits, parse_png, parse_tiff};

use crate::assert_plain;

/// Small, so that what a file can make the program hold shows.
const LIMITS: Limits = Limits { max_image_bytes: 1 << 20, max_image_pixels: 1 << 19 };

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, file)) = bytes.split_first() else { return };
    let parsed = if choice & 1 == 0 { parse_png("m", file, &LIMITS) } else { parse_tiff("m", file, &LIMITS) };
    let image = match parsed {
        Ok(image) => image,
        Err(error) => {
            assert!(error.to_string().starts_with("m: "), "{error}");
            return assert_plain(&error.to_string());
        }
    };
    let pixels = image.shape().pixels();
    assert!(pixels as u64 <= LIMITS.max_image_pixels);
    image.notes().iter().for_each(|note| assert_plain(note));
    // Every value other than 0 is in one mask.
    if let Some(counts) = image.counts(16) {
        for (&value, &count) in &counts {
            assert_eq!(image.mask(LabelSelection::Value(value)).count_ones(), count);
        }
        let above: usize = counts.iter().filter(|(value, _)| **value > 0).map(|(_, count)| count).sum();
        assert_eq!(image.mask(LabelSelection::AboveZero).count_ones(), above);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // PNGs of 3 x 2 pixels: grey of 8 bits, a palette of 2 bits; written by Pillow 12.
    let pngs = [
        "89504e470d0a1a0a0000000d4948445200000003000000020800000000b81f39c60000001049444154789c636460ac67f8cfc8040005\
         920184e7e0cca70000000049454e44ae426082",
        "89504e470d0a1a0a0000000d4948445200000003000000020203000000e01a8e890000000c504c544509090909090909090909090909f9\
         b4b4ba0000000274524e53ff00e5b7304a0000000c49444154789c639060b80000011c00e9fc95490a0000000049454e44ae426082",
    ];
    let tiff = |bits: u16, interpretation: u16, compression: u16, pixels: &[u8]| {
        let tags = [
            (256, 3),
            (257, 2),
            (258, bits),
            (259, compression),
            (262, interpretation),
            (273, 8 + 2 + 8 * 12 + 4),
            (277, 1),
            (279, pixels.len() as u16),
        ];
        let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
        file.extend((tags.len() as u16).to_le_bytes());
        for (tag, value) in tags {
            file.extend([tag, 3, 1, 0, value, 0].map(u16::to_le_bytes).concat());
        }
        file.extend([0; 4]);
        file.extend(pixels);
        [&[1], &file[..]].concat()
    };
    let bytes = |text: &str| -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks_exact(2).map(|two| (two[0] * 16 + two[1]) as u8).collect()
    };
    let tiffs = [
        tiff(8, 1, 1, &[0, 1, 2, 3, 128, 255]),
        tiff(8, 3, 32_773, &[5, 0, 1, 2, 3, 4, 5]),
        tiff(1, 0, 1, &[0x40, 0xA0]),
        tiff(16, 1, 1, &[0, 1, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0]),
        tiff(1, 0, 4, &[0x26, 0xA0, 0, 0x10, 0, 0x10]),
        tiff(8, 1, 5, &[0x80, 0x01, 0x20, 0x50, 0x38, 0x24]),
    ];
    let pngs = pngs.map(|text| [&[0], &bytes(text)[..]].concat());
    pngs.into_iter().chain(tiffs).collect()
}
