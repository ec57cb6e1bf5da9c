//! A label volume: labels of a grid of voxels, and where the grid lies in the patient.

use std::collections::BTreeMap;

use super::LabelSelection;
use super::affine::VoxelToPatient;
use super::values::LabelValues;

/// The labels of a grid of voxels (NIfTI, NRRD), the first axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelVolume {
    pub(super) size: VolumeSize,
    pub(super) values: LabelValues,
    pub(super) geometry: Option<VoxelToPatient>,
    pub(super) segments: Vec<NrrdSegment>,
    pub(super) cropped: bool,
    /// Voxels that lie furthest apart by the two forms of a NIfTI header, as [`NiftiHeader`](super::nifti_header::NiftiHeader)
    /// says; 0 in other files.
    pub(super) forms_apart: f64,
}

/// Number of voxels along each axis of a volume, and of further volumes in the same grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeSize {
    /// Along i, j and k; each at least 1.
    pub voxels: [usize; 3],
    /// Phases in time: the fourth axis of NIfTI.
    pub phases: usize,
    /// Layers of a segmentation: the `list` axis of NRRD, which is the first one.
    pub layers: usize,
}

/// A named segment of a `.seg.nrrd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NrrdSegment {
    /// The number in its keys, as in `Segment3_Name`.
    pub number: u16,
    /// Its name, trimmed.
    pub name: String,
    /// Index of the layer whose voxels hold it, from 0.
    pub layer: usize,
    /// Its value there. Values repeat between layers.
    pub value: i64,
}

/// Part of a volume that belongs to a structure: labels of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VolumePart {
    /// The layer, from 0.
    pub layer: usize,
    /// The values.
    pub labels: LabelSelection,
}

impl VolumeSize {
    /// Number of values; `None` where it is beyond what a machine can count.
    pub(super) fn count(self) -> Option<usize> {
        let [i, j, k] = self.voxels;
        [j, k, self.phases, self.layers].into_iter().try_fold(i, usize::checked_mul)
    }
}

impl LabelVolume {
    /// The size of the grid.
    #[must_use]
    pub fn size(&self) -> VolumeSize {
        self.size
    }

    /// The place of the grid in the patient; `None` where the file does not say.
    #[must_use]
    pub fn geometry(&self) -> Option<&VoxelToPatient> {
        self.geometry.as_ref()
    }

    /// The named segments of a `.seg.nrrd`, in the order of their numbers; none in other files.
    #[must_use]
    pub fn segments(&self) -> &[NrrdSegment] {
        &self.segments
    }

    /// Counts of each value other than 0; `None` where more than `most` occur.
    #[must_use]
    pub fn counts(&self, most: usize) -> Option<BTreeMap<i64, usize>> {
        self.values.counts(0..self.values.len(), most)
    }

    /// The same for each plane across the third axis, layers and phases together. Planes in which more than `most` labels
    /// occur count none.
    pub(super) fn counts_by_plane(&self, most: usize) -> impl Iterator<Item = BTreeMap<i64, usize>> + '_ {
        let VolumeSize { voxels: [ni, nj, nk], phases, layers } = self.size;
        let plane = ni * nj * layers;
        (0..nk * phases)
            .map(move |at| self.values.counts(at * plane..(at + 1) * plane, most).unwrap_or_default())
    }

    /// The voxel at `(i, j, k)` in `phase` and `layer`, all from 0.
    #[must_use]
    pub fn label(&self, [i, j, k]: [usize; 3], phase: usize, layer: usize) -> i64 {
        self.values.get(self.index([i, j, k], phase, layer))
    }

    fn index(&self, [i, j, k]: [usize; 3], phase: usize, layer: usize) -> usize {
        let VolumeSize { voxels: [ni, nj, nk], layers, .. } = self.size;
        (((phase * nk + k) * nj + j) * ni + i) * layers + layer
    }
}
