//! The body of a stream: batch after batch, as fast as the reader takes them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::batches::Ahead;
use super::job::Job;
use super::log::{LogEntry, LogFormat};
use super::portion_memory::PortionMemory;
use super::server::{Broken, until};
use crate::order::Cursor;

/// Bytes that are handed over at once: so much is copied into the socket without waiting. A connection whose reader rests
/// holds four of them.
const PORTION_BYTES: usize = 192 << 10;
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

/// The body of the stream, which a task fills. A stream that does not come to its end has no last chunk.
pub(super) fn body(run: StreamRun, ahead: Ahead) -> Body {
    let (sender, receiver) = channel::<io::Result<Bytes>>(1);
    tokio::spawn(send(run, ahead, sender));
    Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|part| (part, receiver))
    }))
}

async fn send(run: StreamRun, mut ahead: Ahead, sender: Sender<io::Result<Bytes>>) {
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
    sender: &Sender<io::Result<Bytes>>,
    cursor: &mut Cursor,
) -> Result<(), Cut> {
    let (patient, memory) = (Patient { run, sender }, PortionMemory::default());
    for piece in run.job.start().map_err(|error| Cut::Failed(error.to_string()))? {
        patient.send(piece).await?;
    }
    while let Some((at, encoded)) = ahead.take().await {
        *cursor = at;
        if *run.draining.borrow() {
            return Err(Cut::Draining);
        }
        let encoded = encoded.map_err(|error| Cut::Failed(error.without_id()))?;
        let (bytes, samples) = (encoded.bytes(), encoded.samples);
        let mut sent = 0;
        let mut pieces = encoded.pieces;
        while sent < bytes {
            let Some(part) = portion(&mut pieces, &memory) else { break };
            let length = part.len() as u64;
            match patient.try_send(part).await? {
                None => sent += length,
                // The reader rests: nothing is kept for it but the place where it goes on.
                Some(part) => {
                    drop(part);
                    pieces.clear();
                    ahead.rest(Some(at));
                    memory.free();
                    patient.wait().await?;
                    let again = ahead.take().await.ok_or(Cut::Gone)?.1;
                    pieces = again.map_err(|error| Cut::Failed(error.without_id()))?.pieces;
                    skip(&mut pieces, sent);
                }
            }
        }
        let counters = &run.job.served.counters;
        counters.samples.fetch_add(samples, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        *cursor = run.job.cursor_after(at);
    }
    for piece in run.job.end() {
        patient.send(piece).await?;
    }
    Ok(())
}

/// Takes the next portion off the pieces; `None` when they are empty. It is a copy: the portion that a reader who takes
/// nothing leaves in the connection would otherwise hold the memory of its whole batch.
fn portion(pieces: &mut Vec<Bytes>, memory: &PortionMemory) -> Option<Bytes> {
    while pieces.first()?.is_empty() {
        pieces.remove(0);
    }
    let first = pieces.first_mut()?;
    Some(memory.copy(&first.split_to(first.len().min(PORTION_BYTES))))
}

/// Takes `bytes` off the pieces.
fn skip(pieces: &mut Vec<Bytes>, mut bytes: u64) {
    while let Some(first) = pieces.first_mut() {
        let here = bytes.min(first.len() as u64);
        // A piece is in memory, so that its length is a usize.
        drop(first.split_to(usize::try_from(here).unwrap_or(usize::MAX)));
        bytes -= here;
        if !first.is_empty() {
            break;
        }
        pieces.remove(0);
    }
}

/// The channel to a reader that may be slow.
struct Patient<'a> {
    run: &'a StreamRun,
    sender: &'a Sender<io::Result<Bytes>>,
}

impl Patient<'_> {
    async fn send(&self, part: Bytes) -> Result<(), Cut> {
        if let Some(part) = self.try_send(part).await? {
            self.wait().await?;
            self.sender.send(Ok(part)).await.map_err(|_| Cut::Gone)?;
        }
        Ok(())
    }

    /// Sends `part`, or gives it back where the reader takes nothing for a while.
    async fn try_send(&self, part: Bytes) -> Result<Option<Bytes>, Cut> {
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
    use super::*;

    #[test]
    fn portions_are_the_pieces_in_order() {
        let large = vec![7; PORTION_BYTES + 3];
        let given = || vec![Bytes::from_static(b"ab"), Bytes::new(), Bytes::from(large.clone())];
        let mut pieces = given();
        let (mut parts, memory) = (Vec::new(), PortionMemory::default());
        while let Some(part) = portion(&mut pieces, &memory) {
            assert!(part.len() <= PORTION_BYTES);
            parts.push(part);
        }
        assert_eq!(parts.concat(), given().concat());
        for skipped in [0, 1, 2, 3, PORTION_BYTES + 4] {
            let mut pieces = given();
            skip(&mut pieces, skipped as u64);
            assert_eq!(pieces.concat(), given().concat()[skipped..], "{skipped}");
        }
    }
}
