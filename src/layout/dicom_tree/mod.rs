//! The layout `dicom`: any tree of DICOM objects, recognized by their content.
//!
//! Images are grouped by Patient ID, study and series and sorted by geometry. RT Structure Sets and segmentations
//! anywhere in the tree are joined to them by UIDs, else by geometry. UIDs serve for that alone and reach no output.

mod found;
mod images;
mod join;
mod names;
mod notes;
mod objects;
mod open_file;
mod planes;
mod spellings;

use std::collections::HashMap;
use std::path::Path;

use crate::files::{Catalog, FileKind, Places, Tree};
use crate::model::{AnnotationRef, FileId, FrameRef, Note, Part, Place, Reason, Sample, Skipped};
use crate::source::{
    AnnotationError, AnnotationFile, AnnotationOptions, FrameKey, Limits, ObjectKind, PartInfo,
    open_dicom_annotation,
};

use super::annotations::{Annotations, OpenAnnotation};
use super::left_out::{is_called_dicom, other_annotations};
use super::listing::{ListedImage, ListedPart, Listing, kinds_of};
use super::{Layout, LayoutError, Patient, Reading, Require, SampleSet, Select, Study};

use images::{Image, Images};
use join::JoinedFiles;
use objects::{ScannedContent, ScannedObject};
use open_file::OpenFile;

/// Any tree of DICOM objects.
#[derive(Debug)]
pub struct DicomTree {
    places: Places,
}

impl DicomTree {
    /// The tree below `data_dir`.
    ///
    /// # Errors
    /// [`LayoutError`] where it is no folder.
    pub fn new(data_dir: &Path) -> Result<Self, LayoutError> {
        Ok(Self { places: Places::new(data_dir)? })
    }
}

/// Opens RT Structure Sets and segmentations.
#[derive(Debug)]
pub(super) struct Opener {
    pub(super) options: AnnotationOptions,
    pub(super) limits: Limits,
}

impl OpenAnnotation for Opener {
    fn open(&self, _: FileId, name: &str, bytes: &[u8]) -> Result<Box<dyn AnnotationFile>, AnnotationError> {
        open_dicom_annotation(name, bytes, &self.options, &self.limits)
    }
}

impl Layout for DicomTree {
    fn name(&self) -> &'static str {
        "dicom"
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn expects(&self, _: usize, _: &[Box<str>]) -> bool {
        true
    }

    fn pair(&self, tree: Tree, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        let Read { pairing, images, annotations, opened, problems } =
            Read::of(&tree, &select.annotation, reading);
        let (planes, spellings) = planes::choose(&opened, &images, &tree.catalog, select, &problems)?;
        let joined = join::join(&opened, &images, &planes, &tree.catalog);
        let set = SampleSet::new("dicom", tree, planes);
        let mut set = pairing.finish(set, &images, joined, select.require);
        set.notes.extend(spellings);
        set.annotations = Some(annotations);
        Ok(set)
    }

    fn list(
        &self,
        tree: Tree,
        options: &AnnotationOptions,
        reading: &Reading<'_>,
    ) -> Result<Listing, LayoutError> {
        let Read { images, opened, problems, .. } = Read::of(&tree, options, reading);
        let names = names::ImageNames::of(&images, &tree.catalog);
        let others = other_annotations(&tree.catalog, false);
        let problems = problems.into_iter().chain(others.iter().map(ToString::to_string)).collect();
        Ok(Listing {
            parts: opened.iter().flat_map(|file| listed(file, &images, &names)).collect(),
            images: images.all.len(),
            patients: names.patients().count(),
            problems,
        })
    }
}

/// Content read of the tree.
struct Read {
    pairing: Pairing,
    images: Images,
    annotations: Annotations,
    opened: Vec<OpenFile>,
    /// Annotation files that cannot be used, and why.
    problems: Vec<String>,
}

impl Read {
    fn of(tree: &Tree, options: &AnnotationOptions, reading: &Reading<'_>) -> Self {
        let files: Vec<FileId> = tree
            .folders
            .iter()
            .filter(|folder| folder.place.is_ok())
            .flat_map(|folder| folder.files.clone())
            .collect();
        let objects = objects::read(&files, &tree.catalog, reading);
        let mut pairing = Pairing::new(objects, &tree.catalog);
        let mut images = Images::sorted(std::mem::take(&mut pairing.images), &tree.catalog, options);
        let keys: HashMap<FrameRef, FrameKey> =
            images.all.iter().map(|image| (image.frame, image.key.clone())).collect();
        let opener = Opener { options: *options, limits: *reading.limits };
        let annotations = Annotations::new(keys, Box::new(opener), *reading.limits);
        let opened =
            open_file::open_all(&pairing.annotations, &tree.catalog, &annotations, &mut pairing.skipped);
        let (opened, copies) = open_file::without_copies(opened);
        let problem =
            |(file, _, detail): &(FileId, Reason, String)| format!("{}: {detail}", tree.catalog.name(*file));
        let broken = pairing
            .skipped
            .iter()
            .filter(|(file, ..)| pairing.annotations.iter().any(|one| one.file == *file));
        let problems = broken.map(problem).collect();
        for (copy, first) in copies {
            let text =
                format!("it is {} once more, byte for byte, and counts once", tree.catalog.name(first));
            images.notes.push(Note::new(Place::file(tree.catalog.name(copy)), text.clone()));
            pairing.skipped.push((copy, Reason::OutsideLayout, text));
        }
        Self { pairing, images, annotations, opened, problems }
    }
}

/// The structures of an annotation file, with the images that each is on.
fn listed(file: &OpenFile, images: &Images, names: &names::ImageNames) -> Vec<ListedPart> {
    let annotation = &file.opened.annotation;
    let indices = open_file::candidates(file, images);
    let keys: Vec<FrameKey> = indices.iter().map(|&index| images.all[index].key.clone()).collect();
    let listed = |info: &PartInfo| {
        let joined = annotation.join(&[info.part], &keys);
        let image = |(_, index): &(Part, usize)| {
            let index = indices[*index];
            let image = &images.all[index];
            let patient = names.patient(names.place(index).patient).into();
            ListedImage { image: image.frame, patient, number: image.instance_number }
        };
        ListedPart {
            name: info.name.clone(),
            number: info.part.number(),
            file: file.file,
            kinds: kinds_of(info),
            images: joined.images.iter().map(image).collect(),
        }
    };
    annotation.parts().iter().map(listed).collect()
}

/// Kinds of the files of the tree.
#[derive(Debug, Default)]
struct Pairing {
    images: Vec<Image>,
    annotations: Vec<ScannedObject>,
    skipped: Vec<(FileId, Reason, String)>,
}

impl Pairing {
    fn new(objects: Vec<ScannedObject>, catalog: &Catalog) -> Self {
        let mut pairing = Self::default();
        for mut object in objects {
            match std::mem::replace(&mut object.found, ScannedContent::Nothing) {
                ScannedContent::Image(header) => pairing.images.extend(Image::frames(object.file, &header)),
                ScannedContent::Other(
                    ObjectKind::RtStructureSet | ObjectKind::Segmentation | ObjectKind::SurfaceSegmentation,
                ) => pairing.annotations.push(object),
                ScannedContent::Other(kind) => {
                    let text = format!("this is {kind}, which holds neither image nor structures");
                    pairing.skipped.push((object.file, Reason::OutsideLayout, text));
                }
                ScannedContent::Unusable(reason, detail) => {
                    pairing.skipped.push((object.file, reason, detail))
                }
                ScannedContent::Nothing => {
                    // A file that is called so was meant to be one: its transfer has failed.
                    let is_called_so = is_called_dicom(catalog.file_name(object.file));
                    let reason = if is_called_so { Reason::ImageUnreadable } else { Reason::OutsideLayout };
                    pairing.skipped.push((object.file, reason, "this is not a DICOM file".to_owned()));
                }
            }
        }
        pairing
    }

    /// Adds the samples to `set`, and what becomes of the other files.
    fn finish(self, mut set: SampleSet, images: &Images, joined: JoinedFiles, require: Require) -> SampleSet {
        images.all.iter().for_each(|image| set.catalog.set_kind(image.frame.file, FileKind::Image));
        for object in &self.annotations {
            let is_rt = matches!(object.kind, ObjectKind::RtStructureSet);
            set.catalog.set_kind(object.file, if is_rt { FileKind::RtStruct } else { FileKind::DicomSeg });
        }
        let names = names::ImageNames::of(images, &set.catalog);
        for patient in names.patients() {
            set.patients.push(Patient { id: patient.into(), ..Patient::default() });
        }
        for (index, image) in images.all.iter().enumerate() {
            let place = names.place(index);
            if place.study as usize == set.studies.len() {
                let folder = set.catalog.folder_name(set.catalog.folder_of(image.frame.file)).to_owned();
                set.studies.push(Study {
                    patient: place.patient,
                    original_id: Box::default(),
                    place: Place::file(folder),
                });
            }
            let mut sample = Sample {
                id: names.id(index),
                patient: place.patient,
                study: place.study,
                place: index as u32,
                image: image.frame,
                number: image.instance_number,
                annotations: joined.of(index),
            };
            settle(&mut set, &mut sample, require);
            if sample.annotated() > 0 { set.samples.push(sample) } else { set.unlabelled.push(sample) }
        }
        for (file, reason, detail) in self.skipped {
            let place = Place::file(set.catalog.name(file));
            set.skip(Skipped::new(place, reason, detail).of(file));
        }
        joined.tell(&mut set);
        set
    }
}

/// Takes the annotations from a sample that lacks one where all are required.
fn settle(set: &mut SampleSet, sample: &mut Sample, require: Require) {
    let annotated = sample.annotated();
    if require == Require::All && annotated > 0 && annotated < sample.annotations.len() {
        let missing: Vec<&str> = set
            .structures()
            .names()
            .zip(&sample.annotations)
            .filter(|(_, refs)| refs.is_empty())
            .map(|(name, _)| name)
            .collect();
        let detail = format!(
            "{} has no {}, and --require all asks for all",
            set.image_name(sample),
            missing.join(", ")
        );
        let files: Vec<AnnotationRef> = sample.references().map(|(_, one)| one).collect();
        for one in files {
            let place = Place::file(format!("{}{}", set.catalog.name(one.file), one.part));
            set.skip(Skipped::new(place, Reason::StructureMissing, detail.clone()).of(one.file));
        }
        sample.clear_annotations();
    }
}
