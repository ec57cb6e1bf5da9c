//! Streams of batches out of a data set: its rows in an order, as the numbers that were asked for, decoded ahead on threads
//! of their own.
//!
//! ```text
//! Dataset --StreamOptions--> Stream --StreamCursor, StreamWork--> Batches --> Batch
//! ```

mod augment_options;
mod augment_source;
mod batch;
mod batches;
mod condition;
mod context;
mod convert;
mod convert_error;
mod convert_mask;
mod crop;
mod crop_mode;
mod dataset;
mod decode;
mod decode_memory;
mod edges;
mod error;
mod float16;
mod gather;
mod image_dtype;
mod kept_rows;
mod known_column;
mod layout;
mod leak;
mod logistic;
mod normalize;
mod option_error;
mod option_value;
mod options;
mod own_sizes;
mod parts;
mod row_cache;
mod row_window;
mod rules;
mod scaling;
mod select;
mod standardize;
#[expect(clippy::module_inception, reason = "the stream is what the module is about")]
mod stream;
mod stream_cursor;
mod stream_digest;
mod tensor_bytes;
mod tensor_pool;
mod transform;

pub use augment_source::AugmentSource;
pub use batch::{Batch, BatchStart, Element, ElementType, StreamSchema, TensorSchema, Texts};
pub use batches::{BatchPool, Batches, Times};
pub use condition::{Condition, ConditionError};
pub use convert::ImageConverter;
pub use convert_error::ConvertError;
pub use convert_mask::{MaskConverter, MaskDtype};
pub use crop_mode::CropMode;
pub use dataset::{Dataset, StoredRow};
pub use edges::Edges;
pub use error::StreamError;
pub use image_dtype::ImageDtype;
pub use layout::AxisOrder;
pub use leak::ROWS_PROVEN_AGAIN;
pub use normalize::{ChannelNormalization, Normalization, NormalizationChoice, NormalizationName};
pub use option_error::OptionError;
pub use options::{StreamOptions, StreamWork};
pub use row_cache::{DecodedRow, RowCache};
pub use row_window::RowWindow;
pub use select::{RowOptions, select};
pub use standardize::{Standardization, StandardizeSteps};
pub use stream::{Evaluation, Stream};
pub use stream_cursor::{CursorError, StreamCursor, StreamDigest};
pub use tensor_bytes::TensorBytes;
pub use tensor_pool::{SPARE_SAMPLE_BYTES, TensorPool};
