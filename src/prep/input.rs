//! The input files of a plan.

/// An input file: the image of a sample, or the contour of one of its structures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    /// The sample's number in the plan.
    pub(super) sample: u32,
    /// The structure's place in the masks, `None` for the image.
    pub(super) plane: Option<u8>,
}
