//! A plan as a file: made once, and read by every shard as far as its own rows go.
//!
//! ```text
//! dicomprep plan 1\n            the version of the format
//! one sentence about names\n    for people
//! block, block, ...             rows of the plan, each block complete in itself
//! head                          the whole plan but its rows, and size and SHA-256 of each block
//! 64 bytes                      offset, length and SHA-256 of the head, and `end of the plan\n`
//! ```
//!
//! Blocks and head are in the encoding of the crate postcard. Nothing in the file is believed: sizes are held against the
//! bytes that are there, digests are compared before anything is decoded, and names lead to places below the folders that
//! the run was given.

mod block;
mod compare;
mod container;
mod error;
mod head;
mod read;
mod share;
mod write;

pub use error::PlanFileError;
pub use read::{PlanFile, PlanRun};
pub use write::write_plan;

pub(super) use compare::{changed_image, unread_contour};
