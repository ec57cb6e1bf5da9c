//! Why a label volume cannot be laid over a series.

use crate::model::GridShape;

/// Why a label volume cannot be laid over a series of images. Indices count images from 0, as they were given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JoinError {
    /// The volume does not say where it lies.
    #[error(
        "the label volume does not say where it lies in the patient; --volume-join order takes its planes in the \
         order of the images along their normal"
    )]
    NoGeometry,
    /// An image does not say where it lies.
    #[error(
        "the header of an image lacks position, orientation or spacing, and the label volume is joined by geometry"
    )]
    ImageWithoutGeometry {
        /// The image.
        image: usize,
    },
    /// Image and volume are different grids.
    #[error(
        "the label volume has {voxels:?} voxels of {volume_mm} mm and an image {pixels} pixels of {image_mm} mm, and \
         {reason}: --resample-labels takes the nearest voxels"
    )]
    OtherGrid {
        /// The image.
        image: usize,
        /// Voxels of the volume along i, j, k.
        voxels: [usize; 3],
        /// Sizes of a voxel in mm.
        volume_mm: String,
        /// Rows and columns of the image.
        pixels: GridShape,
        /// Distance between rows and between columns in mm.
        image_mm: String,
        /// The difference.
        reason: &'static str,
    },
    /// Images lie between planes, or planes on no image.
    #[error(
        "{}, as where slices are missing or not evenly spaced{}", off_plane([*images, *planes], *distance),
        if *.equal { "; there are as many planes as images: --volume-join order takes them in their order" } else { "" }
    )]
    OffPlane {
        /// Number of images between planes.
        images: usize,
        /// Number of planes without image.
        planes: usize,
        /// The largest distance of an image from the nearest plane in mm.
        distance: f64,
        /// True if there are as many planes as image positions.
        equal: bool,
    },
    /// Several images lie in one plane of a volume of one phase.
    #[error(
        "{images} images lie in one plane of the label volume, which has one phase: name the images that it belongs to, one \
         a row"
    )]
    Ambiguous {
        /// Number of images.
        images: usize,
    },
    /// The volume has another number of phases than the series.
    #[error("the label volume has {phases} phases, and {images} images lie in one of its planes")]
    PhaseCount {
        /// Phases of the volume.
        phases: usize,
        /// Images in one plane.
        images: usize,
    },
    /// Instance Number and Trigger Time give different orders of phases.
    #[error(
        "the phases of the label volume fit in two ways: by Instance Number the images of one plane have the Trigger Times \
         {by_instance} ms, and by Trigger Time {by_time} ms"
    )]
    PhaseOrder {
        /// Trigger Times in the order of Instance Number.
        by_instance: String,
        /// Trigger Times in their own order.
        by_time: String,
    },
    /// Nothing tells the images of one plane apart.
    #[error("neither Instance Number nor Trigger Time tells the {images} images of one plane apart")]
    PhasesUnknown {
        /// Number of images.
        images: usize,
    },
    /// The images have several orientations, or some have none.
    #[error("the images do not form one stack: {finding}")]
    NotOneStack {
        /// The irregularity.
        finding: String,
    },
    /// Volume and series have different numbers of planes.
    #[error("the label volume has {planes} planes, and the images lie at {positions} positions")]
    PlaneCount {
        /// Planes of the volume.
        planes: usize,
        /// Positions of images.
        positions: usize,
    },
    /// Two images cannot be told apart.
    #[error("two of the images have one SOP Instance UID, or none: labels cannot be given to either")]
    SameImage,
}

fn off_plane([images, planes]: [usize; 2], distance: f64) -> String {
    match images {
        0 => format!("{planes} of the planes of the label volume lie on no image of the series"),
        _ => format!(
            "{images} of the images lie on no plane of the label volume (up to {distance:.3} mm off) and {planes} of its \
             planes on no image"
        ),
    }
}
