//! Reads the regions of interest of an RT Structure Set (PS3.3 A.19.3).

use std::collections::BTreeMap;

use crate::model::number_of;
use crate::source::dicom::attribute::{self, tag};
use crate::source::dicom::tree::{Item, MAX_KEPT, Object, ObjectTree, Wanted};
use crate::source::references::read_references;
use crate::source::{DicomError, Limits};

use super::contour_data::parse_points;
use super::roi::{Contour, ContourType, Rejected, Roi};

/// Attributes read from an RT Structure Set.
pub(super) const WANTED: Wanted = Wanted {
    is_entered: |tag| {
        matches!(
            tag,
            tag::STRUCTURE_SET_ROI_SEQUENCE
                | tag::ROI_CONTOUR_SEQUENCE
                | tag::CONTOUR_SEQUENCE
                | tag::CONTOUR_IMAGE_SEQUENCE
                | tag::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE
                | tag::RT_REFERENCED_STUDY_SEQUENCE
                | tag::RT_REFERENCED_SERIES_SEQUENCE
        )
    },
    values: &[
        tag::SPECIFIC_CHARACTER_SET,
        tag::MANUFACTURER,
        tag::MANUFACTURER_MODEL_NAME,
        tag::ROI_NUMBER,
        tag::ROI_NAME,
        tag::REFERENCED_FRAME_OF_REFERENCE_UID,
        tag::REFERENCED_ROI_NUMBER,
        tag::CONTOUR_GEOMETRIC_TYPE,
        tag::NUMBER_OF_CONTOUR_POINTS,
        tag::CONTOUR_DATA,
        tag::REFERENCED_SOP_INSTANCE_UID,
        tag::REFERENCED_FRAME_NUMBER,
        tag::SERIES_INSTANCE_UID,
    ],
    max_kept: MAX_KEPT,
};

/// Content of an RT Structure Set.
#[derive(Debug, Default)]
pub(super) struct StructureSetObject {
    pub(super) rois: Vec<Roi>,
    pub(super) notes: Vec<String>,
    /// Written by rt-utils, or by a tool that has its lines.
    pub(super) is_rt_utils: bool,
    /// Series Instance UIDs in RT Referenced Series Sequence.
    pub(super) series: Vec<Box<str>>,
}

/// Reads the object in `file`, which is `bytes`.
pub(super) fn read(file: &str, bytes: &[u8], limits: &Limits) -> Result<StructureSetObject, DicomError> {
    let object = Object::open(file, bytes, limits)?;
    let tree = object.read(file, &WANTED)?;
    let mut content = StructureSetObject::default();
    let is = |attribute, text: &str| tree.root.text(attribute).is_some_and(|t| t.eq_ignore_ascii_case(text));
    content.is_rt_utils =
        is(attribute::MANUFACTURER, "Qurit") || is(attribute::MANUFACTURER_MODEL_NAME, "rt-utils");
    for frame_of_reference in tree.root.items(attribute::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE) {
        for study in frame_of_reference.items(attribute::RT_REFERENCED_STUDY_SEQUENCE) {
            let series = study.items(attribute::RT_REFERENCED_SERIES_SEQUENCE).iter();
            content.series.extend(series.filter_map(|item| item.uid(attribute::SERIES_INSTANCE_UID)));
        }
    }
    for item in tree.root.items(attribute::STRUCTURE_SET_ROI_SEQUENCE) {
        read_roi(&tree, item, &mut content);
    }
    let by_number: BTreeMap<i32, usize> =
        content.rois.iter().enumerate().rev().map(|(index, roi)| (roi.number, index)).collect();
    for item in tree.root.items(attribute::ROI_CONTOUR_SEQUENCE) {
        let number = item.integer(attribute::REFERENCED_ROI_NUMBER);
        let Some(&index) = number.and_then(|number| by_number.get(&number)) else {
            let contours = item.items(attribute::CONTOUR_SEQUENCE).len();
            let number = number.map_or("without Referenced ROI Number".to_owned(), |n| format!("of ROI {n}"));
            content.notes.push(format!(
                "an item of ROI Contour Sequence {number}, which Structure Set ROI Sequence does not have, is not \
                 used ({contours} contours)"
            ));
            continue;
        };
        read_contours(item, &mut content.rois[index]);
    }
    note_point_counts(&mut content);
    Ok(content)
}

fn read_roi(tree: &ObjectTree<'_>, item: &Item<'_>, content: &mut StructureSetObject) {
    let name = tree.name(item, attribute::ROI_NAME);
    let Some(number) = item.integer(attribute::ROI_NUMBER) else {
        content.notes.push(format!("the region of interest {name:?} has no ROI Number and is not used"));
        return;
    };
    if content.rois.iter().any(|roi| roi.number == number) {
        content.notes.push(format!(
            "two regions of interest have ROI Number {number}; the second, {name:?}, is not used"
        ));
        return;
    }
    let frame_of_reference = item.uid(attribute::REFERENCED_FRAME_OF_REFERENCE_UID);
    content.rois.push(Roi { number, name, frame_of_reference, ..Roi::default() });
}

fn read_contours(item: &Item<'_>, roi: &mut Roi) {
    for contour in item.items(attribute::CONTOUR_SEQUENCE) {
        let index = roi.seen;
        roi.seen += 1;
        let written = contour.text(attribute::CONTOUR_GEOMETRIC_TYPE).unwrap_or("");
        let Some(kind) = ContourType::parse(written) else {
            let kind = if written.is_empty() { "missing" } else { written };
            roi.rejected.push(Rejected { index, reason: format!("its Contour Geometric Type is {kind}") });
            continue;
        };
        *roi.types.entry(kind).or_default() += 1;
        if !kind.is_closed() {
            continue;
        }
        let points = match parse_points(contour.bytes(attribute::CONTOUR_DATA).unwrap_or_default()) {
            Ok(points) => points,
            Err(fault) => {
                roi.rejected.push(Rejected { index, reason: fault.to_string() });
                continue;
            }
        };
        let declared = contour.integer(attribute::NUMBER_OF_CONTOUR_POINTS);
        roi.wrong_counts += usize::from(declared.is_some_and(|count| count as usize != points.len()));
        let mut images = Vec::new();
        for image in contour.items(attribute::CONTOUR_IMAGE_SEQUENCE) {
            read_references(image, &mut images);
        }
        roi.contours.push(Contour { index, points, images });
    }
}

fn note_point_counts(content: &mut StructureSetObject) {
    let wrong: usize = content.rois.iter().map(|roi| roi.wrong_counts).sum();
    if wrong > 0 {
        content.notes.push(format!(
            "Number of Contour Points is not that of Contour Data in {}; the points that are there count",
            number_of(wrong, "contour", "contours")
        ));
    }
}
