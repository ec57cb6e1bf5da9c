//! Stacks of parallel images: which images lie in one, and where.
//!
//! Series Instance UIDs are compared by digests, in memory alone: neither they nor the digests reach an output.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use crate::model::{FrameRef, Sample, first_bits};
use crate::series::{SeriesFrame, Slice, sort_series};
use crate::source::ImageHeader;
use crate::store::StackPlace;

/// The place of an image, by its header.
#[derive(Debug, Clone, Copy)]
pub(super) struct StackImage {
    /// Digest of Series Instance UID (0020,000E); images without one are of one series.
    series: u64,
    /// Digest of Study Instance UID (0020,000D) and Frame of Reference UID (0020,0052).
    space: u64,
    frame: SeriesFrame,
}

impl StackImage {
    /// Of an image with this header, that of its own frame.
    pub(super) fn of(header: &ImageHeader, frame: u32) -> Self {
        let identity = &header.identity;
        Self {
            series: digest([&identity.series_instance_uid]),
            space: digest([&identity.study_instance_uid, &identity.frame_of_reference_uid]),
            frame: SeriesFrame {
                shape: header.shape,
                geometry: header.geometry,
                instance_number: header.instance_number,
                frame,
                trigger_time: header.trigger_time,
            },
        }
    }
}

fn digest<const N: usize>(texts: [&Option<Box<str>>; N]) -> u64 {
    let mut digest = Sha256::new();
    for text in texts {
        let text = text.as_deref().unwrap_or_default();
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    first_bits(&digest.finalize())
}

/// The images of one stack: slices of indices into a list of images.
type Slices = Vec<Slice>;

/// The place of each of `samples`, whose headers said `images`.
pub(super) fn stack_places(samples: &[Sample], images: &[StackImage]) -> HashMap<FrameRef, StackPlace> {
    let mut patients: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, sample) in samples.iter().enumerate().take(images.len()) {
        patients.entry(sample.patient).or_default().push(index);
    }
    let of_image = |index: usize| StackPlace {
        trigger_time: images[index].frame.trigger_time.unwrap_or(f64::NAN),
        ..StackPlace::UNKNOWN
    };
    let mut places: HashMap<FrameRef, StackPlace> =
        (0..images.len().min(samples.len())).map(|index| (samples[index].image, of_image(index))).collect();
    for mine in patients.values() {
        for (stack, slices) in (0..).zip(stacks_of(mine, images)) {
            for Slice { distance, frames } in slices {
                for index in frames {
                    let place = StackPlace { stack, position: distance, ..of_image(index) };
                    places.insert(samples[index].image, place);
                }
            }
        }
    }
    places
}

/// The stacks of one patient, whose images have the indices `mine`, in the order of the first image of each.
fn stacks_of(mine: &[usize], images: &[StackImage]) -> Vec<Slices> {
    let mut series: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    mine.iter().for_each(|&index| series.entry(images[index].series).or_default().push(index));
    let (mut stacks, mut single) = (Vec::new(), BTreeMap::new());
    for members in series.values() {
        for slices in sorted(members, images) {
            match &slices[..] {
                [slice] => {
                    let StackImage { space, frame, .. } = images[slice.frames[0]];
                    single.entry((space, frame.shape)).or_insert_with(Vec::new).push(slices);
                }
                _ => stacks.push(slices),
            }
        }
    }
    stacks.extend(single.into_values().flat_map(|single| joined(single, images)));
    let first = |slices: &Slices| slices.iter().flat_map(|slice| &slice.frames).min().copied();
    stacks.sort_by_key(first);
    stacks
}

/// Stacks of one slice each are one stack where they have one orientation and no two lie at one position, as in a cine
/// whose slices are a series each; the others stay what they are.
fn joined(single: Vec<Slices>, images: &[StackImage]) -> Vec<Slices> {
    let members: Vec<usize> = single.iter().flatten().flat_map(|slice| slice.frames.clone()).collect();
    let mut stacks = Vec::new();
    for slices in sorted(&members, images) {
        let has = |one: &&Slices| slices.iter().any(|slice| slice.frames.contains(&one[0].frames[0]));
        let parts: Vec<&Slices> = single.iter().filter(has).collect();
        if parts.len() == slices.len() {
            stacks.push(slices);
        } else {
            stacks.extend(parts.into_iter().cloned());
        }
    }
    stacks
}

/// The stacks of `members`, one for each orientation. Images without position or orientation are in none.
fn sorted(members: &[usize], images: &[StackImage]) -> Vec<Slices> {
    let frames: Vec<SeriesFrame> = members.iter().map(|&index| images[index].frame).collect();
    let stacks = sort_series(&frames).stacks.into_iter().map(|stack| {
        let slices = stack.slices.into_iter().map(|Slice { distance, frames }| Slice {
            distance,
            frames: frames.into_iter().map(|frame| members[frame]).collect(),
        });
        slices.collect()
    });
    stacks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FileId, Geometry, GridShape};

    /// Images of patients, series and positions along z.
    fn places(images: &[(u32, u64, f64)]) -> Vec<(i32, f64)> {
        let image = |&(_, series, z): &(u32, u64, f64)| StackImage {
            series,
            space: 7,
            frame: SeriesFrame {
                shape: GridShape::new(4, 4).unwrap(),
                geometry: Geometry {
                    image_position: [0.0, 0.0, z],
                    image_orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                    ..Geometry::ABSENT
                },
                instance_number: None,
                frame: 0,
                trigger_time: None,
            },
        };
        let sample = |(index, &(patient, _, _)): (usize, &(u32, u64, f64))| Sample {
            id: "".into(),
            patient,
            study: 0,
            place: 0,
            image: FrameRef { file: FileId::new(index), frame: 0 },
            number: None,
            annotations: Box::default(),
        };
        let samples: Vec<Sample> = images.iter().enumerate().map(sample).collect();
        let headers: Vec<StackImage> = images.iter().map(image).collect();
        let found = stack_places(&samples, &headers);
        let place = |sample: &Sample| (found[&sample.image].stack, found[&sample.image].position);
        samples.iter().map(place).collect()
    }

    #[test]
    fn stacks_are_counted_for_each_patient() {
        let found = places(&[(0, 9, 8.0), (0, 9, 0.0), (0, 2, 0.0), (0, 2, 4.0), (1, 5, 0.0), (1, 5, 8.0)]);
        assert_eq!(found, [(0, 8.0), (0, 0.0), (1, 0.0), (1, 4.0), (0, 0.0), (0, 8.0)]);
    }

    #[test]
    fn series_of_one_position_are_a_stack_unless_they_coincide() {
        assert_eq!(places(&[(0, 1, 8.0), (0, 2, 0.0), (0, 2, 0.0)]), [(0, 8.0), (0, 0.0), (0, 0.0)]);
        assert_eq!(places(&[(0, 1, 8.0), (0, 2, 0.0), (0, 3, 0.0)]), [(0, 8.0), (1, 0.0), (2, 0.0)]);
        let unknown = places(&[(0, 1, f64::NAN)]);
        assert!(unknown[0].0 == -1 && unknown[0].1.is_nan());
    }
}
