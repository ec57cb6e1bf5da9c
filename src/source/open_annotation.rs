//! Opens annotation files, whatever kind they are.

use super::annotation::{AnnotationError, AnnotationFault, AnnotationFile, AnnotationOptions};
use super::dicom::{DicomFault, Limits, ObjectKind, parse_identity};
use super::labels::{
    LabelError, LabelJoin, LabelSeries, MaskFile, SeriesExtent, SeriesImage, parse_nifti, parse_nrrd,
    parse_png, parse_tiff,
};
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

/// The images that a label volume is laid over.
#[derive(Debug, Clone, Copy)]
pub struct SeriesImages<'a> {
    /// Each image once.
    pub images: &'a [SeriesImage],
    /// True if they are a whole series.
    pub extent: SeriesExtent,
}

/// Opens the annotation file `file`, which is `bytes`: by its content, a mask image (PNG, TIFF), a label volume (NIfTI,
/// NRRD) that is laid over `series`, or a DICOM object.
///
/// # Errors
/// [`AnnotationError`] where it is none of these, cannot be read, or does not fit the images.
pub fn open_annotation(
    file: &str,
    bytes: &[u8],
    series: SeriesImages<'_>,
    options: &AnnotationOptions,
    limits: &Limits,
) -> Result<Box<dyn AnnotationFile>, AnnotationError> {
    let mask = |image| Box::new(MaskFile::new(file, image, options.mask_invert)) as Box<dyn AnnotationFile>;
    let laid = |volume| {
        let SeriesImages { images, extent } = series;
        let how = LabelJoin { by: options.volume_join, resample: options.resample_labels };
        LabelSeries::new(file, volume, images, extent, how)
            .map(|series| Box::new(series) as Box<dyn AnnotationFile>)
    };
    match Format::of(bytes) {
        Format::Png => Ok(mask(parse_png(file, bytes, limits)?)),
        Format::Tiff => Ok(mask(parse_tiff(file, bytes, limits)?)),
        Format::Nifti => laid(parse_nifti(file, bytes, limits)?),
        Format::Nrrd => laid(parse_nrrd(file, bytes, limits)?),
        Format::Other => open_dicom_annotation(file, bytes, options, limits),
    }
}

/// True if a file that begins with `bytes` is a label volume, whose planes belong to images of a series.
#[must_use]
pub fn is_label_volume(bytes: &[u8]) -> bool {
    matches!(Format::of(bytes), Format::Nifti | Format::Nrrd)
}

/// Formats of annotation files, by their first bytes.
enum Format {
    Png,
    Tiff,
    Nifti,
    Nrrd,
    /// DICOM, or nothing that is known.
    Other,
}

impl Format {
    fn of(bytes: &[u8]) -> Self {
        // A DICOM file may begin like another one: its first 128 bytes are free (PS3.10 7.1).
        if bytes.get(128..132) == Some(b"DICM") {
            return Self::Other;
        }
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => Self::Png,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [b'N', b'R', b'R', b'D', ..] => Self::Nrrd,
            // gzip, and the length of the header in either byte order: 348 or 540.
            [0x1F, 0x8B, ..] | [0x5C, 1, 0, 0, ..] | [0, 0, 1, 0x5C, ..] => Self::Nifti,
            [0x1C, 2, 0, 0, ..] | [0, 0, 2, 0x1C, ..] => Self::Nifti,
            _ => Self::Other,
        }
    }
}

impl From<LabelError> for AnnotationError {
    fn from(error: LabelError) -> Self {
        Self { place: error.place, fault: error.fault.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        for volume in [&b"NRRD0005\n"[..], &[0x1F, 0x8B, 8], &348_u32.to_le_bytes(), &540_u32.to_be_bytes()] {
            assert!(is_label_volume(volume), "{volume:?}");
        }
        let mut dicom = vec![0; 132];
        dicom[..4].copy_from_slice(b"II*\0");
        dicom[128..].copy_from_slice(b"DICM");
        for other in [&b"\x89PNG\r\n\x1a\n"[..], b"II*\0", b"MM\0+", b"", &dicom] {
            assert!(!is_label_volume(other), "{other:?}");
        }
        assert!(matches!(Format::of(&dicom), Format::Other));
    }

    #[test]
    fn errors_name_the_file() {
        let series = SeriesImages { images: &[], extent: SeriesExtent::Listed };
        let open = |bytes: &[u8]| {
            open_annotation("a/b", bytes, series, &AnnotationOptions::default(), &Limits::default())
        };
        for bytes in [&b"\x89PNG"[..], b"II*\0", b"NRRD", &[0x1F, 0x8B], b"", b"text"] {
            let error = open(bytes).err().unwrap().to_string();
            assert!(error.starts_with("a/b: "), "{error}");
        }
    }
}
