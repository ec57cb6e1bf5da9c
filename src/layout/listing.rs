//! All structures of a data directory, whether some image has them or not.

use crate::files::FileKind;
use crate::model::{FileId, FrameRef, Part};
use crate::source::PartInfo;

use super::SampleSet;

/// A structure of one annotation file, and the images that it is on.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedPart {
    /// Its name; empty where the file has no names.
    pub name: String,
    /// Its number; `None` where the file is one structure.
    pub number: Option<i64>,
    /// The annotation file.
    pub file: FileId,
    /// Ways in which it is drawn, each with its number: `contour text`, `RTSTRUCT CLOSED_PLANAR`, `SEG BINARY`.
    pub kinds: Vec<(String, usize)>,
    /// The images of the input that it is on.
    pub images: Vec<ListedImage>,
}

/// An image that a structure is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedImage {
    /// The image.
    pub image: FrameRef,
    /// The id of its patient.
    pub patient: Box<str>,
    /// Its number, Instance Number (0020,0013) where the layout reads headers.
    pub number: Option<i32>,
}

/// All structures of a data directory, in the order in which they appear.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Those of each annotation file.
    pub parts: Vec<ListedPart>,
    /// Number of images, annotated or not.
    pub images: usize,
    /// Number of patients.
    pub patients: usize,
    /// Annotation files that cannot be used, and why: each a sentence that begins with the name.
    pub problems: Vec<String>,
}

impl Listing {
    /// The annotations of the samples of `set`.
    pub(super) fn of_samples(set: &SampleSet) -> Self {
        let mut parts: Vec<ListedPart> = Vec::new();
        for plane in 0..set.structures().len() {
            for sample in &set.samples {
                let image = ListedImage {
                    image: sample.image,
                    patient: set.patient(sample).id.clone(),
                    number: sample.number,
                };
                for annotation in &sample.annotations[plane] {
                    let kind = kind_name(set.catalog.kind(annotation.file), annotation.part);
                    let name = set.structures().name(plane);
                    let number = annotation.part.number();
                    let known = parts.last_mut().filter(|last| {
                        (last.file, last.number, &*last.name) == (annotation.file, number, name)
                    });
                    match known {
                        Some(last) => {
                            last.images.push(image.clone());
                            last.kinds.iter_mut().for_each(|(_, count)| *count += 1);
                        }
                        None => parts.push(ListedPart {
                            name: name.to_owned(),
                            number,
                            file: annotation.file,
                            kinds: vec![(kind.to_owned(), 1)],
                            images: vec![image.clone()],
                        }),
                    }
                }
            }
        }
        let rejected = set.rejected_rows.iter().map(|row| format!("{}: {}", row.place, row.detail));
        Self {
            parts,
            images: set.samples.len() + set.unlabelled.len(),
            patients: set.patients.len(),
            problems: rejected.collect(),
        }
    }
}

/// The names of the kinds of a part of a DICOM object.
pub(super) fn kinds_of(info: &PartInfo) -> Vec<(String, usize)> {
    let object = if matches!(info.part, Part::Roi(_)) { "RTSTRUCT" } else { "SEG" };
    let kind = |(kind, count): &(String, usize)| (format!("{object} {kind}"), *count);
    let kinds: Vec<_> = info.kinds.iter().map(kind).collect();
    if kinds.is_empty() { vec![(format!("{object} without contours"), 0)] } else { kinds }
}

fn kind_name(kind: FileKind, part: Part) -> &'static str {
    match (kind, part) {
        (_, Part::Roi(_)) => "RTSTRUCT",
        (_, Part::Segment(_)) => "SEG",
        (FileKind::ContourText, _) => "contour text",
        (FileKind::MaskImage, _) => "mask image",
        (FileKind::Nifti, _) => "NIfTI",
        (FileKind::Nrrd, _) => "NRRD",
        _ => "annotation",
    }
}
