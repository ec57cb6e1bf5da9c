//! The images that a row names, and their patient.

use super::Pairing;
use crate::files::FileKind;
use crate::layout::Patient;
use crate::layout::table::cells::sniff;
use crate::layout::table::images::{HeaderLookup, KnownImage, read_file_header, read_image_header};
use crate::layout::table::rows::TableRow;
use crate::model::{FileId, FrameRef, Note, Place};

impl Pairing<'_> {
    /// All frames of a multi-frame object whose row names no frame and an annotation of several images.
    pub(super) fn frames(&mut self, file: FileId, row: &TableRow) -> Result<Option<Vec<FrameRef>>, String> {
        let is_of_several = |cell: &str| {
            let (found, _) = self.named_file(cell);
            let kind = found.and_then(|file| sniff(&self.set.catalog, file).ok());
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

    /// The images of the series in a folder, which the table calls `path`.
    pub(super) fn series(&mut self, path: &str, folder: &str) -> Result<Vec<FrameRef>, String> {
        let shown = if folder.is_empty() { "." } else { folder };
        let prefix = if matches!(folder, "" | ".") { String::new() } else { format!("{folder}/") };
        let mut inside: Vec<(String, FileId)> = self
            .files
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .map(|(name, file)| (name.clone(), *file))
            .collect();
        inside.sort();
        if inside.is_empty() {
            return Err(self.absent("file or folder", path));
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
            0 => return Err(format!("there is no DICOM image in the folder {shown}")),
            1 => {}
            count => {
                return Err(format!(
                    "the folder {shown} holds {count} series; name the folder or the images of one"
                ));
            }
        }
        // In the order in which they lie in the patient.
        let frames: Vec<_> = found.iter().map(KnownImage::frame).collect();
        let sorted = crate::series::sort_series(&frames);
        for finding in &sorted.findings {
            self.set.notes.push(Note::new(Place::file(shown), finding.to_string()));
        }
        let placed = sorted.stacks.iter().flat_map(|stack| &stack.slices).flat_map(|slice| &slice.frames);
        let order: Vec<usize> = placed.chain(&sorted.unplaced).copied().collect();
        let images = order.iter().map(|&index| found[index].image).collect();
        self.known.extend(found.into_iter().map(|image| (image.image, image)));
        Ok(images)
    }

    /// The patient of a row: by its column, else by the folder of its images.
    pub(super) fn patient(&mut self, row: &TableRow, named: &str, whole_series: bool) -> Result<u32, String> {
        let folder =
            if whole_series { named } else { named.rsplit_once('/').map_or("", |(folder, _)| folder) };
        let last = folder.rsplit('/').next().filter(|name| !matches!(*name, "" | "."));
        let stem = named.rsplit('/').next().unwrap_or(named);
        let id: Box<str> = match &row.patient {
            Some(id) => id.clone(),
            None => last.unwrap_or_else(|| stem.rsplit_once('.').map_or(stem, |(stem, _)| stem)).into(),
        };
        let patient = *self.patients.entry(id.clone()).or_insert_with(|| {
            self.set.patients.push(Patient { id, folder: folder.into(), ..Patient::default() });
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

    /// Reads the header of an image, unless it is known.
    pub(super) fn know(&mut self, image: FrameRef) -> Result<(), String> {
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
}
