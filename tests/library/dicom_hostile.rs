//! DICOM files made to break a reader, and the corners of the standard that readers get wrong.

use dicomprep::model::{PixelType, Pixels, Reason};
use dicomprep::source::{
    ConvertOptions, DicomError, DicomFault, ImageHeader, Leniency, Limits, ModalityTransform, Monochrome1,
    StoredPixels, StoredValues, convert, parse_header, parse_image,
};
use proptest::prelude::*;

use crate::common::dicom::{BIG, Builder, EXPLICIT, IMPLICIT, element};

const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.70";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

fn parse(bytes: &[u8]) -> Result<(ImageHeader, StoredValues), DicomError> {
    let mut stored = StoredPixels::default();
    let header = parse_image("a.dcm", bytes, &Limits::default(), &mut stored)?;
    let planned = parse_header("a.dcm", bytes, bytes.len() as u64, &Limits::default()).unwrap().unwrap();
    assert_eq!(format!("{planned:?}"), format!("{header:?}"));
    Ok((header, stored.values().clone()))
}

fn values(builder: &Builder) -> StoredValues {
    parse(&builder.build()).unwrap().1
}

fn fault(builder: &Builder) -> DicomFault {
    let error = parse(&builder.build()).unwrap_err();
    assert!(error.to_string().starts_with("a.dcm"), "{error}");
    error.fault
}

fn small(syntax: &'static str) -> Builder {
    let pixels = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0xFF, 0xFF];
    Builder::image(syntax, 2, 3)
        .text(0x0028_1050, "DS", "40\\50")
        .text(0x0028_1051, "DS", "400\\500")
        .text(0x0028_0030, "DS", "1.25\\0.5")
        .text(0x0020_0013, "IS", "48")
        .pixels("OW", &pixels)
}

#[test]
fn the_small_file_reads_in_every_native_syntax() {
    let expected = StoredValues::UInt16(vec![1, 2, 3, 4, 5, 65_535]);
    for syntax in [EXPLICIT, IMPLICIT] {
        let (header, values) = parse(&small(syntax).build()).unwrap();
        assert_eq!(values, expected);
        assert_eq!(header.shape.to_string(), "2x3");
        assert_eq!(header.instance_number, Some(48));
        assert_eq!(header.geometry.window, [40.0, 400.0]);
        assert_eq!(header.geometry.pixel_spacing, [1.25, 0.5]);
        assert_eq!(header.modality, ModalityTransform::Identity);
    }
    let swapped = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0xFF, 0xFF];
    assert_eq!(values(&small(BIG).pixels("OW", &swapped)), expected);
    // Without preamble and meta group, the first element tells the syntax.
    for syntax in [EXPLICIT, IMPLICIT] {
        let bytes = small(syntax).build();
        let meta = 132 + 8 + if syntax == EXPLICIT { 20 } else { 18 };
        assert_eq!(parse(&bytes[meta..]).unwrap().1, expected);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_and_a_beginning_asks_for_more() {
    // The last element, a Sequence Delimitation Item, may be missing.
    for (builder, end) in [(small(EXPLICIT), 0), (small(IMPLICIT), 0), (rle_image(&[1, 1, 2, 0xFF, 3]), 8)] {
        let bytes = builder.build();
        let whole = parse(&bytes).unwrap();
        let len = bytes.len() as u64;
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]).is_ok(), cut >= bytes.len() - end, "cut at {cut}");
            match parse_header("a.dcm", &bytes[..cut], len, &Limits::default()) {
                Ok(Some(header)) => assert_eq!(format!("{header:?}"), format!("{:?}", whole.0)),
                Ok(None) => {}
                Err(error) => panic!("cut at {cut}: {error}"),
            }
        }
    }
}

#[test]
fn a_claim_beyond_the_limits_or_the_bytes_is_refused() {
    let limited = |builder: &Builder, limits| {
        parse_image("a.dcm", &builder.build(), &limits, &mut StoredPixels::default()).unwrap_err()
    };
    let low = Limits { max_image_bytes: 1_000, ..Limits::default() };
    let large = Builder::image(EXPLICIT, 23, 23).pixels("OW", &[0; 8]);
    let over = DicomFault::OverLimit { what: "the decoded image", bytes: 1_058, limit: 1_000 };
    assert_eq!(limited(&large, low).fault, over);
    assert_eq!(fault(&large), DicomFault::PixelsShort { needed: 1_058, present: 8 });
    let large = Builder::image(RLE, 2_900, 2_900).frame(&[0; 8]);
    assert!(matches!(fault(&large), DicomFault::Implausible { needed: 16_820_000, .. }));
    let error = limited(&small(EXPLICIT), Limits { max_image_bytes: 100, ..Limits::default() });
    assert_eq!(error.reason(), Reason::ImageUnsupported);
    let error = limited(&small(EXPLICIT), Limits { max_image_pixels: 5, ..Limits::default() });
    assert_eq!(error.fault, DicomFault::TooManyPixels { pixels: 6, limit: 5 });
    assert_eq!(error.reason(), Reason::ImageUnsupported);
    let frames = |frames: &str| Builder::image(EXPLICIT, 1, 1).text(0x0028_0008, "IS", frames);
    let many = frames("65537").pixels("OW", &[0; 8]);
    assert_eq!(fault(&many), DicomFault::TooManyFrames { frames: 65_537, limit: 65_536 });
    let many = frames("5").pixels("OW", &[0; 8]);
    assert_eq!(fault(&many), DicomFault::PixelsShort { needed: 10, present: 8 });
    let many = Builder::image(RLE, 1, 1).text(0x0028_0008, "IS", "5").frame(&[0; 8]);
    assert!(matches!(fault(&many), DicomFault::Implausible { .. }));
}

#[test]
fn nesting_is_bounded() {
    for (syntax, open) in [
        (EXPLICIT, &b"\x08\x00\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"[..]),
        (IMPLICIT, &b"\x08\x00\x40\x11\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"[..]),
    ] {
        let deep = Builder::image(syntax, 1, 1).tail(&open.repeat(65));
        assert_eq!(fault(&deep), DicomFault::TooDeep { limit: 64 });
        let mut shallow = open.repeat(60);
        shallow.extend(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0".repeat(60));
        element(&mut shallow, syntax, 0x7FE0_0010, "OW", &[7, 0]);
        assert_eq!(values(&Builder::image(syntax, 1, 1).tail(&shallow)), StoredValues::UInt16(vec![7]));
    }
}

#[test]
fn lengths_are_held_against_what_is_left() {
    let long = b"\x28\x00\x00\x20UN\0\0\xFE\xFF\xFF\xFF\0\0";
    let refused = fault(&Builder::image(EXPLICIT, 1, 1).tail(long));
    assert_eq!(refused, DicomFault::Length { claimed: 0xFFFF_FFFE, left: 2 });
    let odd = Builder::image(EXPLICIT, 1, 1).set(0x0028_1055, "LO", b"odd").pixels("OW", &[7, 0]);
    assert_eq!(values(&odd), StoredValues::UInt16(vec![7]));
    // Padding behind the pixels is left away, and missing pixels are not made up.
    let padded = Builder::image(EXPLICIT, 1, 2).pixels("OW", &[7, 0, 8, 0, 9, 9]);
    assert_eq!(values(&padded), StoredValues::UInt16(vec![7, 8]));
    let short = fault(&Builder::image(EXPLICIT, 2, 2).pixels("OW", &[0; 6]));
    assert_eq!(short, DicomFault::PixelsShort { needed: 8, present: 6 });
    // An item that is longer than its sequence.
    let item = b"\x28\x00\x00\x30SQ\0\0\x08\0\0\0\xFE\xFF\x00\xE0\x10\0\0\0";
    let refused = fault(&Builder::image(EXPLICIT, 1, 1).tail(item));
    assert!(matches!(refused, DicomFault::Length { claimed: 16, left: 0 }));
    // Stray delimiters, then an item in no sequence.
    let stray = b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0\xFE\xFF\x00\xE0\0\0\0\0";
    assert!(matches!(fault(&Builder::image(EXPLICIT, 1, 1).tail(stray)), DicomFault::NotAnItem { .. }));
}

#[test]
fn what_is_no_dicom_image_is_told_apart() {
    for bytes in [&b""[..], b"\x89PNG\r\n\x1A\n", &[0; 5_000], b"DICM", &b"text text ".repeat(40)] {
        assert_eq!(parse(bytes).unwrap_err().reason(), Reason::ImageUnreadable);
    }
    let report = Builder::image(EXPLICIT, 1, 1);
    assert_eq!(fault(&report), DicomFault::NoImage);
    let unknown = Builder::image("1.2.840.10008.1.2.4.100", 1, 1).pixels("OB", &[0; 2]);
    let text = parse(&unknown.build()).unwrap_err().to_string();
    assert!(text.contains("MPEG2") && text.contains("1.2.840.10008.1.2.4.100"), "{text}");
}

#[test]
fn bits_are_masked_and_signed_as_the_header_says() {
    let pixels = [0x00, 0xF8, 0xFF, 0x07];
    let twelve = |high, sign| Builder::image(EXPLICIT, 1, 2).bits(16, 12, high, sign).pixels("OW", &pixels);
    assert_eq!(values(&twelve(11, 0)), StoredValues::UInt16(vec![0x800, 0x7FF]));
    assert_eq!(values(&twelve(11, 1)), StoredValues::Int16(vec![-2048, 2047]));
    assert_eq!(values(&twelve(15, 0)), StoredValues::UInt16(vec![0xF80, 0x07F]));
    assert!(matches!(fault(&twelve(10, 0)), DicomFault::Bits { .. }));
    assert!(matches!(fault(&twelve(16, 0)), DicomFault::Bits { .. }));
    let seventeen = Builder::image(EXPLICIT, 1, 1).bits(16, 17, 15, 0).pixels("OW", &[0; 4]);
    assert!(matches!(fault(&seventeen), DicomFault::Bits { .. }));
    let padded = Builder::image(EXPLICIT, 1, 3).bits(1, 1, 0, 0).pixels("OB", &[0b101, 0]);
    assert_eq!(values(&padded), StoredValues::UInt8(vec![1, 0, 1]));
    let one_bit = Builder::image(EXPLICIT, 2, 8).bits(1, 1, 0, 0).pixels("OB", &[0b101, 0]);
    assert_eq!(values(&one_bit), StoredValues::UInt8([&[1, 0, 1][..], &[0; 13]].concat()));
}

#[test]
fn big_endian_bytes_stand_in_words_where_the_vr_says_so() {
    let eight = |vr, pixels: &[u8]| Builder::image(BIG, 1, 3).bits(8, 8, 7, 0).pixels(vr, pixels);
    assert_eq!(values(&eight("OB", &[1, 2, 3, 0])), StoredValues::UInt8(vec![1, 2, 3]));
    assert_eq!(values(&eight("OW", &[2, 1, 0, 3])), StoredValues::UInt8(vec![1, 2, 3]));
    assert!(matches!(fault(&eight("OW", &[2, 1, 0])), DicomFault::PixelsShort { .. }));
}

#[test]
fn an_unreadable_rescale_is_an_error_and_a_missing_half_is_not() {
    let with = |slope: &str| small(EXPLICIT).text(0x0028_1053, "DS", slope);
    for bad in ["abc", "1,5", "nan", "inf", "0", "0.0", "1\\2", "1 2"] {
        let error = parse(&with(bad).build()).unwrap_err();
        assert_eq!(error.reason(), Reason::ImageUnreadable);
        assert!(error.to_string().contains("(0028,1053) Rescale Slope"), "{error}");
    }
    let modality = |builder: &Builder| parse(&builder.build()).unwrap().0.modality;
    assert_eq!(modality(&with("2")), ModalityTransform::Linear { slope: 2.0, intercept: 0.0 });
    let intercept = small(EXPLICIT).text(0x0028_1052, "DS", "-1024\0");
    assert_eq!(modality(&intercept), ModalityTransform::Linear { slope: 1.0, intercept: -1024.0 });
    assert_eq!(modality(&with("1.0").text(0x0028_1052, "DS", "0")), ModalityTransform::Identity);
    let window = parse(&small(EXPLICIT).text(0x0028_1050, "DS", "wide").build()).unwrap().0;
    assert!(window.geometry.window[0].is_nan());
    assert_eq!(window.unreadable[0].to_string(), "(0028,1050) Window Center");
}

#[test]
fn a_modality_lut_is_read_and_goes_before_a_rescale() {
    for syntax in [EXPLICIT, IMPLICIT] {
        let mut item = Vec::new();
        element(&mut item, syntax, 0x0028_3002, "US", &[3, 0, 0xFF, 0xFF, 16, 0]);
        element(&mut item, syntax, 0x0028_3006, "OW", &[10, 0, 20, 0, 0xE8, 3]);
        let mut sequence = vec![0xFE, 0xFF, 0x00, 0xE0];
        sequence.extend((item.len() as u32).to_le_bytes());
        sequence.extend(item);
        let signed = Builder::image(syntax, 1, 4)
            .bits(16, 16, 15, 1)
            .set(0x0028_3000, "SQ", &sequence)
            .pixels("OW", &[0x00, 0x80, 0xFF, 0xFF, 0, 0, 5, 0]);
        let bytes = signed.build();
        let mut stored = StoredPixels::default();
        let header = parse_image("a.dcm", &bytes, &Limits::default(), &mut stored).unwrap();
        let options =
            ConvertOptions { monochrome1: Monochrome1::Invert, target: PixelType::Int16, channels: 1 };
        let mut out = Pixels::empty(PixelType::Int16);
        convert("a.dcm", &header, &stored, options, &mut out).unwrap();
        assert_eq!(out, Pixels::Int16(vec![10, 10, 20, 1000]));
        let (both, _) = parse(&signed.text(0x0028_1053, "DS", "2").build()).unwrap();
        assert_eq!(both.modality, header.modality);
        assert!(both.leniencies.contains(&Leniency::LutBesideRescale) && header.leniencies.is_empty());
    }
}

#[test]
fn monochrome1_is_noticed_and_colour_of_one_sample_is_refused() {
    let with = |photometric: &str| small(EXPLICIT).text(0x0028_0004, "CS", photometric);
    assert!(parse(&with("MONOCHROME1").build()).unwrap().0.inverted);
    for colour in ["RGB", "YBR_FULL_422"] {
        let error = parse(&with(colour).build()).unwrap_err();
        assert_eq!(error.reason(), Reason::ImageUnsupported);
        assert!(error.to_string().contains("(0028,0002) Samples per Pixel"), "{error}");
    }
    let palette = parse(&with("PALETTE COLOR").build()).unwrap_err();
    assert_eq!(palette.reason(), Reason::ImageUnreadable);
    assert!(palette.to_string().contains("Palette"), "{palette}");
    let three = parse(&small(EXPLICIT).us(0x0028_0002, 3).build()).unwrap_err();
    assert!(three.to_string().contains("(0028,0002) Samples per Pixel"), "{three}");
}

#[test]
fn an_enhanced_object_has_its_rescale_in_a_functional_group() {
    // Shared Functional Groups > Pixel Value Transformation > Rescale Slope, all of undefined length.
    let open = |tag: [u8; 4]| [&tag[..], b"SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"].concat();
    let close = b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0".repeat(2);
    let mut tail = [open([0x00, 0x52, 0x29, 0x92]), open([0x28, 0x00, 0x45, 0x91])].concat();
    element(&mut tail, EXPLICIT, 0x0028_1053, "DS", b"3 ");
    tail.extend(&close);
    element(&mut tail, EXPLICIT, 0x7FE0_0010, "OW", &[7, 0]);
    let header = parse(&Builder::image(EXPLICIT, 1, 1).tail(&tail).build()).unwrap().0;
    assert_eq!(header.modality, ModalityTransform::Linear { slope: 3.0, intercept: 0.0 });
    // The same attribute in another sequence says nothing about the pixels.
    let mut tail = open([0x08, 0x00, 0x40, 0x11]);
    element(&mut tail, EXPLICIT, 0x0028_1053, "DS", b"3 ");
    tail.extend(&close[..16]);
    element(&mut tail, EXPLICIT, 0x7FE0_0010, "OW", &[7, 0]);
    let header = parse(&Builder::image(EXPLICIT, 1, 1).tail(&tail).build()).unwrap().0;
    assert_eq!(header.modality, ModalityTransform::Identity);
}

/// A 1 × 4 image of 8 bits with one RLE segment.
fn rle_image(segment: &[u8]) -> Builder {
    let mut frame = vec![1, 0, 0, 0, 64, 0, 0, 0];
    frame.resize(64, 0);
    frame.extend(segment);
    Builder::image(RLE, 1, 4).bits(8, 8, 7, 0).frame(&frame)
}

#[test]
fn rle_must_fill_the_image() {
    assert_eq!(values(&rle_image(&[1, 1, 2, 0xFF, 3])), StoredValues::UInt8(vec![1, 2, 3, 3]));
    assert_eq!(values(&rle_image(&[0x81, 9, 0x81, 9])), StoredValues::UInt8(vec![9; 4]));
    for bad in [&[][..], &[1, 1, 2], &[0x80; 100], &[3, 1, 2, 3], &[0xFE, 9], &[0xFD]] {
        assert_eq!(fault(&rle_image(bad)), DicomFault::Codestream { format: "RLE" }, "{bad:?}");
    }
    let native = Builder::image(EXPLICIT, 1, 4).bits(8, 8, 7, 0).frame(&[0; 8]);
    assert!(matches!(fault(&native), DicomFault::Encapsulation { encapsulated: true, .. }));
    let flat = Builder::image(RLE, 1, 4).bits(8, 8, 7, 0).pixels("OB", &[0; 4]);
    assert!(matches!(fault(&flat), DicomFault::Encapsulation { encapsulated: false, .. }));
}

/// A JPEG 2000 codestream without any coded data.
fn empty_jpeg_2000(rows: u32, columns: u32, depth: u8) -> Vec<u8> {
    let mut stream = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
    for word in [columns, rows, 0, 0, columns, rows, 0, 0] {
        stream.extend(word.to_be_bytes());
    }
    stream.extend([0, 1, depth, 1, 1, 0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 14, 0, 1, 0xFF, 0x93, 0xFF, 0xD9]);
    stream
}

#[test]
fn a_codestream_of_another_size_or_depth_is_refused_before_it_is_decoded() {
    for (rows, columns, depth) in [(8, 8, 15), (4, 5, 15), (5, 4, 15), (4, 4, 19)] {
        let image = Builder::image(JPEG_2000, 4, 4).frame(&empty_jpeg_2000(rows, columns, depth));
        assert!(matches!(fault(&image), DicomFault::CodestreamDiffers { .. }), "{rows} {columns} {depth}");
    }
    let empty = Builder::image(JPEG_2000, 4, 4).frame(&empty_jpeg_2000(4, 4, 15));
    assert!(parse(&empty.build()).is_err());
    let jpeg = |side: u8| {
        let mut frame = vec![0xFF, 0xD8, 0xFF, 0xC3, 0, 11, 16, 0, side, 0, 4, 1, 1, 0x11, 0];
        frame.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0, 0xFF, 0xD9, 0]);
        Builder::image(JPEG, 4, 4).frame(&frame)
    };
    assert!(matches!(fault(&jpeg(5)), DicomFault::CodestreamDiffers { .. }));
    assert!(matches!(fault(&jpeg(4)), DicomFault::Codestream { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_never_panic(
        which in 0_usize..5,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let builder = match which {
            0 => small(EXPLICIT),
            1 => small(IMPLICIT),
            2 => small(BIG),
            3 => rle_image(&[1, 1, 2, 0xFF, 3]),
            _ => Builder::image(JPEG_2000, 4, 4).frame(&empty_jpeg_2000(4, 4, 15)),
        };
        let mut bytes = builder.build();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let mut stored = StoredPixels::default();
        let image = parse_image("a.dcm", &bytes, &Limits::default(), &mut stored);
        if let Ok(header) = image {
            prop_assert_eq!(stored.values().len(), header.shape.pixels());
        }
        for cut in [bytes.len() / 3, bytes.len() / 2, bytes.len()] {
            let _ = parse_header("a.dcm", &bytes[..cut], bytes.len() as u64, &Limits::default());
        }
    }
}
