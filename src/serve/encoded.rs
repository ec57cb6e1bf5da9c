//! A batch in its format.

use super::pieces::Pieces;

/// A batch in its format.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    /// Its bytes, in pieces that need no copy.
    pub(super) pieces: Pieces,
    /// True if they are rows of the cache, so that no memory is held for a reader who takes nothing.
    pub(super) is_kept: bool,
    /// Number of samples.
    pub(super) samples: u64,
}
