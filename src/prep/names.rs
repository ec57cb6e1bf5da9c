//! Names in the file: as in the data, or pseudonyms.

use std::ops::Range;

use super::finish::FinalSplits;
use super::input::Input;
use super::pseudonym::{PathIds, Pseudonyms};
use crate::assemble::SampleFacts;
use crate::layout::{Patient, SampleSet};
use crate::model::Sample;
use crate::store::{TextWidth, TextWidths};

/// Names of a sample in the file.
pub(super) struct SampleNames {
    pub(super) id: String,
    pub(super) patient_id: String,
    pub(super) original_id: String,
    pub(super) source: String,
}

/// Knows the names of samples, inputs and patients.
pub(super) struct Namer<'a> {
    pairs: &'a SampleSet,
    samples: &'a [Sample],
    pseudonyms: Pseudonyms,
}

/// Folders of images and of contours in a data directory where nothing else is said.
const IMAGES: &str = "dicoms";
const CONTOURS: &str = "contourfiles";

/// The ids of a patient in names of files.
fn ids_of(patient: &Patient) -> PathIds<'_> {
    PathIds { id: &patient.id, own: patient.own_id.as_deref().unwrap_or(&patient.id) }
}

impl<'a> Namer<'a> {
    /// With a key, ids become pseudonyms.
    pub(super) fn new(pairs: &'a SampleSet, samples: &'a [Sample], key: Option<Vec<u8>>) -> Self {
        Self { pairs, samples, pseudonyms: Pseudonyms::new(key) }
    }

    /// The names in the row of a sample.
    pub(super) fn names(&self, sample: &Sample) -> SampleNames {
        let (patient, study) = (self.pairs.patient(sample), self.pairs.study(sample));
        let in_path = |name: &str, part| self.pseudonyms.in_path(name, ids_of(patient), part);
        SampleNames {
            id: in_path(&sample.id, ""),
            patient_id: self.pseudonyms.of(&patient.id),
            original_id: self.pseudonyms.of(&study.original_id),
            source: in_path(&self.pairs.image_name(sample), IMAGES),
        }
    }

    /// The name of an input file.
    pub(super) fn input(&self, input: Input) -> String {
        let sample = &self.samples[input.sample as usize];
        let (patient, study) = (self.pairs.patient(sample), self.pairs.study(sample));
        let contour = input.plane.and_then(|plane| self.pairs.annotation_name(sample, usize::from(plane)));
        match contour {
            Some(name) => {
                let id = &*study.original_id;
                self.pseudonyms.in_path(&name, PathIds { id, own: id }, CONTOURS)
            }
            None => self.pseudonyms.in_path(&self.pairs.image_name(sample), ids_of(patient), IMAGES),
        }
    }

    /// `facts` with the digests that the file stores.
    pub(super) fn keyed(&self, mut facts: SampleFacts) -> SampleFacts {
        facts.source_sha256 = self.pseudonyms.of_digest(&facts.source_sha256);
        for annotation in facts.annotations.iter_mut().flatten() {
            annotation.sha256 = self.pseudonyms.of_digest(&annotation.sha256);
        }
        facts
    }

    /// Name of each patient of the link table in the file.
    pub(super) fn patient_ids(&self) -> impl Iterator<Item = String> {
        self.pairs.patients.iter().map(|patient| self.pseudonyms.of(&patient.id))
    }

    /// The ids of each group of patients that share equal images, separated by commas.
    pub(super) fn joined(&self, splits: &FinalSplits) -> Vec<String> {
        splits.joined_ids(|patient| self.pseudonyms.of(&self.pairs.patients[patient as usize].id))
    }

    /// Room of the names of the contours of these samples.
    pub(super) fn contour_width(&self, samples: Range<usize>) -> TextWidth {
        let planes = self.pairs.structures().len() as u8;
        let names = samples.flat_map(|sample| {
            (0..planes).map(move |plane| Input { sample: sample as u32, plane: Some(plane) })
        });
        let mut width = TextWidth::default();
        names.for_each(|input| width.admit(&self.input(input)));
        width
    }

    /// The longest names of all samples.
    pub(super) fn widths(&self) -> TextWidths {
        let mut widths = TextWidths::default();
        for sample in self.samples {
            let SampleNames { id, patient_id, original_id, source } = self.names(sample);
            widths.admit(&id, &patient_id, &original_id, &source);
        }
        widths
    }
}
