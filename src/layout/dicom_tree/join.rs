//! Joins annotation files to the images.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use crate::files::Catalog;
use crate::layout::{SampleSet, StructurePatterns, escaped};
use crate::model::{AnnotationRef, FileId, Note, Part, Place, Reason, Skipped, number_of};
use crate::source::FrameKey;

use super::images::Images;
use super::notes::notes_of;
use super::open_file::{OpenFile, candidates, why_on_none};

/// The annotations of all images, and the notes.
#[derive(Debug)]
pub(super) struct JoinedFiles {
    planes: usize,
    /// By image and mask plane.
    refs: HashMap<(usize, usize), Vec<AnnotationRef>>,
    /// Number of annotations that were joined by UID, and by position alone.
    joined_by: [usize; 2],
    notes: Vec<Note>,
    lost: Vec<Skipped>,
    skipped: Vec<Skipped>,
}

/// Joins `files` to `images` for the mask `planes`.
pub(super) fn join(
    files: &[OpenFile],
    images: &Images,
    planes: &StructurePatterns,
    catalog: &Catalog,
) -> JoinedFiles {
    let mut joined = JoinedFiles {
        planes: planes.patterns().len(),
        refs: HashMap::new(),
        joined_by: [0; 2],
        notes: images.notes.clone(),
        lost: Vec::new(),
        skipped: Vec::new(),
    };
    let each: Vec<FileJoin> =
        files.par_iter().map(|file| FileJoin::new(file, images, planes, catalog)).collect();
    let mut claims: BTreeMap<(usize, usize), Vec<(usize, AnnotationRef)>> = BTreeMap::new();
    for (number, one) in each.into_iter().enumerate() {
        joined.notes.extend(one.notes);
        joined.lost.extend(one.lost);
        joined.skipped.extend(one.skipped);
        joined.joined_by = [0, 1].map(|way| joined.joined_by[way] + one.joined_by[way]);
        for (at, annotation) in one.refs {
            claims.entry(at).or_default().push((number, annotation));
        }
    }
    joined.settle(claims, images, planes, catalog);
    joined
}

/// Content of one file.
#[derive(Debug, Default)]
struct FileJoin {
    refs: Vec<((usize, usize), AnnotationRef)>,
    /// Number of annotations by UID, and by position alone.
    joined_by: [usize; 2],
    notes: Vec<Note>,
    lost: Vec<Skipped>,
    skipped: Vec<Skipped>,
}

impl FileJoin {
    fn new(file: &OpenFile, images: &Images, planes: &StructurePatterns, catalog: &Catalog) -> Self {
        let mut joined = Self::default();
        let name = catalog.name(file.file);
        let annotation = &file.opened.annotation;
        joined.notes.extend(notes_of(&name, annotation.notes()));
        let wanted = joined.parts_of(file, planes, &name);
        if wanted.is_empty() {
            let names: Vec<&str> =
                annotation.parts().iter().take(16).map(|part| part.name.as_str()).collect();
            let detail = format!("no structure in it is asked for: it has {}", names.join(", "));
            let skipped = Skipped::new(Place::file(name), Reason::StructureNotAsked, detail);
            joined.skipped.push(skipped.of(file.file));
            return joined;
        }
        let indices = candidates(file, images);
        let keys: Vec<FrameKey> = indices.iter().map(|&index| images.all[index].key.clone()).collect();
        let mut parts: Vec<Part> = wanted.iter().map(|(_, part)| *part).collect();
        parts.sort();
        parts.dedup();
        let found = annotation.join(&parts, &keys);
        joined.notes.extend(notes_of(&name, &found.notes));
        let lost = |text: String| Skipped::new(Place::file(&*name), Reason::AnnotationLost, text);
        joined.lost.extend(found.lost.into_iter().map(lost));
        for (part, index) in found.images {
            let is_referred = annotation.refers_to(&keys[index].sop_instance_uid);
            joined.joined_by[usize::from(!is_referred)] += 1;
            for (plane, _) in wanted.iter().filter(|(_, wanted)| *wanted == part) {
                joined.refs.push(((indices[index], *plane), AnnotationRef { file: file.file, part }));
            }
        }
        if joined.refs.is_empty() && joined.lost.is_empty() {
            let detail = why_on_none(file, &keys);
            let skipped = Skipped::new(Place::file(&*name), Reason::AnnotationWithoutImage, detail);
            joined.skipped.push(skipped.of(file.file));
        }
        joined
    }

    /// The mask planes that parts of the file belong to.
    fn parts_of(&mut self, file: &OpenFile, planes: &StructurePatterns, name: &str) -> Vec<(usize, Part)> {
        let mut wanted = Vec::new();
        for (plane, pattern) in planes.patterns().iter().enumerate() {
            let matching = pattern.takes(file.opened.annotation.parts());
            let is_plain = !pattern.text().starts_with("re:") && !pattern.text().contains('+');
            if let ([first, second, ..], true) = (&matching[..], is_plain) {
                let detail = format!(
                    "{} and {} are both called {}: say which one is meant as in {}{}, or take both as in re:{}",
                    first.part,
                    second.part,
                    first.name,
                    first.name,
                    first.part,
                    escaped(&first.name)
                );
                self.lost.push(Skipped::new(Place::file(name), Reason::Ambiguous, detail));
                continue;
            }
            wanted.extend(matching.iter().map(|part| (plane, part.part)));
        }
        wanted
    }
}

impl JoinedFiles {
    /// Decides where several files claim one structure of one image: nothing tells which of them is right.
    fn settle(
        &mut self,
        claims: BTreeMap<(usize, usize), Vec<(usize, AnnotationRef)>>,
        images: &Images,
        planes: &StructurePatterns,
        catalog: &Catalog,
    ) {
        // By all files of a dispute and the mask plane: the number of images, and one of them.
        let mut doubled: BTreeMap<(Vec<FileId>, usize), (usize, usize)> = BTreeMap::new();
        for ((image, plane), claimed) in claims {
            let mut files: Vec<FileId> = claimed.iter().map(|(_, one)| one.file).collect();
            files.dedup();
            if files.len() > 1 {
                doubled.entry((files, plane)).or_insert((0, image)).0 += 1;
            } else {
                self.refs.insert((image, plane), claimed.into_iter().map(|(_, one)| one).collect());
            }
        }
        let used: HashSet<FileId> = self.refs.values().flatten().map(|one| one.file).collect();
        for ((files, plane), (count, image)) in doubled {
            for file in &files {
                let others: Vec<String> =
                    files.iter().filter(|other| *other != file).map(|other| catalog.name(*other)).collect();
                let detail = format!(
                    "it and {} {} have {} on {}, {} among them: nothing tells which is right; keep one, or name those \
                     to use in a --table",
                    others.join(", "),
                    if others.len() == 1 { "both" } else { "all" },
                    planes.names().name(plane),
                    number_of(count, "image", "images"),
                    catalog.name(images.all[image].frame.file)
                );
                let skipped = Skipped::new(Place::file(catalog.name(*file)), Reason::Ambiguous, detail);
                if used.contains(file) {
                    // The rest of the file is used.
                    self.lost.push(skipped);
                } else {
                    self.skipped.push(skipped.of(*file));
                }
            }
        }
    }

    /// The annotations of an image, by mask plane.
    pub(super) fn of(&self, image: usize) -> Box<[Box<[AnnotationRef]>]> {
        let refs = |plane| self.refs.get(&(image, plane)).cloned().unwrap_or_default().into_boxed_slice();
        (0..self.planes).map(refs).collect()
    }

    /// Tells what was found besides samples.
    pub(super) fn tell(self, set: &mut SampleSet) {
        let [by_uid, by_position] = self.joined_by;
        let ways = [
            (by_uid, "the SOP Instance UIDs that they refer to"),
            (by_position, "their position in the patient"),
        ];
        for (count, way) in ways.into_iter().filter(|(count, _)| *count > 0) {
            let annotations = number_of(count, "annotation is", "annotations are");
            set.evidence.decide("pairing", format!("{annotations} joined to images by {way}"));
        }
        set.notes.extend(self.notes);
        set.rejected_rows.extend(self.lost);
        self.skipped.into_iter().for_each(|skipped| set.skip(skipped));
    }
}
