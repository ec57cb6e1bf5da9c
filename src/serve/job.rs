//! A stream that a query asks for, and its batches in their format.

use std::fmt::Write;
use std::iter;
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::datasets::{Opened, Served};
use super::encoded::Encoded;
use super::open_streams::OpenStream;
use super::pieces::Pieces;
use super::query::Query;
use super::reply::Refusal;
use crate::order::Cursor;
use crate::sink::{self, FORMATS, Format, SinkError};
use crate::stream::{Batch, BatchPool, RowCache, Stream, StreamCursor, StreamError, StreamOptions};

/// The longest name of a group, in bytes.
const MAX_GROUP_NAME: usize = 64;

/// Batches that are larger give their memory back to the system.
const MAX_POOLED_BYTES: usize = 64 << 20;

/// A stream of a data set in a format.
pub(super) struct Job {
    pub(super) served: Arc<Served>,
    /// The file that the batches are read from.
    opened: Arc<Opened>,
    stream: Stream,
    format: &'static Format,
    /// The same for jobs that give the same bytes: file and options.
    pub(super) key: String,
}

/// The job that the names and values of `query` ask for.
///
/// # Errors
/// [`Refusal`] that names the option.
pub(super) async fn of_query(
    served: Arc<Served>,
    opened: Arc<Opened>,
    query: &Query,
) -> Result<Arc<Job>, Refusal> {
    let (options, format) = options(query)?;
    make(served, opened, options, format).await
}

/// The job for the batch at `cursor` alone. Epochs have no end for it.
///
/// # Errors
/// As [`of_query`]; where an epoch has no such batch.
pub(super) async fn of_batch(
    served: Arc<Served>,
    opened: Arc<Opened>,
    query: &Query,
    cursor: Cursor,
) -> Result<Arc<Job>, Refusal> {
    let (mut options, format) = options(query)?;
    options.epochs = None;
    let job = make(served, opened, options, format).await?;
    let batches = job.stream.plan().batches_per_epoch();
    if cursor.batch >= batches {
        return Err(Refusal::not_found(format!("an epoch has {batches} batches, from 0 on")));
    }
    Ok(job)
}

/// Takes the place that a stream starts at and its group out of `query`.
///
/// # Errors
/// [`Refusal`] where the place is no cursor; where the name of the group has other characters than letters, digits, `.`,
/// `_` and `-`, or is longer than 64.
pub(super) fn start_and_group(query: &mut Query) -> Result<(StreamCursor, Option<String>), Refusal> {
    let start = query.take("start").unwrap_or_else(|| "0:0".to_owned());
    let cursor = start.parse().map_err(|error| Refusal::wrong(format!("start={start}: {error}")))?;
    Ok((cursor, query.take("group").map(group).transpose()?))
}

fn group(name: String) -> Result<String, Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > MAX_GROUP_NAME || !name.chars().all(fits) {
        return Err(Refusal::wrong("group: use 1 to 64 letters, digits, `.`, `_` and `-`"));
    }
    Ok(name)
}

/// The options and the format that `query` names.
///
/// # Errors
/// [`Refusal`] that names the option.
pub(super) fn options(query: &Query) -> Result<(StreamOptions, &'static Format), Refusal> {
    let mut options = StreamOptions::default();
    let mut format = FORMATS[0];
    for (name, value) in query.rest() {
        if name == "format" {
            format = Format::named(value).ok_or_else(|| {
                let names = FORMATS.map(|format| format.name).join(", ");
                Refusal::wrong(format!("format={value}: use one of {names}"))
            })?;
            continue;
        }
        options.set(name, &Value::from(value)).map_err(|error| {
            let hint = error.hint().map(|hint| format!("; {}", hint.for_query())).unwrap_or_default();
            Refusal::wrong(format!("{name}={value}: {error}{hint}"))
        })?;
    }
    // Files of this machine are no reader's business.
    if !options.files().is_empty() {
        return Err(Refusal::wrong(
            "a query cannot name files of the service; presets of augmentation have names",
        ));
    }
    options.texts = format.needs_texts;
    Ok((options, format))
}

async fn make(
    served: Arc<Served>,
    opened: Arc<Opened>,
    options: StreamOptions,
    format: &'static Format,
) -> Result<Arc<Job>, Refusal> {
    let file = Arc::clone(&opened);
    let asked = options.clone();
    let stream = tokio::task::spawn_blocking(move || file.dataset.stream(&asked)).await;
    let stream =
        stream.map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the stream cannot be made"))?;
    let stream = stream.map_err(|error| refused(&error))?;
    let text = serde_json::to_string(&options).unwrap_or_default();
    let key = format!("{}\n{}\n{text}", opened.tag(), format.name);
    Ok(Arc::new(Job { served, opened, stream, format, key }))
}

/// The answer to options that do not go together or with the file.
fn refused(error: &StreamError) -> Refusal {
    let mut text = error.with_causes();
    if let Some(hint) = error.hint() {
        // Writing to a String cannot fail.
        let _ = write!(text, "; {}", hint.for_query());
    }
    Refusal::wrong(text)
}

/// The answer where a batch or a sample is not made: by options that a row does not go with, or as it is damaged.
pub(super) fn not_made(error: &StreamError) -> Refusal {
    match error {
        StreamError::Convert { .. } => refused(error),
        _ => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.with_causes()),
    }
}

impl Job {
    /// The media type of the stream.
    pub(super) fn media_type(&self) -> &'static str {
        self.format.media_type
    }

    /// The description of the stream, as `dicomprep batches --describe` prints it.
    pub(super) fn describe(&self) -> Value {
        sink::describe(&self.stream, self.format)
    }

    /// True if a batch alone needs the start and the end of a stream to be read.
    pub(super) fn is_document(&self) -> bool {
        !self.format.extensions.contains(&"npy")
    }

    /// The strong entity tag of a batch: file, options and place.
    pub(super) fn tag(&self, cursor: Cursor) -> String {
        let digest = Sha256::digest(format!("{}\n{cursor}", self.key));
        let mut text = String::from("\"");
        for byte in &digest[..16] {
            let _ = write!(text, "{byte:02x}");
        }
        text + "\""
    }

    /// The place to start at.
    ///
    /// # Errors
    /// [`Refusal`] where `start` is of another stream, or the stream has no batch there.
    pub(super) fn place(&self, start: StreamCursor) -> Result<Cursor, Refusal> {
        let at = self.stream.check_cursor(start).map_err(|error| refused(&error))?;
        self.stream.plan().batches_from(at).map_err(|error| Refusal::wrong(error.to_string()))?;
        Ok(at)
    }

    /// The place `at` as readers get it, to go on from.
    pub(super) fn cursor(&self, at: Cursor) -> StreamCursor {
        self.stream.cursor(at)
    }

    /// Rows, places in the epoch and drawn augmentation of the samples of the batch at `cursor`, and the cursors of it and
    /// the next.
    ///
    /// # Errors
    /// [`StreamError`] where the stream has no such batch.
    pub(super) fn samples(&self, cursor: Cursor) -> Result<Value, StreamError> {
        let batch = self.stream.planned(cursor)?;
        let drawn = batch.samples.iter().map(|sample| self.stream.draw(cursor.epoch, sample.row));
        Ok(json!({
            "cursor": self.cursor(cursor).to_string(),
            "next_cursor": self.cursor(self.cursor_after(cursor)).to_string(),
            "rows": batch.samples.iter().map(|sample| sample.row).collect::<Vec<_>>(),
            "positions": batch.samples.iter().map(|sample| sample.position).collect::<Vec<_>>(),
            "augmentation": drawn.collect::<Option<Vec<_>>>(),
        }))
    }

    /// The first batch from `start` on; `None` where there is none.
    pub(super) fn first_from(&self, start: Cursor) -> Option<Cursor> {
        self.stream.plan().batches_from(start).ok()?.next().map(|batch| batch.cursor())
    }

    /// The batch after the one at `cursor`; `None` after the last.
    pub(super) fn after(&self, cursor: Cursor) -> Option<Cursor> {
        self.first_from(self.cursor_after(cursor))
    }

    /// The cursor to go on at after the batch at `cursor`.
    pub(super) fn cursor_after(&self, cursor: Cursor) -> Cursor {
        self.stream.plan().after(cursor)
    }

    /// The bytes before the first batch.
    ///
    /// # Errors
    /// [`SinkError`] where the format does not hold the samples.
    pub(super) fn start(&self) -> Result<Vec<Bytes>, SinkError> {
        let bytes = (self.format.encoder)(self.stream.schema())?.start();
        Ok(if bytes.is_empty() { Vec::new() } else { vec![Bytes::from(bytes)] })
    }

    /// The bytes after the last batch.
    pub(super) fn end(&self) -> Vec<Bytes> {
        let end =
            (self.format.encoder)(self.stream.schema()).map(|encoder| encoder.end()).unwrap_or_default();
        if end.is_empty() { Vec::new() } else { vec![Bytes::from(end)] }
    }

    /// Decodes the batch at `cursor` into memory of `pool`, which gets it back once the pieces are gone.
    ///
    /// # Errors
    /// [`StreamError`] where a row is damaged or cannot be read.
    pub(super) fn encode(&self, cursor: Cursor, pool: &BatchPool) -> Result<Encoded, StreamError> {
        let Opened { cache, streams, .. } = &*self.opened;
        // Rows that nobody will ask for again need no memory.
        let is_alone = self.stream.takes_rows_once() && !streams.are_of_others(&self.key);
        let cache = if is_alone { cache.without_keeping() } else { cache.clone() };
        if let Some(encoded) = self.encode_kept(cursor, &cache)? {
            return Ok(encoded);
        }
        let decoded = self.stream.batch_into(pool.take(), cursor, &cache)?;
        Ok(self.encoded(decoded, pool))
    }

    /// The batch at `cursor` as rows of `cache`, where they leave as they are there.
    fn encode_kept(&self, cursor: Cursor, cache: &RowCache) -> Result<Option<Encoded>, StreamError> {
        let Some(heads) = self.format.heads else { return Ok(None) };
        let Some(rows) = self.stream.kept_rows(cursor, cache)? else { return Ok(None) };
        let [image_head, mask_head] = heads(self.stream.schema(), rows.len()).map(Bytes::from);
        let images = iter::once(image_head).chain(rows.iter().map(|row| row.image.clone()));
        let masks = iter::once(mask_head).chain(rows.iter().map(|row| row.mask.clone()));
        let samples = rows.len() as u64;
        Ok(Some(Encoded { pieces: images.chain(masks).collect(), is_kept: true, samples }))
    }

    /// Counts a stream of the job as open until what it returns is dropped.
    pub(super) fn open_stream(&self) -> OpenStream {
        self.opened.streams.open(&self.key)
    }

    /// Decodes the sample that `row` of the file is in epoch `epoch`, whether the stream selects it or not: a batch of one.
    ///
    /// # Errors
    /// [`StreamError`] where there is no such row, or it is damaged or cannot be read.
    pub(super) fn encode_sample(&self, epoch: u64, row: u64) -> Result<Encoded, StreamError> {
        Ok(self.encoded(self.stream.sample(epoch, row)?, &BatchPool::new(0)))
    }

    fn encoded(&self, batch: Batch, pool: &BatchPool) -> Encoded {
        let samples = batch.samples.len() as u64;
        let batch = Arc::new(Lent { batch, pool: pool.clone() });
        // The schema fits the format: `start` has made an encoder of it.
        let Ok(mut encoder) = (self.format.encoder)(self.stream.schema()) else {
            return Encoded { pieces: Pieces::default(), is_kept: false, samples };
        };
        let pieces =
            encoder.encode(&batch.batch).into_iter().map(|piece| owned(&batch, piece.bytes)).collect();
        Encoded { pieces, is_kept: false, samples }
    }
}

/// A batch whose memory goes back to a pool.
struct Lent {
    batch: Batch,
    pool: BatchPool,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.images.len() + batch.masks.len() <= MAX_POOLED_BYTES {
            self.pool.recycle(batch);
        }
    }
}

/// The images or the masks of a batch that several own.
struct Tensor {
    lent: Arc<Lent>,
    is_mask: bool,
}

impl AsRef<[u8]> for Tensor {
    fn as_ref(&self) -> &[u8] {
        let batch = &self.lent.batch;
        if self.is_mask { &batch.masks } else { &batch.images }
    }
}

/// `piece`, which is a part of the tensors of `lent` or of something that lives shorter; tensors are not copied.
fn owned(lent: &Arc<Lent>, piece: &[u8]) -> Bytes {
    for is_mask in [false, true] {
        let tensor = Tensor { lent: Arc::clone(lent), is_mask };
        if !piece.is_empty() && std::ptr::eq(tensor.as_ref(), piece) {
            return Bytes::from_owner(tensor);
        }
    }
    Bytes::copy_from_slice(piece)
}

/// The body that consists of `pieces`.
pub(super) fn whole_body(pieces: Vec<Bytes>) -> Body {
    Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
}
