//! Annotation files that hold structures of several images: each is opened once for all rows that name it.

use super::{Pairing, Wanted};
use crate::files::FileKind;
use crate::layout::table::cells::open;
use crate::layout::table::images::{KnownImage, frame_keys};
use crate::model::{AnnotationRef, FileId, Note, Part, Place, Reason, Skipped};
use crate::source::{PartInfo, SeriesExtent, SeriesImage, SeriesImages};

impl Pairing<'_> {
    /// Opens a file that holds structures of several images, and gives them to the samples whose rows ask for it.
    pub(super) fn join(&mut self, file: FileId, wanted: &[Wanted]) {
        let mut indices: Vec<usize> =
            wanted.iter().flat_map(|wanted| wanted.samples.indices.clone()).collect();
        indices.sort_unstable();
        indices.dedup();
        let extent = match wanted.iter().any(|wanted| wanted.samples.whole_series) {
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
            let absent = absent_label(part, opened.parts());
            self.set.notes.extend(absent.map(|note| Note::new(wanted.place.clone(), note)));
            let joined = opened.join(&[part], &keys);
            self.set.notes.extend(joined.notes.into_iter().map(|note| Note::new(wanted.place.clone(), note)));
            joined.lost.into_iter().for_each(|lost| self.reject(wanted.place.clone(), lost));
            for (_, index) in joined
                .images
                .into_iter()
                .filter(|(_, index)| wanted.samples.indices.contains(&images[*index]))
            {
                self.annotate(images[index], wanted.plane, AnnotationRef { file, part });
            }
        }
        let named = images.iter().map(|&index| self.planned[index].image);
        let named: Vec<_> = named.collect();
        self.keys.extend(named.into_iter().zip(keys));
        self.series.insert(file, (series.into(), extent));
    }
}

/// The most labels that a note lists.
const MOST_SHOWN: usize = 16;

/// A note on a label that no voxel has, where there are others.
fn absent_label(part: Part, parts: &[PartInfo]) -> Option<String> {
    let Part::Label(value) = part else { return None };
    if parts.is_empty() || parts.iter().any(|info| info.part == part) {
        return None;
    }
    let shown: Vec<String> =
        parts.iter().take(MOST_SHOWN).filter_map(|info| info.part.number()).map(|n| n.to_string()).collect();
    let more = parts.len().saturating_sub(MOST_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "no voxel is {value}, so all masks of it are empty; the volume has {}{more}",
        shown.join(", ")
    ))
}
