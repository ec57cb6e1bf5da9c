//! Rows of a data set, and their pictures.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Buf;

use super::Shared;
use super::datasets::Opened;
use super::job::not_made;
use super::query::Query;
use super::reply::{Refusal, json, of_type};
use crate::model::GridShape;
use crate::report::{Picture, Shades, shown_channels, side_by_side};
use crate::store::TypedValues;
use crate::stream::{RowOptions, StreamError, StreamOptions};

/// Rows of one answer, at most.
pub(super) const MAX_ROWS: usize = 1000;

/// The largest number of rows that an answer leaves out: rows are numbered with 32 bits.
pub(super) const MAX_OFFSET: usize = u32::MAX as usize;

/// The facts about the rows that meet all conditions.
pub(super) async fn rows(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let mut query = shared.query(&request)?;
    let offset = number(&mut query, "offset", 0)?;
    let limit = number(&mut query, "limit", 100)?;
    if offset > MAX_OFFSET {
        return Err(Refusal::wrong(format!("offset={offset}: use 0 to {MAX_OFFSET}")));
    }
    if limit == 0 || limit > MAX_ROWS {
        return Err(Refusal::wrong(format!("limit={limit}: use 1 to {MAX_ROWS}")));
    }
    let mut conditions = Vec::new();
    for (name, value) in query.rest() {
        if name != "where" {
            return Err(Refusal::wrong(format!(
                "`{name}` is no option of /samples; they are where, offset, limit"
            )));
        }
        let condition = value.parse();
        conditions.push(condition.map_err(|error| Refusal::wrong(format!("where={value}: {error}")))?);
    }
    let opened = shared.served(&name)?.current().await?;
    on_thread(move || {
        let selection = RowOptions { conditions, allow_leak: true, ..RowOptions::default() };
        let rows = match opened.dataset.select(&selection) {
            Ok(rows) => rows,
            Err(StreamError::NothingSelected { .. }) => Vec::new(),
            Err(error) => return Err(Refusal::wrong(error.to_string())),
        };
        let facts: Result<Vec<_>, _> =
            rows.iter().skip(offset).take(limit).map(|row| opened.dataset.row_facts(*row)).collect();
        let facts = facts.map_err(|error| Refusal::unavailable(error.to_string()))?;
        Ok(json(
            StatusCode::OK,
            &serde_json::json!({ "rows": rows.len(), "offset": offset, "samples": facts }),
        ))
    })
    .await
}

/// One row, `{row}`, its picture, `{row}.png`, or the sample that it is under the options of a stream, `{row}.npy`.
pub(super) async fn row(
    State(shared): State<Arc<Shared>>,
    Path((name, row)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let mut query = shared.query(&request)?;
    if let Some(number) = row.strip_suffix(".npy") {
        return tensors(&shared, &name, number, query).await;
    }
    let (number, is_picture) = match row.strip_suffix(".png") {
        Some(number) => (number, true),
        None => (row.as_str(), false),
    };
    let mask = if is_picture { query.take("mask") } else { None };
    let outline = match mask.as_deref() {
        None | Some("outline") => true,
        Some("none") => false,
        Some(other) => return Err(Refusal::wrong(format!("mask={other}: use outline or none"))),
    };
    if let Some((option, _)) = query.rest().next() {
        let options = if is_picture { "a picture; it has mask" } else { "a row; it has none" };
        return Err(Refusal::wrong(format!("`{option}` is no option of {options}")));
    }
    let opened = shared.served(&name)?.current().await?;
    let row = row_of(&opened, number)?;
    on_thread(move || {
        if is_picture {
            let png =
                picture(&opened, row, outline).map_err(|error| Refusal::unavailable(error.to_string()))?;
            return Ok(of_type(StatusCode::OK, "image/png", png));
        }
        let facts = opened.dataset.row_facts(row).map_err(|error| Refusal::unavailable(error.to_string()))?;
        Ok(json(StatusCode::OK, &facts))
    })
    .await
}

/// Image and mask of a row, a batch of one.
async fn tensors(shared: &Shared, name: &str, row: &str, mut query: Query) -> Result<Response, Refusal> {
    let epoch = number(&mut query, "epoch", 0)? as u64;
    let opened = shared.served(name)?.current().await?;
    let row = row_of(&opened, row)?;
    // A row alone has its own size, where no other is asked for.
    if let Some(size) =
        opened.dataset.own_size(row).map_err(|error| Refusal::unavailable(error.to_string()))?
    {
        query.add_missing("size", size.to_string());
    }
    let job = shared.job(name, &mut query).await?;
    if job.is_document() {
        return Err(Refusal::wrong("a sample has the format npy"));
    }
    on_thread(move || {
        let mut pieces = job.encode_sample(epoch, row).map_err(|error| not_made(&error))?.pieces;
        Ok(of_type(StatusCode::OK, job.media_type(), pieces.copy_to_bytes(pieces.remaining())))
    })
    .await
}

/// The row that a path names.
fn row_of(opened: &Opened, number: &str) -> Result<u64, Refusal> {
    let rows = opened.dataset.rows() as u64;
    let row = number.parse().ok().filter(|row| *row < rows);
    row.ok_or_else(|| Refusal::not_found(format!("there is no row {number}; there are {rows}, from 0 on")))
}

/// The names of all columns.
pub(super) async fn columns(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let opened = shared.served(&name)?.current().await?;
    Ok(json(StatusCode::OK, &serde_json::json!({ "columns": opened.dataset.column_names() })))
}

/// All values of a column, one after the other, with their type and shape. JSON has no NaN: it is null.
pub(super) async fn column(
    State(shared): State<Arc<Shared>>,
    Path((name, column)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let opened = shared.served(&name)?.current().await?;
    if !opened.dataset.column_names().contains(&column.as_str()) {
        let known = opened.dataset.column_names().join(", ");
        return Err(Refusal::not_found(format!("there is no column {column:?}; there are {known}")));
    }
    on_thread(move || {
        let read = opened.dataset.column(&column).map_err(|error| Refusal::unavailable(error.to_string()))?;
        let (dtype, values) = match read.values {
            TypedValues::Text(values) => ("str", serde_json::json!(values)),
            TypedValues::UInt8(values) => ("uint8", serde_json::json!(values)),
            TypedValues::Int32(values) => ("int32", serde_json::json!(values)),
            TypedValues::UInt32(values) => ("uint32", serde_json::json!(values)),
            TypedValues::Float32(values) => ("float32", serde_json::json!(values)),
            TypedValues::Float64(values) => ("float64", serde_json::json!(values)),
        };
        Ok(json(
            StatusCode::OK,
            &serde_json::json!({ "name": column, "dtype": dtype, "shape": read.shape, "values": values }),
        ))
    })
    .await
}

fn number(query: &mut Query, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(text) = query.take(name) else { return Ok(default) };
    text.parse().map_err(|_| Refusal::wrong(format!("{name}={text}: use a whole number")))
}

/// Runs what reads the file on a thread where it may block.
async fn on_thread(
    work: impl FnOnce() -> Result<Response, Refusal> + Send + 'static,
) -> Result<Response, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the row cannot be read")))
}

/// The image of a row as PNG, with the outlines of its masks where they are asked for.
fn picture(opened: &Opened, row: u64, outline: bool) -> Result<Vec<u8>, StreamError> {
    let size = opened.dataset.own_size(row)?;
    let stream =
        opened.dataset.stream(&StreamOptions { shuffle: false, size, ..StreamOptions::default() })?;
    let batch = stream.sample(0, row)?;
    let [_, _, channels] = stream.schema().image.shape;
    let (values, _) = batch.images.as_chunks::<4>();
    let shown = values.chunks_exact(channels).flat_map(|pixel| &pixel[..shown_channels(channels)]);
    let image: Vec<f32> = shown.map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let [height, width, planes] = stream.schema().mask.shape;
    // The shape of a file is at least 1 x 1.
    let shape = GridShape::new(height, width).expect("the images of a file have pixels");
    let none = vec![0; batch.masks.len()];
    let mask: &[u8] = if outline { &batch.masks } else { &none };
    let mut png = Vec::new();
    let shades = Shades::of_image(&image, channels);
    // Writing to a vector cannot fail.
    let _ = side_by_side(&[Picture { shape, image: &image, mask, planes, label: "" }], shades, &mut png);
    Ok(png)
}
