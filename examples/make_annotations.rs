//! Writes DICOM images with RT Structure Sets and segmentations about them, whose masks are known.
//!
//! ```text
//! cargo run --example make_annotations -- DIR
//! ```
//!
//! `DIR/shapes` is an axial stack with a ring drawn as nested contours, by a keyhole and as CLOSEDPLANAR_XOR,
//! `DIR/oblique` an oblique stack with a gap whose contours refer to no image, `DIR/cine` two slices of three phases, and
//! `DIR/segments` a stack with a BINARY segmentation of frames that do not fill whole bytes.

use std::error::Error;
use std::fs;
use std::path::Path;

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Where an image lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pose {
    pub(crate) position: [f64; 3],
    pub(crate) orientation: [f64; 6],
    /// Between rows, between columns.
    pub(crate) spacing: [f64; 2],
}

pub(crate) const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
pub(crate) const OBLIQUE: [f64; 6] = [0.36, 0.48, -0.8, 0.8, -0.6, 0.0];

impl Pose {
    /// The point of the patient at `[x, y]` in pixels.
    pub(crate) fn point(&self, [x, y]: [f64; 2]) -> [f64; 3] {
        let (across, down) = (x * self.spacing[1], y * self.spacing[0]);
        let [rx, ry, rz, cx, cy, cz] = self.orientation;
        let [px, py, pz] = self.position;
        [px + rx * across + cx * down, py + ry * across + cy * down, pz + rz * across + cz * down]
    }
}

/// An image: number `index` of its series.
#[derive(Debug, Clone)]
pub(crate) struct ImageSpec {
    pub(crate) uid: String,
    pub(crate) pose: Pose,
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) instance: u32,
    pub(crate) series: String,
}

/// A contour of a region of interest.
#[derive(Debug, Clone)]
pub(crate) struct ContourSpec {
    pub(crate) kind: &'static str,
    /// As text, so that a test may write what is no number.
    pub(crate) data: String,
    pub(crate) images: Vec<String>,
}

/// A region of interest.
#[derive(Debug, Clone)]
pub(crate) struct RoiSpec {
    pub(crate) number: i32,
    pub(crate) name: String,
    pub(crate) contours: Vec<ContourSpec>,
}

/// A frame of a segmentation: its segment, its image, and its pixels of 0 and 1 (or values).
#[derive(Debug, Clone)]
pub(crate) struct FrameSpec {
    pub(crate) segment: u16,
    pub(crate) image: Option<String>,
    pub(crate) pose: Pose,
    pub(crate) pixels: Vec<u16>,
}

/// A segmentation.
#[derive(Debug, Clone)]
pub(crate) struct SegmentationSpec {
    pub(crate) kind: &'static str,
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) segments: Vec<(u16, &'static str)>,
    pub(crate) frames: Vec<FrameSpec>,
    /// Images in Referenced Series Sequence.
    pub(crate) about: Vec<String>,
    /// Each frame of bits begins with a byte.
    pub(crate) padded: bool,
}

#[allow(dead_code, reason = "tests that include this file call its functions")]
fn main() -> Outcome<()> {
    let Some(out) = std::env::args().nth(1) else {
        eprintln!("usage: make_annotations DIR");
        std::process::exit(2);
    };
    write_all(Path::new(&out))
}

/// Writes all sets below `out`.
pub(crate) fn write_all(out: &Path) -> Outcome<()> {
    write_shapes(&out.join("shapes"))?;
    write_oblique(&out.join("oblique"))?;
    write_cine(&out.join("cine"))?;
    write_segments(&out.join("segments"))
}

/// A stack of images at `depths` along the normal.
pub(crate) fn stack(name: u32, orientation: [f64; 6], spacing: [f64; 2], depths: &[f64]) -> Vec<ImageSpec> {
    let [rx, ry, rz, cx, cy, cz] = orientation;
    let normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
    let image = |(index, depth): (usize, &f64)| ImageSpec {
        uid: format!("2.25.{name}.1.{}", index + 1),
        pose: Pose { position: normal.map(|part| part * depth), orientation, spacing },
        rows: 50,
        columns: 50,
        instance: index as u32 + 1,
        series: format!("2.25.{name}.2"),
    };
    depths.iter().enumerate().map(image).collect()
}

/// A square from pixel centre to pixel centre.
pub(crate) fn square(low: f64, high: f64) -> Vec<[f64; 2]> {
    vec![[low, low], [high, low], [high, high], [low, high]]
}

/// A closed contour on `image`, which it refers to.
pub(crate) fn contour(kind: &'static str, image: &ImageSpec, points: &[[f64; 2]]) -> ContourSpec {
    ContourSpec { kind, data: contour_data(&image.pose, points), images: vec![image.uid.clone()] }
}

/// Points of the patient as text, each number as short as it may be.
pub(crate) fn contour_data(pose: &Pose, points: &[[f64; 2]]) -> String {
    let numbers = points.iter().flat_map(|&point| pose.point(point));
    // A decimal string has 16 characters at most.
    let text = |number: f64| format!("{}", (number * 1e9).round() / 1e9 + 0.0);
    numbers.map(text).collect::<Vec<_>>().join("\\")
}

fn write_shapes(folder: &Path) -> Outcome<()> {
    let images = stack(11, AXIAL, [0.7, 0.7], &[0.0, 3.0, 6.0]);
    let (outer, inner) = (square(5.0, 45.0), square(20.0, 30.0));
    let keyhole = [&outer[..], &outer[..1], &inner[..], &inner[..1]].concat();
    let on = |kind, points: &[[f64; 2]]| contour(kind, &images[1], points);
    let rois = [
        (3, "ring", vec![on("CLOSED_PLANAR", &outer), on("CLOSED_PLANAR", &inner)]),
        (1, "keyhole", vec![on("CLOSED_PLANAR", &keyhole)]),
        (2, "xor", vec![on("CLOSEDPLANAR_XOR", &outer), on("CLOSEDPLANAR_XOR", &inner)]),
        (7, "isocentre", vec![on("POINT", &[[10.0, 10.0]])]),
        (9, "empty", vec![]),
    ];
    let rois = rois.map(|(number, name, contours)| RoiSpec { number, name: name.to_owned(), contours });
    write_images(folder, "SHAPES", &images)?;
    save(
        structure_set("SHAPES", &images, &rois),
        uids::RT_STRUCTURE_SET_STORAGE,
        &folder.join("structures.dcm"),
    )
}

fn write_oblique(folder: &Path) -> Outcome<()> {
    let images = stack(12, OBLIQUE, [0.7, 1.3671875], &[0.0, 3.0, 9.0, 12.0]);
    let contours = images.iter().map(|image| ContourSpec {
        images: Vec::new(),
        ..contour("CLOSED_PLANAR", image, &square(10.0, 30.0))
    });
    let roi = RoiSpec { number: 1, name: "square".to_owned(), contours: contours.collect() };
    write_images(folder, "OBLIQUE", &images)?;
    save(
        structure_set("OBLIQUE", &images, &[roi]),
        uids::RT_STRUCTURE_SET_STORAGE,
        &folder.join("structures.dcm"),
    )
}

fn write_cine(folder: &Path) -> Outcome<()> {
    let images = stack(13, AXIAL, [1.0, 1.0], &[0.0, 0.0, 0.0, 8.0, 8.0, 8.0]);
    let contours = vec![contour("CLOSED_PLANAR", &images[1], &square(10.0, 20.0))];
    let roi = RoiSpec { number: 1, name: "second phase".to_owned(), contours };
    write_images(folder, "CINE", &images)?;
    save(
        structure_set("CINE", &images, &[roi]),
        uids::RT_STRUCTURE_SET_STORAGE,
        &folder.join("structures.dcm"),
    )
}

fn write_segments(folder: &Path) -> Outcome<()> {
    let images = stack(14, AXIAL, [1.0, 1.0], &[0.0, 2.0, 4.0, 6.0]);
    let frame = |segment: u16, image: &ImageSpec, low: usize, high: usize| FrameSpec {
        segment,
        image: Some(image.uid.clone()),
        pose: image.pose,
        pixels: filled(low, high),
    };
    let segmentation = SegmentationSpec {
        kind: "BINARY",
        rows: 50,
        columns: 50,
        segments: vec![(1, "inside"), (5, "around")],
        frames: vec![
            frame(1, &images[2], 20, 30),
            frame(1, &images[0], 20, 25),
            frame(5, &images[2], 10, 40),
        ],
        about: images.iter().map(|image| image.uid.clone()).collect(),
        padded: false,
    };
    write_images(folder, "SEGMENTS", &images)?;
    save(
        self::segmentation("SEGMENTS", &segmentation),
        uids::SEGMENTATION_STORAGE,
        &folder.join("segments.dcm"),
    )
}

/// 50 x 50 pixels that are 1 from row and column `low` to `high`, the last one left out.
pub(crate) fn filled(low: usize, high: usize) -> Vec<u16> {
    let inside = |at: usize| (low..high).contains(&(at / 50)) && (low..high).contains(&(at % 50));
    (0..2500).map(|at| u16::from(inside(at))).collect()
}

/// Writes the images as 1.dcm, 2.dcm and so on into a folder.
pub(crate) fn write_images(folder: &Path, patient: &str, images: &[ImageSpec]) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    for image in images {
        let path = folder.join(format!("{}.dcm", image.instance));
        save(image_object(patient, image), uids::MR_IMAGE_STORAGE, &path)?;
    }
    Ok(())
}

pub(crate) fn image_object(patient: &str, image: &ImageSpec) -> InMemDicomObject {
    let mut object = common(patient, uids::MR_IMAGE_STORAGE, &image.uid, "MR");
    put(&mut object, tags::SERIES_INSTANCE_UID, VR::UI, image.series.clone());
    put(&mut object, tags::INSTANCE_NUMBER, VR::IS, image.instance.to_string());
    put(&mut object, tags::TRIGGER_TIME, VR::DS, (image.instance * 30).to_string());
    put_pose(&mut object, &image.pose);
    put(&mut object, tags::SAMPLES_PER_PIXEL, VR::US, 1_u16);
    put(&mut object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    put_grid(&mut object, image.rows, image.columns, 16);
    let pixels: Vec<u16> = (0..u32::from(image.rows) * u32::from(image.columns))
        .map(|at| ((at * 7 + image.instance * 31) % 1000) as u16)
        .collect();
    put(&mut object, tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into()));
    object
}

/// An RT Structure Set about `images`. The items of ROI Contour Sequence stand in the reverse order of the regions of
/// interest, since only numbers join them.
pub(crate) fn structure_set(patient: &str, images: &[ImageSpec], rois: &[RoiSpec]) -> InMemDicomObject {
    let uid = format!("{}.9", images[0].series);
    let mut object = common(patient, uids::RT_STRUCTURE_SET_STORAGE, &uid, "RTSTRUCT");
    put(&mut object, tags::SERIES_INSTANCE_UID, VR::UI, format!("{}.8", images[0].series));
    let mut series = InMemDicomObject::new_empty();
    put(&mut series, tags::SERIES_INSTANCE_UID, VR::UI, images[0].series.clone());
    let study = nested(tags::RT_REFERENCED_SERIES_SEQUENCE, vec![series]);
    let mut frame_of_reference = nested(tags::RT_REFERENCED_STUDY_SEQUENCE, vec![study]);
    put(&mut frame_of_reference, tags::FRAME_OF_REFERENCE_UID, VR::UI, "2.25.4");
    put_items(&mut object, tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, vec![frame_of_reference]);
    let named = rois.iter().map(|roi| {
        let mut item = InMemDicomObject::new_empty();
        put(&mut item, tags::ROI_NUMBER, VR::IS, roi.number.to_string());
        put(&mut item, tags::REFERENCED_FRAME_OF_REFERENCE_UID, VR::UI, "2.25.4");
        put(&mut item, tags::ROI_NAME, VR::LO, roi.name.clone());
        item
    });
    put_items(&mut object, tags::STRUCTURE_SET_ROI_SEQUENCE, named.collect());
    let drawn = rois.iter().rev().map(|roi| {
        let mut item = nested(tags::CONTOUR_SEQUENCE, roi.contours.iter().map(contour_item).collect());
        put(&mut item, tags::REFERENCED_ROI_NUMBER, VR::IS, roi.number.to_string());
        item
    });
    put_items(&mut object, tags::ROI_CONTOUR_SEQUENCE, drawn.collect());
    object
}

fn contour_item(contour: &ContourSpec) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    let images = contour.images.iter().map(|uid| reference(uid));
    if !contour.images.is_empty() {
        put_items(&mut item, tags::CONTOUR_IMAGE_SEQUENCE, images.collect());
    }
    put(&mut item, tags::CONTOUR_GEOMETRIC_TYPE, VR::CS, contour.kind);
    let points = contour.data.split('\\').count() / 3;
    put(&mut item, tags::NUMBER_OF_CONTOUR_POINTS, VR::IS, points.to_string());
    put(&mut item, tags::CONTOUR_DATA, VR::DS, contour.data.clone());
    item
}

/// A segmentation.
pub(crate) fn segmentation(patient: &str, spec: &SegmentationSpec) -> InMemDicomObject {
    let class =
        if spec.kind == "LABELMAP" { "1.2.840.10008.5.1.4.1.1.66.7" } else { uids::SEGMENTATION_STORAGE };
    let mut object = common(patient, class, "2.25.14.7", "SEG");
    put(&mut object, tags::SERIES_INSTANCE_UID, VR::UI, "2.25.14.8");
    let mut series =
        nested(tags::REFERENCED_INSTANCE_SEQUENCE, spec.about.iter().map(|uid| reference(uid)).collect());
    put(&mut series, tags::SERIES_INSTANCE_UID, VR::UI, "2.25.14.2");
    put_items(&mut object, tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    put(&mut object, tags::SEGMENTATION_TYPE, VR::CS, spec.kind);
    if spec.kind == "FRACTIONAL" {
        put(&mut object, tags::MAXIMUM_FRACTIONAL_VALUE, VR::US, 100_u16);
    }
    let segments = spec.segments.iter().map(|(number, label)| {
        let mut item = InMemDicomObject::new_empty();
        put(&mut item, tags::SEGMENT_NUMBER, VR::US, *number);
        put(&mut item, tags::SEGMENT_LABEL, VR::LO, *label);
        if *label == "Background" {
            let mut code = InMemDicomObject::new_empty();
            put(&mut code, tags::CODE_VALUE, VR::SH, "125040");
            put(&mut code, tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM");
            put_items(&mut item, tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, vec![code]);
        }
        item
    });
    put_items(&mut object, tags::SEGMENT_SEQUENCE, segments.collect());
    put(&mut object, tags::SAMPLES_PER_PIXEL, VR::US, 1_u16);
    put(&mut object, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    let bits = match spec.kind {
        "BINARY" => 1,
        "FRACTIONAL" => 8,
        _ => 16,
    };
    put_grid(&mut object, spec.rows, spec.columns, bits);
    put(&mut object, tags::NUMBER_OF_FRAMES, VR::IS, spec.frames.len().to_string());
    let frames = spec.frames.iter().map(|frame| frame_item(spec, frame));
    put_items(&mut object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames.collect());
    put_pixels(&mut object, spec, bits);
    object
}

fn frame_item(spec: &SegmentationSpec, frame: &FrameSpec) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    if let Some(image) = &frame.image {
        let derivation = nested(tags::SOURCE_IMAGE_SEQUENCE, vec![reference(image)]);
        put_items(&mut item, tags::DERIVATION_IMAGE_SEQUENCE, vec![derivation]);
    }
    if spec.kind != "LABELMAP" {
        let mut segment = InMemDicomObject::new_empty();
        put(&mut segment, tags::REFERENCED_SEGMENT_NUMBER, VR::US, frame.segment);
        put_items(&mut item, tags::SEGMENT_IDENTIFICATION_SEQUENCE, vec![segment]);
    }
    let mut pose = InMemDicomObject::new_empty();
    put_pose(&mut pose, &frame.pose);
    let groups = [
        (tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT),
        (tags::PLANE_ORIENTATION_SEQUENCE, tags::IMAGE_ORIENTATION_PATIENT),
        (tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING),
    ];
    for (sequence, tag) in groups {
        let mut group = InMemDicomObject::new_empty();
        group.put(pose.get(tag).cloned().unwrap_or_else(|| DataElement::empty(tag, VR::DS)));
        put_items(&mut item, sequence, vec![group]);
    }
    item
}

fn put_pixels(object: &mut InMemDicomObject, spec: &SegmentationSpec, bits: u16) {
    let all = spec.frames.iter().map(|frame| &frame.pixels);
    let value = match bits {
        1 => {
            let mut set: Vec<bool> = Vec::new();
            for pixels in all {
                set.extend(pixels.iter().map(|&pixel| pixel != 0));
                if spec.padded {
                    set.resize(set.len().next_multiple_of(8), false);
                }
            }
            let byte =
                |bits: &[bool]| bits.iter().enumerate().fold(0_u8, |sum, (k, &bit)| sum | u8::from(bit) << k);
            PrimitiveValue::U8(set.chunks(8).map(byte).collect())
        }
        8 => PrimitiveValue::U8(all.flatten().map(|&pixel| pixel as u8).collect()),
        _ => PrimitiveValue::U16(all.flatten().copied().collect()),
    };
    put(object, tags::PIXEL_DATA, if bits == 16 { VR::OW } else { VR::OB }, value);
}

fn common(patient: &str, class: &str, uid: &str, modality: &str) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    put(&mut object, tags::SOP_CLASS_UID, VR::UI, class);
    put(&mut object, tags::SOP_INSTANCE_UID, VR::UI, uid);
    put(&mut object, tags::MODALITY, VR::CS, modality);
    put(&mut object, tags::PATIENT_ID, VR::LO, patient);
    put(&mut object, tags::STUDY_INSTANCE_UID, VR::UI, "2.25.3");
    put(&mut object, tags::FRAME_OF_REFERENCE_UID, VR::UI, "2.25.4");
    object
}

fn put_pose(object: &mut InMemDicomObject, pose: &Pose) {
    let text = |numbers: &[f64]| numbers.iter().map(f64::to_string).collect::<Vec<_>>().join("\\");
    put(object, tags::IMAGE_POSITION_PATIENT, VR::DS, text(&pose.position));
    put(object, tags::IMAGE_ORIENTATION_PATIENT, VR::DS, text(&pose.orientation));
    put(object, tags::PIXEL_SPACING, VR::DS, text(&pose.spacing));
}

fn put_grid(object: &mut InMemDicomObject, rows: u16, columns: u16, bits: u16) {
    put(object, tags::ROWS, VR::US, rows);
    put(object, tags::COLUMNS, VR::US, columns);
    put(object, tags::BITS_ALLOCATED, VR::US, bits);
    put(object, tags::BITS_STORED, VR::US, bits);
    put(object, tags::HIGH_BIT, VR::US, bits - 1);
    put(object, tags::PIXEL_REPRESENTATION, VR::US, 0_u16);
}

fn reference(uid: &str) -> InMemDicomObject {
    let mut item = InMemDicomObject::new_empty();
    put(&mut item, tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, uid);
    item
}

fn nested(sequence: Tag, items: Vec<InMemDicomObject>) -> InMemDicomObject {
    let mut object = InMemDicomObject::new_empty();
    put_items(&mut object, sequence, items);
    object
}

fn put_items(object: &mut InMemDicomObject, sequence: Tag, items: Vec<InMemDicomObject>) {
    object.put(DataElement::new(sequence, VR::SQ, DataSetSequence::from(items)));
}

fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: impl Into<PrimitiveValue>) {
    object.put(DataElement::new(tag, vr, value.into()));
}

/// The bytes of a file with `object`, in Explicit VR Little Endian.
pub(crate) fn file_bytes(object: InMemDicomObject, class: &str) -> Outcome<Vec<u8>> {
    let uid = object.element(tags::SOP_INSTANCE_UID)?.to_str()?.into_owned();
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(uid);
    let mut bytes = Vec::new();
    object.with_meta(meta)?.write_all(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn save(object: InMemDicomObject, class: &str, path: &Path) -> Outcome<()> {
    Ok(fs::write(path, file_bytes(object, class)?)?)
}
