//! Distance around its plane within which an image is the nearest of its series.

use super::{SeriesFrame, SortedSeries};

/// Around the plane of an image, what belongs to it by position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Distances in mm against and along the normal: half the way to the next slice on each side, each side by itself,
    /// since slices need not be evenly spaced.
    pub reach: [f64; 2],
    /// True if other images lie in the plane.
    pub shares_plane: bool,
}

/// The reach of an image without neighbours, in mm.
const ALONE: f64 = 0.5;

/// The reach of each of `frames`, which `sorted` is the order of; of images without geometry it is 0.
#[must_use]
pub fn reaches(sorted: &SortedSeries, frames: &[SeriesFrame]) -> Vec<Reach> {
    let mut reaches = vec![Reach { reach: [0.0; 2], shares_plane: false }; frames.len()];
    for stack in &sorted.stacks {
        let gaps: Vec<f64> = stack.slices.windows(2).map(|two| two[1].distance - two[0].distance).collect();
        for (index, slice) in stack.slices.iter().enumerate() {
            let below = index.checked_sub(1).map(|before| gaps[before] / 2.0);
            let above = gaps.get(index).map(|gap| gap / 2.0);
            let reach = [below.or(above).unwrap_or(ALONE), above.or(below).unwrap_or(ALONE)];
            for &frame in &slice.frames {
                reaches[frame] = Reach { reach, shares_plane: slice.frames.len() > 1 };
            }
        }
    }
    reaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Geometry, GridShape};
    use crate::series::sort_series;

    #[test]
    fn each_side_has_half_of_its_own_gap() {
        let frame = |z: f64| SeriesFrame {
            shape: GridShape::new(4, 4).unwrap(),
            geometry: Geometry {
                image_position: [0.0, 0.0, z],
                image_orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                pixel_spacing: [1.0, 1.0],
                ..Geometry::ABSENT
            },
            instance_number: None,
            frame: 0,
            trigger_time: None,
        };
        let frames = [frame(12.0), frame(0.0), frame(8.0), frame(8.0)];
        let found = reaches(&sort_series(&frames), &frames);
        assert_eq!(found[0], Reach { reach: [2.0, 2.0], shares_plane: false });
        assert_eq!(found[1].reach, [4.0, 4.0]);
        assert_eq!(found[2], Reach { reach: [4.0, 2.0], shares_plane: true });
        assert_eq!(reaches(&sort_series(&frames[..1]), &frames[..1])[0].reach, [ALONE; 2]);
    }
}
