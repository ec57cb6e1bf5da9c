//! Joins the segments to the images of the input, and says what a user should know.

use std::collections::{BTreeMap, HashSet};

use crate::model::{Part, number_of};
use crate::source::annotation::{AnnotationFile, FrameKey, Joined};
use crate::source::references::PresentFrames;

use super::grid::Match;
use super::read::{Form, SegmentFrame};
use super::segmentation::DicomSegmentation;

/// Faults that are named one by one; the others are counted.
const NAMED: usize = 3;

pub(super) fn join(segmentation: &DicomSegmentation, parts: &[Part], frames: &[FrameKey]) -> Joined {
    let mut joined = Joined::default();
    let mut faults: BTreeMap<String, usize> = BTreeMap::new();
    let (mut doubled, mut resampled) = (0_usize, 0_usize);
    for &part in parts {
        let Ok(number) = segmentation.number(part) else { continue };
        for (index, frame) in frames.iter().enumerate() {
            match segmentation.match_frames(number, frame) {
                Err(fault) => *faults.entry(fault.to_string()).or_default() += 1,
                Ok(Match::NotAnnotated) => {}
                Ok(Match::Frames(own)) => {
                    doubled += usize::from(own.len() > 1);
                    joined.images.push((part, index));
                }
                Ok(Match::OtherGrid) if segmentation.reaches(frame) => {
                    resampled += 1;
                    joined.images.push((part, index));
                }
                Ok(Match::OtherGrid) => {}
            }
        }
    }
    let images = faults.len();
    joined.lost.extend(faults.keys().take(NAMED).cloned());
    if images > NAMED {
        joined.lost.push(format!("the same is so for {} more images", images - NAMED));
    }
    note(segmentation, frames, [doubled, resampled], &mut joined);
    joined
}

fn note(
    segmentation: &DicomSegmentation,
    frames: &[FrameKey],
    [doubled, resampled]: [usize; 2],
    joined: &mut Joined,
) {
    if doubled > 0 {
        joined.notes.push(format!(
            "{doubled} masks are made of several frames of one segment on one image: their pixels are joined"
        ));
    }
    if resampled > 0 {
        joined.notes.push(format!("{resampled} masks are resampled from another grid, to the nearest pixel"));
    }
    if let Form::Fractional { maximum } = segmentation.form {
        let share = segmentation.options.fractional;
        joined.notes.push(format!(
            "FRACTIONAL: pixels of {share} of Maximum Fractional Value ({maximum}) or more are the structure"
        ));
    }
    let present: HashSet<&str> = frames.iter().map(|frame| &*frame.sop_instance_uid).collect();
    let named = segmentation.by_image.keys().chain(&segmentation.instances);
    let absent: HashSet<&str> = named.map(|uid| &**uid).filter(|uid| !present.contains(uid)).collect();
    if !absent.is_empty() {
        let images = number_of(absent.len(), "image that is", "images that are");
        joined.notes.push(format!("it refers to {images} not in the input"));
    }
    let objects = PresentFrames::of(frames);
    let lacks_frame = |frame: &&SegmentFrame| {
        let has_object = frame.sources.iter().any(|source| objects.has_object(&source.uid));
        has_object && !frame.sources.iter().any(|source| source.is_in(&objects))
    };
    let lost = segmentation.frames.iter().filter(lacks_frame).count();
    if lost > 0 {
        joined.notes.push(format!(
            "{lost} of its frames refer by Referenced Frame Number to frames that are not in the input, though others of \
             their object are"
        ));
    }
    if segmentation.parts().is_empty() {
        joined.notes.push("it has no segment but the background".to_owned());
    }
}
