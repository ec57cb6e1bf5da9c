//! Layout `link`: folders of images and folders of contours, linked by a table.
//!
//! ```text
//! link.csv                                        columns patient_id, original_id
//! dicoms/<patient_id>/<n>.dcm
//! contourfiles/<original_id>/i-contours/IM-0001-<nnnn>-icontour-manual.txt   (inner)
//! contourfiles/<original_id>/o-contours/IM-0001-<nnnn>-ocontour-manual.txt   (outer)
//! ```

mod file_number;
mod link_table;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

pub(super) use link_table::id_fault;
pub use link_table::{LinkRow, LinkTable, RejectedRow, parse_link_table, read_link_table};

use super::cases::relations;
use super::numbered::{Case, Kinds, Numbered, Pair, pair};
use super::{Layout, LayoutError, Patient, Reading, SampleSet, Select, StructurePatterns, Study};
use crate::files::{FileKind, FilesError, FolderId, PlacePart, Places, Tree, TreeFolder, join_name};
use crate::model::{FileId, Note, Place, Reason, Sample, Skipped, StructureSet};

use file_number::{contour_number, image_number};

const LINK: PlacePart = PlacePart { default: "link.csv", option: "the link table with --link" };
const DICOMS: PlacePart = PlacePart { default: "dicoms", option: "the folder of the images with --dicoms" };
const CONTOURS: PlacePart =
    PlacePart { default: "contourfiles", option: "the folder of the contours with --contours" };

/// The number of the folder of the images among the roots.
const IMAGES: usize = 0;
/// The number of the folder of the contours.
const ANNOTATIONS: usize = 1;

/// The structures of this layout, and the folders of their contours.
const KINDS: [&str; 2] = ["inner", "outer"];
const KIND_FOLDERS: [&str; 2] = ["i-contours", "o-contours"];

/// A data directory with a link table.
#[derive(Debug)]
pub struct LinkedFolders {
    places: Places,
    allow_missing: bool,
}

impl LinkedFolders {
    /// The layout of `data_dir`, with the parts that are elsewhere.
    ///
    /// The data directory and each part that is named here may be symbolic links. A part that is not named
    /// may be one too, as long as it leads to a place inside the data directory.
    ///
    /// # Errors
    /// [`FilesError`] where a folder does not exist or a part that was not named leads out.
    pub fn new(
        data_dir: &Path,
        link: Option<&Path>,
        dicoms: Option<&Path>,
        contours: Option<&Path>,
    ) -> Result<Self, FilesError> {
        let places = Places::new(data_dir)?.with_table(link, LINK)?;
        let places = places.with_roots(&[(dicoms, DICOMS), (contours, CONTOURS)])?;
        Ok(Self { places, allow_missing: false })
    }

    /// The same; with `allow`, a row whose folder is not there, or has no contour, is a note and not rejected.
    #[must_use]
    pub fn allow_missing(self, allow: bool) -> Self {
        Self { allow_missing: allow, ..self }
    }
}

impl Layout for LinkedFolders {
    fn name(&self) -> &'static str {
        "link"
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn expects(&self, root: usize, path: &[Box<str>]) -> bool {
        match path {
            [_] => true,
            [_, kind] => root == ANNOTATIONS && KIND_FOLDERS.contains(&&**kind),
            _ => false,
        }
    }

    fn pair(&self, mut tree: Tree, select: &Select, _: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        let link = &self.places.tables()[0];
        let table = read_link_table(link.path(), link.name())?;
        let default = StructurePatterns::of_names(StructureSet::new(["inner"]).expect("one name is a set"));
        let kinds = Kinds::new(&KINDS, select, &default)?;
        let folders = Folders::of(std::mem::take(&mut tree.folders));
        let mut set = SampleSet::new(self.name(), tree, kinds.planes.clone());
        set.relations = relations(&KINDS, &kinds);
        let names =
            [link.name(), self.places.roots()[IMAGES].name(), self.places.roots()[ANNOTATIONS].name()];
        Ok(Pairing { names, kinds, folders, set, allow_missing: self.allow_missing }.pair(table))
    }
}

/// The folders of the layout that no row of the link table has claimed.
#[derive(Default)]
struct Folders {
    images: BTreeMap<Box<str>, TreeFolder>,
    contours: BTreeMap<Box<str>, [Option<TreeFolder>; 2]>,
    /// Folders whose files belong to none of them.
    others: Vec<TreeFolder>,
}

impl Folders {
    fn of(folders: Vec<TreeFolder>) -> Self {
        let mut all = Self::default();
        for folder in folders {
            match folder.place.clone() {
                Ok((IMAGES, path)) if path.len() == 1 => drop(all.images.insert(path[0].clone(), folder)),
                Ok((ANNOTATIONS, path)) if path.len() == 2 => {
                    let kind = usize::from(*path[1] != *KIND_FOLDERS[0]);
                    all.contours.entry(path[0].clone()).or_default()[kind] = Some(folder);
                }
                Ok((ANNOTATIONS, path)) if path.len() == 1 => {
                    all.contours.entry(path[0].clone()).or_default();
                    all.others.push(folder);
                }
                _ => all.others.push(folder),
            }
        }
        all
    }
}

/// Gives the folders to the rows of a link table.
struct Pairing<'a> {
    /// Of the link table, the folder of the images and that of the contours.
    names: [&'a str; 3],
    kinds: Kinds,
    folders: Folders,
    set: SampleSet,
    allow_missing: bool,
}

impl Pairing<'_> {
    fn pair(mut self, table: LinkTable) -> SampleSet {
        for folder in std::mem::take(&mut self.folders.others) {
            let reason = folder.place.as_ref().err().copied().unwrap_or(Reason::OutsideLayout);
            self.skip_files(&folder.files, reason, "");
        }
        let mut patients: Vec<Vec<LinkRow>> = Vec::new();
        let mut known: HashMap<Box<str>, usize> = HashMap::new();
        for row in table.rows {
            let patient = *known.entry(row.patient_id.clone()).or_insert(patients.len());
            patients.resize_with(patients.len().max(patient + 1), Vec::new);
            patients[patient].push(row);
        }
        patients.into_iter().for_each(|rows| self.add_patient(rows));
        self.skip_rejected(&table.rejected);
        self.set.rejected_rows.extend(table.rejected.into_iter().map(|row| row.skipped));
        self.set.rejected_rows.sort_by_key(|row| row.place.line);
        self.skip_unlinked();
        self.set
    }

    /// Adds the samples of a patient, whose rows are `rows`.
    fn add_patient(&mut self, rows: Vec<LinkRow>) {
        let [link, dicoms, contourfiles] = self.names;
        let patient = self.set.patients.len() as u32;
        let id = rows[0].patient_id.clone();
        let folder = join_name(dicoms, &id);
        let images = self.folders.images.remove(&id);
        let mut case = Case { contours: vec![Vec::new(); KINDS.len()], ..Case::default() };
        let mut studies: HashMap<FolderId, u32> = HashMap::new();
        let first_study = self.set.studies.len() as u32;
        for row in rows {
            let at = |column: &str| Place::file(link).at_line(row.line).in_column(column);
            if images.is_none() {
                let similar = similar(self.folders.images.keys(), &id);
                self.miss(
                    at("patient_id"),
                    format!("there is no folder {folder} that could be read{similar}"),
                );
            }
            let original = join_name(contourfiles, &row.original_id);
            match self.folders.contours.remove(&row.original_id) {
                None => {
                    let similar = similar(self.folders.contours.keys(), &row.original_id);
                    self.miss(
                        at("original_id"),
                        format!("there is no folder {original} that could be read{similar}"),
                    );
                }
                Some(found) => {
                    let study = self.set.studies.len() as u32;
                    studies.extend(found.iter().flatten().map(|folder| (folder.id, study)));
                    let before = self.set.skipped.len();
                    if self.take_contours(&found, &mut case) == 0 {
                        let skipped = &self.set.skipped[before..];
                        let has_others = skipped.iter().any(|file| file.reason == Reason::StructureNotAsked);
                        let asked: Vec<_> = self.set.structures().names().collect();
                        let text = format!("{original} has no {} contour", asked.join(" and no "));
                        if has_others {
                            self.set.notes.push(Note::new(at("original_id"), text));
                        } else {
                            self.miss(at("original_id"), text);
                        }
                    }
                }
            }
            self.set.studies.push(Study { patient, original_id: row.original_id, place: at("original_id") });
        }
        if let Some(images) = &images {
            case.image_folder = Some(folder.clone());
            self.take_images(images, &mut case);
        }
        let paired = pair(&case, &self.kinds, &self.set.catalog);
        let stem = |file: FileId| {
            let name = self.set.catalog.file_name(file);
            name.rsplit_once('.').map_or(name, |(stem, _)| stem)
        };
        let sample = |pair: Pair| {
            let first = pair.annotations.iter().flatten().next();
            let study = first.and_then(|one| studies.get(&self.set.catalog.folder_of(one.file)));
            Sample {
                id: [&id, "/", stem(pair.image.file)].concat().into(),
                patient,
                study: study.copied().unwrap_or(first_study),
                place: pair.number as u32,
                image: pair.image,
                number: Some(pair.number),
                annotations: pair.annotations,
            }
        };
        let samples: Vec<Sample> = paired.samples.into_iter().map(sample).collect();
        let unlabelled: Vec<Sample> = paired.unlabelled.into_iter().map(sample).collect();
        self.set.samples.extend(samples);
        self.set.unlabelled.extend(unlabelled);
        paired.skipped.into_iter().for_each(|skipped| self.set.skip(skipped));
        self.set.patients.push(Patient { id, folder: folder.into(), split: None });
    }

    /// A row that lacks a folder or contours.
    fn miss(&mut self, place: Place, text: String) {
        if self.allow_missing {
            self.set.notes.push(Note::new(place, text));
        } else {
            let detail = format!("{text}; --allow-missing makes it a note");
            self.set.rejected_rows.push(Skipped::new(place, Reason::LinkRow, detail));
        }
    }

    fn take_images(&mut self, folder: &TreeFolder, case: &mut Case) {
        for &file in &folder.files {
            match image_number(self.set.catalog.file_name(file)) {
                Ok(number) => {
                    self.set.catalog.set_kind(file, FileKind::Image);
                    case.images.push(Numbered { number, file });
                }
                Err(detail) => self.skip_files(&[file], Reason::NameDoesNotFit, &detail),
            }
        }
    }

    /// Adds the contours of one folder to a patient's. Returns how many have a name that fits and were asked for.
    fn take_contours(&mut self, found: &[Option<TreeFolder>; 2], case: &mut Case) -> usize {
        let mut taken = 0;
        for (kind, folder) in found.iter().enumerate() {
            let asked = self.kinds.is_asked(kind);
            for &file in folder.iter().flat_map(|folder| &folder.files) {
                match contour_number(self.set.catalog.file_name(file), ['i', 'o'][kind]) {
                    Ok(number) if asked => {
                        self.set.catalog.set_kind(file, FileKind::ContourText);
                        case.contours[kind].push(Numbered { number, file });
                        taken += 1;
                    }
                    Ok(_) => self.skip_files(&[file], Reason::StructureNotAsked, &self.kinds.ask(kind)),
                    Err(detail) => self.skip_files(&[file], Reason::NameDoesNotFit, &detail),
                }
            }
        }
        taken
    }

    /// The files of rejected rows go with their rows, where no usable row has claimed them.
    fn skip_rejected(&mut self, rejected: &[RejectedRow]) {
        for row in rejected {
            let detail = format!("its row cannot be used, see {}", row.skipped.place);
            if let Some(found) = row.patient_id.as_ref().and_then(|id| self.folders.images.remove(id)) {
                self.skip_files(&found.files, Reason::LinkRow, &detail);
            }
            if let Some(found) = row.original_id.as_ref().and_then(|id| self.folders.contours.remove(id)) {
                found
                    .iter()
                    .flatten()
                    .for_each(|folder| self.skip_files(&folder.files, Reason::LinkRow, &detail));
            }
        }
    }

    fn skip_unlinked(&mut self) {
        let [link, dicoms, contourfiles] = self.names;
        let note = |files: usize| format!("the folder has no row in {link}; its {files} files are ignored");
        for (name, found) in std::mem::take(&mut self.folders.images) {
            self.skip_files(&found.files, Reason::NotLinked, "");
            let place = Place::file(join_name(dicoms, &name));
            self.set.notes.push(Note::new(place, note(found.files.len())));
        }
        for (name, found) in std::mem::take(&mut self.folders.contours) {
            found.iter().flatten().for_each(|folder| self.skip_files(&folder.files, Reason::NotLinked, ""));
            let files = found.iter().flatten().map(|folder| folder.files.len()).sum();
            let place = Place::file(join_name(contourfiles, &name));
            self.set.notes.push(Note::new(place, note(files)));
        }
    }

    fn skip_files(&mut self, files: &[FileId], reason: Reason, detail: &str) {
        for &file in files {
            let place = Place::file(self.set.catalog.name(file));
            self.set.skip(Skipped::new(place, reason, detail).of(file));
        }
    }
}

/// A folder that differs from `wanted` in letter case, leading zeros or punctuation only, as a remark.
fn similar<'n>(mut names: impl Iterator<Item = &'n Box<str>>, wanted: &str) -> String {
    let plain = |name: &str| {
        let digits = name.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        let digits: Vec<String> = digits.map(|digits| digits.trim_start_matches('0').to_owned()).collect();
        let letters: String = name.chars().filter(|c| c.is_alphabetic()).collect();
        (letters.to_lowercase(), digits)
    };
    let found = names.find(|name| plain(name) == plain(wanted));
    found.map_or_else(String::new, |name| format!(", but {name} is there"))
}
