//! Compares the inputs of a shard with those that were planned.

use std::io;

use super::PlanFileError;
use crate::assemble::{FileMark, contour_digest, read_mark};
use crate::layout::SampleSet;
use crate::model::{FileId, Place, Sample, first_bits};

/// The error where the image of `sample` is not the planned one. `read` is the mark of the image as it was just read;
/// `None` where it was not read, and is looked at again.
pub(in crate::prep) fn changed_image(
    pairs: &SampleSet,
    sample: &Sample,
    planned: FileMark,
    read: Option<FileMark>,
) -> Option<PlanFileError> {
    let found = read.map_or_else(|| read_mark(&pairs.catalog, sample.image.file), Ok);
    changed_file(pairs, sample.image.file, planned, found)
}

/// The error where a file of the plan is another one now.
pub(super) fn changed_file(
    pairs: &SampleSet,
    file: FileId,
    planned: FileMark,
    found: io::Result<FileMark>,
) -> Option<PlanFileError> {
    let what = match found {
        Err(error) => format!("the file cannot be read: {error}"),
        Ok(found) if found.bytes != planned.bytes => {
            format!("the file has {} bytes, and had {} when it was planned", found.bytes, planned.bytes)
        }
        Ok(found) if found.start != planned.start => {
            "its first bytes, where the header is, are others than those that were planned".to_owned()
        }
        Ok(_) => return None,
    };
    Some(PlanFileError::Differs { place: Place::file(pairs.catalog.name(file)), what })
}

/// The error where the contours of a structure, which could not be used, are not the planned ones either. `planned` is
/// the beginning of their digest, 0 where none was read.
pub(in crate::prep) fn unread_contour(
    pairs: &SampleSet,
    sample: &Sample,
    plane: usize,
    planned: u64,
) -> Option<PlanFileError> {
    let refs = &sample.annotations[plane];
    if planned == 0 || refs.is_empty() || !pairs.are_contour_texts(sample, plane) {
        return None;
    }
    let (place, what) = match contour_digest(&pairs.catalog, refs) {
        Ok(digest) if first_bits(&digest) == planned => return None,
        Ok(_) => {
            let name = pairs.annotation_name(sample, plane).unwrap_or_default();
            (Place::file(name), "its bytes are others than those that were planned".to_owned())
        }
        Err(skipped) => (skipped.place, skipped.detail),
    };
    Some(PlanFileError::Differs { place, what })
}
