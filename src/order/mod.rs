//! The order of a stream, as pure functions of numbers.
//!
//! ```text
//! seed, epoch, rows --Permutation--> EpochOrder --Share of a Rank--> BatchPlan --Cursor--> Batch, Sample
//! Sample --Selection or Balance--> row of the file
//! ```
//!
//! - **Position**: a place in the order of one epoch, from 0 to the number of rows, exclusive.
//! - **Row of the epoch**: what an [`EpochOrder`] puts at a position, each once, counted from 0.
//! - **Row of the file**: what [`Rows`] make of a row of the epoch. By a [`Selection`], row n of the epoch is
//!   row n of those selected, or of the file where all are. By a [`Balance`], it is draw n of the epoch.
//! - **Item**: a place in the [`RankShare`] of one rank, counted from 0.
//! - **Batch**: consecutive items, named by a [`Cursor`].
//!
//! The row of the epoch at a position depends on the seed, the epoch and the number of rows, and on nothing
//! else. Nothing is remembered from one row to the next, and no list of an epoch's order is kept: any batch of
//! any epoch is found in the time its own rows take, whatever the number of rows and however far into the
//! stream it lies.

mod balance;
mod batch_plan;
mod cursor;
mod cursor_text;
mod epoch;
mod error;
mod hash;
mod partition;
mod permutation;
mod rows;
mod selection;

pub use balance::Balance;
pub use batch_plan::{BatchOptions, BatchPlan, PlannedBatch, PlannedBatches, PlannedSample};
pub use cursor::Cursor;
pub use epoch::{Arrangement, EpochOrder};
pub use error::OrderError;
pub use partition::{Rank, RankShare, Uneven};
pub use permutation::{Permutation, PermutationKey};
pub use rows::Rows;
pub use selection::Selection;

pub(crate) use hash::{digest, mix};
