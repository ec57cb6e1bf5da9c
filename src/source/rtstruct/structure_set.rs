//! An RT Structure Set.

use crate::model::Part;
use crate::source::Limits;
use crate::source::annotation::{AnnotationError, AnnotationOptions, PartInfo, no_part};

use super::read;
use super::roi::Roi;

/// An RT Structure Set.
#[derive(Debug)]
pub struct RtStruct {
    pub(super) file: String,
    pub(super) rois: Vec<Roi>,
    pub(super) parts: Vec<PartInfo>,
    pub(super) notes: Vec<String>,
    pub(super) is_rt_utils: bool,
    pub(super) series: Vec<Box<str>>,
    pub(super) options: AnnotationOptions,
}

impl RtStruct {
    /// Reads the RT Structure Set in `file`, which is `bytes`.
    ///
    /// A contour that cannot be used is left out by itself, and [`join`](crate::source::AnnotationFile::join) names it.
    ///
    /// # Errors
    /// [`AnnotationError`] where the file is no DICOM file, or its data set is damaged or beyond `limits`.
    pub fn open(
        file: &str,
        bytes: &[u8],
        options: &AnnotationOptions,
        limits: &Limits,
    ) -> Result<Self, AnnotationError> {
        let read::StructureSetObject { mut rois, notes, is_rt_utils, series } =
            read::read(file, bytes, limits)?;
        for roi in &mut rois {
            roi.index_references();
        }
        let parts = rois.iter().map(Roi::info).collect();
        Ok(Self { file: file.to_owned(), rois, parts, notes, is_rt_utils, series, options: *options })
    }

    pub(super) fn roi(&self, part: Part) -> Result<&Roi, AnnotationError> {
        let found = match part {
            Part::Roi(number) => self.rois.iter().find(|roi| roi.number == number),
            _ => None,
        };
        found.ok_or_else(|| no_part(&self.file, part, &self.parts))
    }
}
