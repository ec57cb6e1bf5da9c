//! Batches that are decoded ahead, by threads of their own, and taken in order.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::decode::{BatchDecoder, Undecoded};
use super::decode_memory::DecodeMemory;
use super::error::StreamError;
use super::parts::{DecodeWork, StreamParts};
use super::stream_cursor::StreamCursor;
use crate::order::{self, Cursor};

/// Time that each side of a stream has kept the other waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// Until batches were decoded.
    pub decoding: Duration,
    /// Until the next batch was asked for.
    pub taking: Duration,
}

/// The batches of a stream from a cursor on, in order. Made by [`Stream::batches`](super::Stream::batches).
///
/// Its threads start with the first [`Batches::next`] and decode ahead. Dropping it stops and joins them at once. After an
/// error, or the last batch, it gives nothing more. It belongs to one thread at a time; several may run side by side.
pub struct Batches {
    shared: Arc<Shared>,
    planned: order::PlannedBatches,
    threads: usize,
    prefetch: usize,
    running: Option<Running>,
    finished: bool,
    pool: BatchPool,
    times: Times,
    /// When the latest batch was handed out.
    taken: Option<Instant>,
    next: Cursor,
}

/// State that the threads share.
struct Shared {
    parts: Arc<StreamParts>,
    work: DecodeWork,
}

/// Threads that decode, and what they have been given.
struct Running {
    /// `None` once they are to end.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    ahead: VecDeque<Receiver<Result<Batch, Undecoded>>>,
}

/// A batch to decode, whose samples are decided, and where the result goes.
struct Job {
    batch: Batch,
    done: SyncSender<Result<Batch, Undecoded>>,
}

/// Batches whose memory can be used again. Clones share them; a batch may come back from any thread.
#[derive(Debug, Clone)]
pub struct BatchPool {
    /// `None` once no thread decodes into them.
    spare: Arc<Mutex<Option<Vec<Batch>>>>,
    most: usize,
}

impl BatchPool {
    /// An empty pool that keeps at most `most` batches.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { spare: Arc::new(Mutex::new(Some(Vec::new()))), most }
    }

    /// Takes a batch back. Where enough are there, or the stream has gone, its memory is freed.
    pub fn recycle(&self, batch: Batch) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spare) = spare.as_mut().filter(|spare| spare.len() < self.most) {
            spare.push(batch);
        }
    }

    /// A batch whose memory can be used, or a new one without any.
    #[must_use]
    pub fn take(&self) -> Batch {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.as_mut().and_then(Vec::pop).unwrap_or_default()
    }
}

impl Batches {
    pub(super) fn new(
        parts: Arc<StreamParts>,
        work: DecodeWork,
        planned: order::PlannedBatches,
        threads: usize,
        prefetch: usize,
    ) -> Self {
        let next = planned.cursor();
        let pool = BatchPool::new(prefetch);
        let shared = Arc::new(Shared { parts, work });
        Self {
            shared,
            planned,
            threads: threads.min(prefetch),
            prefetch,
            running: None,
            finished: false,
            pool,
            times: Times::default(),
            taken: None,
            next,
        }
    }

    /// Takes back a batch whose memory can be used again: this saves the allocation of a later one.
    pub fn recycle(&self, batch: Batch) {
        self.pool.recycle(batch);
    }

    /// The pool that [`Batches::recycle`] gives to, for owners of batches that outlive the iteration.
    #[must_use]
    pub fn pool(&self) -> BatchPool {
        self.pool.clone()
    }

    /// The cursor of the next batch: a stream that starts there goes on as this one would.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.next
    }

    /// [`Batches::cursor`] with the stream that it is of, for people and programs that go on later.
    #[must_use]
    pub fn next_cursor(&self) -> StreamCursor {
        StreamCursor { at: self.next, stream: Some(self.shared.parts.digest) }
    }

    /// Time that was waited until now.
    #[must_use]
    pub fn times(&self) -> Times {
        self.times
    }

    fn start(&mut self) -> Result<(), StreamError> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let mut running = Running { jobs: Some(jobs), threads: Vec::new(), ahead: VecDeque::new() };
        for number in 0..self.threads {
            let (shared, queue) = (Arc::clone(&self.shared), Arc::clone(&queue));
            let thread = thread::Builder::new().name(format!("decode-{number}"));
            match thread.spawn(move || decode_all(&shared, &queue)) {
                Ok(thread) => running.threads.push(thread),
                Err(error) => {
                    self.running = Some(running);
                    return Err(StreamError::Threads(error));
                }
            }
        }
        self.running = Some(running);
        // The rest of a large `prefetch` is begun by and by: the first batch does not wait for it.
        for _ in 0..self.prefetch.min(self.threads + 1) {
            self.begin_next();
        }
        Ok(())
    }

    /// Has the next planned batch decoded, if there is one.
    fn begin_next(&mut self) {
        let Some(Running { jobs: Some(jobs), ahead, .. }) = &mut self.running else { return };
        let Some(planned) = self.planned.next() else { return };
        let mut batch = self.pool.take();
        self.shared.parts.prepare(&planned, &mut batch, &self.shared.work.cache);
        let (done, decoded) = sync_channel(1);
        // Without a thread left, `done` is dropped, which ends the wait.
        let _ = jobs.send(Job { batch, done });
        ahead.push_back(decoded);
    }

    fn advance(&mut self) -> Option<Result<Batch, StreamError>> {
        if self.running.is_none() {
            if let Err(error) = self.start() {
                return Some(Err(error));
            }
        } else {
            // In place of the batch that was taken, and one more until `prefetch` is reached.
            for _ in 0..2 {
                if self.ahead() < self.prefetch {
                    self.begin_next();
                }
            }
        }
        let waiting = self.running.as_mut()?.ahead.pop_front()?;
        let asked = Instant::now();
        let decoded = waiting.recv();
        self.times.decoding += asked.elapsed();
        match decoded {
            Ok(Ok(batch)) => {
                self.next = self.shared.parts.plan.after(batch.cursor);
                Some(Ok(batch))
            }
            Ok(Err(Undecoded::Failed(error))) => Some(Err(error)),
            Ok(Err(Undecoded::Stopped)) => None,
            // A thread that panicked answers nothing; its panic goes on here.
            Err(_) => {
                if let Some(panic) = self.stop() {
                    resume_unwind(panic);
                }
                None
            }
        }
    }

    fn ahead(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.ahead.len())
    }

    /// Stops and joins the threads. Returns the panic of one of them, if there was any.
    fn stop(&mut self) -> Option<Box<dyn std::any::Any + Send>> {
        self.finished = true;
        self.shared.work.stopped.store(true, Ordering::Relaxed);
        let Running { jobs, threads, ahead } = self.running.take()?;
        drop(jobs);
        let panics = threads.into_iter().filter_map(|thread| thread.join().err());
        let panic = panics.last();
        drop(ahead);
        panic
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        if let Some(taken) = self.taken.take() {
            self.times.taking += taken.elapsed();
        }
        let next = self.advance();
        if !matches!(next, Some(Ok(_))) {
            self.stop();
        }
        self.taken = Some(Instant::now());
        next
    }
}

impl std::iter::FusedIterator for Batches {}

impl Drop for Batches {
    fn drop(&mut self) {
        // A panic of a dropped iterator is not passed on.
        self.stop();
        *self.pool.spare.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl DecodeWork {
    pub(super) fn new(
        checksums: Option<crate::store::ColumnReader>,
        cache: super::row_cache::RowCache,
    ) -> Self {
        Self { checksums, cache, stopped: AtomicBool::new(false) }
    }
}

/// The work of one thread.
fn decode_all(shared: &Shared, queue: &Mutex<Receiver<Job>>) {
    let mut decoder = BatchDecoder::new(&shared.parts, &shared.work, DecodeMemory::default());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(Job { mut batch, done }) = next() {
        if shared.work.stopped.load(Ordering::Relaxed) {
            break;
        }
        let decoded = decoder.decode(&mut batch).map(|()| batch);
        // Whoever has stopped waiting does not want it.
        let _ = done.send(decoded);
    }
}
