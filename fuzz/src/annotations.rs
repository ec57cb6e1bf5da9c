//! RT Structure Sets and segmentations: any bytes give structures within the limits, or an error that names the file.
//!
//! The first byte changes nothing but which of the readers is asked.

use dicomprep::model::{Geometry, GridShape, ImagePlane, Part};
use dicomprep::source::{
    AnnotationError, AnnotationFile, AnnotationOptions, DicomSegmentation, Drawn, FrameKey, Limits, RtStruct,
};

use crate::assert_plain;

/// Small, so that what a file can make the program hold shows.
const LIMITS: Limits = Limits { max_image_bytes: 1 << 20, max_image_pixels: 1 << 16 };

pub(crate) fn run_rtstruct(bytes: &[u8]) {
    check(RtStruct::open("a.dcm", bytes, &AnnotationOptions::default(), &LIMITS));
}

pub(crate) fn run_seg(bytes: &[u8]) {
    let options = AnnotationOptions { resample_labels: bytes.len() % 2 == 1, ..AnnotationOptions::default() };
    check(DicomSegmentation::open("a.dcm", bytes, &options, &LIMITS));
}

fn check<A: AnnotationFile>(opened: Result<A, AnnotationError>) {
    let file = match opened {
        Ok(file) => file,
        Err(error) => return check_error(&error),
    };
    let keys = keys();
    let parts: Vec<Part> = file.parts().iter().take(8).map(|info| info.part).collect();
    let joined = file.join(&parts, &keys);
    joined.notes.iter().chain(&joined.lost).for_each(|text| assert_plain(text));
    for &part in &parts {
        for (index, key) in keys.iter().enumerate() {
            match file.on(part, key) {
                Err(error) => check_error(&error),
                Ok(Drawn::Raster(mask)) => assert_eq!(mask.shape(), key.shape),
                Ok(_) => {}
            }
            if joined.images.contains(&(part, index)) {
                assert_ne!(file.annotates(part, key), Ok(false), "{part}");
            }
        }
    }
}

fn check_error(error: &AnnotationError) {
    assert!(error.to_string().starts_with("a.dcm"), "{error}");
    assert_plain(&error.to_string());
}

/// The images of the seeds.
fn keys() -> Vec<FrameKey> {
    let key = |index: usize| FrameKey {
        sop_instance_uid: format!("2.25.{}", index + 1).into(),
        frame: 0,
        frame_of_reference_uid: None,
        shape: GridShape::new(16, 16).expect("sides are positive"),
        plane: ImagePlane::of(&Geometry {
            pixel_spacing: [1.0, 1.0],
            image_position: [0.0, 0.0, 2.0 * index as f64],
            image_orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            ..Geometry::ABSENT
        }),
        reach: [1.0, 1.0],
        shares_plane: index == 2,
    };
    (0..3).map(key).collect()
}

/// An element in Explicit VR Little Endian.
fn element(tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = (tag >> 16).to_le_bytes()[..2].to_owned();
    bytes.extend(&tag.to_le_bytes()[..2]);
    bytes.extend(vr.as_bytes());
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == "UI" || vr == "OB" { 0 } else { b' ' });
    }
    if matches!(vr, "SQ" | "OB" | "OW") {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

fn item(elements: &[Vec<u8>]) -> Vec<u8> {
    let value = elements.concat();
    [&[0xFE, 0xFF, 0x00, 0xE0], &(value.len() as u32).to_le_bytes()[..], &value].concat()
}

fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    element(tag, "SQ", &items.concat())
}

fn object(class: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let meta = element(0x0002_0010, "UI", b"1.2.840.10008.1.2.1");
    let class = element(0x0008_0016, "UI", class.as_bytes());
    [&[0; 128], &b"DICM"[..], &meta, &class, &elements.concat()].concat()
}

fn reference(uid: &str) -> Vec<u8> {
    item(&[element(0x0008_1155, "UI", uid.as_bytes())])
}

/// Structure sets: a ring on an image, a contour without reference, other types and bad numbers.
pub(crate) fn rtstruct_seeds() -> Vec<Vec<u8>> {
    let contour = |kind: &str, data: &str, image: Option<&str>| {
        let reference = image.map_or(Vec::new(), |uid| sequence(0x3006_0016, &[reference(uid)]));
        item(&[
            reference,
            element(0x3006_0042, "CS", kind.as_bytes()),
            element(0x3006_0050, "DS", data.as_bytes()),
        ])
    };
    let square = "1\\1\\0\\9\\1\\0\\9\\9\\0\\1\\9\\0";
    let inner = "3\\3\\0\\6\\3\\0\\6\\6\\0\\3\\6\\0";
    let sets = [
        vec![
            contour("CLOSED_PLANAR", square, Some("2.25.1")),
            contour("CLOSED_PLANAR", inner, Some("2.25.1")),
        ],
        vec![contour("CLOSEDPLANAR_XOR", square, None), contour("POINT", "1\\2\\0", None)],
        vec![contour("CLOSED_PLANAR", "1\\2\\nan", Some("2.25.2")), contour("OPEN_PLANAR", square, None)],
    ];
    let set = |contours: &Vec<Vec<u8>>| {
        let name = item(&[element(0x3006_0022, "IS", b"4"), element(0x3006_0026, "LO", b"heart")]);
        let drawn = item(&[sequence(0x3006_0040, contours), element(0x3006_0084, "IS", b"4")]);
        object(
            "1.2.840.10008.5.1.4.1.1.481.3",
            &[sequence(0x3006_0020, &[name]), sequence(0x3006_0039, &[drawn])],
        )
    };
    sets.iter().map(set).collect()
}

/// Segmentations: bits, fractions and a label map of one frame.
pub(crate) fn seg_seeds() -> Vec<Vec<u8>> {
    let us = |tag, value: u16| element(tag, "US", &value.to_le_bytes());
    let seed = |(kind, bits): (&str, u16)| {
        let segment = item(&[us(0x0062_0004, 1), element(0x0062_0005, "LO", b"heart")]);
        let derivation = item(&[sequence(0x0008_2112, &[reference("2.25.1")])]);
        let group = |tag, value: Vec<u8>| sequence(tag, &[item(&[value])]);
        let frame = item(&[
            sequence(0x0008_9124, &[derivation]),
            group(0x0020_9113, element(0x0020_0032, "DS", b"0\\0\\0")),
            group(0x0020_9116, element(0x0020_0037, "DS", b"1\\0\\0\\0\\1\\0")),
            group(0x0028_9110, element(0x0028_0030, "DS", b"1\\1")),
            group(0x0062_000A, us(0x0062_000B, 1)),
        ]);
        let pixels: Vec<u8> = (0..256 * usize::from(bits) / 8).map(|at| (at % 7) as u8).collect();
        object(
            "1.2.840.10008.5.1.4.1.1.66.4",
            &[
                element(0x0028_0008, "IS", b"1"),
                us(0x0028_0010, 16),
                us(0x0028_0011, 16),
                us(0x0028_0100, bits),
                element(0x0062_0001, "CS", kind.as_bytes()),
                sequence(0x0062_0002, &[segment]),
                us(0x0062_000E, 6),
                sequence(0x5200_9230, &[frame]),
                element(0x7FE0_0010, if bits == 16 { "OW" } else { "OB" }, &pixels),
            ],
        )
    };
    [("BINARY", 1), ("FRACTIONAL", 8), ("LABELMAP", 16)].map(seed).into()
}
