//! Images of one orientation, slice by slice.

use serde::{Deserialize, Serialize};

use crate::model::{Geometry, GridShape, ImagePlane};

/// One image of a series: where it lies, and what orders it among the others of its slice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SeriesFrame {
    /// Rows and columns.
    pub shape: GridShape,
    /// Position, orientation and spacing; NaN where the header has none.
    pub geometry: Geometry,
    /// Instance Number (0020,0013).
    pub instance_number: Option<i32>,
    /// The frame of a multi-frame object, from 1; 0 where the object is one image.
    pub frame: u32,
    /// Trigger Time (0018,1060) in ms.
    pub trigger_time: Option<f64>,
}

impl SeriesFrame {
    /// The direction that slices are counted in: the unit normal of the image. `None` where position or orientation is
    /// absent, or the orientation is no pair of unit vectors at right angles.
    #[must_use]
    pub fn normal(&self) -> Option<[f64; 3]> {
        // Whatever its spacing is.
        let plane = ImagePlane::of(&Geometry { pixel_spacing: [1.0; 2], ..self.geometry });
        plane.map(|plane| plane.normal())
    }
}

/// The images of a series that have one orientation.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// Unit normal of the images, in LPS coordinates.
    pub normal: [f64; 3],
    /// The slices, by increasing distance along the normal.
    pub slices: Vec<Slice>,
}

/// The images at one position: one, or the phases of a cine.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Distance of the plane from the origin of the patient's coordinates along the normal, in mm.
    pub distance: f64,
    /// Indices of the images in the list that was sorted, by Instance Number, then by frame.
    pub frames: Vec<usize>,
}

impl Stack {
    /// Number of images at each position, where it is the same at all.
    #[must_use]
    pub fn phases(&self) -> Option<usize> {
        let first = self.slices.first()?.frames.len();
        self.slices.iter().all(|slice| slice.frames.len() == first).then_some(first)
    }

    /// Number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slices.iter().map(|slice| slice.frames.len()).sum()
    }

    /// True if there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// The usual distance between neighbouring slices in mm: the median. `None` where there are fewer than two.
    #[must_use]
    pub fn spacing(&self) -> Option<f64> {
        let mut gaps: Vec<f64> =
            self.slices.windows(2).map(|two| two[1].distance - two[0].distance).collect();
        gaps.sort_by(f64::total_cmp);
        gaps.get(gaps.len().checked_sub(1)? / 2).copied()
    }
}

/// The scalar product.
pub(super) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
