//! References of annotations to images and their frames (PS3.3 table 10-3).

use std::collections::{HashMap, HashSet};

use super::annotation::FrameKey;
use super::dicom::attribute;
use super::dicom::tree::Item;

/// A reference to an image, or to one frame of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageReference {
    /// Referenced SOP Instance UID (0008,1155).
    pub(super) uid: Box<str>,
    /// Referenced Frame Number (0008,1160), from 1; `None` for all frames.
    pub(super) frame: Option<u32>,
}

impl ImageReference {
    /// True if the frame that it names, or any frame where it names none, is one of `frames`.
    pub(super) fn is_in(&self, frames: &PresentFrames<'_>) -> bool {
        let objects = &frames.0;
        let of_object = objects.get(&*self.uid);
        of_object.is_some_and(|numbers| self.frame.is_none_or(|frame| numbers.contains(&frame.max(1))))
    }

    /// True if it refers to the frame of `key`, whose UID is that of the reference.
    pub(super) fn names_frame(&self, key: &FrameKey) -> bool {
        match self.frame {
            None => true,
            // Frame 1 of an object that is one image is the image.
            Some(frame) => frame == key.frame || (key.frame == 0 && frame == 1),
        }
    }
}

/// The frames of each object of the input, by its UID. The frame of an object that is one image is frame 1.
pub(super) struct PresentFrames<'k>(HashMap<&'k str, HashSet<u32>>);

impl<'k> PresentFrames<'k> {
    pub(super) fn of(keys: &'k [FrameKey]) -> Self {
        let mut objects: HashMap<&str, HashSet<u32>> = HashMap::new();
        for key in keys {
            objects.entry(&key.sop_instance_uid).or_default().insert(key.frame.max(1));
        }
        Self(objects)
    }

    pub(super) fn has_object(&self, uid: &str) -> bool {
        self.0.contains_key(uid)
    }
}

/// Adds what `item` refers to: an item of Contour Image Sequence or of Source Image Sequence. One without UID refers
/// to nothing.
pub(super) fn read_references(item: &Item<'_>, images: &mut Vec<ImageReference>) {
    let Some(uid) = item.uid(attribute::REFERENCED_SOP_INSTANCE_UID) else {
        return;
    };
    let frames = item.bytes(attribute::REFERENCED_FRAME_NUMBER).unwrap_or_default();
    let numbers = frames.split(|&byte| byte == b'\\').filter_map(|part| {
        let text = std::str::from_utf8(part).ok()?;
        text.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace()).parse::<u32>().ok()
    });
    let before = images.len();
    images.extend(numbers.map(|frame| ImageReference { uid: uid.clone(), frame: Some(frame) }));
    if images.len() == before {
        images.push(ImageReference { uid, frame: None });
    }
}
