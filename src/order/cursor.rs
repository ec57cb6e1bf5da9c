//! A place in a stream of batches.

use std::fmt;

/// A batch of a stream: the epoch and the batch within it, both counted from 0. Earlier cursors compare less.
///
/// Written `EPOCH:BATCH`, as in `7:1200`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cursor {
    /// The epoch.
    pub epoch: u64,
    /// The batch within the epoch.
    pub batch: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_come_before_batches() {
        assert!(Cursor { epoch: 1, batch: 0 } > Cursor { epoch: 0, batch: 9 });
    }
}
