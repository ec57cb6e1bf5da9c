//! What is done to the numbers of samples. Nothing here reads or writes.

mod zca;

pub use zca::{Centering, CrossProducts, MAX_FEATURES, Whitening, WhiteningMatrix, ZcaError, work_bytes};
