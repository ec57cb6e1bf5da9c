//! TIFFs of a few pixels, written by hand.

use super::*;

/// A little-endian TIFF of one strip; `tags` are `(tag, value)` beside those of size and strip.
fn tiff(columns: u16, rows: u16, tags: &[(u16, u16)], pixels: &[u8], software: Option<&str>) -> Vec<u8> {
    let mut entries: Vec<[u8; 12]> = Vec::new();
    let mut entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let [a, b] = tag.to_le_bytes();
        let [c, d] = kind.to_le_bytes();
        let [e, f, g, h] = count.to_le_bytes();
        let [i, j, k, l] = value.to_le_bytes();
        entries.push([a, b, c, d, e, f, g, h, i, j, k, l]);
    };
    entry(256, 3, 1, columns.into());
    entry(257, 3, 1, rows.into());
    for &(tag, value) in tags {
        entry(tag, 3, 1, value.into());
    }
    entry(278, 3, 1, rows.into());
    let text = software.unwrap_or_default();
    let after = 8 + 2 + 12 * (tags.len() as u32 + 5 + u32::from(software.is_some())) + 4;
    if software.is_some() {
        entry(305, 2, text.len() as u32, after);
    }
    entry(273, 4, 1, after + text.len() as u32);
    entry(279, 4, 1, pixels.len() as u32);
    entries.sort_by_key(|entry| u16::from_le_bytes([entry[0], entry[1]]));
    let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend(entries.concat());
    file.extend([0; 4]);
    file.extend(text.as_bytes());
    file.extend(pixels);
    file
}

fn read_values(file: &[u8]) -> Result<Vec<i64>, LabelFault> {
    let image = parse_tiff("m.tif", file, &Limits::default()).map_err(|error| error.fault)?;
    Ok((0..image.shape.pixels()).map(|index| image.values.get(index)).collect())
}

const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const INTERPRETATION: u16 = 262;
const SAMPLES: u16 = 277;

#[test]
fn grey_values_and_indices_are_read_as_they_are_stored() {
    let grey = tiff(2, 2, &[(BITS, 8), (INTERPRETATION, 1)], &[0, 1, 128, 255], None);
    assert_eq!(read_values(&grey), Ok(vec![0, 1, 128, 255]));
    let palette = tiff(2, 2, &[(BITS, 8), (INTERPRETATION, 3)], &[0, 1, 128, 255], None);
    assert_eq!(read_values(&palette), Ok(vec![0, 1, 128, 255]));
    let nibbles = tiff(3, 2, &[(BITS, 4), (INTERPRETATION, 3)], &[0x12, 0x30, 0x0F, 0x50], None);
    assert_eq!(read_values(&nibbles), Ok(vec![1, 2, 3, 0, 15, 5]));
    let wide = tiff(2, 1, &[(BITS, 16), (INTERPRETATION, 1)], &[1, 2, 255, 255], None);
    assert_eq!(read_values(&wide), Ok(vec![513, 65_535]));
    // Rows of single bits begin at a byte.
    let bits = tiff(9, 2, &[(BITS, 1), (INTERPRETATION, 1)], &[0x81, 0x80, 0x00, 0x80], None);
    assert_eq!(read_values(&bits), Ok([[1, 0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0, 1]].concat()));
}

#[test]
fn white_is_zero_is_decided_and_said() {
    let tags = [(BITS, 1), (INTERPRETATION, 0)];
    let plain = tiff(8, 1, &tags, &[0b1110_0000], None);
    assert_eq!(read_values(&plain), Ok(vec![0, 0, 0, 1, 1, 1, 1, 1]));
    let by_tifffile = tiff(8, 1, &tags, &[0b1110_0000], Some("tifffile.py\0"));
    assert_eq!(read_values(&by_tifffile), Ok(vec![1, 1, 1, 0, 0, 0, 0, 0]));
    let deep = tiff(2, 1, &[(BITS, 8), (INTERPRETATION, 0)], &[255, 0], Some("tifffile.py\0"));
    assert_eq!(read_values(&deep), Ok(vec![0, 255]));
    let notes = |file: &[u8]| parse_tiff("m.tif", file, &Limits::default()).unwrap().notes().join("");
    assert!(notes(&plain).contains("stored zeros are white") && notes(&by_tifffile).contains("as they are"));
}

#[test]
fn what_would_be_misread_is_refused() {
    let refused = |tags: &[(u16, u16)], pixels: &[u8]| {
        read_values(&tiff(2, 2, tags, pixels, None)).unwrap_err().to_string()
    };
    let rgb = [(BITS, 8), (INTERPRETATION, 2), (SAMPLES, 3)];
    assert_eq!(read_values(&tiff(2, 2, &rgb, &[7; 12], None)), Ok(vec![7; 4]));
    assert!(refused(&rgb, &[7, 7, 7, 7, 7, 8, 0, 0, 0, 0, 0, 0]).contains("row 0, column 1"));
    let grey = [(BITS, 8), (INTERPRETATION, 1)];
    assert!(refused(&[grey[0], (COMPRESSION, 7), grey[1]], &[0; 4]).contains("JPEG"));
    assert!(refused(&[grey[0], grey[1], (274, 3)], &[0; 4]).contains("Orientation"));
    assert!(refused(&[grey[0], grey[1], (266, 2)], &[0; 4]).contains("FillOrder"));
    assert!(refused(&grey, &[0; 3]).contains("damaged"));
    // The same directory once more, as a second page.
    let mut pages = tiff(2, 2, &grey, &[0; 4], None);
    let (first, end) = (8, pages.len() - 4);
    let directory = pages[first..end].to_vec();
    let second = (pages.len() as u32).to_le_bytes();
    pages[end - 4..end].copy_from_slice(&second);
    pages.extend(directory);
    assert!(read_values(&pages).unwrap_err().to_string().contains("pages"));
    assert_eq!(read_values(b"MM").unwrap_err(), LabelFault::NotThisFormat { format: "TIFF" });
}

#[test]
fn sizes_are_checked_before_memory_is_asked_for() {
    let file = tiff(60_000, 60_000, &[(BITS, 8), (INTERPRETATION, 1)], &[0; 4], None);
    let fault = read_values(&file).unwrap_err();
    assert!(matches!(fault, LabelFault::TooManyPixels { pixels: 3_600_000_000, .. }), "{fault}");
    let file = tiff(4000, 4000, &[(BITS, 8), (INTERPRETATION, 1)], &[0; 4], None);
    assert!(matches!(read_values(&file), Err(LabelFault::Cut { needed: 16_000_000, .. })));
    let deflate = [(BITS, 8), (COMPRESSION, 8), (INTERPRETATION, 1)];
    assert!(matches!(
        read_values(&tiff(4000, 4000, &deflate, &[0; 4], None)),
        Err(LabelFault::Implausible { .. })
    ));
}
