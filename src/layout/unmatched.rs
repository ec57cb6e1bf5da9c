//! Files that a layout leaves out as a whole.

use std::fmt;

use crate::model::{Place, number_of};

/// Files that look like images or annotations, and that the layout leaves out: a whole folder, or all of one kind of name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmatched {
    /// The folder, or the first of the files.
    pub place: Place,
    /// Number of files.
    pub files: usize,
    /// The likeliest reason, and the option that takes them, as one sentence without a full stop.
    pub text: String,
}

/// The place, the number of files and the text.
impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, files, text } = self;
        write!(f, "{place}: {}: {text}", number_of(*files, "file", "files"))
    }
}
