//! Batches out of the file: which rows, as what numbers, decoded on all threads, in order.

mod batch;
mod condition;
mod convert;
mod convert_error;
mod convert_mask;
mod known_column;
mod layout;
mod normalize;

pub use batch::{Batch, ElementType, StreamSchema, TensorSchema, Texts};
pub use condition::{Condition, ConditionError};
pub use convert::{ImageConverter, ImageDtype};
pub use convert_error::ConvertError;
pub use convert_mask::{MaskConverter, MaskDtype};
pub use layout::Layout;
pub use normalize::Normalization;
