//! ZCA whitening as Keras' ImageDataGenerator has it: one matrix for all images, after which their pixels are
//! not correlated over the train split.

mod centering;
mod cross_products;
mod error;
mod matrix;
mod whitening;

pub use centering::Centering;
pub use cross_products::{CrossProducts, work_bytes};
pub use error::{MAX_FEATURES, ZcaError};
pub use matrix::WhiteningMatrix;
pub use whitening::Whitening;
