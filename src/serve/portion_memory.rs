//! Memory of the portions of a stream that were sent, for those to come.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{BufMut, Bytes};

use super::pieces::Pieces;

/// Portions whose memory is kept: about as many are on their way at once.
const MOST: usize = 4;

/// Memory of the portions of one stream. Fresh memory for each would be cleared by the system page by page, which takes
/// longer than to copy into it.
#[derive(Debug, Clone, Default)]
pub(super) struct PortionMemory(Arc<Mutex<Spare>>);

#[derive(Debug, Default)]
struct Spare {
    portions: Vec<Vec<u8>>,
    /// Nothing is kept from [`PortionMemory::free`] to the next portion, also of what comes back late.
    rests: bool,
}

/// A portion that gives its memory back.
struct Portion {
    bytes: Vec<u8>,
    memory: PortionMemory,
}

impl PortionMemory {
    /// A copy of `pieces`, whose memory comes back once it was sent.
    pub(super) fn copy(&self, pieces: Pieces) -> Bytes {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.rests = false;
        let mut copy = spare.portions.pop().unwrap_or_default();
        drop(spare);
        copy.clear();
        copy.put(pieces);
        Bytes::from_owner(Portion { bytes: copy, memory: self.clone() })
    }

    /// Frees what no portion uses, and what those that are on their way use once they were sent.
    pub(super) fn free(&self) {
        let freed = Spare { portions: Vec::new(), rests: true };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = freed;
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
        if !spare.rests && spare.portions.len() < MOST {
            spare.portions.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_and_is_bounded() {
        let memory = PortionMemory::default();
        let copy = |bytes: &'static [u8]| memory.copy(Bytes::from_static(bytes).into());
        let first = copy(&[7; 1000]);
        let at = first.as_ptr();
        let second = first.slice(10..);
        drop(first);
        assert_ne!(copy(&[1]).as_ptr(), at, "a part is still used");
        drop(second);
        let again = copy(&[8; 500]);
        assert_eq!((again.as_ptr(), &again[..]), (at, &[8; 500][..]));
        let many: Vec<Bytes> = (0..3 * MOST).map(|_| copy(&[0; 10])).collect();
        drop(many);
        let spare = || memory.0.lock().unwrap().portions.len();
        assert_eq!(spare(), MOST);
        let late = copy(&[0; 10]);
        memory.free();
        drop(late);
        assert_eq!(spare(), 0, "what comes back to a reader that rests is not kept");
        drop(copy(&[0; 10]));
        assert_eq!(spare(), 1);
    }
}
