//! The body of a stream: batch after batch, as fast as the reader takes them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Buf;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::answer_body::Portions;
use super::batches::Ahead;
use super::encoded::Encoded;
use super::job::Job;
use super::log::{LogEntry, LogFormat};
use super::pieces::Pieces;
use super::portion_memory::PortionMemory;
use super::server::{Broken, until};
use crate::order::Cursor;

/// Bytes that are handed over at once: so much is copied into the socket without waiting. A connection whose reader rests
/// holds four of them.
const PORTION_BYTES: usize = 192 << 10;
/// The same of rows of the cache, which cost a connection that rests nothing: few portions are less work on both sides.
const KEPT_PORTION_BYTES: usize = 768 << 10;
/// A reader that takes nothing for so long gets its batches decoded again when it goes on, so that it holds no memory.
const REST_AFTER: Duration = Duration::from_secs(2);

/// Bytes of a stream beside its batches.
pub(super) struct StreamRun {
    pub(super) job: Arc<Job>,
    pub(super) start: Cursor,
    pub(super) draining: watch::Receiver<bool>,
    /// A reader that takes nothing for so long is cut off.
    pub(super) write_timeout: Duration,
    pub(super) broken: Broken,
    pub(super) reader: String,
    pub(super) log: LogFormat,
    /// The place among the streams of the service, given back at the end.
    pub(super) _place: OwnedSemaphorePermit,
}

/// The reason for which a stream ends before its end.
enum Cut {
    /// The reader has closed the connection.
    Gone,
    /// The service is draining.
    Draining,
    /// The reader took nothing for too long.
    Stalled,
    /// A batch cannot be decoded.
    Failed(String),
}

/// The portions of the stream, which a task fills. A stream that does not come to its end has no last chunk.
pub(super) fn portions(run: StreamRun, ahead: Ahead) -> Portions {
    let (sender, receiver) = channel(1);
    tokio::spawn(send(run, ahead, sender));
    Portions::new(receiver)
}

async fn send(run: StreamRun, mut ahead: Ahead, sender: Sender<io::Result<Pieces>>) {
    let counters = &run.job.served.counters;
    counters.streams_open.fetch_add(1, Ordering::Relaxed);
    let _open = run.job.open_stream();
    let mut cursor = run.start;
    let cut = send_all(&run, &mut ahead, &sender, &mut cursor).await.err();
    counters.streams_open.fetch_sub(1, Ordering::Relaxed);
    let at = run.job.cursor(cursor).to_string();
    let mut entry =
        LogEntry { reader: Some(&run.reader), cursor: Some(&at), ..LogEntry::now("stream ended") };
    let why = match cut {
        None => return run.log.write(&entry),
        Some(Cut::Gone) => return run.log.write(&LogEntry { event: "reader gone", ..entry }),
        Some(Cut::Draining) => format!("the service is draining; the stream goes on at start={at}"),
        Some(Cut::Stalled) => {
            format!("the reader took nothing for too long; the stream goes on at start={at}")
        }
        Some(Cut::Failed(why)) => why,
    };
    counters.streams_failed.fetch_add(1, Ordering::Relaxed);
    run.broken.set();
    entry.event = "stream cut";
    entry.error = Some(&why);
    run.log.write(&entry);
    let _ = sender.send(Err(io::Error::other(why))).await;
}

/// Sends from `cursor` on, which is the first batch that was not sent whole.
async fn send_all(
    run: &StreamRun,
    ahead: &mut Ahead,
    sender: &Sender<io::Result<Pieces>>,
    cursor: &mut Cursor,
) -> Result<(), Cut> {
    let (patient, memory) = (Patient { run, sender }, PortionMemory::default());
    for piece in run.job.start().map_err(|error| Cut::Failed(error.to_string()))? {
        patient.send(piece.into()).await?;
    }
    while let Some((at, encoded)) = ahead.take().await {
        *cursor = at;
        if *run.draining.borrow() {
            return Err(Cut::Draining);
        }
        let mut encoded = encoded.map_err(|error| Cut::Failed(error.without_id()))?;
        let (bytes, samples) = (encoded.pieces.remaining(), encoded.samples);
        let mut sent = 0;
        while sent < bytes {
            let part = portion(&mut encoded, &memory);
            let length = part.remaining();
            match patient.try_send(part).await? {
                None => sent += length,
                // The reader rests: nothing is kept for it but the place where it goes on.
                Some(part) => {
                    drop((part, encoded));
                    ahead.rest(Some(at));
                    memory.free();
                    patient.wait().await?;
                    let again = ahead.take().await.ok_or(Cut::Gone)?.1;
                    encoded = again.map_err(|error| Cut::Failed(error.without_id()))?;
                    encoded.pieces.advance(sent);
                }
            }
        }
        let counters = &run.job.served.counters;
        counters.samples.fetch_add(samples, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        *cursor = run.job.cursor_after(at);
    }
    for piece in run.job.end() {
        patient.send(piece.into()).await?;
    }
    Ok(())
}

/// Takes the next portion off `encoded`. It is a copy, unless it is of the cache: the portion that a reader who takes nothing
/// leaves in the connection would otherwise hold the memory of its whole batch.
fn portion(encoded: &mut Encoded, memory: &PortionMemory) -> Pieces {
    match encoded.is_kept {
        true => encoded.pieces.take_front(KEPT_PORTION_BYTES),
        false => memory.copy(encoded.pieces.take_front(PORTION_BYTES)).into(),
    }
}

/// The channel to a reader that may be slow.
struct Patient<'a> {
    run: &'a StreamRun,
    sender: &'a Sender<io::Result<Pieces>>,
}

impl Patient<'_> {
    async fn send(&self, part: Pieces) -> Result<(), Cut> {
        if let Some(part) = self.try_send(part).await? {
            self.wait().await?;
            self.sender.send(Ok(part)).await.map_err(|_| Cut::Gone)?;
        }
        Ok(())
    }

    /// Sends `part`, or gives it back where the reader takes nothing for a while.
    async fn try_send(&self, part: Pieces) -> Result<Option<Pieces>, Cut> {
        match timeout(REST_AFTER, self.sender.reserve()).await {
            Ok(Ok(permit)) => {
                permit.send(Ok(part));
                Ok(None)
            }
            Ok(Err(_)) => Err(Cut::Gone),
            Err(_) => Ok(Some(part)),
        }
    }

    /// Waits until the reader takes something, the service drains, or it was too long.
    async fn wait(&self) -> Result<(), Cut> {
        let mut draining = self.run.draining.clone();
        tokio::select! {
            permit = timeout(self.run.write_timeout, self.sender.reserve()) => match permit {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(_)) => Err(Cut::Gone),
                Err(_) => Err(Cut::Stalled),
            },
            _ = until(&mut draining) => Err(Cut::Draining),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn portions_are_the_pieces_in_order() {
        let given =
            || [Bytes::from_static(b"ab"), Bytes::new(), Bytes::from(vec![7; 3 * KEPT_PORTION_BYTES])];
        let memory = PortionMemory::default();
        for (is_kept, most) in [(false, PORTION_BYTES), (true, KEPT_PORTION_BYTES)] {
            let mut encoded = Encoded { pieces: given().into_iter().collect(), is_kept, samples: 1 };
            let held = encoded.pieces.clone();
            let mut all = Vec::new();
            while encoded.pieces.has_remaining() {
                let mut portion = portion(&mut encoded, &memory);
                assert!(portion.remaining() <= most);
                let is_same = held
                    .clone()
                    .into_iter()
                    .any(|piece| piece.as_ptr_range().contains(&portion.chunk().as_ptr()));
                assert_eq!(is_same, is_kept, "copied unless it is of the cache");
                all.extend_from_slice(&portion.copy_to_bytes(portion.remaining()));
            }
            assert_eq!(all, given().concat());
        }
    }
}
