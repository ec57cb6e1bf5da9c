//! The plane of a label volume that belongs to one image.

use crate::model::{GridShape, Mask};

use super::volume::{LabelVolume, VolumePart};

/// The voxels of the pixels of one image: the voxel of the first pixel, and the axes of the volume along which columns
/// and rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumePlane {
    /// Voxel `(i, j, k)` of the pixel in row 0 and column 0. It may lie outside of a volume that was cropped.
    pub(super) first: [isize; 3],
    /// From a pixel to the next column.
    pub(super) column: AxisStep,
    /// From a pixel to the next row.
    pub(super) row: AxisStep,
    /// The phase, from 0.
    pub(super) phase: usize,
}

/// A step of one voxel along an axis of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AxisStep {
    /// 0 to 2: i, j, k.
    pub(super) axis: usize,
    /// True if indices fall.
    pub(super) backward: bool,
}

impl AxisStep {
    pub(super) fn signum(self) -> isize {
        if self.backward { -1 } else { 1 }
    }
}

impl VolumePlane {
    /// The axis of the volume that stands on the plane.
    pub(super) fn normal_axis(&self) -> usize {
        3 - self.column.axis - self.row.axis
    }

    /// The mask of the voxels of `volume` that belong to `part`, for an image of `shape` pixels. Pixels outside of the
    /// volume belong to nothing.
    #[must_use]
    pub fn mask(&self, volume: &LabelVolume, part: VolumePart, shape: GridShape) -> Mask {
        let sides = volume.size().voxels;
        Mask::from_fn(shape, |row, column| {
            let mut voxel = self.first;
            voxel[self.column.axis] += self.column.signum() * column as isize;
            voxel[self.row.axis] += self.row.signum() * row as isize;
            let inside = voxel.iter().zip(sides).all(|(&index, side)| index >= 0 && (index as usize) < side);
            inside
                && part.labels.takes(volume.label(voxel.map(|index| index as usize), self.phase, part.layer))
        })
    }
}
