//! Reads segments, frames and the form of the pixels of a segmentation (PS3.3 A.51, A.96, C.8.20).

use std::collections::HashSet;

use crate::model::{GridShape, ImagePlane};
use crate::source::dicom::attribute::{self, Attribute, tag};
use crate::source::dicom::tree::{GEOMETRY, Item, MAX_KEPT, ObjectTree, Wanted, geometry};
use crate::source::dicom::{DicomFault, shown};
use crate::source::references::{ImageReference, read_references};

use super::error::SegmentationFault;
use super::segment::Segment;

/// Attributes read from a segmentation.
pub(super) const WANTED: Wanted = Wanted {
    is_entered: |tag| {
        matches!(
            tag,
            tag::SEGMENT_SEQUENCE
                | tag::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE
                | tag::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE
                | tag::REFERENCED_SERIES_SEQUENCE
                | tag::REFERENCED_INSTANCE_SEQUENCE
                | tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE
                | tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE
                | tag::DERIVATION_IMAGE_SEQUENCE
                | tag::SOURCE_IMAGE_SEQUENCE
                | tag::SEGMENT_IDENTIFICATION_SEQUENCE
                | tag::PLANE_POSITION_SEQUENCE
                | tag::PLANE_ORIENTATION_SEQUENCE
                | tag::PIXEL_MEASURES_SEQUENCE
        )
    },
    values: &[
        tag::SPECIFIC_CHARACTER_SET,
        tag::SOP_CLASS_UID,
        tag::SERIES_INSTANCE_UID,
        tag::REFERENCED_SOP_INSTANCE_UID,
        tag::REFERENCED_FRAME_NUMBER,
        tag::CODE_VALUE,
        tag::CODING_SCHEME_DESIGNATOR,
        tag::DIMENSION_ORGANIZATION_TYPE,
        tag::NUMBER_OF_FRAMES,
        tag::ROWS,
        tag::COLUMNS,
        tag::BITS_ALLOCATED,
        tag::PIXEL_PADDING_VALUE,
        tag::TOTAL_PIXEL_MATRIX_COLUMNS,
        tag::SEGMENTATION_TYPE,
        tag::SEGMENT_NUMBER,
        tag::SEGMENT_LABEL,
        tag::REFERENCED_SEGMENT_NUMBER,
        tag::MAXIMUM_FRACTIONAL_VALUE,
        GEOMETRY[0],
        GEOMETRY[1],
        GEOMETRY[2],
    ],
    max_kept: MAX_KEPT,
};

/// Meaning of pixels (Segmentation Type (0062,0001), PS3.3 C.8.20.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A bit of each pixel, a frame for each segment.
    Binary,
    /// A share of each pixel, of so much in all, a frame for each segment.
    Fractional {
        /// Maximum Fractional Value.
        maximum: u32,
    },
    /// The number of the segment of each pixel.
    LabelMap,
}

/// A frame of the segmentation.
#[derive(Debug)]
pub(super) struct SegmentFrame {
    /// Its segment; `None` in a label map.
    pub(super) segment: Option<u16>,
    /// Images that it was derived from.
    pub(super) sources: Vec<ImageReference>,
    pub(super) plane: Option<ImagePlane>,
}

/// Content of a segmentation, but for its pixels.
#[derive(Debug)]
pub(super) struct SegmentationObject {
    pub(super) form: Form,
    pub(super) shape: GridShape,
    pub(super) bits_allocated: u32,
    pub(super) segments: Vec<Segment>,
    pub(super) frames: Vec<SegmentFrame>,
    /// Series Instance UIDs in Referenced Series Sequence.
    pub(super) series: Vec<Box<str>>,
    /// SOP Instance UIDs in Referenced Series Sequence.
    pub(super) instances: HashSet<Box<str>>,
}

/// A fault, at an attribute where there is one.
pub(super) type Fault = (Option<Attribute>, SegmentationFault);

fn at(attribute: Attribute, fault: impl Into<SegmentationFault>) -> Fault {
    (Some(attribute), fault.into())
}

fn missing(attribute: Attribute) -> Fault {
    at(attribute, DicomFault::Missing)
}

/// Reads `tree`, of which `present` is the number of bytes of Pixel Data that are there, for the number of frames that
/// are believed.
pub(super) fn read(tree: &ObjectTree<'_>, present: usize) -> Result<SegmentationObject, Fault> {
    let root = &tree.root;
    refuse_other_kinds(root)?;
    let side = |attribute| root.unsigned(attribute).ok_or_else(|| missing(attribute));
    let shape = GridShape::new(side(attribute::ROWS)? as usize, side(attribute::COLUMNS)? as usize)
        .map_err(|error| at(attribute::ROWS, DicomFault::from(error)))?;
    let bits_allocated = side(attribute::BITS_ALLOCATED)?;
    let form = read_form(root, bits_allocated)?;
    let segments = read_segments(tree, form)?;
    let frames = read_frames(root, form, present)?;
    let mut content = SegmentationObject {
        form,
        shape,
        bits_allocated,
        segments,
        frames,
        series: Vec::new(),
        instances: HashSet::new(),
    };
    for series in root.items(attribute::REFERENCED_SERIES_SEQUENCE) {
        content.series.extend(series.uid(attribute::SERIES_INSTANCE_UID));
        let instances = series.items(attribute::REFERENCED_INSTANCE_SEQUENCE).iter();
        content
            .instances
            .extend(instances.filter_map(|item| item.uid(attribute::REFERENCED_SOP_INSTANCE_UID)));
    }
    Ok(content)
}

fn refuse_other_kinds(root: &Item<'_>) -> Result<(), Fault> {
    let refuse = |attribute, what| Err(at(attribute, SegmentationFault::Kind { what }));
    match root.text(attribute::SOP_CLASS_UID) {
        Some("1.2.840.10008.5.1.4.1.1.66.5") => {
            return refuse(attribute::SOP_CLASS_UID, "a surface segmentation");
        }
        Some("1.2.840.10008.5.1.4.1.1.66.8") => {
            return refuse(attribute::SOP_CLASS_UID, "a height map segmentation");
        }
        _ => {}
    }
    let is_tiled = root.text(attribute::DIMENSION_ORGANIZATION_TYPE).is_some_and(|t| t.starts_with("TILED"));
    if is_tiled || root.unsigned(attribute::TOTAL_PIXEL_MATRIX_COLUMNS).is_some() {
        let attribute = attribute::DIMENSION_ORGANIZATION_TYPE;
        return refuse(attribute, "a segmentation of tiles of a slide microscopy image");
    }
    Ok(())
}

fn read_form(root: &Item<'_>, bits_allocated: u32) -> Result<Form, Fault> {
    let written =
        root.text(attribute::SEGMENTATION_TYPE).ok_or_else(|| missing(attribute::SEGMENTATION_TYPE))?;
    let form = match written {
        "BINARY" => Form::Binary,
        "FRACTIONAL" => {
            let attribute = attribute::MAXIMUM_FRACTIONAL_VALUE;
            let maximum = root.unsigned(attribute).ok_or_else(|| missing(attribute))?;
            if maximum == 0 {
                return Err(at(
                    attribute,
                    DicomFault::Value { value: "0".to_owned(), expected: "1 or more" },
                ));
            }
            Form::Fractional { maximum }
        }
        "LABELMAP" => Form::LabelMap,
        other => {
            let supported = "BINARY, FRACTIONAL and LABELMAP";
            let fault = DicomFault::Unsupported { value: shown(other.as_bytes()), supported };
            return Err(at(attribute::SEGMENTATION_TYPE, fault));
        }
    };
    let fits = match form {
        // One byte a pixel is not what the standard says; some writers have it so.
        Form::Binary => matches!(bits_allocated, 1 | 8),
        Form::Fractional { .. } => bits_allocated == 8,
        Form::LabelMap => matches!(bits_allocated, 8 | 16),
    };
    if fits {
        return Ok(form);
    }
    let supported = "1 bit for BINARY, 8 for FRACTIONAL, 8 and 16 for LABELMAP";
    let value = format!("{bits_allocated} bits for {written}");
    Err(at(attribute::BITS_ALLOCATED, DicomFault::Unsupported { value, supported }))
}

fn read_segments(tree: &ObjectTree<'_>, form: Form) -> Result<Vec<Segment>, Fault> {
    let padding = tree.root.unsigned(attribute::PIXEL_PADDING_VALUE);
    let mut segments: Vec<Segment> = Vec::new();
    for item in tree.root.items(attribute::SEGMENT_SEQUENCE) {
        let number = item.unsigned(attribute::SEGMENT_NUMBER).and_then(|number| u16::try_from(number).ok());
        let number = number.ok_or_else(|| missing(attribute::SEGMENT_NUMBER))?;
        let code = item.first(attribute::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE);
        let value = code.and_then(|code| code.text(attribute::CODE_VALUE)).unwrap_or("");
        let scheme = code.and_then(|code| code.text(attribute::CODING_SCHEME_DESIGNATOR)).unwrap_or("");
        // DCM 125040 is Background (PS3.16 annex D).
        let is_background = form == Form::LabelMap
            && ((value, scheme) == ("125040", "DCM") || padding == Some(u32::from(number)));
        if segments.iter().any(|segment| segment.number == number) {
            let value = number.to_string();
            let fault = DicomFault::Value { value, expected: "a number that no other segment has" };
            return Err(at(attribute::SEGMENT_NUMBER, fault));
        }
        let label = tree.name(item, attribute::SEGMENT_LABEL);
        segments.push(Segment { number, label, code: value.to_owned(), is_background });
    }
    Ok(segments)
}

fn read_frames(root: &Item<'_>, form: Form, present: usize) -> Result<Vec<SegmentFrame>, Fault> {
    let per_frame = root.items(attribute::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let shared = root.first(attribute::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let claimed = match root.text(attribute::NUMBER_OF_FRAMES) {
        None => 1,
        Some(text) => text.parse::<usize>().ok().filter(|&frames| frames > 0).ok_or_else(|| {
            let value = shown(text.as_bytes());
            at(attribute::NUMBER_OF_FRAMES, DicomFault::Value { value, expected: "a number of frames" })
        })?,
    };
    // A frame has a bit of Pixel Data or more, and where there are several an item of its own.
    let believed = if claimed == 1 { 1 } else { per_frame.len() };
    if claimed != believed && !(claimed == 1 && per_frame.len() <= 1) || claimed / 8 > present {
        return Err(at(
            attribute::NUMBER_OF_FRAMES,
            SegmentationFault::Frames { claimed, items: per_frame.len(), bytes: present },
        ));
    }
    (0..claimed).map(|index| read_frame(shared, per_frame.get(index), form)).collect()
}

fn read_frame(shared: Option<&Item<'_>>, own: Option<&Item<'_>>, form: Form) -> Result<SegmentFrame, Fault> {
    let group =
        |sequence| own.and_then(|own| own.first(sequence)).or(shared.and_then(|all| all.first(sequence)));
    let segment = group(attribute::SEGMENT_IDENTIFICATION_SEQUENCE)
        .and_then(|item| item.unsigned(attribute::REFERENCED_SEGMENT_NUMBER))
        .and_then(|number| u16::try_from(number).ok());
    if segment.is_none() && form != Form::LabelMap {
        return Err(missing(attribute::REFERENCED_SEGMENT_NUMBER));
    }
    let derivations = |groups: Option<&Item<'_>>| {
        let mut sources = Vec::new();
        for derivation in groups.map_or(&[][..], |item| item.items(attribute::DERIVATION_IMAGE_SEQUENCE)) {
            for image in derivation.items(attribute::SOURCE_IMAGE_SEQUENCE) {
                read_references(image, &mut sources);
            }
        }
        sources
    };
    let own_sources = derivations(own);
    Ok(SegmentFrame {
        segment: segment.filter(|_| form != Form::LabelMap),
        sources: if own_sources.is_empty() { derivations(shared) } else { own_sources },
        plane: ImagePlane::of(&geometry(
            group(attribute::PLANE_POSITION_SEQUENCE),
            group(attribute::PLANE_ORIENTATION_SEQUENCE),
            group(attribute::PIXEL_MEASURES_SEQUENCE),
        )),
    })
}
