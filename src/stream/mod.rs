//! Batches out of the file: which rows, as what numbers, decoded on all threads, in order.

mod batch;

pub use batch::{Batch, ElementType, StreamSchema, TensorSchema, Texts};
