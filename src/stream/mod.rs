//! Batches out of the file: which rows, as what numbers, decoded on all threads, in order.

mod batch;
mod condition;
mod known_column;

pub use batch::{Batch, ElementType, StreamSchema, TensorSchema, Texts};
pub use condition::{Condition, ConditionError};
