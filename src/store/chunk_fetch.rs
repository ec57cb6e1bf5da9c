//! Reads chunks as they stand in the file.

use super::chunk_codec::PADDING;
use super::chunk_span::Span;
use super::chunk_table::is_longer_than_any;
use super::{ChunkTable, CodecError, StoreError};

/// Reads a chunk that decodes to `decoded` bytes as it stands in the file into `encoded`, and says how long it is there.
/// [`PADDING`] zeros follow it.
pub(super) fn fetch(
    encoded: &mut Vec<u8>,
    table: &ChunkTable,
    chunk: usize,
    span: &Span,
    decoded: usize,
) -> Result<usize, StoreError> {
    let length = span.bytes as usize;
    // No encoder makes a chunk much larger than it was; a size that says so is not believed.
    if is_longer_than_any(length, decoded) {
        return Err(table.damaged(chunk, CodecError::Length { found: length, expected: decoded }));
    }
    if encoded.len() < length + PADDING {
        encoded.resize(length + PADDING, 0);
    }
    let (encoded, rest) = encoded.split_at_mut(length);
    table.read_at(encoded, span.address)?;
    // What a damaged stream is taken for must not depend on what was read before.
    rest[..PADDING].fill(0);
    Ok(length)
}
