//! Batches as bytes: the formats that frameworks read, and where they go.
//!
//! ```text
//! Batch --BatchFormat--> pieces of memory --BatchWriter--> Output: standard output, pipe, file, a front end's own
//! ```
//!
//! An encoder makes the small bytes of a format (headers, padding, texts) and leaves the tensors where they
//! are, in the memory of the batch; the system gets both together.

mod arrow_columns;
mod arrow_ipc;
mod describe;
mod error;
mod format;
mod lent;
mod npy;
mod openings;
mod output;
mod portions;
mod record_batches;
mod record_columns;
mod registry;
#[cfg(test)]
mod samples;
mod webdataset_tar;
mod writer;

pub use describe::describe;
pub use error::SinkError;
pub use format::{BatchFormat, Format, Heads, Piece};
pub use output::{FileOutput, Output, is_pipe_or_device};
pub use record_batches::RecordBatches;
pub use record_columns::columns_as_record_batch;
pub use registry::FORMATS;
pub use writer::BatchWriter;
