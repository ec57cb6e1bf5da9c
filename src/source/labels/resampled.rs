//! Label volumes on another grid: the nearest voxel in the patient for each pixel of an image.

use super::join::{JoinError, SeriesExtent};
use super::volume::{LabelVolume, VolumePart};
use crate::model::{GridShape, ImagePlane, Mask};
use crate::series::{SeriesFrame, sort_series};

/// True if the labels of a volume that is on another grid than `images` can be taken from the nearest voxels: it says where
/// it lies, and is of one phase.
pub(super) fn can_resample(volume: &LabelVolume, error: &JoinError) -> bool {
    let differs = matches!(error, JoinError::OtherGrid { .. } | JoinError::OffPlane { .. });
    differs && volume.geometry().is_some() && volume.size().phases == 1
}

/// Checks that no two images of a whole series lie in one plane, where one volume cannot be of both.
pub(super) fn check_single(images: &[SeriesFrame], extent: SeriesExtent) -> Result<(), JoinError> {
    if extent == SeriesExtent::Listed {
        return Ok(());
    }
    let sorted = sort_series(images);
    let largest = sorted.stacks.iter().flat_map(|stack| &stack.slices).map(|slice| slice.frames.len()).max();
    match largest.filter(|&images| images > 1) {
        Some(images) => Err(JoinError::Ambiguous { images }),
        None => Ok(()),
    }
}

/// True if the volume reaches the plane of an image of `shape` pixels, to half a voxel.
pub(super) fn reaches(volume: &LabelVolume, plane: &ImagePlane, shape: GridShape) -> bool {
    let Some(map) = volume.geometry() else { return false };
    let (right, bottom) = (shape.columns() as f64 - 1.0, shape.rows() as f64 - 1.0);
    let corners = [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]];
    let voxels = corners.map(|corner| map.voxel(plane.point(corner)));
    // The image is flat: its voxels lie between those of its corners along each axis.
    (0..3).all(|axis| {
        let along = voxels.map(|voxel| voxel[axis]);
        let (low, high) = (along.iter().copied().fold(f64::INFINITY, f64::min), along.iter().copied());
        let high = high.fold(f64::NEG_INFINITY, f64::max);
        low < volume.size().voxels[axis] as f64 - 0.5 && high >= -0.5
    })
}

/// The mask of `part` on an image: of each pixel, the label of the nearest voxel. Pixels outside of the volume belong to
/// nothing.
pub(super) fn mask(volume: &LabelVolume, part: VolumePart, plane: &ImagePlane, shape: GridShape) -> Mask {
    let Some(map) = volume.geometry() else { return Mask::zeros(shape) };
    let sides = volume.size().voxels;
    Mask::from_fn(shape, |row, column| {
        let nearest = map.voxel(plane.point([column as f64, row as f64])).map(f64::round_ties_even);
        let inside = nearest.iter().zip(sides).all(|(&index, side)| index >= 0.0 && index < side as f64);
        inside && part.labels.takes(volume.label(nearest.map(|index| index as usize), 0, part.layer))
    })
}
