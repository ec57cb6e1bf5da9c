//! All samples of a data directory: what every layout comes to.

use std::path::PathBuf;

use crate::files::{Catalog, Fates, FileKind, Tree};
use crate::model::{Evidence, Note, Place, Reason, Relations, Sample, Skipped, StructureSet, Tally};
use crate::split::SplitName;

use super::{Annotations, StructurePatterns, Unmatched};

/// A patient: what splits never tear apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patient {
    /// The id; unique.
    pub id: Box<str>,
    /// The id in its own data directory, where several directories have it: `id` is `<own_id>@<directory>` then.
    pub own_id: Option<Box<str>>,
    /// The folder of the images, for people; empty where there is none of its own.
    pub folder: Box<str>,
    /// The split that the data itself gives.
    pub split: Option<SplitName>,
}

/// The images of a patient that belong together: a row of the link table, a case, a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// Index of its patient.
    pub patient: u32,
    /// The name of the contours' folder; empty where there is none.
    pub original_id: Box<str>,
    /// The row or folder that names it.
    pub place: Place,
}

/// Pairs of images and annotations, and the fate of every other file.
///
/// Nothing after it knows the layout that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleSet {
    /// The name of the layout.
    pub layout: &'static str,
    /// All files.
    pub catalog: Catalog,
    /// Fate of each file before any is read.
    pub fates: Fates,
    /// The mask planes, in the order of each sample's annotations, and what they are called in the data.
    pub planes: StructurePatterns,
    /// Relations between them.
    pub relations: Relations,
    /// The patients, in the order of the data.
    pub patients: Vec<Patient>,
    /// Their studies.
    pub studies: Vec<Study>,
    /// Images with annotations, by patient, then in the order of the layout.
    pub samples: Vec<Sample>,
    /// Images without, in the same order.
    pub unlabelled: Vec<Sample>,
    /// All other files, sorted by name.
    pub skipped: Vec<Skipped>,
    /// Rows of tables that cannot be used, in their order. These are no files.
    pub rejected_rows: Vec<Skipped>,
    /// Images and annotations that are left out as a whole, sorted.
    pub unmatched: Vec<Unmatched>,
    /// Notes, sorted.
    pub notes: Vec<Note>,
    /// Facts that were assumed or inferred.
    pub evidence: Evidence,
    /// Annotation files that hold several structures or images; `None` where each is one contour.
    pub annotations: Option<Annotations>,
}

impl SampleSet {
    /// No sample yet, of the files in `tree`.
    #[must_use]
    pub fn new(layout: &'static str, tree: Tree, planes: StructurePatterns) -> Self {
        let Tree { catalog, mut fates, tables, skipped, .. } = tree;
        tables.iter().for_each(|table| fates.use_file(*table));
        Self {
            layout,
            catalog,
            fates,
            planes,
            relations: Relations::NONE,
            patients: Vec::new(),
            studies: Vec::new(),
            samples: Vec::new(),
            unlabelled: Vec::new(),
            skipped,
            rejected_rows: Vec::new(),
            unmatched: Vec::new(),
            notes: Vec::new(),
            evidence: Evidence::default(),
            annotations: None,
        }
    }

    /// Rejects or ignores a file.
    pub fn skip(&mut self, skipped: Skipped) {
        self.fates.skip(&skipped);
        self.skipped.push(skipped);
    }

    /// Decides about the files that no option asks for, and sorts the notes.
    #[must_use]
    pub fn complete(mut self) -> Self {
        let mut fates = self.fates.clone();
        for sample in self.samples.iter().chain(&self.unlabelled) {
            fates.use_file(sample.image.file);
            sample.references().for_each(|(_, annotation)| fates.use_file(annotation.file));
        }
        let open: Vec<_> = fates.open().collect();
        for file in open {
            let place = Place::file(self.catalog.name(file));
            self.skip(Skipped::new(place, Reason::OutsideLayout, "").of(file));
        }
        self.skipped.sort();
        self.notes.sort();
        self
    }

    /// Puts the patients into the order of `key`, and their studies and samples with them.
    pub fn sort_patients_by_key<K: Ord>(&mut self, key: impl Fn(&Patient) -> K) {
        let mut order: Vec<usize> = (0..self.patients.len()).collect();
        order.sort_by_cached_key(|&patient| key(&self.patients[patient]));
        let mut places = vec![0; order.len()];
        for (place, &patient) in order.iter().enumerate() {
            places[patient] = place as u32;
        }
        self.patients = order.iter().map(|&patient| self.patients[patient].clone()).collect();
        self.studies.iter_mut().for_each(|study| study.patient = places[study.patient as usize]);
        // Stable: those of a patient stay in their order.
        let mut all: Vec<&mut Sample> = self.samples.iter_mut().chain(&mut self.unlabelled).collect();
        all.iter_mut().for_each(|sample| sample.patient = places[sample.patient as usize]);
        all.sort_by_key(|sample| (sample.patient, sample.place));
        all.into_iter().zip(0..).for_each(|(sample, place)| sample.place = place);
        self.samples.sort_by_key(|sample| sample.place);
        self.unlabelled.sort_by_key(|sample| sample.place);
    }

    /// The structures, in the order of each sample's annotations.
    #[must_use]
    pub fn structures(&self) -> &StructureSet {
        self.planes.names()
    }

    /// The patient of a sample.
    #[must_use]
    pub fn patient(&self, sample: &Sample) -> &Patient {
        &self.patients[sample.patient as usize]
    }

    /// The study of a sample.
    #[must_use]
    pub fn study(&self, sample: &Sample) -> &Study {
        &self.studies[sample.study as usize]
    }

    /// The image file to open.
    #[must_use]
    pub fn image_path(&self, sample: &Sample) -> PathBuf {
        self.catalog.path(sample.image.file)
    }

    /// The image as people see it: its file relative to the data directory, `/` as separator, and `#<frame>` of a
    /// multi-frame object.
    #[must_use]
    pub fn image_name(&self, sample: &Sample) -> String {
        let name = self.catalog.name(sample.image.file);
        if sample.image.frame == 0 { name } else { format!("{name}#{}", sample.image.frame) }
    }

    /// The folder of the images of the patient with this index, as people see it.
    #[must_use]
    pub fn image_folder(&self, patient: u32) -> &str {
        &self.patients[patient as usize].folder
    }

    /// The first annotation file to open for the structure with this index, where there is one.
    #[must_use]
    pub fn annotation_path(&self, sample: &Sample, plane: usize) -> Option<PathBuf> {
        Some(self.catalog.path(sample.annotations.get(plane)?.first()?.file))
    }

    /// True if all annotations of the structure with this index are contour texts.
    #[must_use]
    pub fn are_contour_texts(&self, sample: &Sample, plane: usize) -> bool {
        sample.annotations[plane].iter().all(|one| self.catalog.kind(one.file) == FileKind::ContourText)
    }

    /// The annotations of the structure with this index as people see them: each file with `#<part>`, joined with `+`.
    #[must_use]
    pub fn annotation_name(&self, sample: &Sample, plane: usize) -> Option<String> {
        let refs = sample.annotations.get(plane)?;
        let names = refs.iter().map(|one| format!("{}{}", self.catalog.name(one.file), one.part));
        (!refs.is_empty()).then(|| names.collect::<Vec<_>>().join("+"))
    }

    /// The bins as planned; reading the files may move some of them. Their total is the number of files.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut fates = self.fates.clone();
        for sample in &self.samples {
            use_files(&mut fates, sample);
        }
        self.unlabelled.iter().for_each(|sample| fates.leave_unlabelled(sample.image.file));
        fates.tally()
    }
}

/// Uses the image and the annotations of a sample.
pub fn use_files(fates: &mut Fates, sample: &Sample) {
    fates.use_file(sample.image.file);
    sample.references().for_each(|(_, annotation)| fates.use_file(annotation.file));
}
