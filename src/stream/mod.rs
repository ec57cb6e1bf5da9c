//! Batches out of the file: which rows, as what numbers, decoded on all threads, in order.

mod batch;
mod batch_stream;
mod condition;
mod convert;
mod convert_error;
mod convert_mask;
mod error;
mod fill;
mod form;
mod known_column;
mod layout;
mod leak;
mod normalize;
mod options;
mod prefetch;
mod row_cache;
mod select;
mod standardize;
mod tensor_bytes;

pub use batch::{Batch, ElementType, StreamSchema, TensorSchema, Texts};
pub use batch_stream::{Evaluation, Stream};
pub use condition::{Condition, ConditionError};
pub use convert::{ImageConverter, ImageDtype};
pub use convert_error::ConvertError;
pub use convert_mask::{MaskConverter, MaskDtype};
pub use error::StreamError;
pub use layout::Layout;
pub use leak::ROWS_PROVEN_AGAIN;
pub use normalize::{Normalization, NormalizationChoice, NormalizationName};
pub use options::StreamOptions;
pub use prefetch::Times;
pub use select::{RowOptions, select};
pub use standardize::{Standardization, StandardizeSteps};
pub use tensor_bytes::TensorBytes;
