//! Notes of files.

use crate::model::{Note, Place};

/// Notes of a file.
pub(super) fn notes_of(name: &str, texts: &[String]) -> impl Iterator<Item = Note> {
    texts.iter().map(move |text| Note::new(Place::file(name), text.clone()))
}
