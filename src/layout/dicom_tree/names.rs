//! Names of patients and samples, which are unique and hold no UID.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::images::{Image, Images};
use crate::files::Catalog;

/// Patient, study and place of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Membership {
    pub(super) patient: u32,
    pub(super) study: u32,
}

/// Names by the index of an image.
#[derive(Debug, Default)]
pub(super) struct ImageNames {
    patients: Vec<String>,
    places: Vec<Membership>,
    ids: Vec<Box<str>>,
}

impl ImageNames {
    /// The names of sorted `images`.
    pub(super) fn of(images: &Images, catalog: &Catalog) -> Self {
        let mut names = Self::default();
        let mut patients: HashMap<String, u32> = HashMap::new();
        let patient_ids: Vec<String> = images.all.iter().map(|image| patient_id(image, catalog)).collect();
        // What is in one piece keeps its name.
        let mut taken: HashSet<String> =
            patient_ids.iter().filter(|id| in_one_piece(id) == **id).cloned().collect();
        let mut studies: BTreeMap<(u32, Option<&str>), u32> = BTreeMap::new();
        for (image, id) in images.all.iter().zip(patient_ids) {
            let patient = *patients.entry(id).or_insert_with_key(|id| {
                let name = in_one_piece(id);
                let other = |again| format!("{name}-{again}");
                names.patients.push(if name == *id { name } else { free(&mut taken, name.clone(), other) });
                names.patients.len() as u32 - 1
            });
            let next = studies.len() as u32;
            let study = *studies.entry((patient, image.study.as_deref())).or_insert(next);
            names.places.push(Membership { patient, study });
        }
        names.ids = names.sample_ids(images, catalog);
        names
    }

    pub(super) fn patients(&self) -> impl Iterator<Item = &str> {
        self.patients.iter().map(String::as_str)
    }

    /// The patient with this index.
    pub(super) fn patient(&self, index: u32) -> &str {
        &self.patients[index as usize]
    }

    pub(super) fn place(&self, index: usize) -> Membership {
        self.places[index]
    }

    pub(super) fn id(&self, index: usize) -> Box<str> {
        self.ids[index].clone()
    }

    /// `<patient>/<file stem>`; with the folders before it where files of one patient have one stem.
    fn sample_ids(&self, images: &Images, catalog: &Catalog) -> Vec<Box<str>> {
        let mut files: HashMap<(u32, String), HashSet<usize>> = HashMap::new();
        let stems: Vec<String> =
            images.all.iter().map(|image| stem(catalog.file_name(image.frame.file))).collect();
        for ((image, place), stem) in images.all.iter().zip(&self.places).zip(&stems) {
            files.entry((place.patient, stem.clone())).or_default().insert(image.frame.file.index());
        }
        let mut taken = HashSet::new();
        let mut ids = Vec::with_capacity(stems.len());
        for ((image, place), name) in images.all.iter().zip(&self.places).zip(&stems) {
            let is_alone = files[&(place.patient, name.clone())].len() == 1;
            let name = if is_alone { name.clone() } else { stem(&catalog.name(image.frame.file)) };
            let frame = match image.frame.frame {
                0 => String::new(),
                frame => format!("#{frame}"),
            };
            let patient = &self.patients[place.patient as usize];
            let id = format!("{patient}/{name}{frame}");
            let id = free(&mut taken, id, |again| format!("{patient}/{name}-{again}{frame}"));
            ids.push(id.into());
        }
        ids
    }
}

/// Takes `name`, or where it is taken the first of `other`, from 2 on, that is not.
fn free(taken: &mut HashSet<String>, mut name: String, other: impl Fn(usize) -> String) -> String {
    let mut again = 2;
    while !taken.insert(name.clone()) {
        name = other(again);
        again += 1;
    }
    name
}

/// A name without its extension, in one piece.
fn stem(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c == '/' || c.is_control() { '_' } else { c }).collect();
    match plain.rsplit_once('.') {
        // A UID as a name has dots, and no extension.
        Some((stem, extension)) if !stem.is_empty() && !extension.bytes().all(|b| b.is_ascii_digit()) => {
            stem.to_owned()
        }
        _ => plain,
    }
}

/// Patient ID, where it is absent the outermost folder.
fn patient_id(image: &Image, catalog: &Catalog) -> String {
    match &image.patient_id {
        Some(id) => id.to_string(),
        None => match catalog.name(image.frame.file).split_once('/') {
            Some((folder, _)) => folder.to_owned(),
            None => "no-patient-id".to_owned(),
        },
    }
}

/// The name of a patient in ids of samples. Two may have one.
fn in_one_piece(id: &str) -> String {
    id.chars().map(|c| if c == '/' || c == '\\' || c.is_control() { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_keep_the_dots_of_uids() {
        assert_eq!(stem("IM1.dcm"), "IM1");
        assert_eq!(stem("1.2.840.113"), "1.2.840.113");
        assert_eq!(stem("a/b/I0001"), "a_b_I0001");
        assert_eq!(stem(".dcm"), ".dcm");
    }
}
