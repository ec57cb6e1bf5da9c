//! Memory of the portions of a stream that were sent, for those to come.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Portions whose memory is kept: about as many are on their way at once.
const MOST: usize = 4;

/// Memory of the portions of one stream. Fresh memory for each would be cleared by the system page by page, which takes
/// longer than to copy into it.
#[derive(Debug, Clone, Default)]
pub(super) struct PortionMemory(Arc<Mutex<Vec<Vec<u8>>>>);

/// A portion that gives its memory back.
struct Portion {
    bytes: Vec<u8>,
    memory: PortionMemory,
}

impl PortionMemory {
    /// A copy of `bytes`, whose memory comes back once it was sent.
    pub(super) fn copy(&self, bytes: &[u8]) -> Bytes {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut copy = spare.pop().unwrap_or_default();
        drop(spare);
        copy.clear();
        copy.extend_from_slice(bytes);
        Bytes::from_owner(Portion { bytes: copy, memory: self.clone() })
    }

    /// Frees what no portion uses.
    pub(super) fn free(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
    }
}

impl AsRef<[u8]> for Portion {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        let mut spare = self.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_and_is_bounded() {
        let memory = PortionMemory::default();
        let first = memory.copy(&[7; 1000]);
        let at = first.as_ptr();
        let second = first.slice(10..);
        drop(first);
        assert_ne!(memory.copy(&[1]).as_ptr(), at, "a part is still used");
        drop(second);
        let again = memory.copy(&[8; 500]);
        assert_eq!((again.as_ptr(), &again[..]), (at, &[8; 500][..]));
        let many: Vec<Bytes> = (0..3 * MOST).map(|_| memory.copy(&[0; 10])).collect();
        drop(many);
        assert_eq!(memory.0.lock().unwrap().len(), MOST);
        memory.free();
        assert!(memory.0.lock().unwrap().is_empty());
    }
}
