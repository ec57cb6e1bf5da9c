//! Batches as bytes: the formats that frameworks read, and where they go.
//!
//! ```text
//! Batch --encoder of the Format--> pieces of memory --portions--> Output: standard output, pipe, file
//! ```
//!
//! An encoder makes the small bytes of a format (headers, padding, texts) and leaves the tensors where they
//! are, in the memory of the batch; the system gets both together.

mod arrow_columns;
mod arrow_ipc;
mod error;
mod format;
mod lent;
mod npy;
mod output;
mod portions;
#[cfg(test)]
mod samples;
mod webdataset_tar;
mod writer;

pub use error::SinkError;
pub use format::Format;
pub use output::{Output, is_pipe_or_device};
pub use writer::BatchWriter;
