//! Known relations between the structures of a data set.

use serde::{Deserialize, Serialize};

/// A structure that lies within another one, by their mask planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nesting {
    /// The plane of the structure within.
    pub inner: usize,
    /// The plane of the structure around it.
    pub outer: usize,
}

/// Relations between the structures of a data set, known before an image is read: an audit checks annotations by them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relations {
    /// The structure that lies within another one, where there is such a pair.
    pub nested: Option<Nesting>,
    /// The plane of a structure that is brighter than what is around it.
    pub bright: Option<usize>,
    /// True if slices have several phases of the heart each, and all as many.
    pub phases: bool,
}

impl Relations {
    /// Nothing is known.
    pub const NONE: Self = Self { nested: None, bright: None, phases: false };
}
