//! Layout `link`: folders of images and folders of contours, linked by a table.
//!
//! ```text
//! link.csv                                        columns patient_id, original_id
//! dicoms/<patient_id>/<n>.dcm
//! contourfiles/<original_id>/i-contours/IM-0001-<nnnn>-icontour-manual.txt   (inner)
//! contourfiles/<original_id>/o-contours/IM-0001-<nnnn>-ocontour-manual.txt   (outer)
//! ```

mod file_number;
mod folders;
mod link_table;
mod near_miss;

use std::collections::HashMap;
use std::path::Path;

pub(super) use link_table::id_fault;
pub use link_table::{LinkRow, LinkTable, RejectedRow, parse_link_table, read_link_table};

use super::cases::{pair_by_number, relations};
use super::name_pattern::{NameFault, NamePatterns};
use super::numbered::{Case, Kinds, Numbered, NumberedPair, pair};
use super::{ColumnNames, Layout, LayoutError, Patient, Reading, SampleSet, Select, Study, Unmatched};
use crate::files::{FileKind, FilesError, FolderId, PlacePart, Places, Tree, join_name};
use crate::model::{FileId, Note, Place, Reason, Sample, Skipped};

use file_number::{contour_number, image_number};
use folders::{ANNOTATIONS, Folders, IMAGES, Subfolder};
use near_miss::{exchanged, similar};

const LINK: PlacePart = PlacePart { default: "link.csv", option: "the link table with --link" };
const DICOMS: PlacePart = PlacePart { default: "dicoms", option: "the folder of the images with --dicoms" };
const CONTOURS: PlacePart =
    PlacePart { default: "contourfiles", option: "the folder of the contours with --contours" };

/// The structures of this layout, and the folders of their contours.
const KINDS: [&str; 2] = ["inner", "outer"];
const KIND_FOLDERS: [&str; 2] = ["i-contours", "o-contours"];

/// A data directory with a link table.
#[derive(Debug)]
pub struct LinkedFolders {
    places: Places,
    allow_missing: bool,
    columns: ColumnNames,
    names: NamePatterns,
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
        Ok(Self {
            places,
            allow_missing: false,
            columns: ColumnNames::default(),
            names: NamePatterns::default(),
        })
    }

    /// The same; with `allow`, a row whose folder is not there, or has no contour, is a note and not rejected.
    #[must_use]
    pub fn allow_missing(self, allow: bool) -> Self {
        Self { allow_missing: allow, ..self }
    }

    /// The same, with a link table whose columns have other names, and files with names of their own.
    #[must_use]
    pub fn with_names(self, columns: ColumnNames, names: NamePatterns) -> Self {
        Self { columns, names, ..self }
    }
}

impl Layout for LinkedFolders {
    fn name(&self) -> &'static str {
        "link"
    }

    fn allows_missing(&self) -> bool {
        self.allow_missing
    }

    fn parts(&self) -> Option<[&str; 2]> {
        Some([self.places.roots()[IMAGES].name(), self.places.roots()[ANNOTATIONS].name()])
    }

    fn places(&self) -> &Places {
        &self.places
    }

    fn expects(&self, root: usize, path: &[Box<str>]) -> bool {
        let [images, contours] = self.names.depths();
        match path {
            [_] => true,
            [_, kind] if root == ANNOTATIONS && KIND_FOLDERS.contains(&&**kind) => true,
            [_, below @ ..] => below.len() <= if root == ANNOTATIONS { contours } else { images },
            [] => false,
        }
    }

    fn pair(&self, mut tree: Tree, select: &Select, _: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        let link = &self.places.tables()[0];
        let table = read_link_table(link.path(), link.name(), &self.columns)?;
        let kinds = Kinds::of_layout(&KINDS, &self.names, select)?;
        let folders = Folders::of(std::mem::take(&mut tree.folders));
        let mut set = SampleSet::new(self.name(), tree, kinds.planes.clone());
        set.relations = relations(&kinds);
        let names =
            [link.name(), self.places.roots()[IMAGES].name(), self.places.roots()[ANNOTATIONS].name()];
        let is_exchanged = exchanged(&table, &folders);
        let pairing = Pairing {
            names,
            patterns: &self.names,
            kinds,
            folders,
            set,
            allow_missing: self.allow_missing,
            is_exchanged,
        };
        Ok(pairing.pair(table))
    }
}

/// Gives the folders to the rows of a link table.
struct Pairing<'a> {
    /// Of the link table, the folder of the images and that of the contours.
    names: [&'a str; 3],
    patterns: &'a NamePatterns,
    kinds: Kinds,
    folders: Folders,
    set: SampleSet,
    allow_missing: bool,
    /// True if the two columns of the table look exchanged.
    is_exchanged: bool,
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
        pair_by_number(&mut self.set);
        self.set
    }

    /// Adds the samples of a patient, whose rows are `rows`.
    fn add_patient(&mut self, rows: Vec<LinkRow>) {
        let [link, dicoms, contourfiles] = self.names;
        let patient = self.set.patients.len() as u32;
        let id = rows[0].patient_id.clone();
        let folder = join_name(dicoms, &id);
        let images = self.folders.images.remove(&id);
        let mut case = Case { contours: vec![Vec::new(); self.kinds.known().len()], ..Case::default() };
        let mut studies: HashMap<FolderId, u32> = HashMap::new();
        let first_study = self.set.studies.len() as u32;
        for row in rows {
            let at = |column: &str| Place::file(link).at_line(row.line).in_column(column);
            if images.is_none() {
                self.miss_folder(at("patient_id"), IMAGES, &id);
            }
            let original = join_name(contourfiles, &row.original_id);
            match self.folders.contours.remove(&row.original_id) {
                None => self.miss_folder(at("original_id"), ANNOTATIONS, &row.original_id),
                Some(found) => {
                    let study = self.set.studies.len() as u32;
                    studies.extend(found.iter().map(|subfolder| (subfolder.folder.id, study)));
                    let before = self.set.skipped.len();
                    if self.take_contours(&found, &mut case) == 0 {
                        let skipped = &self.set.skipped[before..];
                        let has_others = skipped.iter().any(|file| file.reason == Reason::StructureNotAsked);
                        let asked: Vec<_> = self.set.structures().names().collect();
                        let text = format!("{original} has no {} contour", asked.join(" and no "));
                        if has_others {
                            self.set.notes.push(Note::new(at("original_id"), text));
                        } else {
                            self.miss(at("original_id"), text, "; --allow-missing makes it a note");
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
        let sample = |pair: NumberedPair| {
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
        self.set.patients.push(Patient { id, folder: folder.into(), ..Patient::default() });
    }

    /// A row that names a folder of the part `root`, of images or of contours, which is not there.
    fn miss_folder(&mut self, place: Place, root: usize, id: &str) {
        let wanted = join_name(self.names[1 + root], id);
        let text = format!("there is no folder {wanted} that could be read");
        let hint = if self.is_exchanged {
            Some(
                "the two columns look exchanged: --columns patient_id=original_id,original_id=patient_id reads them so"
                    .to_owned(),
            )
        } else {
            let names: Vec<&str> = match root {
                IMAGES => self.folders.images.keys().map(|name| &**name).collect(),
                _ => self.folders.contours.keys().map(|name| &**name).collect(),
            };
            similar(&names, id).or_else(|| self.folders.deeper(root, id, &self.set.catalog))
        };
        match hint {
            Some(hint) => self.miss(place, text, &format!(": {hint}")),
            None => self.miss(place, text, "; --allow-missing makes it a note"),
        }
    }

    /// A row that lacks a folder or contours, and what to do.
    fn miss(&mut self, place: Place, text: String, hint: &str) {
        if self.allow_missing {
            self.set.notes.push(Note::new(place, text));
        } else {
            self.set.rejected_rows.push(Skipped::new(place, Reason::LinkRow, text + hint));
        }
    }

    fn take_images(&mut self, found: &[Subfolder], case: &mut Case) {
        for Subfolder { below, folder } in found {
            for &file in &folder.files {
                let name = self.set.catalog.file_name(file);
                let number = match (self.patterns.image(below, name), self.patterns.shown_images()) {
                    (Some(number), _) => number,
                    (None, Some(shown)) => Err(NameFault::form(format!("an image is called {shown}"))),
                    (None, None) => image_number(name),
                };
                match number {
                    Ok(number) => {
                        self.set.catalog.set_kind(file, FileKind::Image);
                        case.images.push(Numbered { number, file });
                    }
                    Err(fault) => self.skip_files(&[file], fault.reason, &fault.detail),
                }
            }
        }
    }

    /// The kind and the number of a contour in the folder `below` that of its patient.
    fn contour(&self, below: &str, name: &str) -> Result<(usize, i32), NameFault> {
        if let Some((structure, number)) = self.patterns.contour(below, name)
            && let Some(kind) = self.kinds.index(structure)
        {
            return Ok((kind, number?));
        }
        let Some(kind) = KIND_FOLDERS.iter().position(|folder| *folder == below) else {
            return Err(NameFault { reason: Reason::OutsideLayout, detail: String::new() });
        };
        let number = match self.patterns.contour_of_kind(below, name) {
            Some(number) => number?,
            None => contour_number(name, ['i', 'o'][kind]).map_err(|fault| {
                match self.patterns.shown_contours().filter(|_| fault.reason == Reason::NameDoesNotFit) {
                    Some(shown) => NameFault::form(format!("a contour is called {shown}")),
                    None => fault,
                }
            })?,
        };
        Ok((kind, number))
    }

    /// Adds the contours of one folder to a patient's. Returns how many have a name that fits and were asked for.
    fn take_contours(&mut self, found: &[Subfolder], case: &mut Case) -> usize {
        let mut taken = 0;
        for Subfolder { below, folder } in found {
            for &file in &folder.files {
                match self.contour(below, self.set.catalog.file_name(file)) {
                    Ok((kind, number)) if self.kinds.is_asked(kind) => {
                        self.set.catalog.set_kind(file, FileKind::ContourText);
                        case.contours[kind].push(Numbered { number, file });
                        taken += 1;
                    }
                    Ok((kind, _)) => {
                        self.skip_files(&[file], Reason::StructureNotAsked, &self.kinds.ask(kind));
                    }
                    Err(fault) => self.skip_files(&[file], fault.reason, &fault.detail),
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
                found.iter().for_each(|found| self.skip_files(&found.folder.files, Reason::LinkRow, &detail));
            }
            if let Some(found) = row.original_id.as_ref().and_then(|id| self.folders.contours.remove(id)) {
                found.iter().for_each(|found| self.skip_files(&found.folder.files, Reason::LinkRow, &detail));
            }
        }
    }

    fn skip_unlinked(&mut self) {
        let [link, dicoms, contourfiles] = self.names;
        let images = std::mem::take(&mut self.folders.images).into_iter().map(|found| (dicoms, found));
        let contours =
            std::mem::take(&mut self.folders.contours).into_iter().map(|found| (contourfiles, found));
        for (part, (name, found)) in images.chain(contours) {
            found.iter().for_each(|found| self.skip_files(&found.folder.files, Reason::NotLinked, ""));
            let files = found.iter().map(|found| found.folder.files.len()).sum();
            let place = Place::file(join_name(part, &name));
            let text = format!("the folder has no row in {link}; its {files} files are ignored");
            if self.allow_missing {
                self.set.notes.push(Note::new(place, text));
            } else {
                self.set.unmatched.push(Unmatched {
                    place,
                    files,
                    text: text + "; --allow-missing makes it a note",
                });
            }
        }
    }

    fn skip_files(&mut self, files: &[FileId], reason: Reason, detail: &str) {
        for &file in files {
            let place = Place::file(self.set.catalog.name(file));
            self.set.skip(Skipped::new(place, reason, detail).of(file));
        }
    }
}
