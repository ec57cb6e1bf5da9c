//! Affine maps from the pixels of the output to the pixels of the input.

use super::GeometryParams;

/// An affine map from a place in the output to the place in the input whose value it gets. Places are (row,
/// column) in pixels from the center of the first pixel.
///
/// ```text
/// input row    = matrix[0][0] * row + matrix[0][1] * column + offset[0]
/// input column = matrix[1][0] * row + matrix[1][1] * column + offset[1]
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    /// Step in the input for one step in the output.
    pub matrix: [[f64; 2]; 2],
    /// Position of the first output pixel in the input.
    pub offset: [f64; 2],
}

impl Affine {
    /// The map that moves nothing.
    pub const IDENTITY: Self = Self { matrix: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] };

    /// The map for an input of `shape` (rows, columns). From the input to the output, things happen in this
    /// order:
    ///
    /// 1. What Keras' `apply_affine_transform` does, about the center (rows / 2 - 0.5, columns / 2 - 0.5).
    ///    As a map from output to input that is the matrix product rotation · shift · shear · zoom:
    ///
    ///    ```text
    ///    |cos(theta) -sin(theta) 0|   |1 0 tx|   |1 -sin(shear) 0|   |zx 0  0|
    ///    |sin(theta)  cos(theta) 0| · |0 1 ty| · |0  cos(shear) 0| · |0  zy 0|
    ///    |0           0          1|   |0 0  1|   |0  0          1|   |0  0  1|
    ///    ```
    ///
    ///    The first coordinate is the column and the second the row, as in Keras 3, which exchanges the two in the
    ///    end. So tx moves along the width and ty along the height, and its `apply_transform` does the same with
    ///    the same numbers to square images; of others it takes rows / 2 for the center of the columns.
    /// 2. The quarter turns, as numpy's `rot90`. An odd number of them exchanges rows and columns of the grid.
    /// 3. The flips of that grid.
    /// 4. The crop or the padding: the output begins at `offset` of that grid.
    ///
    /// Turns by multiples of 90 degrees, flips and shifts by whole pixels have whole numbers in the map,
    /// without any rounding error, as long as their centers are halves or wholes. The elastic displacement is
    /// no part of the map.
    #[must_use]
    pub fn new(params: &GeometryParams, shape: [usize; 2]) -> Self {
        let mut map = Self::keras(params, shape);
        let mut grid = shape;
        for _ in 0..params.quarter_turns % 4 {
            map = map.after(&Self::quarter_turn(grid));
            grid.reverse();
        }
        map = map.after(&Self::flips([params.flip_vertical, params.flip_horizontal], grid));
        let [row, column] = params.offset;
        map.after(&Self { offset: [row as f64, column as f64], ..Self::IDENTITY })
    }

    fn keras(params: &GeometryParams, shape: [usize; 2]) -> Self {
        let (sin, cos) = sin_cos_of_degrees(params.theta);
        let rotation = [[cos, -sin], [sin, cos]];
        let (sin, cos) = sin_cos_of_degrees(params.shear);
        let shear = [[1.0, -sin], [0.0, cos]];
        let zoom = [[params.zx, 0.0], [0.0, params.zy]];
        let [[a, b], [c, d]] = product(product(rotation, shear), zoom);
        // From (column, row) to (row, column).
        let matrix = [[d, c], [b, a]];
        let [along_width, along_height] = image_of(rotation, [params.tx, params.ty]);
        let shift = [along_height, along_width];
        let center = shape.map(|side| side as f64 / 2.0 - 0.5);
        let moved = image_of(matrix, center);
        // What the center moves by is exactly 0 where the matrix is that of the identity.
        let offset = [0, 1].map(|axis| shift[axis] + (center[axis] - moved[axis]));
        Self { matrix, offset }
    }

    /// `rot90` of a grid of `shape`: row i, column j comes from row j, column (columns - 1 - i).
    fn quarter_turn(shape: [usize; 2]) -> Self {
        Self { matrix: [[0.0, 1.0], [-1.0, 0.0]], offset: [0.0, shape[1] as f64 - 1.0] }
    }

    fn flips(flipped: [bool; 2], shape: [usize; 2]) -> Self {
        let mut map = Self::IDENTITY;
        for axis in 0..2 {
            if flipped[axis] {
                map.matrix[axis][axis] = -1.0;
                map.offset[axis] = shape[axis] as f64 - 1.0;
            }
        }
        map
    }

    /// Maps `place` of the output into the input.
    #[must_use]
    pub fn at(&self, place: [f64; 2]) -> [f64; 2] {
        let moved = image_of(self.matrix, place);
        [moved[0] + self.offset[0], moved[1] + self.offset[1]]
    }

    /// First `inner`, then this map.
    #[must_use]
    pub fn after(&self, inner: &Self) -> Self {
        Self { matrix: product(self.matrix, inner.matrix), offset: self.at(inner.offset) }
    }

    /// Area of one output pixel in input pixels; negative if the map mirrors. The area
    /// of a thing becomes its area divided by this.
    #[must_use]
    pub fn determinant(&self) -> f64 {
        let [[a, b], [c, d]] = self.matrix;
        a * d - b * c
    }

    /// The map back; `None` where the determinant is 0 or no number.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let scale = 1.0 / self.determinant();
        if !scale.is_finite() {
            return None;
        }
        let [[a, b], [c, d]] = self.matrix;
        let matrix = [[d * scale, -b * scale], [-c * scale, a * scale]];
        let offset = image_of(matrix, self.offset).map(|value| -value);
        Some(Self { matrix, offset })
    }

    /// The map as whole numbers; `None` where it is anything else than turns by 90 degrees, flips and shifts by
    /// whole pixels.
    pub(super) fn whole_pixels(&self) -> Option<WholePixels> {
        let [[a, b], [c, d]] = self.matrix;
        let (transposed, direction) = if b == 0.0 && c == 0.0 { (false, [a, d]) } else { (true, [b, c]) };
        let units = direction.iter().all(|value| value.abs() == 1.0) && (!transposed || a == 0.0 && d == 0.0);
        let near = self.offset.iter().all(|value| value.fract() == 0.0 && value.abs() < FARTHEST_WHOLE);
        let whole = |value: f64| value as i64;
        (units && near).then(|| WholePixels {
            transposed,
            direction: direction.map(whole),
            offset: self.offset.map(whole),
        })
    }
}

/// Farther shifts are not worth being exact.
const FARTHEST_WHOLE: f64 = 1e8;

/// An [`Affine`] of whole numbers: each axis of the input follows one axis of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WholePixels {
    /// True if the rows of the input follow the columns of the output.
    pub(super) transposed: bool,
    /// 1 or -1 for the rows and the columns of the input.
    pub(super) direction: [i64; 2],
    /// Row and column of the input for the output's first pixel; at most 10^8.
    pub(super) offset: [i64; 2],
}

fn product(left: [[f64; 2]; 2], right: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
    left.map(|[a, b]| [0, 1].map(|column| a * right[0][column] + b * right[1][column]))
}

fn image_of(matrix: [[f64; 2]; 2], place: [f64; 2]) -> [f64; 2] {
    matrix.map(|[a, b]| a * place[0] + b * place[1])
}

/// Exactly 0 and ±1 at multiples of 90 degrees.
fn sin_cos_of_degrees(degrees: f64) -> (f64, f64) {
    let quarters = (degrees / 90.0).round();
    let (sin, cos) = (degrees - quarters * 90.0).to_radians().sin_cos();
    match quarters.rem_euclid(4.0) {
        1.0 => (cos, -sin),
        2.0 => (-sin, -cos),
        3.0 => (-cos, sin),
        _ => (sin, cos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &Affine, expected: &Affine) -> bool {
        let numbers = |map: &Affine| {
            [map.matrix[0], map.matrix[1], map.offset].into_iter().flatten().collect::<Vec<_>>()
        };
        numbers(found).iter().zip(numbers(expected)).all(|(found, expected)| (found - expected).abs() < 1e-9)
    }

    #[test]
    fn the_default_moves_nothing() {
        for shape in [[256, 256], [1, 7], [10, 3]] {
            assert_eq!(Affine::new(&GeometryParams::default(), shape), Affine::IDENTITY);
        }
    }

    #[test]
    fn a_map_is_the_product_of_keras() {
        let params = GeometryParams {
            theta: 10.0,
            tx: 3.0,
            ty: -5.0,
            shear: 7.0,
            zx: 1.1,
            zy: 0.8,
            ..GeometryParams::default()
        };
        // numpy: the product of the matrices of keras/src/legacy/preprocessing/image.py, whose axes are exchanged
        // in the end, for h, w = 40, 60 about the center of the image.
        let expected = Affine {
            matrix: [[0.765_043_804_8, 0.191_012_995_4], [-0.233_897_363_8, 1.083_288_528_3]],
            offset: [-5.456_331_790_4, 5.926_651_155_8],
        };
        let found = Affine::new(&params, [40, 60]);
        assert!(close(&found, &expected), "{found:?}");
        assert!((found.determinant() - 1.1 * 0.8 * 7_f64.to_radians().cos()).abs() < 1e-12);
    }

    #[test]
    fn turns_flips_and_shifts_are_whole() {
        let base = GeometryParams::default();
        let whole = |params: GeometryParams| Affine::new(&params, [4, 6]).whole_pixels().unwrap();
        let shifted = whole(GeometryParams { tx: -3.0, ty: 2.0, offset: [1, -1], ..base.clone() });
        assert_eq!(shifted, WholePixels { transposed: false, direction: [1, 1], offset: [3, -4] });
        let flipped = whole(GeometryParams { flip_vertical: true, flip_horizontal: true, ..base.clone() });
        assert_eq!(flipped, WholePixels { transposed: false, direction: [-1, -1], offset: [3, 5] });
        assert_eq!(whole(GeometryParams { theta: 180.0, ..base.clone() }), flipped);
        let turned = whole(GeometryParams { quarter_turns: 1, ..base.clone() });
        assert_eq!(turned, WholePixels { transposed: true, direction: [1, -1], offset: [0, 5] });
        let back = whole(GeometryParams { quarter_turns: 3, flip_vertical: true, ..base.clone() });
        assert_eq!(back, WholePixels { transposed: true, direction: [-1, -1], offset: [3, 5] });
        for fraction in [
            GeometryParams { tx: 0.5, ..base.clone() },
            GeometryParams { theta: 1e-6, ..base.clone() },
            GeometryParams { zx: 2.0, ..base.clone() },
            GeometryParams { tx: f64::NAN, ..base.clone() },
            GeometryParams { tx: 1e300, ..base },
        ] {
            assert_eq!(Affine::new(&fraction, [4, 6]).whole_pixels(), None);
        }
    }

    #[test]
    fn a_map_and_its_inverse_are_nothing() {
        let params = GeometryParams {
            theta: 33.0,
            tx: 8.0,
            shear: -20.0,
            zx: 0.7,
            zy: 1.9,
            ..GeometryParams::default()
        };
        let map = Affine::new(&params, [31, 17]);
        assert!(close(&map.after(&map.inverse().unwrap()), &Affine::IDENTITY));
        assert_eq!(Affine { matrix: [[1.0, 2.0], [2.0, 4.0]], offset: [0.0; 2] }.inverse(), None);
    }

    #[test]
    fn flips_come_after_the_rest() {
        let params = GeometryParams { ty: 2.5, flip_vertical: true, ..GeometryParams::default() };
        assert_eq!(Affine::new(&params, [10, 10]).at([0.0, 0.0]), [11.5, 0.0]);
        let params = GeometryParams { quarter_turns: 1, flip_vertical: true, ..GeometryParams::default() };
        // rot90 of 2 x 3 is 3 x 2: its last row is the input's first column.
        assert_eq!(Affine::new(&params, [2, 3]).at([0.0, 1.0]), [1.0, 0.0]);
    }
}
