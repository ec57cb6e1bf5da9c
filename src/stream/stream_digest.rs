//! The digest that distinguishes the cursors of a stream from those of others.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::options::StreamOptions;
use super::stream_cursor::StreamDigest;
use crate::order::Selection;
use crate::store::DatasetTables;

/// The digest of the stream that `options` make of the rows of `selection`: the first four bytes of a SHA-256.
pub(super) fn stream_digest(
    file: &DatasetTables,
    selection: &Selection,
    options: &StreamOptions,
) -> StreamDigest {
    let identity = file.identity();
    let world_size = options.world_size.get();
    let parts = json!([
        "dicomprep cursor v1",
        identity.source_digest,
        identity.config,
        identity.shape,
        options.batch_size,
        options.shuffle,
        options.balance,
        (options.shuffle || options.balance.is_some()).then_some(options.seed),
        world_size,
        (world_size > 1).then_some(options.uneven),
        file.rows(),
    ]);
    let mut digest = Sha256::new_with_prefix(parts.to_string());
    selection.for_each_word(|word| digest.update(word.to_le_bytes()));
    let digest = digest.finalize();
    StreamDigest::from_bits(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}
