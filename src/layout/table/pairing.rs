//! From the rows of a table to samples.

#![allow(clippy::too_many_arguments, reason = "inner code of this file alone")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::Ordering;

use super::cells::{SeriesOpener, open, sniff};
use super::images::{HeaderLookup, KnownImage, frame_keys, read_file_header, read_image_header};
use super::rows::{ColumnKind, TableRow, TableRows};
use crate::files::{FileKind, Tree};
use crate::layout::annotations::Annotations;
use crate::layout::{
    LayoutError, Patient, Reading, Require, SampleSet, Select, StructureChoice, StructurePatterns, Study,
};
use crate::model::{
    AnnotationRef, FileId, FrameRef, Note, Part, Place, Reason, Sample, Skipped, StructureSet,
};
use crate::source::{AnnotationOptions, FrameKey, PartChoice, SeriesExtent, SeriesImage, SeriesImages};

/// Finds the samples of a table.
pub(super) struct Pairing<'a> {
    rows: TableRows,
    require: Require,
    /// For each mask plane, the columns that belong to it.
    columns: Vec<Vec<usize>>,
    reading: &'a Reading<'a>,
    set: SampleSet,
    files: HashMap<String, FileId>,
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

/// A cell that asks for a part of a file.
struct Wanted {
    choice: PartChoice,
    plane: usize,
    place: Place,
    /// The samples of its row, by their indices.
    samples: std::ops::Range<usize>,
    whole_series: bool,
}

impl<'a> Pairing<'a> {
    pub(super) fn new(
        tree: Tree,
        rows: TableRows,
        select: &Select,
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
            reading,
            set,
            files,
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

    pub(super) fn run(mut self, data_dir: &Path) -> Result<SampleSet, LayoutError> {
        for row in std::mem::take(&mut self.rows.rows) {
            if self.reading.cancel.load(Ordering::Relaxed) {
                return Ok(self.set);
            }
            if let Err((column, detail)) = self.add_row(&row, data_dir) {
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
    fn add_row(&mut self, row: &TableRow, data_dir: &Path) -> Result<(), (String, String)> {
        let of_image = |detail: String| ("image".to_owned(), detail);
        let named = relative(&row.image, data_dir);
        let (images, whole_series) = match self.files.get(&named) {
            Some(&file) => match self.frames(file, row, data_dir).map_err(of_image)? {
                Some(frames) => (frames, true),
                None => (vec![FrameRef { file, frame: row.frame }], false),
            },
            None => (self.series(&named).map_err(of_image)?, true),
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
        let samples = first..self.planned.len();
        for plane in 0..self.columns.len() {
            for index in self.columns[plane].clone() {
                let column = self.rows.structures[index].clone();
                let cell = row.cells[index].clone();
                if cell.is_empty() {
                    continue;
                }
                let place = self.at(row, &column.column);
                let added = self.add_cell(
                    &cell,
                    column.kind,
                    plane,
                    (samples.clone(), whole_series),
                    &place,
                    data_dir,
                );
                if let Err(detail) = added {
                    self.reject(place, detail);
                }
            }
        }
        Ok(())
    }

    /// All frames of a multi-frame object whose row names no frame and an annotation of several images.
    fn frames(
        &mut self,
        file: FileId,
        row: &TableRow,
        data_dir: &Path,
    ) -> Result<Option<Vec<FrameRef>>, String> {
        let is_of_several = |cell: &str| {
            let (path, _) = PartChoice::split(cell);
            let found = self.files.get(&relative(path, data_dir));
            let kind = found.and_then(|&file| sniff(&self.set.catalog, file).ok());
            matches!(kind, Some(FileKind::RtStruct | FileKind::Nifti | FileKind::Nrrd))
        };
        if row.frame != 0 || !row.cells.iter().any(|cell| !cell.is_empty() && is_of_several(cell)) {
            return Ok(None);
        }
        let header = read_file_header(&self.set.catalog, file, self.reading.limits)
            .map_err(|skipped| format!("{}: {}", skipped.place, skipped.detail))?;
        let Some(header) = header.filter(|header| header.frames > 1) else { return Ok(None) };
        let mut frames = Vec::new();
        for frame in 1..=header.frames {
            let Some(of_frame) = header.of_frame(frame) else { continue };
            let image = FrameRef { file, frame };
            self.known.insert(image, KnownImage { image, header: of_frame });
            frames.push(image);
        }
        Ok(Some(frames))
    }

    /// The images of the series in a folder.
    fn series(&mut self, folder: &str) -> Result<Vec<FrameRef>, String> {
        let prefix = if matches!(folder, "" | ".") { String::new() } else { format!("{folder}/") };
        let mut inside: Vec<(String, FileId)> = self
            .files
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .map(|(name, file)| (name.clone(), *file))
            .collect();
        inside.sort();
        if inside.is_empty() {
            return Err(format!("there is no file or folder {folder}"));
        }
        let mut found: Vec<KnownImage> = Vec::new();
        for (_, file) in inside {
            match read_image_header(&self.set.catalog, file, 0, self.reading.limits) {
                Ok(HeaderLookup::Image(image)) => found.push(*image),
                Ok(HeaderLookup::Other) => {}
                Err(skipped) => self.set.skip(skipped),
            }
        }
        let mut series: Vec<_> =
            found.iter().map(|image| &image.header.identity.series_instance_uid).collect();
        series.sort();
        series.dedup();
        match series.len() {
            0 => return Err(format!("there is no DICOM image in the folder {folder}")),
            1 => {}
            count => {
                return Err(format!(
                    "the folder {folder} holds {count} series; name the folder or the images of one"
                ));
            }
        }
        // In the order in which they lie in the patient.
        let frames: Vec<_> = found.iter().map(KnownImage::frame).collect();
        let sorted = crate::series::sort_series(&frames);
        for finding in &sorted.findings {
            self.set.notes.push(Note::new(Place::file(folder), finding.to_string()));
        }
        let placed = sorted.stacks.iter().flat_map(|stack| &stack.slices).flat_map(|slice| &slice.frames);
        let order: Vec<usize> = placed.chain(&sorted.unplaced).copied().collect();
        let images = order.iter().map(|&index| found[index].image).collect();
        self.known.extend(found.into_iter().map(|image| (image.image, image)));
        Ok(images)
    }

    /// The patient of a row: by its column, else by the folder of its images.
    fn patient(&mut self, row: &TableRow, named: &str, whole_series: bool) -> Result<u32, String> {
        let folder =
            if whole_series { named } else { named.rsplit_once('/').map_or("", |(folder, _)| folder) };
        let last = folder.rsplit('/').next().filter(|name| !matches!(*name, "" | "."));
        let stem = named.rsplit('/').next().unwrap_or(named);
        let id: Box<str> = match &row.patient {
            Some(id) => id.clone(),
            None => last.unwrap_or_else(|| stem.rsplit_once('.').map_or(stem, |(stem, _)| stem)).into(),
        };
        let patient = *self.patients.entry(id.clone()).or_insert_with(|| {
            self.set.patients.push(Patient { id, folder: folder.into(), split: None });
            self.set.patients.len() as u32 - 1
        });
        let known = &mut self.set.patients[patient as usize];
        match (known.split, row.split) {
            (Some(a), Some(b)) if a != b => {
                return Err(format!(
                    "patient {} is in {} and in {}; all its rows need one split",
                    known.id,
                    a.name(),
                    b.name()
                ));
            }
            (None, split) => known.split = split,
            _ => {}
        }
        Ok(patient)
    }

    fn sample_id(&self, patient: u32, image: FrameRef) -> Box<str> {
        let name = self.set.catalog.file_name(image.file);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let frame = if image.frame == 0 { String::new() } else { format!("#{}", image.frame) };
        format!("{}/{stem}{frame}", self.set.patients[patient as usize].id).into()
    }

    /// Adds the annotation that a cell names to samples of its row.
    fn add_cell(
        &mut self,
        cell: &str,
        kind: ColumnKind,
        plane: usize,
        (samples, whole_series): (std::ops::Range<usize>, bool),
        place: &Place,
        data_dir: &Path,
    ) -> Result<(), String> {
        let (path, choice) = PartChoice::split(cell);
        let named = relative(path, data_dir);
        let file = *self.files.get(&named).ok_or_else(|| format!("there is no file {named}"))?;
        let found = sniff(&self.set.catalog, file)?;
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
                let place = place.clone();
                self.wanted.entry(file).or_default().push(Wanted {
                    choice,
                    plane,
                    place,
                    samples,
                    whole_series,
                });
                return Ok(());
            }
            (FileKind::Unknown, _) => {
                let known = "PNG, TIFF, NIfTI, NRRD, DICOM and contour texts are read";
                return Err(format!("{named} is of no kind that is known; {known}"));
            }
            (_, ColumnKind::Contour) => {
                return Err("this is a mask; put masks into a column mask.<name>".to_owned());
            }
            (_, ColumnKind::Mask) => return Err(format!("{named} is no annotation")),
        };
        if samples.len() != 1 {
            let count = samples.len();
            return Err(format!("one file is given for {count} images of a series; give each image a row"));
        }
        let sample = samples.start;
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

    /// Reads the header of an image, unless it is known.
    fn know(&mut self, image: FrameRef) -> Result<(), String> {
        if self.known.contains_key(&image) {
            return Ok(());
        }
        match read_image_header(&self.set.catalog, image.file, image.frame, self.reading.limits) {
            Ok(HeaderLookup::Image(known)) => {
                self.known.insert(image, *known);
                Ok(())
            }
            Ok(HeaderLookup::Other) => {
                Err(format!("{} is no DICOM image", self.set.catalog.name(image.file)))
            }
            Err(skipped) => Err(format!("the image {}: {}", skipped.place, skipped.detail)),
        }
    }

    /// Opens a file that holds structures of several images, and gives them to the samples whose rows ask for it.
    fn join(&mut self, file: FileId, wanted: &[Wanted]) {
        let mut indices: Vec<usize> = wanted.iter().flat_map(|wanted| wanted.samples.clone()).collect();
        indices.sort_unstable();
        indices.dedup();
        let extent = match wanted.iter().any(|wanted| wanted.whole_series) {
            true => SeriesExtent::Whole,
            false => SeriesExtent::Listed,
        };
        let mut images = Vec::new();
        for index in indices {
            let image = self.planned[index].image;
            match self.know(image) {
                Ok(()) => images.push(index),
                Err(detail) => self.reject(wanted[0].place.clone(), detail),
            }
        }
        let known: Vec<KnownImage> =
            images.iter().map(|&index| self.known[&self.planned[index].image].clone()).collect();
        let series: Vec<SeriesImage> = known.iter().map(KnownImage::series_image).collect();
        let opened = open(
            &self.set.catalog,
            file,
            SeriesImages { images: &series, extent },
            &self.options,
            self.reading.limits,
        );
        let opened = match opened {
            Ok(opened) => opened,
            Err(detail) => {
                let place = Place::file(self.set.catalog.name(file));
                self.set.skip(Skipped::new(place, Reason::AnnotationUnreadable, detail.clone()).of(file));
                wanted.iter().for_each(|wanted| self.reject(wanted.place.clone(), detail.clone()));
                return;
            }
        };
        // By the first bytes alone, all DICOM objects are of one kind.
        let is_segmentation = opened.parts().iter().any(|info| matches!(info.part, Part::Segment(_)));
        if is_segmentation && self.set.catalog.kind(file) == FileKind::RtStruct {
            self.set.catalog.set_kind(file, FileKind::DicomSeg);
        }
        let keys = frame_keys(&known, &self.options);
        let place = Place::file(self.set.catalog.name(file));
        self.set.notes.extend(opened.notes().iter().map(|note| Note::new(place.clone(), note.clone())));
        for wanted in wanted {
            let part = match wanted.choice.part_of(&*opened) {
                Ok(part) => part,
                Err(fault) => {
                    self.reject(wanted.place.clone(), fault.to_string());
                    continue;
                }
            };
            let joined = opened.join(&[part], &keys);
            self.set.notes.extend(joined.notes.into_iter().map(|note| Note::new(wanted.place.clone(), note)));
            joined.lost.into_iter().for_each(|lost| self.reject(wanted.place.clone(), lost));
            for (_, index) in
                joined.images.into_iter().filter(|(_, index)| wanted.samples.contains(&images[*index]))
            {
                self.annotate(images[index], wanted.plane, AnnotationRef { file, part });
            }
        }
        let named = images.iter().map(|&index| self.planned[index].image);
        let named: Vec<_> = named.collect();
        self.keys.extend(named.into_iter().zip(keys));
        self.series.insert(file, (series.into(), extent));
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

/// The part of a mask image: all values above 0, or one value.
fn mask_part(choice: &PartChoice) -> Result<Part, String> {
    match choice {
        PartChoice::Unsaid => Ok(Part::Whole),
        PartChoice::Said(text) => text
            .parse()
            .map(Part::Label)
            .map_err(|_| format!("#{text} is no value: a mask image has values, as in mask.png#128")),
    }
}

/// A path of the table as the catalog names files: relative to the data directory, `/` as separator.
fn relative(path: &str, data_dir: &Path) -> String {
    let path = path.replace('\\', "/");
    let inside = Path::new(&path).strip_prefix(data_dir).ok().and_then(Path::to_str);
    let parts = inside.unwrap_or(&path).split('/').filter(|part| !matches!(*part, "" | "."));
    parts.collect::<Vec<_>>().join("/")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_data_directory() {
        for path in ["a/b.dcm", "./a//b.dcm", "/data/a/b.dcm", "a\\b.dcm"] {
            assert_eq!(relative(path, Path::new("/data")), "a/b.dcm");
        }
        assert_eq!(relative("/elsewhere/b", Path::new("/data")), "elsewhere/b");
    }

    #[test]
    fn a_mask_image_has_values() {
        assert_eq!(mask_part(&PartChoice::Unsaid), Ok(Part::Whole));
        assert_eq!(mask_part(&PartChoice::Said("128".into())), Ok(Part::Label(128)));
        assert!(mask_part(&PartChoice::Said("heart".into())).unwrap_err().contains("mask.png#128"));
    }
}
