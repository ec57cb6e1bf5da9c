//! Finds equal images of different patients, so that none of them stands in two splits.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::model::first_bits;
use crate::store::ImageStatistics;

/// Fingerprint that equal images share and different ones hardly ever do: 64 bits of a digest over the checksum of the
/// pixels and their sums. Equal files make equal pixels, so equal files are found too.
pub(super) type Fingerprint = u64;

/// The fingerprint of an image with this CRC-32C.
pub(super) fn fingerprint(checksum: u32, statistics: &ImageStatistics) -> Fingerprint {
    let (sum, squares) = statistics.fingerprint();
    let digest = Sha256::new()
        .chain_update(checksum.to_le_bytes())
        .chain_update(sum.to_le_bytes())
        .chain_update(squares.to_le_bytes())
        .finalize();
    first_bits(&digest)
}

/// First place of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FirstSeen {
    /// The sample, by its number in the plan.
    pub(super) number: u32,
    /// Its row in the file.
    pub(super) row: u32,
}

/// Places of images.
#[derive(Debug, Default)]
pub(super) struct EqualImages {
    seen: HashMap<Fingerprint, FirstSeen>,
}

impl EqualImages {
    /// The first sample with these pixels: `this`, which then has to be written, where there is none.
    pub(super) fn first(&mut self, fingerprint: Fingerprint, this: FirstSeen) -> FirstSeen {
        *self.seen.entry(fingerprint).or_insert(this)
    }
}
