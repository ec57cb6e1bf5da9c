//! Multi-frame objects: each frame by itself, with its own geometry, rescale and window.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use std::fs;
use std::sync::atomic::AtomicBool;

use dicomprep::assemble::{AssembleOptions, Assembled, Assembler, Remarks};
use dicomprep::layout::{LinkedFolders, Reading, Require, Select, StructureChoice, plan};
use dicomprep::model::{GridShape, PixelType, Pixels};
use dicomprep::raster::MaskRule;
use dicomprep::source::Monochrome1;

use crate::common::dicom::{BIG, Builder, EXPLICIT, IMPLICIT, element};
use dicomprep::source::{
    DicomFault, FrameReader, ImageHeader, Limits, ModalityTransform, ReadAt, StoredPixels, StoredValues,
    parse_frame, parse_header, parse_image,
};

const RLE: &str = "1.2.840.10008.1.2.5";
const UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";

/// Bytes that count how many of them were read.
struct Counted<'a> {
    bytes: &'a [u8],
    read: AtomicU64,
}

impl ReadAt for Counted<'_> {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.bytes.read_at(bytes, at)
    }
}

/// One frame, read three ways that must agree.
fn frame(file: &[u8], frame: u32) -> Result<(ImageHeader, StoredValues), DicomFault> {
    let limits = Limits::default();
    let mut stored = StoredPixels::default();
    let whole = parse_frame("a.dcm", file, frame, &limits, &mut stored)
        .map(|header| (header, stored.values().clone()))
        .map_err(|error| error.fault);
    let apart = FrameReader::open("a.dcm", file, file.len() as u64, &limits)
        .and_then(|reader| reader.read("a.dcm", file, frame, &mut stored))
        .map(|header| (header, stored.values().clone()))
        .map_err(|error| error.fault);
    assert_eq!(format!("{whole:?}"), format!("{apart:?}"));
    if let Ok((header, _)) = &whole {
        let all = parse_header("a.dcm", file, file.len() as u64, &limits).unwrap().unwrap();
        assert_eq!(format!("{:?}", all.of_frame(frame).unwrap()), format!("{header:?}"));
    }
    whole
}

fn values(file: &[u8], number: u32) -> StoredValues {
    frame(file, number).unwrap().1
}

fn three(syntax: &'static str) -> Builder {
    Builder::image(syntax, 1, 3).bits(8, 8, 7, 0).text(0x0028_0008, "IS", "3")
}

fn item(value: &[u8]) -> Vec<u8> {
    [&[0xFE, 0xFF, 0x00, 0xE0], &(value.len() as u32).to_le_bytes()[..], value].concat()
}

/// Pixel data of these items.
fn encapsulated(items: &[Vec<u8>]) -> Vec<u8> {
    let start = [0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
    [&start[..], &items.concat(), &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]].concat()
}

#[test]
fn native_frames_stand_behind_each_other_in_every_syntax() {
    let expected = [[1, 2, 3], [4, 5, 6], [7, 8, 9]].map(|frame| StoredValues::UInt8(frame.to_vec()));
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    let swapped = [2, 1, 4, 3, 6, 5, 8, 7, 0, 9];
    let files = [(EXPLICIT, "OB", bytes), (IMPLICIT, "OW", bytes), (BIG, "OB", bytes), (BIG, "OW", swapped)];
    for (syntax, vr, pixels) in files {
        let file = three(syntax).pixels(vr, &pixels).build();
        for (number, expected) in (1..).zip(&expected) {
            assert_eq!(values(&file, number), *expected, "{syntax} {vr} {number}");
        }
        assert_eq!(frame(&file, 4).unwrap_err(), DicomFault::NoSuchFrame { frame: 4, frames: 3 });
        assert!(matches!(frame(&file, 0).unwrap_err(), DicomFault::Unsupported { .. }));
        assert!(parse_image("a", &file, &Limits::default(), &mut StoredPixels::default()).is_err());
    }
    let short = three(EXPLICIT).pixels("OB", &bytes[..8]).build();
    assert_eq!(frame(&short, 1).unwrap_err(), DicomFault::PixelsShort { needed: 9, present: 8 });
    let single = Builder::image(EXPLICIT, 1, 3).bits(8, 8, 7, 0).pixels("OB", &bytes[..4]).build();
    assert_eq!((values(&single, 0), values(&single, 1)), (expected[0].clone(), expected[0].clone()));
}

#[test]
fn encapsulated_frames_are_found_with_and_without_a_table() {
    let rle = |pixels: [u8; 3]| {
        let mut frame = vec![1, 0, 0, 0, 64, 0, 0, 0];
        frame.resize(64, 0);
        [&frame[..], &[2], &pixels, &[0, 0][..]].concat()
    };
    let one_each = [item(&[]), item(&rle([1, 2, 3])), item(&rle([4, 5, 6])), item(&rle([7, 8, 9]))];
    let file = three(RLE).tail(&encapsulated(&one_each)).build();
    assert_eq!(values(&file, 2), StoredValues::UInt8(vec![4, 5, 6]));
    assert_eq!(values(&file, 3), StoredValues::UInt8(vec![7, 8, 9]));
    // Fragments of 2 bytes, two for each frame of 3 bytes and their padding, and a table.
    let table: Vec<u8> = [0_u32, 20, 40].iter().flat_map(|offset| offset.to_le_bytes()).collect();
    let parts = [[1, 2], [3, 0], [4, 5], [6, 0], [7, 8], [9, 0]].map(|part| item(&part));
    let items = [vec![item(&table)], parts.to_vec()].concat();
    let file = three(UNCOMPRESSED).tail(&encapsulated(&items)).build();
    assert_eq!(values(&file, 2), StoredValues::UInt8(vec![4, 5, 6]));
    let items = [vec![item(&[])], parts.to_vec()].concat();
    let fault = frame(&three(UNCOMPRESSED).tail(&encapsulated(&items)).build(), 1).unwrap_err();
    let message = fault.to_string();
    assert!(message.contains("3 frames") && message.contains("6 fragments"), "{message}");
}

/// A sequence of these items, all of undefined length.
fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let [group, number] = [(tag >> 16) as u16, tag as u16].map(u16::to_le_bytes);
    let mut bytes = [&group[..], &number[..], b"SQ\0\0\xFF\xFF\xFF\xFF"].concat();
    for item in items {
        bytes.extend(b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
        bytes.extend(item);
        bytes.extend(b"\xFE\xFF\x0D\xE0\0\0\0\0");
    }
    bytes.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    bytes
}

fn texts(elements: &[(u32, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, text) in elements {
        let text = format!("{text}{}", if text.len() % 2 == 1 { " " } else { "" });
        element(&mut bytes, EXPLICIT, *tag, "DS", text.as_bytes());
    }
    bytes
}

/// Three frames; the middle one has no group of its own for the rescale.
fn enhanced() -> Vec<u8> {
    let spacing = sequence(0x0028_9110, &[texts(&[(0x0028_0030, "2\\3")])]);
    let orientation = sequence(0x0020_9116, &[texts(&[(0x0020_0037, "1\\0\\0\\0\\1\\0")])]);
    let shared_rescale = sequence(0x0028_9145, &[texts(&[(0x0028_1052, "0"), (0x0028_1053, "5")])]);
    let shared = [orientation, spacing, shared_rescale].concat();
    let of_frame = |z: &str, slope: Option<&str>| {
        let mut delay = Vec::new();
        element(&mut delay, EXPLICIT, 0x0020_9153, "FD", &(z.parse::<f64>().unwrap() / 8.0).to_le_bytes());
        let delay = sequence(0x0018_9118, &[delay]);
        let position = sequence(0x0020_9113, &[texts(&[(0x0020_0032, &format!("1\\2\\{z}"))])]);
        let window = sequence(0x0028_9132, &[texts(&[(0x0028_1050, z), (0x0028_1051, "100")])]);
        let rescale =
            slope.map(|slope| sequence(0x0028_9145, &[texts(&[(0x0028_1052, "-1"), (0x0028_1053, slope)])]));
        [delay, position, window, rescale.unwrap_or_default()].concat()
    };
    let frames = [of_frame("10", Some("2")), of_frame("20", None), of_frame("30", Some("4"))];
    let mut tail = [sequence(0x5200_9229, &[shared]), sequence(0x5200_9230, &frames)].concat();
    element(&mut tail, EXPLICIT, 0x7FE0_0010, "OB", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
    three(EXPLICIT).tail(&tail).build()
}

#[test]
fn functional_groups_are_shared_then_of_each_frame() {
    let file = enhanced();
    let linear = |slope, intercept| ModalityTransform::Linear { slope, intercept };
    let expected = [linear(2.0, -1.0), linear(5.0, 0.0), linear(4.0, -1.0)];
    for (number, modality) in (1..).zip(expected) {
        let (header, values) = frame(&file, number).unwrap();
        assert_eq!(header.modality, modality, "{number}");
        assert_eq!(header.trigger_time, Some(1.25 * f64::from(number)));
        assert_eq!(header.geometry.pixel_spacing, [2.0, 3.0]);
        assert_eq!(header.geometry.image_position, [1.0, 2.0, 10.0 * f64::from(number)]);
        assert_eq!(header.geometry.image_orientation, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(header.geometry.window, [10.0 * number as f32, 100.0]);
        let first = 3 * number as u8 - 2;
        assert_eq!(values, StoredValues::UInt8(vec![first, first + 1, first + 2]));
    }
}

#[test]
fn a_frame_costs_its_own_bytes() {
    // 64 frames of 16 KiB, and 16 KiB of header and less.
    let builder = Builder::image(EXPLICIT, 128, 128).bits(8, 8, 7, 0).text(0x0028_0008, "IS", "64");
    let native = builder.pixels("OB", &vec![7; 64 << 14]).build();
    let items: Vec<Vec<u8>> =
        std::iter::once(item(&[])).chain((0..64).map(|number| item(&[number; 1 << 14]))).collect();
    let builder = Builder::image(UNCOMPRESSED, 128, 128).bits(8, 8, 7, 0).text(0x0028_0008, "IS", "64");
    let fragments = builder.tail(&encapsulated(&items)).build();
    for file in [native, fragments] {
        let source = Counted { bytes: &file, read: AtomicU64::new(0) };
        let reader = FrameReader::open("a", &source, file.len() as u64, &Limits::default()).unwrap();
        let opened = source.read.swap(0, Ordering::Relaxed);
        assert!(opened <= (16 << 10) + 8 * 66, "{opened} bytes to open");
        let mut stored = StoredPixels::default();
        reader.read("a", &source, 50, &mut stored).unwrap();
        assert_eq!(source.read.load(Ordering::Relaxed), 1 << 14);
        assert_eq!(stored.values().len(), 1 << 14);
    }
}

#[test]
fn a_sample_is_assembled_of_its_frame() {
    let folder = tempfile::tempdir().unwrap();
    let [images, contours] = ["dicoms/P", "contourfiles/O/i-contours"].map(|name| folder.path().join(name));
    fs::create_dir_all(&images).and_then(|()| fs::create_dir_all(&contours)).unwrap();
    fs::write(folder.path().join("link.csv"), "patient_id,original_id\nP,O\n").unwrap();
    fs::write(images.join("1.dcm"), enhanced()).unwrap();
    fs::write(contours.join("IM-0001-0001-icontour-manual.txt"), "0 -0.5\n1 -0.5\n1 0.5\n0 0.5\n").unwrap();
    let select = Select { structures: StructureChoice::Default, require: Require::Any, ..Select::default() };
    let (limits, cancel) = (Limits::default(), AtomicBool::new(false));
    let layout = LinkedFolders::new(folder.path(), None, None, None).unwrap();
    let set = plan(&layout, &select, &Reading { limits: &limits, cancel: &cancel }).unwrap();
    let options = AssembleOptions {
        combine: Default::default(),
        shape: GridShape::new(1, 3).unwrap(),
        fit: None,
        own_size: false,
        spacing: None,
        padding: Default::default(),
        pixel_type: PixelType::Float32,
        channels: 1,
        monochrome1: Monochrome1::Invert,
        mask_rule: MaskRule::Center,
        contour_offset: [0.0; 2],
        require: Require::Any,
        keep_unlabelled: false,
        limits,
    };
    let mut assembler = Assembler::new(&set, &options);
    let mut sample = set.samples[0].clone();
    let mut digests = Vec::new();
    for (frame, expected) in [(2, [20.0, 25.0, 30.0]), (1, [1.0, 3.0, 5.0]), (3, [27.0, 31.0, 35.0])] {
        sample.image.frame = frame;
        let mut remarks = Remarks::default();
        let Assembled::Sample(facts) = assembler.assemble(&sample, &mut remarks) else {
            panic!("{remarks:?}");
        };
        assert_eq!(*assembler.pixels(), Pixels::Float32(expected.to_vec()));
        assert_eq!(facts.geometry.image_position[2], 10.0 * f64::from(frame));
        digests.push(facts.source_sha256);
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    for frame in [0, 4] {
        sample.image.frame = frame;
        let mut remarks = Remarks::default();
        assert_eq!(assembler.assemble(&sample, &mut remarks), Assembled::Rejected);
        let place = remarks.skipped.iter().map(|skipped| skipped.place.to_string()).collect::<String>();
        assert!(place.contains("(0028,0008) Number of Frames"), "{place}");
    }
}
