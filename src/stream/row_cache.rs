//! Decoded rows that are kept for the epochs to come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

/// Decoded rows under a budget of bytes. The first rows that come stay: every epoch needs every row once, so
/// that no other choice would be met more often.
///
/// Clones share their rows. All of them are of one data set.
#[derive(Debug, Clone)]
pub struct RowCache {
    budget: usize,
    /// False where rows are only taken from it.
    keeps: bool,
    rows: Arc<RwLock<Rows>>,
    hits: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Rows {
    bytes: usize,
    decoded: HashMap<u64, DecodedRow>,
}

/// The bytes of one row as they are in the file, decoded. Clones share them.
#[derive(Debug, Clone)]
pub struct DecodedRow {
    /// The image.
    pub image: Bytes,
    /// The mask.
    pub mask: Bytes,
}

impl RowCache {
    /// An empty cache for at most `budget` bytes of decoded rows.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { budget, keeps: true, rows: Arc::default(), hits: Arc::default() }
    }

    /// The same cache for a stream that needs no row again: what is there is taken, and nothing is added.
    #[must_use]
    pub fn without_keeping(&self) -> Self {
        Self { keeps: false, ..self.clone() }
    }

    /// Bytes of the rows that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Number of times that a row was taken from it.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// `row`, if it was kept.
    pub(super) fn get(&self, row: u64) -> Option<DecodedRow> {
        if self.budget == 0 {
            return None;
        }
        let kept = self.rows.read().unwrap_or_else(PoisonError::into_inner).decoded.get(&row).cloned();
        if kept.is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        kept
    }

    /// True if `row` was kept.
    pub(super) fn has(&self, row: u64) -> bool {
        self.budget > 0 && self.rows.read().unwrap_or_else(PoisonError::into_inner).decoded.contains_key(&row)
    }

    /// True if `bytes` more would be kept.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        let used = || self.rows.read().unwrap_or_else(PoisonError::into_inner).bytes;
        self.keeps && bytes <= self.budget && used() <= self.budget - bytes
    }

    /// Keeps the image and the mask of `row` if there is room.
    pub(super) fn keep(&self, row: u64, image: &[u8], mask: &[u8]) {
        if self.has_room_for(image.len() + mask.len()) {
            let [image, mask] = [image, mask].map(Bytes::copy_from_slice);
            self.keep_decoded(row, DecodedRow { image, mask });
        }
    }

    /// As [`RowCache::keep`], of a row that is decoded already.
    pub(super) fn keep_decoded(&self, row: u64, decoded: DecodedRow) {
        self.keep_together(decoded.image.len() + decoded.mask.len(), [(row, decoded)]);
    }

    /// Keeps those of `decoded` that are new, if there is room for `bytes`: the memory that they share, which lives as long
    /// as one of them.
    pub(super) fn keep_together(&self, bytes: usize, decoded: impl IntoIterator<Item = (u64, DecodedRow)>) {
        if !self.has_room_for(bytes) {
            return;
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if rows.bytes + bytes <= self.budget {
            let before = rows.decoded.len();
            for (row, decoded) in decoded {
                rows.decoded.entry(row).or_insert(decoded);
            }
            rows.bytes += if rows.decoded.len() > before { bytes } else { 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds() {
        let cache = RowCache::new(10);
        cache.keep(7, &[1, 2, 3], &[4]);
        cache.keep(7, &[1, 2, 3], &[4]);
        cache.keep(8, &[5; 5], &[6]);
        cache.keep(9, &[0], &[]);
        assert_eq!(cache.hits(), 0);
        let kept = |row| cache.get(row).map(|row| [&row.image[..], &row.mask[..]].concat());
        assert_eq!(kept(7), Some(vec![1, 2, 3, 4]));
        assert_eq!(kept(8), Some(vec![5, 5, 5, 5, 5, 6]));
        assert!(cache.get(9).is_none() && !cache.has_room_for(1) && cache.has_room_for(0));
        let reader = cache.without_keeping();
        reader.keep(11, &[], &[]);
        assert!(reader.get(7).is_some() && reader.get(11).is_none() && !reader.has_room_for(0));
        let share = |bytes, rows: [u64; 2]| {
            let cache = RowCache::new(10);
            cache.keep(8, &[5], &[]);
            let decoded = DecodedRow { image: Bytes::new(), mask: Bytes::new() };
            cache.keep_together(bytes, rows.map(|row| (row, decoded.clone())));
            (cache.bytes(), cache.has(7))
        };
        assert_eq!(share(9, [7, 8]), (10, true), "shared memory counts as a whole");
        assert_eq!(share(9, [8, 8]), (1, false), "nothing of it was kept");
        assert_eq!(share(10, [7, 8]), (1, false));
        let none = RowCache::new(0);
        none.keep(7, &[1], &[]);
        assert!(none.get(7).is_none() && !none.has_room_for(usize::MAX));
    }
}
