//! Batches that are filled ahead and taken in order.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::batch_stream::Stream;
use super::fill::{Filler, Unfilled};
use super::{Batch, StreamError};
use crate::order::{self, Batches};

/// How long each side of a stream has kept the other waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Until batches were filled.
    pub filling: Duration,
    /// Until batches were taken.
    pub taking: Duration,
}

/// A batch to fill, whose samples are decided, and who waits for it.
struct Job {
    batch: Batch,
    done: SyncSender<Result<Batch, Unfilled>>,
}

/// Fills `batches` on `threads` threads, in memory for `prefetch` of them, and calls `take` for each in order, which
/// returns one to fill again.
pub(super) fn run<B>(
    stream: &Stream,
    mut batches: Batches,
    (threads, prefetch): (usize, usize),
    mut take: impl FnMut(Batch, &Times) -> ControlFlow<B, Option<Batch>>,
) -> Result<ControlFlow<B>, StreamError> {
    let stopped = AtomicBool::new(false);
    let (jobs, queue) = channel::<Job>();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        // Dropped first, also by a panic of `take`: then the threads come to an end.
        let jobs = Jobs { stream, queue: jobs, stopped: &stopped };
        for number in 0..threads.min(prefetch) {
            let work = || fill_all(Filler::new(stream, &stopped), &queue);
            let thread = thread::Builder::new().name(format!("decode-{number}"));
            thread.spawn_scoped(scope, work).map_err(StreamError::Threads)?;
        }
        let begin = |planned: order::Batch| jobs.begin(planned, Batch::default());
        // The rest of a large `prefetch` is begun by and by: the first batch does not wait for it.
        let mut ahead: VecDeque<_> = batches.by_ref().take(prefetch.min(threads + 1)).map(begin).collect();
        let mut times = Times::default();
        while let Some(next) = ahead.pop_front() {
            // With the one that is being taken, there are `prefetch` of them.
            if ahead.len() + 1 < prefetch {
                ahead.extend(batches.next().map(begin));
            }
            let asked = Instant::now();
            // A thread that panicked answers nothing; the scope passes its panic on.
            let Ok(filled) = next.recv() else { break };
            times.filling += asked.elapsed();
            let batch = match filled {
                Ok(batch) => batch,
                Err(Unfilled::Failed(error)) => return Err(error),
                // Only when this has come to its end.
                Err(Unfilled::Stopped) => break,
            };
            let taking = Instant::now();
            let spare = match take(batch, &times) {
                ControlFlow::Break(why) => return Ok(ControlFlow::Break(why)),
                ControlFlow::Continue(spare) => spare.unwrap_or_default(),
            };
            times.taking += taking.elapsed();
            ahead.extend(batches.next().map(|planned| jobs.begin(planned, spare)));
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The work of one thread.
fn fill_all(mut filler: Filler<'_>, queue: &Mutex<Receiver<Job>>) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(Job { mut batch, done }) = next() {
        let filled = filler.fill(&mut batch).map(|()| batch);
        // Whoever has stopped waiting does not want it.
        let _ = done.send(filled);
    }
}

/// Where jobs are given to the threads; when it is dropped, they stop.
struct Jobs<'s> {
    stream: &'s Stream,
    queue: Sender<Job>,
    stopped: &'s AtomicBool,
}

impl Jobs<'_> {
    /// Has `batch` filled as `planned`; what comes of it is received in the end.
    fn begin(&self, planned: order::Batch, mut batch: Batch) -> Receiver<Result<Batch, Unfilled>> {
        self.stream.begin(&planned, &mut batch);
        let (done, filled) = sync_channel(1);
        // Without a thread left, `done` is dropped, and whoever waits finds out.
        let _ = self.queue.send(Job { batch, done });
        filled
    }
}

impl Drop for Jobs<'_> {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}
