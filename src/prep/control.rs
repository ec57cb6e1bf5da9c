//! Progress and interruption of long work.

use std::sync::atomic::AtomicBool;

/// Receives the progress of the work. Called from all threads.
pub trait Progress: Sync {
    /// A stage of `total` steps begins.
    fn begin(&self, stage: &str, total: usize);
    /// `steps` more are done.
    fn advance(&self, steps: usize);
    /// The stage is over.
    fn end(&self);
}

/// Means of the caller to watch and stop the work.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// Receives the progress of the work.
    pub progress: &'a dyn Progress,
    /// Set to stop as soon as possible.
    pub cancel: &'a AtomicBool,
}
