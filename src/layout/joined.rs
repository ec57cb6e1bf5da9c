//! Joins what several data directories have: files, patients and structures of one after those of the other.

use std::collections::{HashMap, HashSet};

use crate::files::Tree;
use crate::model::{Evidence, FileId, Note, Place, Relations, Sample, Skipped, StructureSet};

use super::{
    Annotations, LayoutError, ListedImage, ListedPart, Listing, Patient, Require, SampleSet, Select,
    StructureChoice, Study, Unmatched,
};

/// One set of the samples of all directories, each with its name.
///
/// # Errors
/// [`LayoutError::Names`] where their structures together are too many.
pub(super) fn join(
    layout: &'static str,
    mut sets: Vec<(String, SampleSet)>,
    select: &Select,
) -> Result<SampleSet, LayoutError> {
    let evidence: Vec<Evidence> = sets.iter().map(|(_, set)| set.evidence.clone()).collect();
    let told_apart = tell_patients_apart(&mut sets);
    let planes = match (&select.structures, sets.first()) {
        (StructureChoice::Named(asked), _) => asked.clone(),
        (_, Some((_, first))) => first.planes.clone(),
        (_, None) => return Err(LayoutError::Names { message: "there is no data directory".to_owned() }),
    };
    let mut joined = Joined {
        set: SampleSet::new(layout, Tree::default(), planes),
        evidence: &evidence,
        relations: Vec::new(),
        annotations: Vec::new(),
    };
    for (name, set) in sets {
        joined.append(&name, set)?;
    }
    if told_apart > 0 {
        let text = format!(
            "{told_apart} have an id that several data directories have: they are called <id>@<directory>, and those of \
             one id stand in one split unless --on-shared says otherwise"
        );
        joined.set.evidence.assume("patients", text);
    }
    Ok(joined.finish(select.require))
}

/// Gives patients whose id stands in several directories the id `<id>@<directory>`; the number of them.
fn tell_patients_apart(sets: &mut [(String, SampleSet)]) -> usize {
    let mut directories: HashMap<Box<str>, usize> = HashMap::new();
    for (_, set) in &*sets {
        let ids: HashSet<&str> = set.patients.iter().map(|patient| &*patient.id).collect();
        ids.into_iter().for_each(|id| *directories.entry(id.into()).or_default() += 1);
    }
    let is_shared = |id: &str| directories.get(id).is_some_and(|count| *count > 1);
    let mut shared = 0;
    for (name, set) in &mut *sets {
        // An id of a patient is no path.
        let name = name.replace('/', "_");
        for patient in set.patients.iter_mut().filter(|patient| is_shared(&patient.id)) {
            let mut id = format!("{}@{name}", patient.id);
            while directories.contains_key(&*id) {
                id = format!("{id}@{name}");
            }
            patient.own_id = Some(std::mem::replace(&mut patient.id, id.into()));
            shared += 1;
        }
        for sample in set.samples.iter_mut().chain(&mut set.unlabelled) {
            let patient = &set.patients[sample.patient as usize];
            let rest = patient.own_id.as_deref().and_then(|own| sample.id.strip_prefix(own));
            if let Some(rest) = rest {
                sample.id = format!("{}{rest}", patient.id).into();
            }
        }
    }
    shared
}

/// Sets of several directories, as far as they are joined.
struct Joined<'e> {
    set: SampleSet,
    /// Results of each of the directories.
    evidence: &'e [Evidence],
    relations: Vec<Relations>,
    /// Annotation files, each with the number of files before those of its directory.
    annotations: Vec<(usize, Annotations)>,
}

impl Joined<'_> {
    /// Adds what is found out about one directory: with its name, where the others do not say the same.
    fn append_evidence(&mut self, name: &str, evidence: &Evidence) {
        let directories = self.evidence;
        let Evidence { decided, assumed } = &mut self.set.evidence;
        for (all, of) in [(decided, (|e| &e.decided) as fn(&Evidence) -> &Vec<_>), (assumed, |e| &e.assumed)]
        {
            for ground in of(evidence) {
                let is_common = directories.iter().all(|other| of(other).contains(ground));
                let mut ground = ground.clone();
                if !is_common {
                    ground.text = format!("{name}: {}", ground.text);
                }
                if !all.contains(&ground) {
                    all.push(ground);
                }
            }
        }
    }

    fn append(&mut self, name: &str, mut set: SampleSet) -> Result<(), LayoutError> {
        rename(name, &mut set);
        self.append_evidence(name, &set.evidence);
        let planes = self.append_planes(&set)?;
        let Relations { nested, bright, phases } = set.relations.clone();
        let nested = nested.map(|mut nesting| {
            (nesting.inner, nesting.outer) = (planes[nesting.inner], planes[nesting.outer]);
            nesting
        });
        self.relations.push(Relations { nested, bright: bright.map(|plane| planes[plane]), phases });
        let all = &mut self.set;
        let (files, patients, studies) =
            (all.catalog.len(), all.patients.len() as u32, all.studies.len() as u32);
        let places = (all.samples.len() + all.unlabelled.len()) as u32;
        let file = |file: FileId| FileId::new(file.index() + files);
        let place_sample = |mut sample: Sample| {
            sample.patient += patients;
            sample.study += studies;
            sample.place += places;
            sample.image.file = file(sample.image.file);
            let mut annotations = vec![Box::default(); planes.len().max(all.planes.names().len())];
            for (refs, plane) in sample.annotations.into_iter().zip(&planes) {
                annotations[*plane] = refs
                    .into_iter()
                    .map(|mut one| {
                        one.file = file(one.file);
                        one
                    })
                    .collect();
            }
            sample.annotations = annotations.into();
            sample
        };
        all.samples.extend(set.samples.into_iter().map(place_sample));
        all.unlabelled.extend(set.unlabelled.into_iter().map(place_sample));
        all.studies.extend(
            set.studies.into_iter().map(|study| Study { patient: study.patient + patients, ..study }),
        );
        all.patients.append(&mut set.patients);
        let skipped = |skipped: Skipped| Skipped { file: skipped.file.map(file), ..skipped };
        all.skipped.extend(set.skipped.into_iter().map(skipped));
        all.rejected_rows.extend(set.rejected_rows.into_iter().map(skipped));
        all.unmatched.append(&mut set.unmatched);
        all.notes.append(&mut set.notes);
        all.fates.append(set.fates);
        all.catalog.append(set.catalog);
        self.annotations.extend(set.annotations.map(|annotations| (files, annotations)));
        Ok(())
    }

    /// Adds the mask planes of `set` that are not there yet; the place of each of its planes among all.
    fn append_planes(&mut self, set: &SampleSet) -> Result<Vec<usize>, LayoutError> {
        let before = self.set.planes.names().len();
        let union = self.set.planes.union(&set.planes);
        self.set.planes = union.map_err(|error| LayoutError::Names { message: error.to_string() })?;
        let all: &StructureSet = self.set.planes.names();
        let added = all.len() - before;
        for sample in self.set.samples.iter_mut().chain(&mut self.set.unlabelled).filter(|_| added > 0) {
            let annotations = std::mem::take(&mut sample.annotations).into_iter();
            sample.annotations = annotations.chain(std::iter::repeat_n(Box::default(), added)).collect();
        }
        let place = |name: &str| all.names().position(|other| other == name);
        Ok(set.planes.names().names().filter_map(place).collect())
    }

    fn finish(mut self, require: Require) -> SampleSet {
        let set = &mut self.set;
        let [first, others @ ..] = &self.relations[..] else { return self.set };
        if others.iter().all(|other| other == first) {
            set.relations = first.clone();
        }
        set.annotations = Annotations::join(self.annotations);
        if require == Require::All {
            let (all, lacking): (Vec<Sample>, _) = std::mem::take(&mut set.samples)
                .into_iter()
                .partition(|sample| sample.annotated() == sample.annotations.len());
            set.samples = all;
            set.unlabelled.extend(lacking.into_iter().map(|mut sample| {
                sample.clear_annotations();
                sample
            }));
            set.unlabelled.sort_by_key(|sample| sample.place);
        }
        set.skipped.sort();
        set.unmatched.sort();
        set.notes.sort();
        self.set
    }
}

/// Puts the name of its directory before all names of a set.
fn rename(name: &str, set: &mut SampleSet) {
    let rename = |place: &mut Place| {
        // Notes may be about an option.
        if !place.file.starts_with("--") {
            place.file = format!("{name}/{}", place.file);
        }
    };
    set.catalog.rename(name);
    set.studies.iter_mut().for_each(|Study { place, .. }| rename(place));
    set.skipped.iter_mut().chain(&mut set.rejected_rows).for_each(|Skipped { place, .. }| rename(place));
    set.unmatched.iter_mut().for_each(|Unmatched { place, .. }| rename(place));
    set.notes.iter_mut().for_each(|Note { place, .. }| rename(place));
    for Patient { folder, .. } in set.patients.iter_mut().filter(|patient| !patient.folder.is_empty()) {
        *folder = format!("{name}/{folder}").into();
    }
}

/// One listing of the structures of all directories, each with its name.
pub(super) fn join_listings(listings: Vec<(String, Listing)>) -> Listing {
    let mut joined = Listing::default();
    let mut files = 0;
    for (name, listing) in listings {
        let mut next = files;
        let mut file = |file: FileId| {
            let file = FileId::new(file.index() + files);
            next = next.max(file.index() + 1);
            file
        };
        for part in listing.parts {
            let images = part.images.into_iter().map(|mut listed| {
                listed.image.file = file(listed.image.file);
                ListedImage { patient: format!("{}@{name}", listed.patient).into(), ..listed }
            });
            let images = images.collect();
            joined.parts.push(ListedPart { file: file(part.file), images, ..part });
        }
        files = next;
        joined.images += listing.images;
        joined.patients += listing.patients;
        joined.problems.extend(listing.problems.into_iter().map(|problem| format!("{name}/{problem}")));
    }
    joined
}
