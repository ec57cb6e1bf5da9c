//! A DICOM image: any bytes give an image within the limits, or an error that names the file.
//!
//! The first byte chooses: 0 takes the other bytes for the file; everything else builds a file of them, a valid
//! skeleton with values of any kind, so that a search does not stay at the first wrong length.

use arbitrary::{Result, Unstructured};
use dicomprep::model::{PixelType, Pixels};
use dicomprep::source::{
    ConvertOptions, FrameReader, ImageHeader, Limits, Monochrome1, StoredPixels, convert, parse_frame,
    parse_header, parse_image,
};

use crate::dicom::{BIG, Builder, EXPLICIT, IMPLICIT, element};
use crate::{Numbers, assert_plain};

/// Small, so that what a file can make the program hold shows.
const LIMITS: Limits = Limits { max_image_bytes: 1 << 20, max_image_pixels: 1 << 19 };

/// What independent encoders made: see `make.py` beside it.
pub(crate) const FRAMES: &str = include_str!("../../tests/golden/codecs/frames.txt");

const SYNTAXES: [&str; 24] = [
    EXPLICIT,
    IMPLICIT,
    BIG,
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.8.1",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.92",
    "1.2.840.10008.1.2.4.93",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
    "1.2.840.10008.1.2.4.110",
    "1.2.840.10008.1.2.4.111",
    "1.2.840.10008.1.2.4.112",
    "1.2.840.10008.1.2.4.100",
];
const DEFLATED: &str = SYNTAXES[3];

pub(crate) fn run(bytes: &[u8]) {
    match bytes.split_first() {
        None => {}
        Some((0, file)) => check(file),
        Some((_, choices)) => {
            if let Ok(file) = build(&mut Unstructured::new(choices)) {
                check(&file);
            }
        }
    }
}

pub(crate) fn check(file: &[u8]) {
    let mut stored = StoredPixels::default();
    let image = parse_image("a.dcm", file, &LIMITS, &mut stored);
    let header = parse_header("a.dcm", file, file.len() as u64, &LIMITS);
    let shown = |header: &ImageHeader| format!("{header:?}");
    match (&image, &header) {
        (Ok(image), Ok(Some(header))) => assert_eq!(shown(image), shown(header)),
        (Ok(_), other) => panic!("the image reads, its header does not: {other:?}"),
        (Err(_), _) => {}
    }
    for error in [image.as_ref().err(), header.as_ref().err()].into_iter().flatten() {
        assert!(error.to_string().starts_with("a.dcm"), "{error}");
        assert_plain(&error.to_string());
    }
    // From a beginning of the file follows nothing that the whole file contradicts.
    let cut =
        file.iter().fold(7_usize, |sum, &byte| sum.wrapping_mul(31) + usize::from(byte)) % (file.len() + 1);
    match (parse_header("a.dcm", &file[..cut], file.len() as u64, &LIMITS), &header) {
        (Ok(None), _) | (Err(_), Err(_)) => {}
        (Ok(Some(early)), Ok(Some(header))) => assert_eq!(shown(&early), shown(header)),
        (early, header) => panic!("cut at {cut}: {early:?}, whole: {header:?}"),
    }
    if let Ok(header) = image {
        check_image(&header, &stored);
    }
    for frame in [1, 2] {
        check_frame(file, frame);
    }
}

/// A frame is the same out of the whole file and read by itself.
fn check_frame(file: &[u8], frame: u32) {
    let mut stored = StoredPixels::default();
    let whole = parse_frame("a.dcm", file, frame, &LIMITS, &mut stored);
    let whole = whole.map(|header| (header, stored.values().clone()));
    let apart = FrameReader::open("a.dcm", file, file.len() as u64, &LIMITS)
        .and_then(|reader| reader.read("a.dcm", file, frame, &mut stored));
    let apart = apart.map(|header| (header, stored.values().clone()));
    // The two ways meet what is wrong with a file in different orders.
    match (&whole, &apart) {
        (Err(_), Err(_)) => {}
        _ => assert_eq!(format!("{whole:?}"), format!("{apart:?}")),
    }
}

fn check_image(header: &ImageHeader, stored: &StoredPixels) {
    let pixels = header.shape.pixels();
    assert_eq!(stored.values().len(), pixels * header.samples());
    assert!(pixels as u64 <= LIMITS.max_image_pixels);
    assert!((pixels * header.samples() * header.stored.bytes()) as u64 <= LIMITS.max_image_bytes);
    for target in PixelType::ALL {
        for monochrome1 in [Monochrome1::Invert, Monochrome1::Keep] {
            let mut out = Pixels::empty(PixelType::UInt8);
            let channels = if monochrome1 == Monochrome1::Keep { 3 } else { 1 };
            let options = ConvertOptions { monochrome1, target, channels };
            match convert("a.dcm", header, stored, options, &mut out) {
                Err(error) => assert_plain(&error.to_string()),
                Ok(_) => {
                    assert_eq!((out.len(), out.pixel_type()), (pixels * channels, target));
                    let range = header.value_range().filter(|_| header.color.is_none());
                    if let (Pixels::Float32(values), Some(range)) = (&out, range) {
                        // Binary64 rounds the sum of both ends, in which MONOCHROME1 is mirrored.
                        let slack = (range.low.abs() + range.high.abs()) * f64::EPSILON;
                        let (low, high) = ((range.low - slack) as f32, (range.high + slack) as f32);
                        assert!(values.iter().all(|value| (low..=high).contains(value)), "{low} to {high}");
                    }
                }
            }
        }
    }
}

/// A file whose skeleton is valid, with values of any kind.
fn build(choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let syntax = *choices.choose(&SYNTAXES)?;
    let written = if [EXPLICIT, IMPLICIT, BIG].contains(&syntax) { syntax } else { EXPLICIT };
    let side = |choices: &mut Unstructured<'_>| {
        if choices.ratio(1, 16)? { choices.arbitrary() } else { choices.int_in_range(1..=16_u16) }
    };
    let (rows, columns) = (side(choices)?, side(choices)?);
    let mut builder = Builder::image(written, rows, columns);
    let allocated = *choices.choose(&[8, 16, 16, 32, 64, 1, 12])?;
    let stored = choices.int_in_range(1..=allocated)?;
    let high = if choices.ratio(1, 8)? { choices.arbitrary()? } else { stored - 1 };
    builder = builder.bits(allocated, stored, high, choices.int_in_range(0..=1)?);
    if choices.ratio(1, 4)? {
        builder = builder.text(0x0028_0004, "CS", "MONOCHROME1");
    }
    for _ in 0..choices.int_in_range(0..=6)? {
        builder = with_any_element(builder, written, choices)?;
    }
    let needed = usize::from(rows) * usize::from(columns) * usize::from(allocated / 8);
    let pixels = if choices.ratio(1, 8)? { choices.len() / 2 } else { needed.min(1 << 16) };
    let rest = choices.len().min(pixels);
    let mut pixels = vec![0; pixels];
    choices.fill_buffer(&mut pixels[..rest])?;
    let builder = match syntax {
        EXPLICIT | IMPLICIT | BIG | DEFLATED => {
            let (tag, vr) = *choices.choose(&[
                (0x7FE0_0010, "OW"),
                (0x7FE0_0010, "OB"),
                (0x7FE0_0008, "OF"),
                (0x7FE0_0009, "OD"),
            ])?;
            builder.set(tag, vr, &pixels)
        }
        _ => builder.frame(&pixels),
    };
    Ok(with_syntax(&builder.build(), syntax))
}

/// One more element, one that is read or another one, or a sequence.
fn with_any_element(
    builder: Builder,
    syntax: &'static str,
    choices: &mut Unstructured<'_>,
) -> Result<Builder> {
    let texts = [
        (0x0020_0013, "IS"),
        (0x0028_0008, "IS"),
        (0x0028_0030, "DS"),
        (0x0028_1050, "DS"),
        (0x0028_1052, "DS"),
        (0x0028_1053, "DS"),
        (0x0028_1054, "LO"),
        (0x0020_0032, "DS"),
    ];
    let any = |choices: &mut Unstructured<'_>| {
        let length = choices.int_in_range(0..=24_usize)?;
        choices.bytes(length).map(<[u8]>::to_vec)
    };
    Ok(match choices.int_in_range(0..=3)? {
        0 => {
            let (tag, vr) = *choices.choose(&texts)?;
            let text =
                *choices.choose(&["1", "0.5\\2", "-1024", "1e300", "", " 2 ", "3", "-0", "65535\\1\\3"])?;
            builder.text(tag, vr, text)
        }
        1 => {
            let (tag, vr) = *choices.choose(&texts)?;
            builder.set(tag, vr, &any(choices)?)
        }
        2 => builder.set(choices.int_in_range(0x0008_0000..=0x7FDF_FFFF)?, "LO", &any(choices)?),
        _ => {
            let mut item = Vec::new();
            let bits = choices.int_in_range(7..=17_u8)?;
            let entries = choices.int_in_range(0..=4_u8)?;
            element(&mut item, syntax, 0x0028_3002, "US", &[entries, 0, choices.arbitrary()?, 0, bits, 0]);
            element(&mut item, syntax, 0x0028_3006, "OW", &any(choices)?);
            let mut sequence = vec![0xFE, 0xFF, 0x00, 0xE0];
            sequence.extend((item.len() as u32).to_le_bytes());
            sequence.extend(item);
            builder.set(0x0028_3000, "SQ", &sequence)
        }
    })
}

/// The file with its data set under another transfer syntax whose elements are written the same way.
pub(crate) fn with_syntax(file: &[u8], syntax: &'static str) -> Vec<u8> {
    if [EXPLICIT, IMPLICIT, BIG].contains(&syntax) {
        return file.to_vec();
    }
    let data_set = 132 + 8 + EXPLICIT.len() + EXPLICIT.len() % 2;
    let mut new = file[..132].to_vec();
    let padding = if syntax.len() % 2 == 1 { "\0" } else { "" };
    element(&mut new, EXPLICIT, 0x0002_0010, "UI", format!("{syntax}{padding}").as_bytes());
    if syntax == DEFLATED {
        let mut deflated = Vec::new();
        let mut encoder = flate2::read::DeflateEncoder::new(&file[data_set..], flate2::Compression::fast());
        std::io::Read::read_to_end(&mut encoder, &mut deflated).expect("deflate in memory");
        new.extend(deflated);
    } else {
        new.extend(&file[data_set..]);
    }
    new
}

/// The bytes of a hexadecimal text.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("the list is hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for line in FRAMES.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let syntax = SYNTAXES.iter().find(|uid| **uid == fields[1]);
        let number = |field: usize| fields[field].parse::<u16>().expect("a number");
        let bytes = bytes_of(fields[7]);
        let image = Builder::image(EXPLICIT, 13, 11).bits(number(2), number(3), number(3) - 1, number(4));
        files.push(with_syntax(&image.frame(&bytes).build(), syntax.expect("a known syntax")));
    }
    for syntax in [EXPLICIT, IMPLICIT, BIG] {
        let image = Builder::image(syntax, 2, 3)
            .text(0x0028_1050, "DS", "40\\50")
            .text(0x0028_1053, "DS", "0.5")
            .text(0x0028_1052, "DS", "-1024")
            .text(0x0028_0030, "DS", "1.25\\0.5")
            .pixels("OW", &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0xFF, 0xFF]);
        files.push(image.build());
        files.push(image.text(0x0028_0004, "CS", "MONOCHROME1").build());
    }
    let plain = Builder::image(EXPLICIT, 2, 2).pixels("OW", &[7; 8]).build();
    files.push(with_syntax(&plain, DEFLATED));
    let deep = b"\x08\x00\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF".repeat(65);
    files.push(Builder::image(EXPLICIT, 1, 1).tail(&deep).build());
    let raw = files.into_iter().map(|file| [&[0], &file[..]].concat());
    let mut numbers = Numbers(3);
    let built = (0..40).map(|_| [&[1], &numbers.bytes(200)[..]].concat());
    raw.chain(built).collect()
}
