//! The HDF5 file itself, whole or in part.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::range::{self, Asked};
use super::reply::Refusal;

/// Bytes that are read at once.
const PART_BYTES: u64 = 256 << 10;

/// The answer to a request for `file`, whose content has the strong `tag`. It is read where it was opened, so that another
/// file of its name is never mixed in.
pub(super) fn answer(
    file: &Arc<File>,
    tag: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let unreadable = |error: io::Error| Refusal::unavailable(format!("the file cannot be read: {error}"));
    let length = file.metadata().map_err(unreadable)?.len();
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if header(IF_NONE_MATCH).is_some_and(|given| matches(given, tag)) {
        return Ok(with_tag(StatusCode::NOT_MODIFIED.into_response(), tag));
    }
    // A range of another version of the file is useless.
    let range = header(RANGE).filter(|_| header(IF_RANGE).is_none_or(|given| given == tag));
    let (status, part) = match range::parse(range, length) {
        Asked::Whole => (StatusCode::OK, 0..length),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Asked::Unsatisfiable => {
            let mut refused =
                Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("the file has {length} bytes"))
                    .into_response();
            insert(&mut refused, CONTENT_RANGE, format!("bytes */{length}"));
            return Ok(refused);
        }
    };
    let bytes = part.end - part.start;
    let body = if *method == Method::HEAD { Body::empty() } else { parts(Arc::clone(file), part.clone()) };
    let mut response = with_tag(Response::new(body), tag);
    *response.status_mut() = status;
    insert(&mut response, CONTENT_LENGTH, bytes.to_string());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-hdf5"));
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        insert(&mut response, CONTENT_RANGE, format!("bytes {}-{}/{length}", part.start, part.end - 1));
    }
    Ok(response)
}

/// True if the value of an `If-None-Match` names `tag`.
pub(super) fn matches(given: &str, tag: &str) -> bool {
    given.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

fn with_tag(mut response: Response, tag: &str) -> Response {
    insert(&mut response, ETAG, tag.to_owned());
    response
}

fn insert(response: &mut Response, name: axum::http::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(name, value);
    }
}

/// The bytes of `file` in `part`. A file that ends before is an error, which the reader sees.
fn parts(file: Arc<File>, part: Range<u64>) -> Body {
    Body::from_stream(stream::unfold(part, move |left| {
        let file = Arc::clone(&file);
        async move {
            if left.is_empty() {
                return None;
            }
            let end = left.end.min(left.start + PART_BYTES);
            let read = tokio::task::spawn_blocking(move || {
                // At most PART_BYTES.
                let mut bytes = vec![0; (end - left.start) as usize];
                file.read_exact_at(&mut bytes, left.start).map(|()| Bytes::from(bytes))
            });
            match read.await.unwrap_or_else(|_| Err(io::Error::other("its reader failed"))) {
                Ok(bytes) => Some((Ok(bytes), end..left.end)),
                Err(error) => Some((Err(error), 0..0)),
            }
        }
    }))
}
