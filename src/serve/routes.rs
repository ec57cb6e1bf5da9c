//! The routes.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::{Buf, Bytes};

use super::batches::Ahead;
use super::body::{self, StreamRun};
use super::datasets::{Opened, Served};
use super::job::{self, Job};
use super::log::LogEntry;
use super::metrics::{self, Measured};
use super::query::{MAX_TARGET_BYTES, Query};
use super::reply::{Refusal, json, of_type};
use super::server::Broken;
use super::{Shared, file, openapi, page, samples};
use crate::order::Cursor;

/// The text format of Prometheus.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The name of the reader, which the check of tokens adds to each request.
#[derive(Debug, Clone)]
struct Reader(String);

pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let open = Router::new().route("/healthz", get(health)).route("/readyz", get(ready));
    let closed = Router::new()
        .route("/", get(show_page))
        .route("/metrics", get(show_metrics))
        .route("/openapi.json", get(describe))
        .route("/datasets", get(list))
        .route("/datasets/{name}", get(dataset))
        .route("/datasets/{name}/batches", get(stream))
        .route("/datasets/{name}/batches/{epoch}/{batch}", get(batch))
        .route("/datasets/{name}/batches/{epoch}/{batch}/samples", get(samples_of_batch))
        .route("/datasets/{name}/schema", get(schema))
        .route("/datasets/{name}/columns", get(samples::columns))
        .route("/datasets/{name}/columns/{column}", get(samples::column))
        .route("/datasets/{name}/samples", get(samples::rows))
        .route("/datasets/{name}/samples/{row}", get(samples::row))
        .route("/datasets/{name}/file", get(whole_file))
        .fallback(|| async { Refusal::not_found("there is no such page; /openapi.json lists all routes") })
        .layer(middleware::from_fn_with_state(Arc::clone(shared), let_in));
    open.merge(closed)
        .layer(middleware::from_fn_with_state(Arc::clone(shared), around))
        .with_state(Arc::clone(shared))
}

/// Limits of the request line, headers of every answer, the log.
async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let mut response = if target > MAX_TARGET_BYTES {
        let text = format!("path and query have {target} bytes, more than {MAX_TARGET_BYTES}");
        Refusal::new(StatusCode::URI_TOO_LONG, text).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if let Some(origin) = shared.options.cors.as_deref().and_then(|origin| HeaderValue::from_str(origin).ok())
    {
        headers.insert("access-control-allow-origin", origin);
        headers.insert(
            "access-control-expose-headers",
            HeaderValue::from_static("Accept-Ranges, Content-Range, Content-Length, ETag"),
        );
    }
    let reader = response.extensions().get::<Reader>().map(|reader| reader.0.clone());
    shared.options.log.write(&LogEntry {
        reader: reader.as_deref(),
        method: Some(method.as_str()),
        path: Some(&path),
        status: Some(response.status().as_u16()),
        seconds: Some(began.elapsed().as_secs_f64()),
        ..LogEntry::now("request")
    });
    response
}

/// Lets requests with a token in.
async fn let_in(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let authorization = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let Some(name) = shared.access.reader(authorization) else {
        let text = "this service asks for a token: send the header `Authorization: Bearer TOKEN`";
        return Refusal::new(StatusCode::UNAUTHORIZED, text).into_response();
    };
    request.extensions_mut().insert(Reader(name.clone()));
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Reader(name));
    response
}

async fn health() -> Response {
    of_type(StatusCode::OK, "text/plain", "ok\n")
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if *shared.draining.borrow() {
        return Refusal::unavailable("the service is draining").into_response();
    }
    of_type(StatusCode::OK, "text/plain", "ok\n")
}

async fn show_page(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let datasets: Vec<&Served> = shared.datasets.values().map(AsRef::as_ref).collect();
    let origin = format!("{}://{host}", if shared.options.tls.is_some() { "https" } else { "http" });
    let mut response = of_type(StatusCode::OK, "text/html; charset=utf-8", page::page(&datasets, &origin));
    let policy = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    response.headers_mut().insert("content-security-policy", HeaderValue::from_static(policy));
    response
}

async fn show_metrics(State(shared): State<Arc<Shared>>) -> Response {
    let measured = shared.datasets.iter().map(|(name, served)| {
        let cache = served.opened().cache.clone();
        (name.as_str(), Measured { counters: &served.counters, cache })
    });
    of_type(StatusCode::OK, METRICS_TYPE, metrics::text(&measured.collect()))
}

async fn describe(State(shared): State<Arc<Shared>>) -> Response {
    let names: Vec<&str> = shared.datasets.keys().map(String::as_str).collect();
    json(StatusCode::OK, &openapi::describe(&names))
}

async fn list(State(shared): State<Arc<Shared>>) -> Response {
    let entries: Vec<_> = shared.datasets.values().map(|served| served.entry()).collect();
    json(StatusCode::OK, &serde_json::json!({ "datasets": entries }))
}

async fn dataset(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let served = shared.served(&name)?;
    served.current().await?;
    Ok(json(StatusCode::OK, &served.entry()))
}

async fn schema(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let mut query = shared.query(&request)?;
    let job = shared.job(&name, &mut query).await?;
    Ok(json(StatusCode::OK, &job.describe()))
}

async fn whole_file(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let opened = shared.served(&name)?.current().await?;
    file::answer(opened.file(), opened.tag(), request.method(), request.headers())
}

async fn stream(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    if request.version() < Version::HTTP_11 {
        let text = "a stream needs HTTP/1.1: in HTTP/1.0 one that fails looks complete. Behind nginx set \
                    `proxy_http_version 1.1`, or read batch by batch from /batches/{epoch}/{batch}";
        return Err(Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, text));
    }
    if *shared.draining.borrow() {
        return Err(Refusal::unavailable(
            "the service is draining; ask another one, or again when it is back",
        ));
    }
    let mut query = shared.query(&request)?;
    let (start, group) = job::start_and_group(&mut query)?;
    let job = shared.job(&name, &mut query).await?;
    let start = job.place(start)?;
    let mut response = of_type(StatusCode::OK, job.media_type(), "");
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    if *request.method() == Method::HEAD {
        return Ok(response);
    }
    let place = Arc::clone(&shared.streams).try_acquire_owned().map_err(|_| {
        let text = format!("{} streams are open, as many as the service takes", shared.options.max_streams);
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, text)
    })?;
    let member = group.map(|group| shared.decoder.join(&group, &job));
    let decoder = Arc::clone(&shared.decoder);
    let ahead = Ahead::new(decoder, Arc::clone(&job), member, start, shared.options.prefetch);
    let run = StreamRun {
        job,
        start,
        draining: shared.draining.clone(),
        write_timeout: shared.options.write_timeout,
        broken: request.extensions().get::<Broken>().cloned().unwrap_or_default(),
        reader: request.extensions().get::<Reader>().map(|reader| reader.0.clone()).unwrap_or_default(),
        log: shared.options.log,
        _place: place,
    };
    body::portions(run, ahead).answer(&mut response);
    Ok(response)
}

async fn batch(
    State(shared): State<Arc<Shared>>,
    Path((name, epoch, batch)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let cursor = place_of(&epoch, &batch)?;
    let mut query = shared.query(&request)?;
    let job = shared.job_of_batch(&name, &mut query, cursor).await?;
    let tag = job.tag(cursor);
    let given = request.headers().get(IF_NONE_MATCH).and_then(|given| given.to_str().ok());
    if given.is_some_and(|given| file::matches(given, &tag)) {
        return Ok(with_cache(StatusCode::NOT_MODIFIED.into_response(), &tag));
    }
    let began = Instant::now();
    let encoded = shared.decoder.batch(&job, cursor, None).await;
    let encoded = encoded.map_err(|error| error.refusal())?;
    job.served.counters.waited(began.elapsed());
    job.served.counters.sent(encoded.samples, encoded.pieces.remaining() as u64);
    let mut pieces: Vec<Bytes> = Vec::new();
    if job.is_document() {
        pieces = job.start().map_err(|error| Refusal::wrong(error.to_string()))?;
    }
    pieces.extend(encoded.pieces);
    if job.is_document() {
        pieces.extend(job.end());
    }
    let length: usize = pieces.iter().map(Bytes::len).sum();
    let mut response = with_cache(Response::new(job::whole_body(pieces)), &tag);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(job.media_type()));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

async fn samples_of_batch(
    State(shared): State<Arc<Shared>>,
    Path((name, epoch, batch)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let cursor = place_of(&epoch, &batch)?;
    let mut query = shared.query(&request)?;
    let job = shared.job_of_batch(&name, &mut query, cursor).await?;
    let samples = job.samples(cursor).map_err(|error| Refusal::wrong(error.to_string()))?;
    Ok(json(StatusCode::OK, &samples))
}

/// The place that the path of a batch names.
fn place_of(epoch: &str, batch: &str) -> Result<Cursor, Refusal> {
    let number = |text: &str| {
        text.parse()
            .map_err(|_| Refusal::not_found(format!("there is no batch {epoch}/{batch}: use whole numbers")))
    };
    Ok(Cursor { epoch: number(epoch)?, batch: number(batch)? })
}

/// A batch never changes under its tag, but a file may be replaced: caches ask again after a while.
fn with_cache(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    response
}

impl Shared {
    pub(super) fn served(&self, name: &str) -> Result<&Arc<Served>, Refusal> {
        self.datasets.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.datasets.keys().map(String::as_str).collect();
            Refusal::not_found(format!("there is no data set {name:?}; there are {}", names.join(", ")))
        })
    }

    pub(super) fn query(&self, request: &Request) -> Result<Query, Refusal> {
        Query::parse(request.uri().query().unwrap_or("")).map_err(|error| Refusal::wrong(error.to_string()))
    }

    pub(super) async fn job(&self, name: &str, query: &mut Query) -> Result<Arc<Job>, Refusal> {
        let served = Arc::clone(self.served(name)?);
        let opened = served.current().await?;
        job::of_query(served, opened, query).await
    }

    async fn job_of_batch(&self, name: &str, query: &mut Query, cursor: Cursor) -> Result<Arc<Job>, Refusal> {
        if query.take("epochs").is_some() {
            return Err(Refusal::wrong("a batch has its epoch in the path; leave epochs out"));
        }
        let served = Arc::clone(self.served(name)?);
        let opened: Arc<Opened> = served.current().await?;
        job::of_batch(served, opened, query, cursor).await
    }
}
