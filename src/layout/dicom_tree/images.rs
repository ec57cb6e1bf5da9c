//! The images of the tree: grouped by patient, study and series, sorted by geometry.

use std::collections::{BTreeMap, HashMap};

use crate::files::Catalog;
use crate::model::{FileId, FrameRef, ImagePlane, Note, Place};
use crate::series::{SeriesFrame, reaches, sort_series};
use crate::source::{AnnotationOptions, FrameKey, ImageHeader};

/// A frame of an image file.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) frame: FrameRef,
    pub(super) key: FrameKey,
    pub(super) series_frame: SeriesFrame,
    pub(super) instance_number: Option<i32>,
    pub(super) patient_id: Option<Box<str>>,
    pub(super) study: Option<Box<str>>,
    pub(super) series: Option<Box<str>>,
}

impl Image {
    /// The frames of `file`.
    pub(super) fn frames(file: FileId, header: &ImageHeader) -> impl Iterator<Item = Self> {
        let numbers = if header.frames == 1 { 0..=0 } else { 1..=header.frames };
        numbers.filter_map(move |frame| Some(Self::new(FrameRef { file, frame }, &header.of_frame(frame)?)))
    }

    fn new(frame: FrameRef, header: &ImageHeader) -> Self {
        let identity = &header.identity;
        Self {
            frame,
            key: FrameKey {
                sop_instance_uid: identity.sop_instance_uid.clone().unwrap_or_default(),
                frame: frame.frame,
                frame_of_reference_uid: identity.frame_of_reference_uid.clone(),
                shape: header.shape,
                plane: ImagePlane::of(&header.geometry),
                reach: [0.0; 2],
                shares_plane: false,
            },
            series_frame: SeriesFrame {
                shape: header.shape,
                geometry: header.geometry,
                instance_number: header.instance_number,
                frame: frame.frame,
                trigger_time: header.trigger_time,
            },
            instance_number: header.instance_number,
            patient_id: identity.patient_id.clone(),
            study: identity.study_instance_uid.clone(),
            series: identity.series_instance_uid.clone(),
        }
    }
}

/// All images, by patient, study, series and place.
#[derive(Debug, Default)]
pub(super) struct Images {
    pub(super) all: Vec<Image>,
    /// Irregularities of series, as notes on the first file of each.
    pub(super) notes: Vec<Note>,
}

/// Patient and study of an image, by their ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct StudyKey {
    patient: Option<Box<str>>,
    study: Option<Box<str>>,
}

impl StudyKey {
    fn of(image: &Image) -> Self {
        Self { patient: image.patient_id.clone(), study: image.study.clone() }
    }
}

impl Images {
    /// Sorts `images`, which stand in the order of their files.
    pub(super) fn sorted(images: Vec<Image>, catalog: &Catalog, options: &AnnotationOptions) -> Self {
        // Studies and series are ordered by their first files; their UIDs say nothing.
        let mut order: BTreeMap<(StudyKey, Option<Box<str>>), usize> = BTreeMap::new();
        let mut series: Vec<Vec<Image>> = Vec::new();
        for image in images {
            let group = (StudyKey::of(&image), image.series.clone());
            let index = *order.entry(group).or_insert_with(|| {
                series.push(Vec::new());
                series.len() - 1
            });
            series[index].push(image);
        }
        let mut sorted = Self::default();
        let mut studies: BTreeMap<StudyKey, usize> = BTreeMap::new();
        for (index, members) in series.iter().enumerate() {
            studies.entry(StudyKey::of(&members[0])).or_insert(index);
        }
        series.sort_by_cached_key(|members| {
            let first = &members[0];
            let study = studies[&StudyKey::of(first)];
            (first.patient_id.clone(), study)
        });
        series.into_iter().for_each(|members| sorted.add_series(members, catalog, options));
        sorted.note_shared_uids(catalog);
        sorted
    }

    /// A SOP Instance UID is of one object (PS3.3 C.12.1.1.1), so that two files with one are copies, or were changed
    /// without a new one.
    fn note_shared_uids(&mut self, catalog: &Catalog) {
        let mut first: HashMap<(&str, u32), FileId> = HashMap::new();
        let mut notes = Vec::new();
        for image in self.all.iter().filter(|image| !image.key.sop_instance_uid.is_empty()) {
            let key = (&*image.key.sop_instance_uid, image.frame.frame);
            let known = *first.entry(key).or_insert(image.frame.file);
            if known != image.frame.file && image.frame.frame <= 1 {
                let text = format!(
                    "its SOP Instance UID is that of {} too: what refers to it is on both images, or on that of its own \
                     patient",
                    catalog.name(known)
                );
                notes.push(Note::new(Place::file(catalog.name(image.frame.file)), text));
            }
        }
        self.notes.append(&mut notes);
    }

    fn add_series(&mut self, mut members: Vec<Image>, catalog: &Catalog, options: &AnnotationOptions) {
        let frames: Vec<SeriesFrame> = members.iter().map(|image| image.series_frame).collect();
        let order = sort_series(&frames);
        for (image, reach) in members.iter_mut().zip(reaches(&order, &frames)) {
            image.key.reach = options.reach(reach.reach);
            image.key.shares_plane = reach.shares_plane;
        }
        // A single image is no series that could be irregular.
        if members.len() > 1 {
            let place = Place::file(catalog.name(members[0].frame.file));
            let note = |finding: &crate::series::SeriesFinding| {
                Note::new(place.clone(), format!("the series of this image: {finding}"))
            };
            self.notes.extend(order.findings.iter().map(note));
        }
        let placed = order
            .stacks
            .iter()
            .flat_map(|stack| &stack.slices)
            .flat_map(|slice| slice.frames.iter().copied());
        let mut unplaced = order.unplaced.clone();
        unplaced.sort_by_key(|&index| (members[index].instance_number, members[index].frame));
        let indices: Vec<usize> = placed.chain(unplaced).collect();
        let mut members: Vec<Option<Image>> = members.into_iter().map(Some).collect();
        self.all.extend(indices.into_iter().filter_map(|index| members[index].take()));
    }
}
