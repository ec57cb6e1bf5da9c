//! Why a segmentation cannot be used.

use crate::model::Plain;
use crate::source::dicom::DicomFault;

/// Fault of a segmentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SegmentationFault {
    /// The DICOM object is damaged or not supported.
    #[error(transparent)]
    Dicom(#[from] DicomFault),
    /// It is of a kind that is not read.
    #[error("this is {what}, which is not read")]
    Kind {
        /// The description.
        what: &'static str,
    },
    /// Number of Frames and what is there contradict each other.
    #[error(
        "{claimed} frames are claimed, with {items} items in Per-Frame Functional Groups Sequence and {bytes} bytes of \
         pixels"
    )]
    Frames {
        /// Number of Frames.
        claimed: usize,
        /// Items of the per-frame functional groups.
        items: usize,
        /// Bytes of Pixel Data.
        bytes: usize,
    },
    /// Its pixels are not those of the image.
    #[error(
        "it is on another grid than the image {}: {labels} against {image}; --resample-labels maps labels to the \
         nearest pixel",
        Plain(uid)
    )]
    OtherGrid {
        /// SOP Instance UID of the image.
        uid: Box<str>,
        /// The grid of the segmentation.
        labels: String,
        /// The grid of the image.
        image: String,
    },
    /// Several images are in the plane of a frame that names none.
    #[error(
        "frame {frame} names no image and lies in a plane that several images share: nothing tells to which of them it \
         belongs"
    )]
    Ambiguous {
        /// The frame, from 1.
        frame: usize,
    },
}
