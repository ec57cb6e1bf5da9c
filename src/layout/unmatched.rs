//! Files that a layout leaves out as a whole.

use crate::model::Place;

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
