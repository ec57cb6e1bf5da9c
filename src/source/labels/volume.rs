//! A label volume: labels of a grid of voxels, and where the grid lies in the patient.

use super::LabelSelection;
use super::affine::VoxelToPatient;
use super::values::LabelValues;

/// The labels of a grid of voxels (NIfTI, NRRD), the first axis fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelVolume {
    pub(super) size: VolumeSize,
    pub(super) values: LabelValues,
    pub(super) geometry: Option<VoxelToPatient>,
    pub(super) segments: Vec<Segment>,
    pub(super) cropped: bool,
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
pub struct Segment {
    /// Its name, trimmed.
    pub name: String,
    /// Index of the layer whose voxels hold it, from 0.
    pub layer: usize,
    /// Its value there. Values repeat between layers.
    pub value: i64,
}

/// What of a volume belongs to a structure: labels of one layer.
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
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The different values other than 0, in rising order; `None` where they are more than `most`.
    #[must_use]
    pub fn labels(&self, most: usize) -> Option<Vec<i64>> {
        self.values.distinct(most)
    }

    /// The voxel at `(i, j, k)` in `phase` and `layer`, all from 0.
    #[must_use]
    pub fn label(&self, [i, j, k]: [usize; 3], phase: usize, layer: usize) -> i64 {
        self.values.get(self.index([i, j, k], phase, layer))
    }

    /// Whether a voxel of the plane `at` along `axis` (0 to 2), in `phase`, belongs to `part`.
    pub(super) fn plane_has(&self, axis: usize, at: usize, phase: usize, part: VolumePart) -> bool {
        let VolumeSize { voxels: [ni, nj, nk], layers, .. } = self.size;
        let mut range = [0..ni, 0..nj, 0..nk];
        range[axis] = at..at + 1;
        let [is, js, ks] = range;
        ks.flat_map(|k| js.clone().map(move |j| (j, k))).any(|(j, k)| {
            let first = self.index([is.start, j, k], phase, part.layer);
            if layers == 1 {
                self.values.any(first..first + is.len(), part.labels)
            } else {
                (0..is.len()).any(|step| part.labels.takes(self.values.get(first + step * layers)))
            }
        })
    }

    fn index(&self, [i, j, k]: [usize; 3], phase: usize, layer: usize) -> usize {
        let VolumeSize { voxels: [ni, nj, nk], layers, .. } = self.size;
        (((phase * nk + k) * nj + j) * ni + i) * layers + layer
    }
}
