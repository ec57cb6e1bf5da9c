//! From the voxels of a volume to the patient, and back.

/// The map from voxel indices `(i, j, k)` to DICOM's patient coordinates in mm: x to the patient's left, y to the back,
/// z to the head (LPS, PS3.3 C.7.6.2.1.1). Integer indices are voxel centres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoxelToPatient {
    /// Rows x, y, z; columns i, j, k and the translation.
    matrix: [[f64; 4]; 3],
    /// Rows i, j, k; columns x, y, z.
    inverse: [[f64; 3]; 3],
}

impl VoxelToPatient {
    /// The map with the rows x, y, z of `matrix`, each with the factors of i, j, k and the translation, in LPS mm. `None`
    /// where a number is not finite or the volume is flat.
    pub(super) fn from_lps(matrix: [[f64; 4]; 3]) -> Option<Self> {
        if !matrix.iter().flatten().all(|number| number.is_finite()) {
            return None;
        }
        let column = |index: usize| [matrix[0][index], matrix[1][index], matrix[2][index]];
        let [i, j, k] = [column(0), column(1), column(2)];
        let (jk, ki, ij) = (cross(j, k), cross(k, i), cross(i, j));
        let volume = dot(i, jk);
        let product = [i, j, k].map(|axis| dot(axis, axis).sqrt()).iter().product::<f64>();
        if !volume.is_finite() || volume.abs() <= product * 1e-6 {
            return None;
        }
        Some(Self { matrix, inverse: [jk, ki, ij].map(|row| row.map(|part| part / volume)) })
    }

    /// As [`VoxelToPatient::from_lps`], of a matrix whose x runs to the right and y to the front (RAS), as in NIfTI.
    pub(super) fn from_ras([x, y, z]: [[f64; 4]; 3]) -> Option<Self> {
        Self::from_lps([x.map(|number| -number), y.map(|number| -number), z])
    }

    /// The voxel coordinates `(i, j, k)` of a point of the patient, in mm.
    #[must_use]
    pub fn voxel(&self, patient: [f64; 3]) -> [f64; 3] {
        let origin = self.matrix.map(|row| row[3]);
        self.turn([patient[0] - origin[0], patient[1] - origin[1], patient[2] - origin[2]])
    }

    /// The point of the patient, in mm, of voxel coordinates `(i, j, k)`.
    pub(super) fn patient(&self, [i, j, k]: [f64; 3]) -> [f64; 3] {
        self.matrix.map(|row| row[0] * i + row[1] * j + row[2] * k + row[3])
    }

    /// The difference in voxel coordinates of two points of the patient that are `way` apart, in mm.
    #[must_use]
    pub fn turn(&self, way: [f64; 3]) -> [f64; 3] {
        self.inverse.map(|row| dot(row, way))
    }

    /// Sizes of a voxel along i, j, k in mm.
    #[must_use]
    pub fn spacing(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| {
            let step = [self.matrix[0][axis], self.matrix[1][axis], self.matrix[2][axis]];
            dot(step, step).sqrt()
        })
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_comes_back_to_its_voxel() {
        let oblique = [[0.6, -1.6, 0.1, -20.0], [0.8, 1.2, 0.3, 7.5], [0.0, 0.1, 5.0, 300.0]];
        let map = VoxelToPatient::from_lps(oblique).unwrap();
        let point = oblique.map(|row| row[0] * 3.0 + row[1] * -2.0 + row[2] * 11.0 + row[3]);
        for (found, expected) in map.voxel(point).iter().zip([3.0, -2.0, 11.0]) {
            assert!((found - expected).abs() < 1e-9, "{found}");
        }
        assert!((map.spacing()[0] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn x_and_y_of_ras_run_the_other_way() {
        let ras = [[2.0, 0.0, 0.0, 10.0], [0.0, 2.0, 0.0, 20.0], [0.0, 0.0, 3.0, 30.0]];
        let map = VoxelToPatient::from_ras(ras).unwrap();
        assert_eq!(map.voxel([-12.0, -24.0, 33.0]), [1.0, 2.0, 1.0]);
    }

    #[test]
    fn flat_volumes_have_no_inverse() {
        assert_eq!(VoxelToPatient::from_lps([[0.0; 4]; 3]), None);
        let nan = [[f64::NAN, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
        assert_eq!(VoxelToPatient::from_lps(nan), None);
        let flat = [[1.0, 2.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
        assert_eq!(VoxelToPatient::from_lps(flat), None);
    }
}
