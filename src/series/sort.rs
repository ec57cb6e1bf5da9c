//! Sorts the images of a series by geometry.

use super::stack::dot;
use super::{SeriesFinding, SeriesFrame, Slice, Stack};

/// A series, sorted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SortedSeries {
    /// One stack for each orientation, in the order of the first image of each.
    pub stacks: Vec<Stack>,
    /// Indices of images without position or orientation, as they came.
    pub unplaced: Vec<usize>,
    /// The irregularity.
    pub findings: Vec<SeriesFinding>,
}

/// Two direction cosines are equal where they differ by at most this much.
const SAME_DIRECTION: f64 = 1e-3;
/// Two images are of one slice where they lie at most this share of the usual distance apart.
const SAME_SLICE: f64 = 0.01;
/// Positions that differ by less are equal, in mm.
const SAME_POSITION: f64 = 1e-3;
/// A distance of this many usual ones or more has room for another slice.
const ROOM: f64 = 1.5;
/// The smallest angle that counts as gantry tilt, in degrees.
const TILT: f64 = 0.1;

/// Sorts `frames`, the images of one series, by orientation and then along the normal, and names what is irregular.
#[must_use]
pub fn sort_series(frames: &[SeriesFrame]) -> SortedSeries {
    let mut sorted = SortedSeries::default();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let Some(normal) = frame.normal() else {
            sorted.unplaced.push(index);
            continue;
        };
        let same = members.iter().position(|stack| same_orientation(&frames[stack[0]], frame));
        match same {
            Some(stack) => members[stack].push(index),
            None => {
                members.push(vec![index]);
                sorted.stacks.push(Stack { normal, slices: Vec::new() });
            }
        }
    }
    if !sorted.unplaced.is_empty() {
        sorted.findings.push(SeriesFinding::NoGeometry { images: sorted.unplaced.len() });
    }
    if members.len() > 1 {
        sorted.findings.push(SeriesFinding::MixedOrientations { orientations: members.len() });
    }
    for (stack, members) in sorted.stacks.iter_mut().zip(members) {
        stack.slices = slices(frames, stack.normal, members);
        inspect(stack, frames, &mut sorted.findings);
    }
    sorted
}

fn same_orientation(a: &SeriesFrame, b: &SeriesFrame) -> bool {
    let (a, b) = (a.geometry.image_orientation, b.geometry.image_orientation);
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME_DIRECTION)
}

/// The slices of one stack, by increasing distance along its normal.
fn slices(frames: &[SeriesFrame], normal: [f64; 3], members: Vec<usize>) -> Vec<Slice> {
    let distance = |index: usize| dot(frames[index].geometry.image_position, normal);
    let mut placed: Vec<(f64, usize)> = members.into_iter().map(|index| (distance(index), index)).collect();
    placed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut gaps: Vec<f64> = placed.windows(2).map(|two| two[1].0 - two[0].0).collect();
    gaps.retain(|&gap| gap > SAME_POSITION);
    gaps.sort_by(f64::total_cmp);
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
    let near = (usual * SAME_SLICE).max(SAME_POSITION);

    let mut slices: Vec<Slice> = Vec::new();
    for (distance, index) in placed {
        match slices.last_mut() {
            Some(slice) if distance - slice.distance <= near => slice.frames.push(index),
            _ => slices.push(Slice { distance, frames: vec![index] }),
        }
    }
    for slice in &mut slices {
        slice.frames.sort_by_key(|&index| (frames[index].instance_number, frames[index].frame, index));
    }
    slices
}

/// Names what is irregular in one stack.
fn inspect(stack: &Stack, frames: &[SeriesFrame], findings: &mut Vec<SeriesFinding>) {
    inspect_grids(stack, frames, findings);
    inspect_distances(stack, findings);
    inspect_counts(stack, findings);
    let ends = (stack.slices.first(), stack.slices.last());
    let (Some(first), Some(last)) = ends else { return };
    let [from, to] = [first, last].map(|slice| frames[slice.frames[0]].geometry.image_position);
    let way = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
    let along = dot(way, stack.normal);
    let across = (dot(way, way) - along * along).max(0.0).sqrt();
    let degrees = across.atan2(along).to_degrees();
    if along > SAME_POSITION && degrees >= TILT {
        findings.push(SeriesFinding::GantryTilt { degrees });
    }
}

fn inspect_grids(stack: &Stack, frames: &[SeriesFrame], findings: &mut Vec<SeriesFinding>) {
    let mut members = stack.slices.iter().flat_map(|slice| &slice.frames).map(|&index| &frames[index]);
    let Some(first) = members.next() else { return };
    let differs = |frame: &&SeriesFrame| {
        let (a, b) = (frame.geometry.pixel_spacing, first.geometry.pixel_spacing);
        frame.shape != first.shape || a.iter().zip(b).any(|(a, b)| (a - b).abs() > 1e-4 * b)
    };
    if let Some(other) = members.find(differs) {
        findings.push(SeriesFinding::MixedGrids { first: first.shape, other: other.shape });
    }
}

fn inspect_distances(stack: &Stack, findings: &mut Vec<SeriesFinding>) {
    let Some(spacing) = stack.spacing() else { return };
    let (mut smallest, mut largest) = (spacing, spacing);
    for two in stack.slices.windows(2) {
        let between = [two[0].distance, two[1].distance];
        let gap = between[1] - between[0];
        if gap >= ROOM * spacing {
            let slices = (gap / spacing).round() as usize - 1;
            findings.push(SeriesFinding::MissingSlices { between, spacing, slices });
        } else {
            (smallest, largest) = (smallest.min(gap), largest.max(gap));
        }
    }
    if largest - smallest > SAME_SLICE * spacing {
        findings.push(SeriesFinding::UnequalSpacing { smallest, largest });
    }
}

/// Positions with another number of images than most have.
fn inspect_counts(stack: &Stack, findings: &mut Vec<SeriesFinding>) {
    let counts: Vec<usize> = stack.slices.iter().map(|slice| slice.frames.len()).collect();
    let often = |count: usize| counts.iter().filter(|&&other| other == count).count();
    // Of numbers that are equally frequent, the smaller one is the usual.
    let usual = counts.iter().copied().max_by_key(|&count| (often(count), std::cmp::Reverse(count)));
    let Some(usual) = usual else { return };
    for (slice, images) in stack.slices.iter().zip(counts) {
        let at = slice.distance;
        if images > usual {
            findings.push(SeriesFinding::Duplicates { at, images, usual });
        } else if images < usual {
            findings.push(SeriesFinding::MissingPhases { at, images, usual });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Geometry, GridShape};

    const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    fn frame(image_position: [f64; 3], instance_number: i32) -> SeriesFrame {
        let geometry = Geometry {
            image_position,
            image_orientation: AXIAL,
            pixel_spacing: [1.0, 1.0],
            ..Geometry::ABSENT
        };
        let shape = GridShape::new(4, 4).unwrap();
        SeriesFrame { shape, geometry, instance_number: Some(instance_number), frame: 0, trigger_time: None }
    }

    fn at(positions: &[f64]) -> Vec<SeriesFrame> {
        positions.iter().zip(0..).map(|(&z, number)| frame([5.0, 6.0, z], number)).collect()
    }

    fn order(sorted: &SortedSeries) -> Vec<Vec<usize>> {
        sorted.stacks.iter().flat_map(|stack| &stack.slices).map(|slice| slice.frames.clone()).collect()
    }

    fn findings(frames: &[SeriesFrame]) -> Vec<String> {
        sort_series(frames).findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn slices_lie_along_the_normal_whatever_their_numbers() {
        let sorted = sort_series(&at(&[8.0, -4.0, 4.0, 0.0]));
        assert_eq!(order(&sorted), [vec![1], vec![3], vec![2], vec![0]]);
        assert_eq!(sorted.findings, []);
        assert_eq!(sorted.stacks[0].spacing(), Some(4.0));
        // A coronal stack: the normal points to the front, against the axis of y.
        let coronal = |y: f64| {
            let mut frame = frame([0.0, y, 0.0], 1);
            frame.geometry.image_orientation = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];
            frame
        };
        let sorted = sort_series(&[coronal(0.0), coronal(-7.0), coronal(7.0)]);
        assert_eq!(sorted.stacks[0].normal, [0.0, 1.0, 0.0]);
        assert_eq!(order(&sorted), [vec![1], vec![0], vec![2]]);
    }

    #[test]
    fn phases_of_a_cine_are_one_slice_each() {
        let mut frames = at(&[0.0, 10.0, 0.0, 10.0]);
        for (frame, number) in frames.iter_mut().zip([4, 3, 2, 1]) {
            frame.instance_number = Some(number);
        }
        let sorted = sort_series(&frames);
        assert_eq!(order(&sorted), [vec![2, 0], vec![3, 1]]);
        assert_eq!((sorted.stacks[0].phases(), sorted.stacks[0].len()), (Some(2), 4));
        assert_eq!(sorted.findings, []);
    }

    #[test]
    fn gaps_and_duplicates_are_named() {
        let gap = "2 slices are missing between 10 and 25 mm: the slices are 5 mm apart";
        assert_eq!(findings(&at(&[0.0, 5.0, 10.0, 25.0, 30.0, 35.0])), [gap]);
        assert_eq!(findings(&at(&[0.0, 5.0, 10.5, 15.5])), ["the slices are 5 to 5.5 mm apart"]);
        let twice = "2 images lie at 5 mm, where other positions have 1";
        assert_eq!(findings(&at(&[0.0, 5.0, 5.0, 10.0])), [twice]);
        let phase = "1 image lies at 5 mm, where other positions have 2";
        assert_eq!(findings(&at(&[0.0, 0.0, 5.0, 10.0, 10.0])), [phase]);
    }

    #[test]
    fn tilt_orientations_and_grids_are_named() {
        let tilted: Vec<_> = (0..3).map(|n| frame([0.0, f64::from(n), 4.0 * f64::from(n)], n)).collect();
        let tilt = "the slices are shifted against their normal by 14.0 degrees (gantry tilt)";
        assert_eq!(findings(&tilted), [tilt]);

        let mut localizer = at(&[0.0, 1.0, 2.0]);
        localizer[1].geometry.image_orientation = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
        localizer[2].geometry = Geometry::ABSENT;
        let sorted = sort_series(&localizer);
        assert_eq!((sorted.stacks.len(), sorted.unplaced.as_slice()), (2, &[2][..]));
        let named = ["1 image has no position or orientation", "the images have 2 orientations"];
        assert_eq!(findings(&localizer), named);

        let mut grids = at(&[0.0, 1.0]);
        grids[1].shape = GridShape::new(8, 4).unwrap();
        assert_eq!(findings(&grids), ["the images have 4x4 and 8x4 pixels"]);
        grids[1] = SeriesFrame { shape: grids[0].shape, ..grids[1] };
        grids[1].geometry.pixel_spacing = [1.0, 2.0];
        assert_eq!(findings(&grids), ["images of 4x4 pixels have different Pixel Spacing"]);
    }

    #[test]
    fn noise_below_a_hundredth_of_the_distance_is_no_gap() {
        assert_eq!(findings(&at(&[0.0, 3.0001, 6.0, 9.0002])), Vec::<String>::new());
        assert_eq!(order(&sort_series(&at(&[0.0, 3.0, 3.0002, 6.0]))), [vec![0], vec![1, 2], vec![3]]);
        assert_eq!(sort_series(&[]), SortedSeries::default());
    }
}
