//! The HDF5 file itself, whole or in part.

use std::io::SeekFrom;
use std::path::Path;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::range::{self, Asked};
use super::reply::Refusal;

/// Bytes that are read at once.
const PART_BYTES: u64 = 256 << 10;

/// The answer to a request for the file at `path`, whose content has the strong `tag`.
pub(super) async fn answer(
    path: &Path,
    tag: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let unreadable =
        |error: std::io::Error| Refusal::unavailable(format!("the file cannot be read: {error}"));
    let mut file = File::open(path).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
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
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        file.seek(SeekFrom::Start(part.start)).await.map_err(unreadable)?;
        parts(file, bytes)
    };
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

/// The next `bytes` bytes of `file`. A file that ends before is an error, which the reader sees.
fn parts(file: File, bytes: u64) -> Body {
    Body::from_stream(stream::unfold((file, bytes), |(mut file, left)| async move {
        if left == 0 {
            return None;
        }
        // At most PART_BYTES.
        let mut part = vec![0; left.min(PART_BYTES) as usize];
        match file.read_exact(&mut part).await {
            Ok(_) => {
                let left = left - part.len() as u64;
                Some((Ok(Bytes::from(part)), (file, left)))
            }
            Err(error) => Some((Err(error), (file, 0))),
        }
    }))
}
