//! Which row comes when: the order of a stream as pure functions of numbers.
//!
//! ```text
//! seed, epoch, rows --Permutation--> EpochOrder --Share of a Rank--> BatchPlan --Cursor--> Batch, ...
//! ```
//!
//! - **Row**: a number of a row in the file (or in a selection of its rows), counted from 0.
//! - **Position**: a place in the order of one epoch, from 0 to the number of rows, exclusive. An
//!   [`EpochOrder`] says which row stands there.
//! - **Item**: a place in the [`Share`] of one rank, counted from 0.
//! - **Batch**: consecutive items, named by a [`Cursor`].
//!
//! The row at a position depends on the seed, the epoch and the number of rows, and on nothing else. Nothing
//! is remembered from one row to the next, and no list of rows is kept: any batch of any epoch is found in
//! the time its own rows take, whatever the number of rows and however far into the stream it lies.

mod batch_plan;
mod cursor;
mod epoch;
mod error;
mod partition;
mod permutation;

pub use batch_plan::{Batch, BatchOptions, BatchPlan, Batches, Sample};
pub use cursor::Cursor;
pub use epoch::{Arrangement, EpochOrder};
pub use error::OrderError;
pub use partition::{Rank, Share, Uneven};
pub use permutation::{Permutation, PermutationKey};
