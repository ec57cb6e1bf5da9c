//! From the rows of a table to samples.

mod joined_files;
mod named_files;
mod row_images;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::cells::{SeriesOpener, known_otherwise, mask_part, sniff};
use super::images::{KnownImage, frame_keys};
use super::rows::{ColumnKind, TableRow, TableRows, relative};
use crate::files::{FileKind, Tree};
use crate::layout::annotations::Annotations;
use crate::layout::{
    LayoutError, Reading, Require, SampleSet, Select, StructureChoice, StructurePatterns, Study,
};
use crate::model::{AnnotationRef, FileId, FrameRef, Part, Place, Reason, Sample, Skipped, StructureSet};
use crate::source::{AnnotationOptions, FrameKey, PartChoice, SeriesExtent, SeriesImage};

/// Finds the samples of a table.
pub(super) struct Pairing<'a> {
    rows: TableRows,
    require: Require,
    /// For each mask plane, the columns that belong to it.
    columns: Vec<Vec<usize>>,
    data_dir: &'a Path,
    reading: &'a Reading<'a>,
    set: SampleSet,
    files: HashMap<String, FileId>,
    /// Files by their names without folders, with and without their ends, made where a cell names none.
    by_name: OnceCell<HashMap<Box<str>, Box<str>>>,
    patients: HashMap<Box<str>, u32>,
    /// The row of each image.
    taken: HashMap<FrameRef, u64>,
    /// Requests of cells to files that hold structures of several images.
    wanted: BTreeMap<FileId, Vec<Wanted>>,
    /// Images by row, with what was read of their headers.
    known: HashMap<FrameRef, KnownImage>,
    planned: Vec<Sample>,
    options: AnnotationOptions,
    /// References of annotations other than contour texts to the images that have one.
    keys: HashMap<FrameRef, FrameKey>,
    /// The images that each label volume is laid over.
    series: HashMap<FileId, (Box<[SeriesImage]>, SeriesExtent)>,
}

/// The samples of a row.
#[derive(Debug, Clone)]
struct RowSamples {
    /// Their indices.
    indices: Range<usize>,
    /// True if the row names a series, and not one image.
    whole_series: bool,
}

/// A cell that names an annotation.
struct Cell<'r> {
    text: &'r str,
    kind: ColumnKind,
    plane: usize,
    place: Place,
}

/// A request of a cell to a file that holds structures of several images.
struct Wanted {
    choice: PartChoice,
    plane: usize,
    place: Place,
    samples: RowSamples,
}

impl<'a> Pairing<'a> {
    pub(super) fn new(
        tree: Tree,
        rows: TableRows,
        select: &Select,
        data_dir: &'a Path,
        reading: &'a Reading<'a>,
    ) -> Result<Self, LayoutError> {
        let planes = planes(&rows, select)?;
        let matching = |pattern: &crate::layout::StructurePattern| {
            let columns = rows.structures.iter().enumerate();
            columns
                .filter(|(_, column)| pattern.matches(&column.name, None))
                .map(|(index, _)| index)
                .collect()
        };
        let columns = planes.patterns().iter().map(matching).collect();
        let files = tree.catalog.files().map(|file| (tree.catalog.name(file), file)).collect();
        let mut set = SampleSet::new("table", tree, planes);
        set.rejected_rows.clone_from(&rows.rejected);
        Ok(Self {
            rows,
            require: select.require,
            columns,
            data_dir,
            reading,
            set,
            files,
            by_name: OnceCell::new(),
            patients: HashMap::new(),
            taken: HashMap::new(),
            wanted: BTreeMap::new(),
            known: HashMap::new(),
            planned: Vec::new(),
            options: select.annotation,
            keys: HashMap::new(),
            series: HashMap::new(),
        })
    }

    pub(super) fn run(mut self) -> Result<SampleSet, LayoutError> {
        for row in std::mem::take(&mut self.rows.rows) {
            if self.reading.cancel.load(Ordering::Relaxed) {
                return Ok(self.set);
            }
            if let Err((column, detail)) = self.add_row(&row) {
                self.reject(self.at(&row, &column), detail);
            }
        }
        for (file, wanted) in std::mem::take(&mut self.wanted) {
            self.join(file, &wanted);
        }
        self.settle();
        if !self.keys.is_empty() {
            let limits = *self.reading.limits;
            let opener = SeriesOpener { series: self.series, options: self.options, limits };
            self.set.annotations = Some(Annotations::new(self.keys, Box::new(opener), limits));
        }
        Ok(self.set)
    }

    fn at(&self, row: &TableRow, column: &str) -> Place {
        Place::file(&*self.rows.file).at_line(row.line).in_column(column)
    }

    fn reject(&mut self, place: Place, detail: String) {
        self.set.rejected_rows.push(Skipped::new(place, Reason::LinkRow, detail));
    }

    /// Adds the samples of a row. The error is a column, and what is wrong there.
    fn add_row(&mut self, row: &TableRow) -> Result<(), (String, String)> {
        let of_image = |detail: String| ("image".to_owned(), detail);
        let named = relative(&row.image, self.data_dir);
        let (images, whole_series) = match self.files.get(&named) {
            Some(&file) => match self.frames(file, row).map_err(of_image)? {
                Some(frames) => (frames, true),
                None => (vec![FrameRef { file, frame: row.frame }], false),
            },
            None => (self.series(&row.image, &named).map_err(of_image)?, true),
        };
        if let Some(line) = images.iter().find_map(|image| self.taken.get(image)) {
            return Err(of_image(format!(
                "the image is already in line {line}; put all its structures into one row"
            )));
        }
        let patient =
            self.patient(row, &named, whole_series).map_err(|detail| ("split".to_owned(), detail))?;
        let study = self.set.studies.len() as u32;
        let place = self.at(row, "image");
        self.set.studies.push(Study { patient, original_id: Box::default(), place });
        let first = self.planned.len();
        for image in images {
            self.taken.insert(image, row.line);
            let number = self.known.get(&image).and_then(|known| known.header.instance_number);
            self.planned.push(Sample {
                id: self.sample_id(patient, image),
                patient,
                study,
                place: self.planned.len() as u32,
                image,
                number,
                annotations: vec![Box::default(); self.columns.len()].into(),
            });
        }
        let samples = RowSamples { indices: first..self.planned.len(), whole_series };
        for plane in 0..self.columns.len() {
            for index in self.columns[plane].clone() {
                let column = &self.rows.structures[index];
                let text = &*row.cells[index];
                if text.is_empty() {
                    continue;
                }
                let cell = Cell { text, kind: column.kind, plane, place: self.at(row, &column.column) };
                if let Err(detail) = self.add_cell(&cell, &samples) {
                    self.reject(cell.place, detail);
                }
            }
        }
        Ok(())
    }

    fn sample_id(&self, patient: u32, image: FrameRef) -> Box<str> {
        let name = self.set.catalog.file_name(image.file);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let frame = if image.frame == 0 { String::new() } else { format!("#{}", image.frame) };
        format!("{}/{stem}{frame}", self.set.patients[patient as usize].id).into()
    }

    /// Adds the annotation that a cell names to samples of its row.
    fn add_cell(&mut self, cell: &Cell<'_>, samples: &RowSamples) -> Result<(), String> {
        let Cell { text, kind, plane, ref place } = *cell;
        let (file, choice) = self.named_file(text);
        let file = file.ok_or_else(|| self.absent("file", PartChoice::split(text).0))?;
        let found = sniff(&self.set.catalog, file)?;
        if let (FileKind::ContourText | FileKind::Unknown, Some(other)) =
            (found, known_otherwise(&self.set.catalog, file))
        {
            return Err(format!("{}: {other}", self.set.catalog.name(file)));
        }
        self.set.catalog.set_kind(file, found);
        let part = match (found, kind) {
            (FileKind::ContourText, ColumnKind::Contour) if choice == PartChoice::Unsaid => Part::Whole,
            (FileKind::ContourText, ColumnKind::Contour) => {
                return Err("a contour text has no parts".to_owned());
            }
            (FileKind::ContourText, ColumnKind::Mask) => {
                return Err("this is text; put contours into a column contour.<name>".to_owned());
            }
            (FileKind::MaskImage, ColumnKind::Mask) => mask_part(&choice)?,
            (FileKind::RtStruct | FileKind::DicomSeg, _)
            | (FileKind::Nifti | FileKind::Nrrd, ColumnKind::Mask) => {
                let (place, samples) = (place.clone(), samples.clone());
                self.wanted.entry(file).or_default().push(Wanted { choice, plane, place, samples });
                return Ok(());
            }
            (FileKind::Unknown, _) => {
                let known = "PNG, TIFF, NIfTI, NRRD, DICOM and contour texts are read";
                return Err(format!("{} is of no kind that is known; {known}", self.set.catalog.name(file)));
            }
            (_, ColumnKind::Contour) => {
                return Err("this is a mask; put masks into a column mask.<name>".to_owned());
            }
            (_, ColumnKind::Mask) => {
                return Err(format!("{} is no annotation", self.set.catalog.name(file)));
            }
        };
        let count = samples.indices.len();
        if count != 1 {
            return Err(format!("one file is given for {count} images of a series; give each image a row"));
        }
        let sample = samples.indices.start;
        self.annotate(sample, plane, AnnotationRef { file, part });
        if found == FileKind::MaskImage {
            let image = self.planned[sample].image;
            self.know(image)?;
            let keys = frame_keys(std::slice::from_ref(&self.known[&image]), &self.options);
            self.keys.extend(keys.into_iter().map(|key| (image, key)));
        }
        Ok(())
    }

    fn annotate(&mut self, sample: usize, plane: usize, annotation: AnnotationRef) {
        let refs = &mut self.planned[sample].annotations[plane];
        let mut all = std::mem::take(refs).into_vec();
        if !all.contains(&annotation) {
            all.push(annotation);
        }
        *refs = all.into();
    }

    /// Sorts the samples into those with annotations and those without.
    fn settle(&mut self) {
        unique_ids(&mut self.planned, |image| self.set.catalog.name(image.file));
        self.planned.sort_by_key(|sample| (sample.patient, sample.place));
        for (place, mut sample) in std::mem::take(&mut self.planned).into_iter().enumerate() {
            sample.place = place as u32;
            let annotated = match self.require {
                Require::Any => sample.annotated() > 0,
                Require::All => sample.annotated() == sample.annotations.len(),
            };
            if annotated {
                self.set.samples.push(sample);
            } else {
                sample.clear_annotations();
                self.set.unlabelled.push(sample);
            }
        }
    }
}

/// The mask planes: those asked for, else all columns in their order.
fn planes(rows: &TableRows, select: &Select) -> Result<StructurePatterns, LayoutError> {
    let StructureChoice::Named(planes) = &select.structures else {
        let mut names: Vec<&str> = Vec::new();
        for column in &rows.structures {
            if !names.contains(&&*column.name) {
                names.push(&column.name);
            }
        }
        let set = StructureSet::new(names.iter().copied());
        let set = set.map_err(|error| LayoutError::Names { message: error.to_string() })?;
        return Ok(StructurePatterns::of_names(set));
    };
    let unknown = planes
        .patterns()
        .iter()
        .find(|pattern| !rows.structures.iter().any(|column| pattern.matches(&column.name, None)));
    match unknown {
        None => Ok(planes.clone()),
        Some(pattern) => {
            let found: Vec<&str> = rows.structures.iter().map(|column| &*column.name).collect();
            let (asked, one) = (pattern.text().to_owned(), found.len() == 1);
            Err(LayoutError::UnknownStructure { asked, found: found.join(", "), one })
        }
    }
}

/// Gives samples of one name the whole name of their file.
fn unique_ids(samples: &mut [Sample], name: impl Fn(FrameRef) -> String) {
    let mut seen: HashMap<Box<str>, usize> = HashMap::new();
    samples.iter().for_each(|sample| *seen.entry(sample.id.clone()).or_default() += 1);
    for sample in samples.iter_mut().filter(|sample| seen[&sample.id] > 1) {
        let patient = sample.id.split('/').next().unwrap_or_default();
        let frame = if sample.image.frame == 0 { String::new() } else { format!("#{}", sample.image.frame) };
        let name = name(sample.image);
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).replace('/', "-");
        sample.id = format!("{patient}/{stem}{frame}").into();
    }
}
