//! Memory of tensors that were given away one by one.

use std::sync::{Arc, Mutex};

use super::tensor_bytes::TensorBytes;

/// Tensors whose memory can be used again. Clones share them; a tensor may come back from any thread.
#[derive(Debug, Clone, Default)]
pub struct TensorPool(Arc<Mutex<Spare>>);

#[derive(Debug, Default)]
struct Spare {
    tensors: Vec<TensorBytes>,
    bytes: usize,
}

/// Bytes of single samples that are kept: a loader that makes batches of them has those of one in its hands.
pub const SPARE_SAMPLE_BYTES: usize = 16 << 20;

/// Tensors that are larger give their memory back to the system.
const LARGEST: usize = 1 << 20;

impl TensorPool {
    /// Takes a tensor back.
    pub fn recycle(&self, tensor: TensorBytes) {
        // In a forked child a thread that does not exist there may hold the lock for ever.
        if let Ok(mut spare) = self.0.try_lock()
            && (1..=LARGEST).contains(&tensor.len())
            && spare.bytes + tensor.len() <= SPARE_SAMPLE_BYTES
        {
            spare.bytes += tensor.len();
            spare.tensors.push(tensor);
        }
    }

    /// A tensor that was `length` bytes long, or a new one without memory.
    pub(super) fn take(&self, length: usize) -> TensorBytes {
        let Ok(mut spare) = self.0.try_lock() else { return TensorBytes::default() };
        let Some(place) = spare.tensors.iter().rposition(|tensor| tensor.len() == length) else {
            return TensorBytes::default();
        };
        spare.bytes -= length;
        spare.tensors.swap_remove(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_a_length_come_back() {
        let pool = TensorPool::default();
        let of = |length| {
            let mut tensor = pool.take(length);
            tensor.resize(length).unwrap();
            tensor
        };
        let (image, mask) = (of(5000), of(300));
        let places = [image.as_ptr(), mask.as_ptr()];
        let other = pool.clone();
        other.recycle(image);
        other.recycle(mask);
        assert_eq!([of(5000), of(300)].map(|tensor| tensor.as_ptr()), places);
        let large = of(LARGEST + 1);
        pool.recycle(large);
        pool.recycle(of(0));
        assert!(pool.take(LARGEST + 1).is_empty());
        let many: Vec<_> = (0..SPARE_SAMPLE_BYTES / LARGEST + 3).map(|_| of(LARGEST)).collect();
        many.into_iter().for_each(|tensor| pool.recycle(tensor));
        let kept = |length: usize| {
            let spare = pool.0.lock().unwrap();
            (spare.bytes, spare.tensors.iter().filter(|tensor| tensor.len() == length).count())
        };
        assert_eq!(kept(LARGEST), (SPARE_SAMPLE_BYTES, SPARE_SAMPLE_BYTES / LARGEST));
        drop(of(LARGEST));
        assert_eq!(kept(LARGEST), (SPARE_SAMPLE_BYTES - LARGEST, SPARE_SAMPLE_BYTES / LARGEST - 1));
    }
}
