//! Opens annotations that are DICOM objects, whatever kind they are.

use super::annotation::{AnnotationError, AnnotationFault, AnnotationFile, AnnotationOptions};
use super::dicom::{DicomFault, Limits, ObjectKind, parse_identity};
use super::{DicomSegmentation, RtStruct};
use crate::model::Place;

/// Opens the RT Structure Set or the segmentation in `file`, which is `bytes`.
///
/// # Errors
/// [`AnnotationError`] where the object is neither, or cannot be read.
pub fn open_dicom_annotation(
    file: &str,
    bytes: &[u8],
    options: &AnnotationOptions,
    limits: &Limits,
) -> Result<Box<dyn AnnotationFile>, AnnotationError> {
    let identity = parse_identity(file, bytes, bytes.len() as u64, limits)?;
    match identity.map_or(ObjectKind::Image, |identity| identity.kind()) {
        ObjectKind::RtStructureSet => Ok(Box::new(RtStruct::open(file, bytes, options, limits)?)),
        ObjectKind::Segmentation | ObjectKind::SurfaceSegmentation => {
            Ok(Box::new(DicomSegmentation::open(file, bytes, options, limits)?))
        }
        kind => {
            let fault = AnnotationFault::Dicom(DicomFault::NotAnAnnotation { kind });
            Err(AnnotationError { place: Box::new(Place::file(file)), fault })
        }
    }
}
