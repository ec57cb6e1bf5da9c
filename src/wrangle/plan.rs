//! The plan: every file's place in the output, or why it has none.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::folder_scan::{ContourFolder, Folder, PatientFolder, Scan, scan, structure_folder};
use super::layout::join_name;
use super::link_table::{LinkRow, LinkTable, RejectedRow, read_link_table};
use super::pair::{Names, Pair, PairOptions, Paired, pair};
use super::roots::Roots;
use super::{Layout, WrangleError};
use crate::model::{Bin, Note, Place, Reason, Skipped, Structure, Tally};

/// A usable row of the link table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patient {
    /// The folder below `dicoms`.
    pub patient_id: Box<str>,
    /// The folder below `contourfiles`.
    pub original_id: Box<str>,
    /// The line of the link table.
    pub line: u64,
    image_folder: Option<PathBuf>,
    contour_folders: [Option<PathBuf>; 2],
}

/// An image and its contours, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSample {
    /// Index into [`PairPlan::patients`].
    pub patient: u32,
    /// The number in the image's name.
    pub instance: i32,
    /// The image's file name.
    pub image: Box<str>,
    /// For each structure asked for, the file name of its contour.
    pub annotations: Box<[Option<Box<str>>]>,
}

/// Which image goes with which contours, and what becomes of every other file.
///
/// Depends on the names below the data directory and on the link table only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairPlan {
    /// The usable rows of the link table, in its order.
    pub patients: Vec<Patient>,
    /// The samples, by patient, then by number.
    pub samples: Vec<PlannedSample>,
    /// Images without a usable contour, in the same order.
    pub unlabelled: Vec<PlannedSample>,
    /// All other files, sorted by name.
    pub skipped: Vec<Skipped>,
    /// Rows of the link table that cannot be used, in its order. These are no files.
    pub rejected_rows: Vec<Skipped>,
    /// What is worth telling, sorted.
    pub notes: Vec<Note>,
    /// How many files there are, the link table included; a folder that cannot be read counts as one.
    pub files_seen: usize,
    structures: Vec<Structure>,
    dicoms: String,
    contours: String,
    roots: Roots,
}

/// Plans the work on a data directory. Opens no file but the link table.
///
/// # Errors
/// [`WrangleError`] where the link table cannot be used.
pub fn plan(layout: &Layout, options: &PairOptions) -> Result<PairPlan, WrangleError> {
    let table = read_link_table(layout.link(), layout.link_name())?;
    Ok(Planner::new(layout, options, scan(layout)).plan(table))
}

impl PairPlan {
    /// The structures asked for, in the order of each sample's annotations.
    #[must_use]
    pub fn structures(&self) -> &[Structure] {
        &self.structures
    }

    /// The folders below which its files are.
    pub(crate) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The patient of a sample.
    #[must_use]
    pub fn patient(&self, sample: &PlannedSample) -> &Patient {
        &self.patients[sample.patient as usize]
    }

    /// The sample's name: `<patient_id>/<file stem of its image>`. No two samples share one.
    #[must_use]
    pub fn sample_id(&self, sample: &PlannedSample) -> String {
        let stem = sample.image.rsplit_once('.').map_or(&*sample.image, |(stem, _)| stem);
        [&self.patient(sample).patient_id, "/", stem].concat()
    }

    /// The image file to open.
    #[must_use]
    pub fn image_path(&self, sample: &PlannedSample) -> PathBuf {
        let folder = self.patient(sample).image_folder.as_deref();
        folder.unwrap_or(Path::new("")).join(&*sample.image)
    }

    /// The image file as people see it: relative to the data directory, `/` as separator.
    #[must_use]
    pub fn image_name(&self, sample: &PlannedSample) -> String {
        let folder = join_name(&self.dicoms, &self.patient(sample).patient_id);
        join_name(&folder, &sample.image)
    }

    /// The folder of the images of the patient with this index, as people see it.
    #[must_use]
    pub fn image_folder(&self, patient: u32) -> String {
        join_name(&self.dicoms, &self.patients[patient as usize].patient_id)
    }

    /// The contour file to open for the structure asked for with this index, where there is one.
    #[must_use]
    pub fn annotation_path(&self, sample: &PlannedSample, index: usize) -> Option<PathBuf> {
        let name = sample.annotations.get(index)?.as_deref()?;
        let folders = &self.patient(sample).contour_folders;
        Some(folders[self.structures[index] as usize].as_deref()?.join(name))
    }

    /// The contour file as people see it.
    #[must_use]
    pub fn annotation_name(&self, sample: &PlannedSample, index: usize) -> Option<String> {
        let name = sample.annotations.get(index)?.as_deref()?;
        let original = join_name(&self.contours, &self.patient(sample).original_id);
        Some(join_name(&join_name(&original, structure_folder(self.structures[index])), name))
    }

    /// The bins as planned; reading the files may move some of them. Their total is `files_seen`.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let contours = |s: &PlannedSample| s.annotations.iter().flatten().count();
        let mut tally = Tally::default();
        tally.add(Bin::Used, 1 + self.samples.iter().map(|sample| 1 + contours(sample)).sum::<usize>());
        tally.add(Bin::Unlabelled, self.unlabelled.len());
        for skipped in &self.skipped {
            tally.add_skipped(skipped.reason);
        }
        tally
    }
}

/// Hands the folders of a scan out to the rows of a link table.
struct Planner<'a> {
    layout: &'a Layout,
    options: &'a PairOptions,
    images: HashMap<Box<str>, PatientFolder>,
    contours: HashMap<Box<str>, ContourFolder>,
    plan: PairPlan,
}

impl<'a> Planner<'a> {
    fn new(layout: &'a Layout, options: &'a PairOptions, scan: Scan) -> Self {
        let plan = PairPlan {
            patients: Vec::new(),
            samples: Vec::new(),
            unlabelled: Vec::new(),
            skipped: scan.skipped,
            rejected_rows: Vec::new(),
            notes: Vec::new(),
            files_seen: scan.files_seen,
            structures: options.structures.clone(),
            dicoms: layout.dicoms_name().to_owned(),
            contours: layout.contours_name().to_owned(),
            roots: layout.roots(),
        };
        let images = scan.patients.into_iter().map(|folder| (folder.name.clone(), folder)).collect();
        let contours = scan.originals.into_iter().map(|folder| (folder.name.clone(), folder)).collect();
        Self { layout, options, images, contours, plan }
    }

    fn plan(mut self, table: LinkTable) -> PairPlan {
        for row in table.rows {
            self.add_row(row);
        }
        self.skip_rejected(&table.rejected);
        self.plan.rejected_rows = table.rejected.into_iter().map(|row| row.skipped).collect();
        self.skip_unlinked();
        self.plan.skipped.sort();
        self.plan.notes.sort();
        self.plan
    }

    fn add_row(&mut self, row: LinkRow) {
        let images = self.images.remove(&row.patient_id);
        let contours = self.contours.remove(&row.original_id);
        let image_folder = join_name(&self.plan.dicoms, &row.patient_id);
        let original_folder = join_name(&self.plan.contours, &row.original_id);
        let contour_folders = Structure::ALL.map(|s| join_name(&original_folder, structure_folder(s)));
        let structures = contours.map(|folder| folder.structures);
        let paired = pair(
            images.as_ref().map(|found| Names { folder: &image_folder, files: &found.folder.files }),
            Structure::ALL.map(|s| {
                let found = structures.as_ref()?[s as usize].as_ref()?;
                Some(Names { folder: &contour_folders[s as usize], files: &found.files })
            }),
            self.options,
        );
        let at = |column: &str| Place::file(self.layout.link_name()).at_line(row.line).in_column(column);
        if images.is_none() {
            let text = format!("there is no folder {image_folder} that could be read");
            self.plan.notes.push(Note::new(at("patient_id"), text));
        }
        if structures.is_none() {
            let text = format!("there is no folder {original_folder} that could be read");
            self.plan.notes.push(Note::new(at("original_id"), text));
        } else if paired.contours == 0 {
            let asked: Vec<_> = self.options.structures.iter().map(|s| s.name()).collect();
            let text = format!("{original_folder} has no {} contour", asked.join(" and no "));
            self.plan.notes.push(Note::new(at("original_id"), text));
        }
        self.add_pairs(paired);
        self.plan.patients.push(Patient {
            patient_id: row.patient_id,
            original_id: row.original_id,
            line: row.line,
            image_folder: images.map(|found| found.folder.path),
            contour_folders: structures.unwrap_or_default().map(|folder| folder.map(|f| f.path)),
        });
    }

    /// Adds the pairs of the patient that comes next.
    fn add_pairs(&mut self, paired: Paired) {
        // A table may not have more rows than that.
        let patient = u32::try_from(self.plan.patients.len()).unwrap_or(u32::MAX);
        let planned = |p: Pair| PlannedSample {
            patient,
            instance: p.instance,
            image: p.image,
            annotations: p.annotations,
        };
        self.plan.samples.extend(paired.samples.into_iter().map(planned));
        self.plan.unlabelled.extend(paired.unlabelled.into_iter().map(planned));
        self.plan.skipped.extend(paired.skipped);
    }

    /// The files of rejected rows go with their rows, where no usable row has claimed them.
    fn skip_rejected(&mut self, rejected: &[RejectedRow]) {
        for row in rejected {
            let detail = format!("its row cannot be used, see {}", row.skipped.place);
            if let Some(found) = row.patient_id.as_ref().and_then(|id| self.images.remove(id)) {
                self.skip_images(&found, Reason::LinkRow, &detail);
            }
            if let Some(found) = row.original_id.as_ref().and_then(|id| self.contours.remove(id)) {
                self.skip_contours(&found, Reason::LinkRow, &detail);
            }
        }
    }

    fn skip_unlinked(&mut self) {
        let link = self.layout.link_name();
        let note = |files: usize| format!("the folder has no row in {link}; its {files} files are ignored");
        for (name, found) in std::mem::take(&mut self.images) {
            let files = self.skip_images(&found, Reason::NotLinked, "");
            let place = Place::file(join_name(&self.plan.dicoms, &name));
            self.plan.notes.push(Note::new(place, note(files)));
        }
        for (name, found) in std::mem::take(&mut self.contours) {
            let files = self.skip_contours(&found, Reason::NotLinked, "");
            let place = Place::file(join_name(&self.plan.contours, &name));
            self.plan.notes.push(Note::new(place, note(files)));
        }
    }

    fn skip_images(&mut self, found: &PatientFolder, reason: Reason, detail: &str) -> usize {
        let folder = join_name(&self.plan.dicoms, &found.name);
        self.skip_folder(&folder, &found.folder, reason, detail)
    }

    fn skip_contours(&mut self, found: &ContourFolder, reason: Reason, detail: &str) -> usize {
        let original = join_name(&self.plan.contours, &found.name);
        let mut files = 0;
        for (structure, folder) in Structure::ALL.into_iter().zip(&found.structures) {
            if let Some(folder) = folder {
                let name = join_name(&original, structure_folder(structure));
                files += self.skip_folder(&name, folder, reason, detail);
            }
        }
        files
    }

    fn skip_folder(&mut self, name: &str, folder: &Folder, reason: Reason, detail: &str) -> usize {
        let skipped =
            folder.files.iter().map(|file| Skipped::new(Place::file(join_name(name, file)), reason, detail));
        self.plan.skipped.extend(skipped);
        folder.files.len()
    }
}
