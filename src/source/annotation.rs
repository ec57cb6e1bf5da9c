//! Annotation files: opened once, asked for the structures of many images.

use crate::model::{GridShape, ImagePlane, Mask, Part, Place, Polygon};

use super::contour_text::ContourFault;
use super::dicom::{DicomError, DicomFault};
use super::labels::{JoinError, LabelFault};

/// An annotation file: an RT Structure Set, a DICOM segmentation, a mask image or a label volume.
pub trait AnnotationFile: Send + Sync {
    /// The structures in it.
    fn parts(&self) -> &[PartInfo];

    /// The structure `part` on the image `frame`, in pixels of that image.
    ///
    /// # Errors
    /// [`AnnotationError`] where the part is absent, or it cannot be told or read what it is on that image.
    fn on(&self, part: Part, frame: &FrameKey) -> Result<Drawn, AnnotationError>;

    /// True if [`AnnotationFile::on`] gives other than [`Drawn::NotAnnotated`]. Costs less where nothing needs
    /// to be decoded to tell.
    ///
    /// # Errors
    /// As [`AnnotationFile::on`].
    fn annotates(&self, part: Part, frame: &FrameKey) -> Result<bool, AnnotationError> {
        Ok(self.on(part, frame)? != Drawn::NotAnnotated)
    }

    /// What a user should know about the file as a whole, each a sentence without its name.
    fn notes(&self) -> &[String] {
        &[]
    }
}

/// A structure in an annotation file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartInfo {
    /// How it is asked for.
    pub part: Part,
    /// Its name: ROI Name, Segment Label; empty where the format has no names.
    pub name: String,
    /// How it is drawn, each way with its number: contours by Contour Geometric Type, frames, pixels' values.
    pub kinds: Vec<(String, usize)>,
    /// Number of images that it says something about, as far as the file alone can tell.
    pub images: usize,
}

/// A structure on one image.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// The file says nothing about the structure on this image.
    NotAnnotated,
    /// Closed contours in pixels of the image. None: the structure is annotated as absent.
    Contours(Vec<Polygon>),
    /// A mask with the shape of the image.
    Raster(Mask),
}

/// An image as annotations refer to it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameKey {
    /// SOP Instance UID (0008,0018); empty where the image has none.
    pub sop_instance_uid: Box<str>,
    /// The frame of a multi-frame object, from 1; 0 where the object is one image.
    pub frame: u32,
    /// Frame of Reference UID (0020,0052).
    pub frame_of_reference_uid: Option<Box<str>>,
    /// Rows and columns.
    pub shape: GridShape,
    /// Where it lies; `None` where its header does not tell.
    pub plane: Option<ImagePlane>,
    /// The distance from the plane, against and along its normal in mm, within which a contour or label plane without
    /// reference to an image belongs to it: half the way to the next image of the series on that side.
    pub reach: [f64; 2],
}

/// An annotation file that cannot be used, or not on one image: where, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct AnnotationError {
    /// The file, and the attribute where there is one.
    pub place: Box<Place>,
    /// What is wrong there.
    pub fault: AnnotationFault,
}

/// What is wrong with an annotation file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnnotationFault {
    /// A contour text is not a polygon.
    #[error(transparent)]
    Contour(#[from] ContourFault),
    /// The DICOM object is damaged or of a kind that is not supported.
    #[error(transparent)]
    Dicom(#[from] DicomFault),
    /// A mask image or label volume cannot be used.
    #[error(transparent)]
    Labels(#[from] LabelFault),
    /// A label volume does not fit its images.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The structure asked for is not in it.
    #[error("there is no {part}: {}", if .present.is_empty() { "the file has no structure" } else { .present })]
    NoPart {
        /// What was asked for.
        part: Part,
        /// Numbers and names of what is there.
        present: String,
    },
}

impl From<DicomError> for AnnotationError {
    fn from(error: DicomError) -> Self {
        Self { place: error.place, fault: error.fault.into() }
    }
}
