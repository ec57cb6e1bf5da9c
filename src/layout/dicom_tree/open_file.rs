//! Annotation files that are open, and the images that they may be about.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::files::Catalog;
use crate::layout::annotations::{Annotations, OpenedAnnotation};
use crate::model::{FileId, Reason};
use crate::source::FrameKey;

use super::images::Images;
use super::objects::ScannedObject;

/// An annotation file that is open.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) file: FileId,
    /// Study Instance UID.
    pub(super) study: Option<Box<str>>,
    pub(super) patient_id: Option<Box<str>>,
    pub(super) opened: Arc<OpenedAnnotation>,
}

/// Opens the annotation files, on all threads; those that cannot be read are skipped.
pub(super) fn open_all(
    objects: &[ScannedObject],
    catalog: &Catalog,
    annotations: &Annotations,
    skipped: &mut Vec<(FileId, Reason, String)>,
) -> Vec<OpenFile> {
    let opened: Vec<_> = objects.par_iter().map(|object| annotations.open(catalog, object.file)).collect();
    let mut files = Vec::new();
    for (object, opened) in objects.iter().zip(opened) {
        match opened {
            Ok(opened) => files.push(OpenFile {
                file: object.file,
                study: object.identity.study_instance_uid.clone(),
                patient_id: object.identity.patient_id.clone(),
                opened,
            }),
            Err(error) => {
                let attribute = error.place.attribute.as_ref().map(|name| format!("{name}: "));
                skipped.push((object.file, error.reason, attribute.unwrap_or_default() + &error.detail));
            }
        }
    }
    files
}

/// The files without those that are another one byte for byte, as of a folder that was exported twice; and these, each
/// with the one that stays.
pub(super) fn without_copies(files: Vec<OpenFile>) -> (Vec<OpenFile>, Vec<(FileId, FileId)>) {
    let mut first: HashMap<[u8; 32], FileId> = HashMap::new();
    let (mut kept, mut copies) = (Vec::with_capacity(files.len()), Vec::new());
    for file in files {
        match first.entry(file.opened.sha256) {
            Entry::Occupied(same) => copies.push((file.file, *same.get())),
            Entry::Vacant(new) => {
                new.insert(file.file);
                kept.push(file);
            }
        }
    }
    (kept, copies)
}

/// The images that a file may be about: those that it refers to, and those of the series that it names; where it names
/// none that is there, those of its study.
pub(super) fn candidates(file: &OpenFile, images: &Images) -> Vec<usize> {
    let annotation = &file.opened.annotation;
    let named: HashSet<&str> = annotation.series().iter().map(|uid| &**uid).collect();
    let is_in_series =
        |index: &usize| images.all[*index].series.as_deref().is_some_and(|series| named.contains(series));
    let is_referred = |index: &usize| {
        let uid = &images.all[*index].key.sop_instance_uid;
        !uid.is_empty() && annotation.refers_to(uid)
    };
    let all = 0..images.all.len();
    let found: Vec<usize> = all.clone().filter(|index| is_referred(index) || is_in_series(index)).collect();
    if !found.is_empty() {
        return of_own_patient(found, file, images);
    }
    let is_of_study = |index: &usize| {
        let image = &images.all[*index];
        image.patient_id == file.patient_id && image.study.is_some() && image.study == file.study
    };
    all.filter(is_of_study).collect()
}

/// Those of the images in `found` that are not images of another patient with the UIDs of images of the file's own: of
/// one person who was exported under two ids, each id has its own annotations.
fn of_own_patient(found: Vec<usize>, file: &OpenFile, images: &Images) -> Vec<usize> {
    let is_own = |index: &usize| images.all[*index].patient_id == file.patient_id;
    let uid = |index: usize| &*images.all[index].key.sop_instance_uid;
    let own: HashSet<&str> = found.iter().copied().filter(|index| is_own(index)).map(uid).collect();
    found.into_iter().filter(|index| is_own(index) || !own.contains(uid(*index))).collect()
}

/// Why nothing in a file is on any of the images of `keys`, which it may be about.
pub(super) fn why_on_none(file: &OpenFile, keys: &[FrameKey]) -> &'static str {
    let annotation = &file.opened.annotation;
    let mut kinds = annotation.parts().iter().flat_map(|part| &part.kinds).peekable();
    let encloses_nothing = |kind: &str| kind.starts_with("POINT") || kind.starts_with("OPEN");
    if keys.iter().any(|key| annotation.refers_to(&key.sop_instance_uid)) {
        "it refers to images of the input, but what is asked for has no closed contour and no segment on them"
    } else if kinds.peek().is_some() && kinds.all(|(kind, _)| encloses_nothing(kind)) {
        "it has no closed contour: its points and open contours enclose nothing"
    } else {
        "none of the images that it is about is in the input"
    }
}
