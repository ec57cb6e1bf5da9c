//! A DICOM segmentation: its segments, its frames, and the images that they are about.

use std::collections::{HashMap, HashSet};

use crate::model::{GridShape, Mask, Part, Place};
use crate::source::annotation::{AnnotationError, AnnotationFault, AnnotationOptions, PartInfo, no_part};
use crate::source::dicom::tree::Object;
use crate::source::dicom::{Attribute, DicomFault, Limits};

use super::error::SegmentationFault;
use super::pixels::{self, FramePixels};
use super::read::{self, Form, SegmentFrame};
use super::segment::Segment;

/// A DICOM segmentation.
#[derive(Debug)]
pub struct DicomSegmentation {
    pub(super) file: String,
    pub(super) form: Form,
    pub(super) shape: GridShape,
    pub(super) segments: Vec<Segment>,
    pub(super) frames: Vec<SegmentFrame>,
    /// Frames by the SOP Instance UID of an image that they were derived from.
    pub(super) by_image: HashMap<Box<str>, Vec<usize>>,
    /// Frames that name no image.
    pub(super) unreferenced: Vec<usize>,
    pub(super) series: Vec<Box<str>>,
    /// SOP Instance UIDs of the images that the segmentation is about.
    pub(super) instances: HashSet<Box<str>>,
    pub(super) pixels: FramePixels,
    pub(super) parts: Vec<PartInfo>,
    pub(super) notes: Vec<String>,
    pub(super) options: AnnotationOptions,
}

impl DicomSegmentation {
    /// Reads the segmentation in `file`, which is `bytes`.
    ///
    /// # Errors
    /// [`AnnotationError`] where the file is no DICOM file, damaged, beyond `limits`, or a segmentation of a kind that
    /// is not read: of slide microscopy, or by surfaces.
    pub fn open(
        file: &str,
        bytes: &[u8],
        options: &AnnotationOptions,
        limits: &Limits,
    ) -> Result<Self, AnnotationError> {
        let object = Object::open(file, bytes, limits)?;
        let transfer_syntax = object.transfer_syntax();
        let tree = object.read(file, &read::WANTED)?;
        let pixels = tree.pixels.ok_or_else(|| error_in(file, None, DicomFault::NoImage))?;
        let present = pixels.end.unwrap_or(object.len()).saturating_sub(pixels.start);
        let content =
            read::read(&tree, present).map_err(|(attribute, fault)| error_in(file, attribute, fault))?;
        drop(tree);
        let layout = pixels::PixelEncoding {
            shape: content.shape,
            bits: content.bits_allocated,
            frames: content.frames.len(),
        };
        let pixels = FramePixels::new(object.into_bytes(), &pixels, transfer_syntax, layout, limits)
            .map_err(|(attribute, fault)| error_in(file, attribute, fault))?;
        let notes = pixels.note().into_iter().collect();
        let read::SegmentationObject { form, shape, segments, frames, series, instances, .. } = content;
        let (mut by_image, mut unreferenced) = (HashMap::<_, Vec<usize>>::new(), Vec::new());
        for (index, frame) in frames.iter().enumerate() {
            if frame.sources.is_empty() {
                unreferenced.push(index);
            }
            for source in &frame.sources {
                let indices = by_image.entry(source.uid.clone()).or_default();
                if indices.last() != Some(&index) {
                    indices.push(index);
                }
            }
        }
        let mut segmentation = Self {
            file: file.to_owned(),
            form,
            shape,
            segments,
            frames,
            by_image,
            unreferenced,
            series,
            instances,
            pixels,
            parts: Vec::new(),
            notes,
            options: *options,
        };
        segmentation.parts = segmentation.list_parts();
        Ok(segmentation)
    }

    fn list_parts(&self) -> Vec<PartInfo> {
        let structures = self.segments.iter().filter(|segment| !segment.is_background);
        let info = |segment: &Segment| {
            let own = |frame: &&SegmentFrame| frame.segment.is_none_or(|number| number == segment.number);
            let frames: Vec<&SegmentFrame> = self.frames.iter().filter(own).collect();
            let images: HashSet<_> = frames
                .iter()
                .flat_map(|frame| frame.sources.iter().map(|source| (&source.uid, source.frame)))
                .collect();
            let kind = match self.form {
                Form::Binary => "BINARY",
                Form::Fractional { .. } => "FRACTIONAL",
                Form::LabelMap => "LABELMAP",
            };
            PartInfo {
                part: Part::Segment(segment.number),
                name: segment.label.clone(),
                kinds: vec![(kind.to_owned(), frames.len())],
                images: images.len(),
            }
        };
        structures.map(info).collect()
    }

    /// Code Values of the property types of the segments, with the part of each.
    pub fn codes(&self) -> impl Iterator<Item = (&str, Part)> {
        self.segments.iter().map(|segment| (&*segment.code, Part::Segment(segment.number)))
    }

    pub(super) fn number(&self, part: Part) -> Result<u16, AnnotationError> {
        match part {
            Part::Segment(number) if self.parts.iter().any(|info| info.part == part) => Ok(number),
            _ => Err(no_part(&self.file, part, &self.parts)),
        }
    }

    pub(super) fn error(&self, fault: SegmentationFault) -> AnnotationError {
        error_in(&self.file, None, fault)
    }

    /// The pixels of frame `index` that belong to segment `number`.
    pub(super) fn mask(&self, index: usize, number: u16) -> Result<Mask, AnnotationError> {
        let selected = match self.form {
            Form::Binary => self.pixels.nonzero(index),
            Form::Fractional { maximum } => {
                let least = self.options.fractional * f64::from(maximum);
                self.pixels.select(index, |value| value > 0 && f64::from(value) >= least)
            }
            Form::LabelMap => self.pixels.select(index, |value| value == number),
        };
        selected.map_err(|(attribute, fault)| error_in(&self.file, attribute, fault))
    }
}

/// An error in `file`.
fn error_in(
    file: &str,
    attribute: Option<Attribute>,
    fault: impl Into<SegmentationFault>,
) -> AnnotationError {
    let place = Place::file(file);
    let place = match attribute {
        Some(attribute) => place.at_attribute(attribute.to_string()),
        None => place,
    };
    let fault = match fault.into() {
        SegmentationFault::Dicom(fault) => AnnotationFault::Dicom(fault),
        other => AnnotationFault::Segmentation(Box::new(other)),
    };
    AnnotationError { place: Box::new(place), fault }
}
