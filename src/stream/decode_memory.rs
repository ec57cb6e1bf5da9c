//! Memory of decoders that have come to their end, for those to come.

use std::sync::{Arc, Mutex, Weak};

use super::parts::StreamParts;
use super::transform::TransformMemory;
use crate::store::ChunkReader;

/// Memory of a decoder, to be used by another one.
#[derive(Default)]
pub(super) struct DecodeMemory {
    pub(super) chunks: ChunkReader,
    /// An image and a mask as they are stored.
    pub(super) image: Vec<u8>,
    pub(super) mask: Vec<u8>,
    /// That of the transform of one stream.
    pub(super) transformer: Option<TransformMemory>,
}

/// Memory of the decoders of a data set, for single batches and rows.
#[derive(Default)]
pub(super) struct DecodePool {
    spare: Mutex<Vec<(Weak<StreamParts>, DecodeMemory)>>,
}

impl std::fmt::Debug for DecodePool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DecodePool").finish_non_exhaustive()
    }
}

/// Decoders whose memory is kept; there are hardly more threads that decode at once.
const MOST: usize = 8;

impl DecodePool {
    /// Memory for a decoder of `parts`, or of rows as they are stored: that of a decoder of the same stream, or of another
    /// one without what goes with its stream.
    pub(super) fn take(&self, parts: Option<&Arc<StreamParts>>) -> DecodeMemory {
        // In a forked child a thread that does not exist there may hold the lock for ever.
        let Ok(mut spare) = self.spare.try_lock() else { return DecodeMemory::default() };
        let same = |(of, _): &(Weak<StreamParts>, DecodeMemory)| {
            parts.is_some_and(|parts| std::ptr::eq(of.as_ptr(), Arc::as_ptr(parts)))
        };
        if let Some(place) = spare.iter().rposition(same) {
            return spare.swap_remove(place).1;
        }
        let other = spare.pop().map(|(_, memory)| DecodeMemory { transformer: None, ..memory });
        other.unwrap_or_default()
    }

    /// Takes memory back from a decoder of `parts`.
    pub(super) fn give_back(&self, parts: Option<&Arc<StreamParts>>, memory: DecodeMemory) {
        if let Ok(mut spare) = self.spare.try_lock()
            && spare.len() < MOST
        {
            spare.push((parts.map(Arc::downgrade).unwrap_or_default(), memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_and_is_bounded() {
        let pool = DecodePool::default();
        let held = pool.take(None);
        assert_eq!(held.image.capacity(), 0);
        pool.give_back(None, DecodeMemory { image: vec![7; 100], ..DecodeMemory::default() });
        assert_eq!(pool.take(None).image.len(), 100);
        (0..2 * MOST).for_each(|_| pool.give_back(None, DecodeMemory::default()));
        assert_eq!(pool.spare.lock().unwrap().len(), MOST);
        // While another thread has the lock, memory is new, and nothing waits.
        let locked = pool.spare.lock().unwrap();
        assert!(pool.take(None).image.is_empty());
        drop(locked);
    }
}
