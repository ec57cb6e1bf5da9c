//! Files that could not be used, and notes.

use crate::files::Catalog;
use crate::layout::SampleSet;
use crate::model::{AnnotationRef, Note, Place, Reason, Sample, Skipped};
use crate::source::{Attribute, ImageHeader, StoredFormat, StoredPixels};

/// Remarks of a stage: files that could not be used, and notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Files that were not used.
    pub skipped: Vec<Skipped>,
    /// Notes, which took no file away.
    pub notes: Vec<Note>,
}

impl Remarks {
    /// Adds what `other` holds.
    pub fn append(&mut self, mut other: Self) {
        self.skipped.append(&mut other.skipped);
        self.notes.append(&mut other.notes);
    }

    /// Leaves out the annotations in one plane of a sample.
    pub fn skip_annotations(
        &mut self,
        catalog: &Catalog,
        annotations: &[AnnotationRef],
        reason: Reason,
        detail: &str,
    ) {
        for one in annotations {
            let place = Place::file(format!("{}{}", catalog.name(one.file), one.part));
            self.skipped.push(Skipped::new(place, reason, detail).of(one.file));
        }
    }

    /// Leaves out an annotation, and the others of its union: without it they would be another structure.
    pub fn skip_union<'a>(
        &mut self,
        catalog: &Catalog,
        others: impl Iterator<Item = &'a AnnotationRef>,
        skipped: Skipped,
    ) {
        self.skipped.extend(others.map(|other| {
            let detail = format!("it belongs together with {}, which was rejected", skipped.place.file);
            let place = Place::file(catalog.name(other.file));
            Skipped::new(place, Reason::StructureMissing, detail).of(other.file)
        }));
        self.skipped.push(skipped);
    }
}

/// Rejects the image of `sample` for the reason in `skipped`, and its contours with it.
pub fn reject_image(plan: &SampleSet, sample: &Sample, skipped: Skipped, remarks: &mut Remarks) {
    let detail = format!("its image {} was rejected", skipped.place.file);
    for annotations in &sample.annotations {
        remarks.skip_annotations(&plan.catalog, annotations, Reason::ImageRejected, &detail);
    }
    remarks.skipped.push(skipped.of(sample.image.file));
}

/// VOI LUT Function.
const VOI_LUT_FUNCTION: u32 = 0x0028_1056;
/// VOI LUT Sequence.
const VOI_LUT_SEQUENCE: u32 = 0x0028_3010;

/// Notes what of an image's header was present but unreadable, what departs from the standard, and that values were
/// rounded.
pub(super) fn note_losses(
    name: &str,
    header: &ImageHeader,
    stored: &StoredPixels,
    rounded: bool,
    remarks: &mut Remarks,
) {
    for leniency in header.leniencies.union(stored.leniencies()) {
        remarks.notes.push(Note::new(Place::file(name), leniency.to_string()));
    }
    for attribute in &header.unreadable {
        let place = Place::file(name).at_attribute(attribute.to_string());
        let text = match attribute.tag == VOI_LUT_FUNCTION {
            true => "has no defined term; LINEAR is taken in its place",
            false => "present but unreadable; the file has NaN in its place",
        };
        remarks.notes.push(Note::new(place, text));
    }
    if header.has_voi_lut {
        let place = Place::file(name).at_attribute(Attribute::from_tag(VOI_LUT_SEQUENCE).to_string());
        let text = "VOI LUTs are not applied; --normalize window uses Window Center and Window Width";
        remarks.notes.push(Note::new(place, text));
    }
    if rounded {
        let text = match header.stored {
            StoredFormat::Float64 => "values of Double Float Pixel Data are rounded to the nearest float32",
            _ => "rescaled values are rounded to the nearest float32",
        };
        remarks.notes.push(Note::new(Place::file(name), text));
    }
}
