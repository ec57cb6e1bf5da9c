//! Files that depart from the standard and leave no doubt about their values: each is read, and says so.

use std::collections::BTreeSet;

use crate::common::dicom::{BIG, Builder, EXPLICIT, IMPLICIT, element};
use dicomprep::source::{
    DicomError, DicomFault, Leniency, Limits, ModalityTransform, StoredPixels, StoredValues, parse_header,
    parse_image,
};

const RLE: &str = "1.2.840.10008.1.2.5";

/// The values of an image, and all in which it departs from the standard.
fn read(bytes: &[u8]) -> Result<(StoredValues, Vec<Leniency>), DicomError> {
    let mut stored = StoredPixels::default();
    let header = parse_image("a.dcm", bytes, &Limits::default(), &mut stored)?;
    let len = bytes.len() as u64;
    for cut in 0..=bytes.len() {
        if let Some(planned) = parse_header("a.dcm", &bytes[..cut], len, &Limits::default())? {
            assert_eq!(format!("{planned:?}"), format!("{header:?}"), "from {cut} bytes");
        }
    }
    let all: BTreeSet<Leniency> = header.leniencies.union(stored.leniencies()).copied().collect();
    Ok((stored.values().clone(), all.into_iter().collect()))
}

fn image(syntax: &'static str) -> Builder {
    Builder::image(syntax, 1, 3).pixels("OW", &[1, 0, 2, 0, 3, 0])
}

const VALUES: [u16; 3] = [1, 2, 3];

fn values() -> StoredValues {
    StoredValues::UInt16(VALUES.to_vec())
}

/// An item with this value, of defined length.
fn item(value: &[u8]) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0], &(value.len() as u32).to_le_bytes()[..], value].concat()
}

const ITEM: [u8; 8] = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
const ITEM_END: [u8; 8] = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
const END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

/// The header of an element of undefined length in explicit VR little endian.
fn undefined(tag: u32, vr: &[u8; 2]) -> Vec<u8> {
    let [group, number] = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes);
    [&group[..], &number[..], &vr[..], &[0, 0, 0xFF, 0xFF, 0xFF, 0xFF]].concat()
}

/// An image whose pixels follow `before`, elements of groups above 0028.
fn behind(before: &[u8]) -> Vec<u8> {
    let mut tail = before.to_vec();
    element(&mut tail, EXPLICIT, 0x7FE0_0010, "OW", &[1, 0, 2, 0, 3, 0]);
    Builder::image(EXPLICIT, 1, 3).tail(&tail).build()
}

#[test]
fn fragments_of_an_icon_or_a_private_value_are_passed_over() {
    // Values that would be elements, items or ends if they were looked at.
    let fragments =
        [item(&[]), item(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0, 9]), item(&[1]), END.to_vec()].concat();
    let pixels = [undefined(0x7FE0_0010, b"OB"), fragments.clone()].concat();
    let mut rows = Vec::new();
    element(&mut rows, EXPLICIT, 0x0028_0010, "US", &[16, 0]);
    let icon = |item: Vec<u8>| [undefined(0x0088_0200, b"SQ"), item, END.to_vec()].concat();
    let open = icon([&ITEM[..], &rows, &pixels, &ITEM_END].concat());
    let closed = icon(item(&[rows.clone(), pixels.clone()].concat()));
    let private = [undefined(0x0029_1010, b"OB"), fragments.clone()].concat();
    for before in [open, closed, private] {
        assert_eq!(read(&behind(&before)).unwrap(), (values(), vec![]));
    }
    // An icon that never ends, and one with something else among its fragments.
    for wrong in [item(&[1]), [item(&[1]), rows].concat()] {
        let before = icon([&ITEM[..], &undefined(0x7FE0_0010, b"OB"), &wrong].concat());
        assert!(read(&behind(&before)).is_err());
    }
}

#[test]
fn a_vr_that_is_not_known_is_passed_over_by_its_length() {
    let short = |vr: &[u8; 2]| [&[0x29, 0, 0x10, 0x10], &vr[..], &[4, 0], b"abcd"].concat();
    let long = |vr: &[u8; 2]| [&[0x29, 0, 0x10, 0x10], &vr[..], &[0, 0, 4, 0, 0, 0], b"abcd"].concat();
    for vr in [b"--", b"??", b"  ", b"ZZ", b"Xx"] {
        assert_eq!(read(&behind(&short(vr))).unwrap(), (values(), vec![Leniency::UnknownVr]), "{vr:?}");
        assert_eq!(read(&behind(&long(vr))).unwrap(), (values(), vec![Leniency::UnknownVr]), "{vr:?}");
        let two = [short(vr), [&[0x29, 0, 0x11, 0x10], &vr[..], &[2, 0], b"ab"].concat()].concat();
        assert_eq!(read(&behind(&two)).unwrap(), (values(), vec![Leniency::UnknownVr]), "{vr:?}");
    }
    // An element without VR in an explicit data set.
    let none = [&[0x29, 0, 0x10, 0x10, 4, 0, 0, 0][..], b"abcd"].concat();
    assert_eq!(read(&behind(&none)).unwrap(), (values(), vec![Leniency::UnknownVr]));
}

#[test]
fn the_first_element_tells_how_the_data_set_is_encoded() {
    // The same meta group with another transfer syntax.
    let renamed = |built: &'static str, named: &'static str| {
        let uid = |uid: &str| 132 + 8 + uid.len() + uid.len() % 2;
        let data_set = image(built).build()[uid(built)..].to_vec();
        [image(named).build()[..uid(named)].to_vec(), data_set].concat()
    };
    for (built, named) in [(EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT), (EXPLICIT, BIG), (IMPLICIT, BIG)] {
        let (read, leniencies) = read(&renamed(built, named)).unwrap();
        assert_eq!((read, leniencies), (values(), vec![Leniency::OtherEncoding]), "{built} as {named}");
    }
    for syntax in [EXPLICIT, IMPLICIT] {
        assert_eq!(read(&renamed(syntax, syntax)).unwrap(), (values(), vec![]));
    }
}

#[test]
fn an_empty_rescale_is_the_identity() {
    for (tag, empty) in [(0x0028_1052, ""), (0x0028_1053, ""), (0x0028_1053, "  ")] {
        let file = image(EXPLICIT).text(tag, "DS", empty).build();
        assert_eq!(read(&file).unwrap(), (values(), vec![Leniency::EmptyRescale]));
        let header = parse_header("a", &file, file.len() as u64, &Limits::default()).unwrap().unwrap();
        assert_eq!(header.modality, ModalityTransform::Identity);
    }
    let half = image(EXPLICIT).text(0x0028_1052, "DS", "-7").text(0x0028_1053, "DS", "").build();
    let header = parse_header("a", &half, half.len() as u64, &Limits::default()).unwrap().unwrap();
    assert_eq!(header.modality, ModalityTransform::Linear { slope: 1.0, intercept: -7.0 });
}

#[test]
fn a_number_of_frames_of_0_or_nothing_is_one_frame() {
    for frames in ["0", "", " "] {
        let file = image(EXPLICIT).text(0x0028_0008, "IS", frames).build();
        assert_eq!(read(&file).unwrap(), (values(), vec![Leniency::NoNumberOfFrames]));
    }
    for wrong in ["-1", "one", "1.5"] {
        assert!(read(&image(EXPLICIT).text(0x0028_0008, "IS", wrong).build()).is_err());
    }
}

#[test]
fn pixels_of_two_frames_without_a_number_of_frames_are_refused() {
    let twice = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0];
    let fault = read(&image(EXPLICIT).pixels("OW", &twice).build()).unwrap_err().fault;
    assert!(matches!(fault, DicomFault::FrameCount { frames: 1, .. }), "{fault}");
    let zero = image(EXPLICIT).pixels("OW", &twice).text(0x0028_0008, "IS", "0").build();
    assert!(matches!(read(&zero).unwrap_err().fault, DicomFault::FrameCount { frames: 1, .. }));
    let one = image(EXPLICIT).pixels("OW", &twice).text(0x0028_0008, "IS", "1").build();
    assert_eq!(read(&one).unwrap(), (values(), vec![Leniency::ExcessPixels]));
    let padded = image(EXPLICIT).pixels("OW", &twice[..10]).build();
    assert_eq!(read(&padded).unwrap(), (values(), vec![Leniency::ExcessPixels]));
}

#[test]
fn high_bit_above_bits_stored_is_shifted_and_said() {
    let file = image(EXPLICIT).bits(16, 12, 15, 0).pixels("OW", &[0x1F, 0, 0x20, 0, 0x30, 0]).build();
    assert_eq!(read(&file).unwrap(), (values(), vec![Leniency::HighBit]));
    // What stands below the value, too, is not part of it; and an overlay above it is not.
    let file =
        image(EXPLICIT).bits(16, 12, 11, 1).pixels("OW", &[0x01, 0xF0, 0x02, 0x10, 0xFF, 0x0F]).build();
    assert_eq!(read(&file).unwrap(), (StoredValues::Int16(vec![1, 2, -1]), vec![]));
}

#[test]
fn fragments_without_an_end_are_a_whole_image() {
    let mut frame = vec![1, 0, 0, 0, 64, 0, 0, 0];
    frame.resize(64, 0);
    frame.extend([3, 7, 8, 9, 10, 0]);
    let whole = Builder::image(RLE, 1, 4).bits(8, 8, 7, 0).frame(&frame).build();
    let expected = StoredValues::UInt8(vec![7, 8, 9, 10]);
    assert_eq!(read(&whole).unwrap(), (expected.clone(), vec![]));
    for kept in [0, 2, 4, 6] {
        let cut = &whole[..whole.len() - 8 + kept];
        assert_eq!(read(cut).unwrap(), (expected.clone(), vec![Leniency::UnendedFragments]));
    }
    let zeroed = [&whole[..whole.len() - 8], &[0; 8]].concat();
    assert_eq!(read(&zeroed).unwrap(), (expected, vec![Leniency::UnendedFragments]));
    assert!(read(&whole[..whole.len() - 10]).is_err(), "a fragment that is cut");
}

#[test]
fn wide_pixels_in_big_endian_are_read_as_the_values_allow() {
    let wide = |stored, sign, pixels: &[u8]| {
        Builder::image(BIG, 1, 2).bits(32, stored, stored - 1, sign).pixels("OW", pixels)
    };
    // 0x0009C720 and 5, in 16-bit words with the low one first, and as numbers.
    let words = [0xC7, 0x20, 0x00, 0x09, 0x00, 0x05, 0x00, 0x00];
    let numbers = [0x00, 0x09, 0xC7, 0x20, 0x00, 0x00, 0x00, 0x05];
    let expected = StoredValues::UInt32(vec![0x0009_C720, 5]);
    assert_eq!(read(&wide(20, 0, &words).build()).unwrap(), (expected.clone(), vec![Leniency::WideInWords]));
    assert_eq!(
        read(&wide(20, 0, &numbers).build()).unwrap(),
        (expected.clone(), vec![Leniency::WideAsNumbers])
    );
    // With all bits stored, both are possible, unless the smallest and the largest value are told.
    let both = read(&wide(32, 0, &words).build()).unwrap_err().fault;
    assert_eq!(both, DicomFault::WordOrder { both: true });
    let told = wide(32, 0, &words)
        .set(0x0028_0106, "UL", &[0, 0, 0, 5])
        .set(0x0028_0107, "UL", &[0, 9, 0xC7, 0x20])
        .build();
    assert_eq!(read(&told).unwrap(), (expected, vec![Leniency::WideInWords]));
    let neither = read(&wide(17, 0, &words).build()).unwrap_err().fault;
    assert_eq!(neither, DicomFault::WordOrder { both: false });
    // Negative values: -2 and 3.
    let words = [0xFF, 0xFE, 0xFF, 0xFF, 0, 3, 0, 0];
    let negative = (StoredValues::Int32(vec![-2, 3]), vec![Leniency::WideInWords]);
    assert_eq!(read(&wide(17, 1, &words).build()).unwrap(), negative);
    // Nothing to tell apart.
    assert_eq!(read(&wide(32, 1, &[0xFF; 8]).build()).unwrap(), (StoredValues::Int32(vec![-1, -1]), vec![]));
}
