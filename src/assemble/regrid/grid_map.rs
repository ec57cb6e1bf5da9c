//! The way from the grid of a source image to that of the data set.

use super::axis::AxisMap;
use crate::assemble::fit::Fit;
use crate::model::{Geometry, GridShape};

/// The way from the grid of one source image to that of the data set: resampled where sizes or spacings ask for it, then
/// centred.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridMap {
    pub(super) rows: AxisMap,
    pub(super) columns: AxisMap,
}

/// The pixel spacing of the data set, and that of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacings {
    /// The spacing of the data set: between rows, between columns, in mm.
    pub wanted: [f64; 2],
    /// Pixel Spacing of the image in mm; NaN where its header has none.
    pub source: [f64; 2],
}

/// The grid of an image that is not cropped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::assemble) struct Uncropped {
    /// The way there.
    pub(in crate::assemble) map: GridMap,
    /// Its size.
    pub(in crate::assemble) shape: GridShape,
    /// Added to a point `[x, y]` of the cropped grid to come to this one.
    pub(in crate::assemble) shift: [f64; 2],
}

/// Reasons why an image cannot be resampled to the grid of the data set.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum GridMapError {
    /// It is larger than the data set's size, and nothing may be cut.
    #[error("the image has {found} pixels, more than {wanted}; see --fit crop and --fit resize")]
    Larger {
        /// Its size, at the spacing wanted.
        found: GridShape,
        /// Size of the data set.
        wanted: GridShape,
    },
    /// It has another size than the data set, and no way is given to change it.
    #[error("the image has {found} pixels and had {wanted} a moment ago; the file was changed")]
    Changed {
        /// Its size.
        found: GridShape,
        /// Size of the data set.
        wanted: GridShape,
    },
    /// Its header has no Pixel Spacing.
    #[error("the header has no Pixel Spacing, which --spacing needs")]
    NoSpacing,
    /// At the spacing wanted it has more pixels than the limit allows.
    #[error(
        "at the spacing wanted, the image has {shape} pixels, and the limit is {max_pixels}; see --max-image-pixels"
    )]
    TooManyPixels {
        /// Its size there.
        shape: GridShape,
        /// The limit.
        max_pixels: u64,
    },
    /// At the spacing wanted it has no pixel, or too many.
    #[error(
        "at the spacing wanted, the image has {rows} rows and {columns} columns: both must be 1 to 65535"
    )]
    Size {
        /// Its rows.
        rows: f64,
        /// Its columns.
        columns: f64,
    },
}

impl GridMap {
    /// The way of an image of `from` pixels to a data set of `to`. `fit` is `None` where all images have one size, and
    /// `spacings` where they keep their own.
    ///
    /// # Errors
    /// [`GridMapError`] where the image does not fit that grid.
    pub fn new(
        from: GridShape,
        to: GridShape,
        fit: Option<Fit>,
        spacings: Option<Spacings>,
    ) -> Result<Self, GridMapError> {
        let spaced = match spacings {
            Some(spacings) => Self::to_spacing(from, spacings)?,
            None if fit == Some(Fit::Resize) => Self::in_proportion(from, to),
            None => Self { rows: AxisMap::same(from.rows()), columns: AxisMap::same(from.columns()) },
        };
        let found = spaced.resampled_shape();
        let fits = found.rows() <= to.rows() && found.columns() <= to.columns();
        match fit {
            None if found != to => Err(GridMapError::Changed { found, wanted: to }),
            Some(Fit::Pad) if !fits => Err(GridMapError::Larger { found, wanted: to }),
            _ => Ok(Self {
                rows: spaced.rows.centred(to.rows()),
                columns: spaced.columns.centred(to.columns()),
            }),
        }
    }

    /// The way of an image of `from` pixels to the top left of a data set of `to`, whose images keep their own size.
    ///
    /// # Errors
    /// As [`GridMap::new`].
    pub fn at_own_size(
        from: GridShape,
        to: GridShape,
        spacings: Option<Spacings>,
    ) -> Result<Self, GridMapError> {
        let spaced = match spacings {
            Some(spacings) => Self::to_spacing(from, spacings)?,
            None => Self { rows: AxisMap::same(from.rows()), columns: AxisMap::same(from.columns()) },
        };
        let found = spaced.resampled_shape();
        if found.rows() > to.rows() || found.columns() > to.columns() {
            return Err(GridMapError::Changed { found, wanted: to });
        }
        Ok(Self { rows: spaced.rows.leading(to.rows()), columns: spaced.columns.leading(to.columns()) })
    }

    /// The size of an image of `from` pixels at the spacing wanted, at most `max_pixels`.
    ///
    /// # Errors
    /// [`GridMapError`] where its header has no spacing, or it has no pixel there or too many.
    pub fn shape_at(from: GridShape, spacings: Spacings, max_pixels: u64) -> Result<GridShape, GridMapError> {
        Ok(Self::to_spacing(from, spacings)?.within(max_pixels)?.resampled_shape())
    }

    fn to_spacing(from: GridShape, Spacings { wanted, source }: Spacings) -> Result<Self, GridMapError> {
        if !source.iter().all(|&mm| mm.is_finite() && mm > 0.0) {
            return Err(GridMapError::NoSpacing);
        }
        let [row_step, column_step] = [wanted[0] / source[0], wanted[1] / source[1]];
        let size = |from: usize, step: f64| (from as f64 / step).round().max(1.0);
        let (rows, columns) = (size(from.rows(), row_step), size(from.columns(), column_step));
        if !(rows <= 65_535.0 && columns <= 65_535.0) {
            return Err(GridMapError::Size { rows, columns });
        }
        Ok(Self {
            rows: AxisMap::stepped(from.rows(), rows as usize, row_step),
            columns: AxisMap::stepped(from.columns(), columns as usize, column_step),
        })
    }

    /// To the largest size within `to` of the same proportions.
    fn in_proportion(from: GridShape, to: GridShape) -> Self {
        // Products of two sides are exact.
        let (by_rows, by_columns) = (to.rows() * from.columns(), to.columns() * from.rows());
        if by_rows == by_columns {
            let rows = AxisMap::stretched(from.rows(), to.rows());
            return Self { rows, columns: AxisMap::stretched(from.columns(), to.columns()) };
        }
        let step = if by_rows < by_columns {
            from.rows() as f64 / to.rows() as f64
        } else {
            from.columns() as f64 / to.columns() as f64
        };
        let size = |from: usize, to: usize| ((from as f64 / step).round() as usize).clamp(1, to);
        Self {
            rows: AxisMap::stepped(from.rows(), size(from.rows(), to.rows()), step),
            columns: AxisMap::stepped(from.columns(), size(from.columns(), to.columns()), step),
        }
    }

    /// The same map, where the resampled image has at most so many pixels.
    ///
    /// # Errors
    /// [`GridMapError::TooManyPixels`].
    pub(in crate::assemble) fn within(self, max_pixels: u64) -> Result<Self, GridMapError> {
        let shape = self.resampled_shape();
        if shape.pixels() as u64 > max_pixels {
            return Err(GridMapError::TooManyPixels { shape, max_pixels });
        }
        Ok(self)
    }

    /// True if every pixel stays where it is.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.rows.is_identity() && self.columns.is_identity()
    }

    /// True if pixels are interpolated, and not only moved.
    #[must_use]
    pub fn resamples(&self) -> bool {
        self.rows.resamples() || self.columns.resamples()
    }

    /// The grid with what is cut off; `None` where nothing is.
    pub(in crate::assemble) fn uncropped(&self) -> Option<Uncropped> {
        let (rows, columns) = (self.rows.uncropped(), self.columns.uncropped());
        let cut = rows.to != self.rows.to || columns.to != self.columns.to;
        let shift = |whole: AxisMap, own: AxisMap| (whole.offset() - own.offset()) as f64;
        cut.then(|| Uncropped {
            map: Self { rows, columns },
            shape: shape(rows.to, columns.to),
            shift: [shift(columns, self.columns), shift(rows, self.rows)],
        })
    }

    /// Size of the source image.
    #[must_use]
    pub fn source_shape(&self) -> GridShape {
        shape(self.rows.from, self.columns.from)
    }

    /// Size of the data set's images.
    #[must_use]
    pub fn shape(&self) -> GridShape {
        shape(self.rows.to, self.columns.to)
    }

    /// Size of the image after resampling, before it is placed in the data set's.
    #[must_use]
    pub fn resampled_shape(&self) -> GridShape {
        shape(self.rows.resampled, self.columns.resampled)
    }

    /// A point `[x, y]` of the source image in the data set's, in pixels; integer coordinates are pixel centres in both.
    #[must_use]
    pub fn map_point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.columns.map(x), self.rows.map(y)]
    }

    /// Position in the patient, in mm, of the centre of the data set's first pixel, of an image with this geometry (PS3.3
    /// C.7.6.2.1.1); NaN where the header does not say.
    #[must_use]
    pub fn position(&self, geometry: &Geometry) -> [f64; 3] {
        if self.is_identity() {
            return geometry.image_position;
        }
        let ([x, y], [rows, columns]) = (self.first_pixel(), geometry.pixel_spacing);
        let orientation = geometry.image_orientation;
        std::array::from_fn(|axis| {
            let along_row = orientation[axis] * columns * x;
            geometry.image_position[axis] + along_row + orientation[axis + 3] * rows * y
        })
    }

    /// The point `[x, y]` of the source image that the centre of the data set's first pixel comes from.
    #[must_use]
    pub fn first_pixel(&self) -> [f64; 2] {
        [self.columns.source(0.0), self.rows.source(0.0)]
    }

    /// The distances between rows and between columns, in mm, of an image whose Pixel Spacing is `source`.
    #[must_use]
    pub fn spacing(&self, source: [f64; 2]) -> [f64; 2] {
        [source[0] * self.rows.step, source[1] * self.columns.step]
    }
}

fn shape(rows: usize, columns: usize) -> GridShape {
    GridShape::new(rows, columns).expect("the sides were those of images")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(rows: usize, columns: usize) -> GridShape {
        GridShape::new(rows, columns).unwrap()
    }

    fn fitted(from: GridShape, to: GridShape, fit: Fit) -> GridMap {
        GridMap::new(from, to, Some(fit), None).unwrap()
    }

    #[test]
    fn pad_and_crop_move_pixels() {
        let pad = fitted(grid(2, 2), grid(3, 4), Fit::Pad);
        assert_eq!(pad.map_point([0.0, 1.0]), [1.0, 1.0]);
        assert_eq!((pad.first_pixel(), pad.resamples()), ([-1.0, 0.0], false));
        let larger = GridMap::new(grid(3, 2), grid(2, 4), Some(Fit::Pad), None).unwrap_err();
        assert_eq!(larger, GridMapError::Larger { found: grid(3, 2), wanted: grid(2, 4) });
        assert_eq!(fitted(grid(4, 4), grid(2, 6), Fit::Crop).map_point([0.0, 1.0]), [1.0, 0.0]);
        assert!(fitted(grid(4, 4), grid(4, 4), Fit::Crop).is_identity());
        let cut = fitted(grid(5, 4), grid(2, 6), Fit::Crop).uncropped().unwrap();
        assert_eq!((cut.shape, cut.shift), (grid(5, 6), [0.0, 1.0]));
        assert_eq!(pad.uncropped(), None);
        let changed = GridMap::new(grid(3, 2), grid(2, 4), None, None).unwrap_err();
        assert_eq!(changed, GridMapError::Changed { found: grid(3, 2), wanted: grid(2, 4) });
    }

    #[test]
    fn resize_keeps_the_proportions() {
        let same = fitted(grid(2, 4), grid(4, 8), Fit::Resize);
        assert_eq!((same.map_point([-0.5, -0.5]), same.map_point([3.5, 1.5])), ([-0.5, -0.5], [7.5, 3.5]));
        assert_eq!(same.spacing([3.0, 1.0]), [1.5, 0.5]);
        // 2 x 4 in a square: as wide as it is, 3 empty rows above and 3 below.
        let square = fitted(grid(2, 4), grid(8, 8), Fit::Resize);
        assert_eq!(square.map_point([-0.5, -0.5]), [-0.5, 1.5]);
        assert_eq!(square.map_point([3.5, 1.5]), [7.5, 5.5]);
        assert_eq!(square.spacing([3.0, 1.0]), [1.5, 0.5]);
        let odd = fitted(grid(3, 7), grid(100, 100), Fit::Resize);
        assert_eq!(odd.resampled_shape(), grid(43, 100));
        assert_eq!(odd.spacing([1.0, 1.0]), [0.07, 0.07]);
    }

    #[test]
    fn positions_go_with_the_first_pixel() {
        let geometry = Geometry {
            pixel_spacing: [3.0, 2.0],
            image_position: [10.0, 20.0, 30.0],
            image_orientation: [1.0, 0.0, 0.0, 0.0, 0.0, -1.0],
            ..Geometry::ABSENT
        };
        let pad = fitted(grid(2, 2), grid(6, 4), Fit::Pad);
        assert_eq!(pad.position(&geometry), [8.0, 20.0, 36.0]);
        let half = fitted(grid(2, 2), grid(4, 4), Fit::Resize);
        assert_eq!(half.position(&geometry), [9.5, 20.0, 30.75]);
        assert_eq!(fitted(grid(2, 2), grid(2, 2), Fit::Crop).position(&geometry), [10.0, 20.0, 30.0]);
        assert!(pad.position(&Geometry::ABSENT)[0].is_nan());
    }

    #[test]
    fn the_centre_stays_the_centre_at_another_spacing() {
        let spacings = Spacings { wanted: [2.0, 0.5], source: [1.0, 1.0] };
        assert_eq!(GridMap::shape_at(grid(5, 7), spacings, 42), Ok(grid(3, 14)));
        let map = GridMap::new(grid(5, 7), grid(3, 14), None, Some(spacings)).unwrap();
        assert_eq!(map.map_point([3.0, 2.0]), [6.5, 1.0]);
        assert_eq!((map.spacing([1.0, 1.0]), map.resamples()), ([2.0, 0.5], true));
        let near = Spacings { wanted: [0.703_12; 2], source: [0.703_125; 2] };
        assert!(GridMap::new(grid(512, 512), grid(512, 512), None, Some(near)).unwrap().is_identity());
        let none = Spacings { source: [f64::NAN; 2], ..near };
        assert!(matches!(
            GridMap::shape_at(grid(5, 7), spacings, 41),
            Err(GridMapError::TooManyPixels { .. })
        ));
        assert_eq!(GridMap::shape_at(grid(5, 7), none, 100), Err(GridMapError::NoSpacing));
        let fine = Spacings { wanted: [1e-6; 2], source: [1.0; 2] };
        assert!(matches!(GridMap::shape_at(grid(5, 7), fine, 100), Err(GridMapError::Size { .. })));
    }
}
