//! From the bytes of one file to an image or a contour.
//!
//! A DICOM file becomes an [`ImageHeader`] (what the header says, checked) and [`StoredPixels`] (the
//! stored values), and [`convert`] turns these into modality values in one of the file's pixel types.
//! A contour text becomes a [`Polygon`](crate::model::Polygon), a mask image a [`MaskImage`], a label map a
//! [`LabelVolume`].
//!
//! Everything here works on bytes that the caller has read; nothing touches the disk. No length that a
//! file declares is believed: each is held against the bytes that are there before memory is asked for.
//! What cannot be read exactly is refused with an error that names the file and the attribute.

mod annotation;
mod contour_text;
mod dicom;
mod dicom_seg;
mod labels;
mod open_annotation;
mod part_choice;
mod references;
mod rtstruct;

pub use annotation::{
    AnnotationError, AnnotationFault, AnnotationFile, AnnotationOptions, ContourSpacing, Drawn, FrameKey,
    Joined, PartInfo,
};
pub use contour_text::{ContourError, ContourFault, MAX_CONTOUR_BYTES, MAX_CONTOUR_POINTS, parse_contour};
pub use dicom::{
    Attribute, ColorSpace, Conversion, ConvertOptions, DicomError, DicomFault, DicomIdentity, FrameReader,
    ImageHeader, Leniency, Limits, ModalityLut, ModalityTransform, Monochrome1, ObjectKind, Palette,
    PixelTypeChoice, ReadAt, StoredFormat, StoredPixels, StoredValues, TransferSyntax, ValueRange, convert,
    parse_frame, parse_header, parse_identity, parse_image,
};
pub use dicom_seg::{DicomSegmentation, SegmentationFault};
pub use labels::{
    JoinBy, JoinError, JoinedVolume, LabelError, LabelFault, LabelJoin, LabelSelection, LabelSeries,
    LabelVolume, MaskFile, MaskImage, NrrdSegment, SeriesExtent, SeriesImage, VolumePart, VolumePlane,
    VolumeSize, VoxelToPatient, join_volume, parse_nifti, parse_nrrd, parse_png, parse_tiff,
};
pub use open_annotation::{SeriesImages, is_label_volume, open_annotation, open_dicom_annotation};
pub use part_choice::PartChoice;
pub use rtstruct::RtStruct;
