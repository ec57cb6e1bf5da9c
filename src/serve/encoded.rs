//! A batch in its format.

use bytes::Bytes;

/// A batch in its format.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    /// Its bytes, in pieces that need no copy.
    pub(super) pieces: Vec<Bytes>,
    /// Number of samples.
    pub(super) samples: u64,
}

impl Encoded {
    /// Its length in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }
}
