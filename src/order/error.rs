//! Why an order cannot be followed.

use super::cursor::Cursor;

/// Why an order cannot be followed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A text is no [`Cursor`].
    #[error("`{text}` is not EPOCH:BATCH, two whole numbers from 0; write for example 7:1200")]
    NotACursor {
        /// The text.
        text: String,
    },
    /// A rank that its world does not have.
    #[error("rank {rank} is not in a world of {world_size}: ranks count from 0 and are less than that")]
    RankOutsideWorld {
        /// The rank.
        rank: u64,
        /// The number of ranks.
        world_size: u64,
    },
    /// A start at a batch that its epoch does not have.
    #[error("start {start}: the last batch of an epoch is {last}; batches count from 0 in each")]
    StartPastEpoch {
        /// The start.
        start: Cursor,
        /// The last batch of every epoch.
        last: u64,
    },
    /// A start after the last epoch.
    #[error("start {start}: the stream ends at {end}, as epochs count from 0; ask for more epochs")]
    StartPastEnd {
        /// The start.
        start: Cursor,
        /// The cursor after the last batch.
        end: Cursor,
    },
    /// A start at a batch other than the first, where epochs have no batches at all.
    #[error("start {start}: an epoch has no batches here; too few rows for the ranks or for a full batch")]
    StartInEmptyEpoch {
        /// The start.
        start: Cursor,
    },
}
