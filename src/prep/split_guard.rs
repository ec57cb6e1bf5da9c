//! Keeps equal images out of different splits.

use std::collections::HashMap;

use crate::store::EncodedRow;
use crate::wrangle::SplitName;

/// What equal images share and different ones hardly ever do: the checksum of the pixels and their sums.
/// Equal files make equal pixels, so equal files are found too.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Fingerprint {
    checksum: u32,
    sums: (u128, u128),
}

/// Remembers which image stands in which split.
#[derive(Debug, Default)]
pub(super) struct SplitGuard {
    seen: HashMap<Fingerprint, (SplitName, usize)>,
}

impl SplitGuard {
    /// Admits the image of sample `number` to `split`, or says which earlier sample of another split it
    /// equals.
    pub(super) fn admit(&mut self, row: &EncodedRow, split: SplitName, number: usize) -> Result<(), usize> {
        if split == SplitName::Unsplit {
            return Ok(());
        }
        let fingerprint = Fingerprint { checksum: row.row.checksum[0], sums: row.statistics.fingerprint() };
        let &mut (first_split, first) = self.seen.entry(fingerprint).or_insert((split, number));
        if first_split == split { Ok(()) } else { Err(first) }
    }
}
