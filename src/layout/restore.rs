//! Annotation files of a plan that was read from a file, opened as its layout opens them.

use std::collections::HashMap;

use super::annotations::{Annotations, OpenAnnotation};
use super::dicom_tree::Opener;
use super::table::SeriesOpener;
use crate::model::{FileId, FrameRef};
use crate::source::{AnnotationOptions, FrameKey, Limits, SeriesExtent, SeriesImage};

/// A layout's knowledge of the images and annotation files of a plan.
#[derive(Debug, Default)]
pub struct SavedAnnotations {
    /// The key by which annotation files refer to each image.
    pub keys: HashMap<FrameRef, FrameKey>,
    /// For each label volume, the images that it is laid over.
    pub series: HashMap<FileId, (Box<[SeriesImage]>, SeriesExtent)>,
}

/// The annotation files of the layout called `layout`; `None` where each of its annotations is one contour.
#[must_use]
pub fn restore_annotations(
    layout: &str,
    saved: SavedAnnotations,
    options: AnnotationOptions,
    limits: Limits,
) -> Option<Annotations> {
    let opener: Box<dyn OpenAnnotation> = match layout {
        "dicom" => Box::new(Opener { options, limits }),
        _ if saved.keys.is_empty() => return None,
        _ => Box::new(SeriesOpener { series: saved.series, options, limits }),
    };
    Some(Annotations::new(saved.keys, opener, limits))
}
