//! Batches for readers: decoded on a few threads for all of them, once for those that ask for the same one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::http::StatusCode;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::encoded::Encoded;
use super::job::{self, Job};
use super::reply::Refusal;
use crate::order::Cursor;
use crate::stream::{BatchPool, StreamError};

/// A batch that is decoded, or will be.
type Coming = Shared<BoxFuture<'static, Result<Encoded, BatchError>>>;

/// A batch that cannot be decoded.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum BatchError {
    /// A row is damaged or cannot be read.
    #[error("{}", .0.with_causes())]
    Stream(Arc<StreamError>),
    /// The decoder has panicked, or the service ends.
    #[error("the decoder has stopped")]
    Stopped,
}

impl BatchError {
    /// The answer to the reader that asked for it alone.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Stream(error) => job::not_made(error),
            Self::Stopped => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, self.to_string()),
        }
    }

    /// The text without the id of a sample, which may be that of a patient: for the log.
    pub(super) fn without_id(&self) -> String {
        match self {
            Self::Stream(error) => match &**error {
                StreamError::Row { row, source, .. } => format!("row {row}: {source}"),
                StreamError::Convert { row, source, .. } => format!("row {row}: {source}"),
                error => error.to_string(),
            },
            Self::Stopped => self.to_string(),
        }
    }
}

/// The threads that decode, and batches that are decoded for several readers.
pub(super) struct Decoder {
    slots: Arc<Semaphore>,
    /// Memory of batches that were sent, for those to come.
    pool: BatchPool,
    groups: Mutex<HashMap<String, Group>>,
    /// Batches that a group keeps at most for readers that are behind.
    window: u64,
}

/// Batches that are decoded once for all members: the newest ones.
#[derive(Default)]
struct Group {
    coming: BTreeMap<Cursor, Coming>,
    /// Number of readers.
    members: usize,
}

/// A reader's place in a group. Without it, batches are decoded for the reader alone.
pub(super) struct Member {
    decoder: Arc<Decoder>,
    group: String,
}

impl Decoder {
    /// `threads` decode at once; groups keep `window` batches.
    pub(super) fn new(threads: usize, window: u64) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(threads)),
            pool: BatchPool::new(2 * threads + 2),
            groups: Mutex::default(),
            window: window.max(1),
        }
    }

    /// Makes a reader a member of the group of this name among the readers of the same bytes.
    pub(super) fn join(self: &Arc<Self>, name: &str, job: &Job) -> Member {
        let key = format!("{name}\n{}", job.key);
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let group = groups.entry(key.clone()).or_default();
        group.members += 1;
        Member { decoder: Arc::clone(self), group: key }
    }

    /// The batch at `cursor`, decoded from now on. As a member of a group the reader shares it with the others.
    pub(super) fn batch(self: &Arc<Self>, job: &Arc<Job>, cursor: Cursor, member: Option<&Member>) -> Coming {
        let Some(member) = member else { return self.decode(Arc::clone(job), cursor) };
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(group) = groups.get_mut(&member.group) else { return self.decode(Arc::clone(job), cursor) };
        if let Some(coming) = group.coming.get(&cursor) {
            job.served.counters.shared();
            return coming.clone();
        }
        let coming = self.decode(Arc::clone(job), cursor);
        // One that is too far behind is for this reader alone.
        group.coming.insert(cursor, coming.clone());
        group.forget(self.window);
        coming
    }

    /// Decodes on a thread, when one is free. It begins at once, unless nobody holds it any more by then.
    fn decode(&self, job: Arc<Job>, cursor: Cursor) -> Coming {
        let (slots, pool) = (Arc::clone(&self.slots), self.pool.clone());
        let task = tokio::spawn(async move {
            let slot = slots.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let began = Instant::now();
                let encoded = job.encode(cursor, &pool);
                job.served.counters.decoded(began.elapsed());
                drop(slot);
                encoded
            })
            .await
        });
        let mut task = AbortOnDrop(task);
        async move {
            match (&mut task.0).await {
                Ok(Ok(encoded)) => encoded.map_err(|error| BatchError::Stream(Arc::new(error))),
                _ => Err(BatchError::Stopped),
            }
        }
        .boxed()
        .shared()
    }
}

/// A task that ends, where it waits, with its handle.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Group {
    /// Drops the batches that are further behind than the newest `window`.
    fn forget(&mut self, window: u64) {
        while self.coming.len() as u64 > window {
            self.coming.pop_first();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut groups = self.decoder.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get_mut(&self.group) {
            group.members -= 1;
            if group.members == 0 {
                groups.remove(&self.group);
            }
        }
    }
}

/// The batches of one reader, decoded ahead.
pub(super) struct Ahead {
    decoder: Arc<Decoder>,
    job: Arc<Job>,
    member: Option<Member>,
    coming: VecDeque<(Cursor, Coming)>,
    /// The batch to begin next; `None` at the end.
    next: Option<Cursor>,
    prefetch: usize,
}

impl Ahead {
    /// The batches from `start` on, of which up to `prefetch` are decoded ahead from the first that is asked for on.
    pub(super) fn new(
        decoder: Arc<Decoder>,
        job: Arc<Job>,
        member: Option<Member>,
        start: Cursor,
        prefetch: usize,
    ) -> Self {
        let next = job.first_from(start);
        Self { decoder, job, member, coming: VecDeque::new(), next, prefetch }
    }

    /// The next batch and its cursor; `None` at the end.
    pub(super) async fn take(&mut self) -> Option<(Cursor, Result<Encoded, BatchError>)> {
        // One more than was taken, until there are `prefetch`: no reader's first batch waits for all those of the others.
        for _ in 0..2 {
            if self.coming.len() < self.prefetch.max(1)
                && let Some(cursor) = self.next
            {
                self.coming.push_back((cursor, self.decoder.batch(&self.job, cursor, self.member.as_ref())));
                self.next = self.job.after(cursor);
            }
        }
        let (cursor, coming) = self.coming.pop_front()?;
        let began = Instant::now();
        let encoded = coming.await;
        self.job.served.counters.waited(began.elapsed());
        Some((cursor, encoded))
    }

    /// Gives the batches back that were decoded ahead: the stream goes on at `cursor` when it is asked again.
    pub(super) fn rest(&mut self, cursor: Option<Cursor>) {
        self.next = cursor.or_else(|| self.coming.front().map(|(cursor, _)| *cursor)).or(self.next);
        self.coming.clear();
    }
}
