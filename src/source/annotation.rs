//! Annotation files: opened once, asked for the structures of many images.

use serde::{Deserialize, Serialize};

use crate::model::{GridShape, ImagePlane, Mask, Part, Place, Plain, Polygon, choice, is_default};

use super::contour_text::ContourFault;
use super::dicom::{DicomError, DicomFault};
use super::dicom_seg::SegmentationFault;
use super::labels::{JoinBy, JoinError, LabelFault};

/// An annotation file: an RT Structure Set, a DICOM segmentation, a mask image or a label volume.
pub trait AnnotationFile: Send + Sync {
    /// The structures in it.
    fn parts(&self) -> &[PartInfo];

    /// The structure `part` on the image `frame`, in pixels of that image.
    ///
    /// # Errors
    /// [`AnnotationError`] where the part is absent, or cannot be read for that image.
    fn on(&self, part: Part, frame: &FrameKey) -> Result<Drawn, AnnotationError>;

    /// True if [`AnnotationFile::on`] gives other than [`Drawn::NotAnnotated`]. Costs less where nothing needs
    /// to be decoded to tell.
    ///
    /// # Errors
    /// As [`AnnotationFile::on`].
    fn annotates(&self, part: Part, frame: &FrameKey) -> Result<bool, AnnotationError> {
        Ok(self.on(part, frame)? != Drawn::NotAnnotated)
    }

    /// The images among `frames` on which the file has each of `parts`, what a user should know, and what is lost.
    fn join(&self, parts: &[Part], frames: &[FrameKey]) -> Joined {
        let mut joined = Joined::default();
        for &part in parts {
            for (index, frame) in frames.iter().enumerate() {
                match self.annotates(part, frame) {
                    Ok(true) => joined.images.push((part, index)),
                    Ok(false) => {}
                    Err(error) => joined.lost.push(error.fault.to_string()),
                }
            }
        }
        joined
    }

    /// Notes on the file as a whole, each a sentence without its name.
    fn notes(&self) -> &[String] {
        &[]
    }

    /// True if structures are values of pixels, which may be asked for whether they are listed or not.
    fn has_labels(&self) -> bool {
        false
    }

    /// Series Instance UIDs of the images that the file says it is about; none where it does not say.
    fn series(&self) -> &[Box<str>] {
        &[]
    }

    /// True if something in the file refers to the image with this SOP Instance UID.
    fn refers_to(&self, _sop_instance_uid: &str) -> bool {
        false
    }
}

/// The images that the structures of an annotation file are on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Joined {
    /// Structures and the indices of their images, by structure as they were asked for, then by image.
    pub images: Vec<(Part, usize)>,
    /// Notes, each a sentence without the file's name.
    pub notes: Vec<String>,
    /// Contents of the file that are in no mask, though an image of the input is concerned: each a sentence without the
    /// file's name.
    pub lost: Vec<String>,
}

impl AnnotationOptions {
    /// The reach of an image, given half the way to the next image on each side, in mm.
    #[must_use]
    pub fn reach(&self, halfway: [f64; 2]) -> [f64; 2] {
        halfway.map(|half| self.plane_tolerance.map_or(half, |most| half.min(most)))
    }
}

/// Options of reading annotation files. Serialized without those that have their usual value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AnnotationOptions {
    /// Correction of contours that were written with Pixel Spacing exchanged.
    #[serde(skip_serializing_if = "is_default")]
    pub contour_spacing: ContourSpacing,
    /// The share of Maximum Fractional Value (0062,000E), 0 to 1, from which on a pixel of a FRACTIONAL segmentation
    /// belongs to the structure.
    #[serde(skip_serializing_if = "is_half")]
    pub fractional: f64,
    /// True if labels on another grid are mapped to the images' pixels by their nearest neighbour in the patient.
    #[serde(skip_serializing_if = "is_default")]
    pub resample_labels: bool,
    /// True if structure and background of mask images (PNG, TIFF) are exchanged.
    #[serde(skip_serializing_if = "is_default")]
    pub mask_invert: bool,
    /// The largest distance in mm of a contour or label plane without reference to an image from the image that it
    /// belongs to. It never reaches beyond half the way to the next image; `None` reaches as far.
    #[serde(rename = "plane_tol", skip_serializing_if = "Option::is_none")]
    pub plane_tolerance: Option<f64>,
    /// Join of label volumes (NIfTI, NRRD) to the images of their series.
    #[serde(skip_serializing_if = "is_default")]
    pub volume_join: JoinBy,
}

fn is_half(fractional: &f64) -> bool {
    *fractional == AnnotationOptions::default().fractional
}

impl Default for AnnotationOptions {
    fn default() -> Self {
        Self {
            contour_spacing: ContourSpacing::AsStored,
            fractional: 0.5,
            resample_labels: false,
            mask_invert: false,
            plane_tolerance: None,
            volume_join: JoinBy::Geometry,
        }
    }
}

/// Scale of the contours of an RT Structure Set in the plane of their image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContourSpacing {
    /// As the coordinates say.
    #[default]
    AsStored,
    /// The writer took the spacing between rows for that between columns, and the other way round: rt-utils and what is
    /// made of it do so.
    Swapped,
}

choice!(ContourSpacing {
    AsStored => "as-stored",
    Swapped => "swapped",
});

/// A structure in an annotation file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PartInfo {
    /// Its name in a request.
    pub part: Part,
    /// Its name: ROI Name, Segment Label; empty where the format has no names.
    pub name: String,
    /// Kinds of its drawings with their numbers: contours by Contour Geometric Type, frames, pixels' values.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameKey {
    /// SOP Instance UID (0008,0018); empty where the image has none.
    pub sop_instance_uid: Box<str>,
    /// The frame of a multi-frame object, from 1; 0 where the object is one image.
    pub frame: u32,
    /// Frame of Reference UID (0020,0052).
    pub frame_of_reference_uid: Option<Box<str>>,
    /// Rows and columns.
    pub shape: GridShape,
    /// Its plane; `None` where its header does not tell.
    pub plane: Option<ImagePlane>,
    /// The distance from the plane, against and along its normal in mm, within which a contour or label plane without
    /// reference to an image belongs to it: half the way to the next image of the series on that side.
    pub reach: [f64; 2],
    /// True if other images of the series lie in this plane, as the phases of a cine do: then position alone does not
    /// tell to which of them something belongs.
    pub shares_plane: bool,
}

/// An annotation file that cannot be used, or not on one image: where, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct AnnotationError {
    /// The file, and the attribute where there is one.
    pub place: Box<Place>,
    /// The fault there.
    pub fault: AnnotationFault,
}

/// Fault of an annotation file.
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
    /// The segmentation cannot be used.
    #[error(transparent)]
    Segmentation(#[from] Box<SegmentationFault>),
    /// The structure asked for is not in it.
    #[error("there is no {part}: {}", if .present.is_empty() { "the file has no structure" } else { .present })]
    NoPart {
        /// The request.
        part: Part,
        /// Numbers and names of what is there.
        present: String,
    },
    /// Several structures are meant, or none in particular.
    #[error("{meant}: {present}")]
    Ambiguous {
        /// The request, as a sentence.
        meant: String,
        /// Numbers and names of what is there.
        present: String,
    },
    /// Contours in mm are on an image that does not say where it lies.
    #[error(
        "its contours are on the image {}, which has no Image Position, Image Orientation or Pixel Spacing",
        Plain(uid)
    )]
    NoPlane {
        /// SOP Instance UID of the image.
        uid: Box<str>,
    },
}

/// The error that `part` is not among `parts` of `file`.
pub(super) fn no_part(file: &str, part: Part, parts: &[PartInfo]) -> AnnotationError {
    let fault = AnnotationFault::NoPart { part, present: listed(parts) };
    AnnotationError { place: Box::new(Place::file(file)), fault }
}

/// Numbers and names of `parts`, for a message.
pub(super) fn listed(parts: &[PartInfo]) -> String {
    const SHOWN: usize = 32;
    let shown = parts.iter().take(SHOWN).map(|info| format!("{} {}", info.part, Plain(&info.name)));
    let shown: Vec<String> =
        shown.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
    let more = if parts.len() > SHOWN { format!(" and {} more", parts.len() - SHOWN) } else { String::new() };
    shown.join(", ") + &more
}

impl From<DicomError> for AnnotationError {
    fn from(error: DicomError) -> Self {
        Self { place: error.place, fault: error.fault.into() }
    }
}
