//! A segment.

/// A segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u16,
    pub(super) label: String,
    /// Code Value of its property type.
    pub(super) code: String,
    /// True if it is what lies around the structures.
    pub(super) is_background: bool,
}
