//! Rows by blocks on all threads, their results in order, with a bound on what waits.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::CheckError;
use crate::prep::{Control, InOrder, pool};

/// Rows of a block.
const BLOCK: usize = 32;
/// Blocks that may wait for one that is not done, for each thread.
const WAITING_PER_THREAD: usize = 2;

/// Threads, progress and cancellation of the work.
#[derive(Clone, Copy)]
pub(super) struct Crew<'c> {
    pub(super) threads: usize,
    pub(super) control: Control<'c>,
    /// The name of the stage.
    pub(super) stage: &'c str,
}

/// Calls `work` for all blocks of `0..rows`, each thread with what `start` has made for it, and `take` with the
/// results in order. Returns what the threads had.
///
/// # Errors
/// The first error of `start` and `work`; [`CheckError::Interrupted`].
pub(super) fn run<W: Send, T: Send>(
    rows: usize,
    crew: Crew<'_>,
    start: impl Fn() -> Result<W, CheckError> + Sync,
    work: impl Fn(&mut W, Range<usize>) -> Result<T, CheckError> + Sync,
    take: impl FnMut(T) + Send,
) -> Result<Vec<W>, CheckError> {
    let Crew { threads, control, stage } = crew;
    let line = InOrder::new(take, WAITING_PER_THREAD * threads);
    let (claimed, ends) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let one = || -> Result<W, CheckError> {
        let mut worker = start()?;
        loop {
            let block = claimed.fetch_add(1, Ordering::Relaxed);
            let first = block.saturating_mul(BLOCK);
            if first >= rows {
                return Ok(worker);
            }
            if control.cancel.load(Ordering::Relaxed) {
                return Err(CheckError::Interrupted);
            }
            let block_rows = first..rows.min(first + BLOCK);
            let result = work(&mut worker, block_rows.clone())?;
            let brought = line.bring(block, result, |take, result| {
                take(result);
                true
            });
            if brought.is_err() {
                // Another thread says why.
                return Ok(worker);
            }
            control.progress.advance(block_rows.len());
        }
    };
    control.progress.begin(stage, rows);
    pool(threads)?.broadcast(|_| {
        let _guard = line.stop_on_panic();
        let end = one();
        if end.is_err() {
            line.stop();
        }
        ends.lock().unwrap_or_else(PoisonError::into_inner).push(end);
    });
    control.progress.end();
    ends.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}
