//! Memory of tensors that were given away one by one.

use std::sync::{Arc, Mutex};

use super::tensor_bytes::TensorBytes;

/// Tensors whose memory can be used again. Clones share them; a tensor may come back from any thread.
#[derive(Debug, Clone, Default)]
pub struct TensorPool {
    spare: Arc<Mutex<Vec<TensorBytes>>>,
}

/// Tensors that are kept.
const MOST: usize = 8;

/// Tensors that are larger give their memory back to the system.
const LARGEST: usize = 1 << 20;

impl TensorPool {
    /// Takes a tensor back.
    pub fn recycle(&self, tensor: TensorBytes) {
        // In a forked child a thread that does not exist there may hold the lock for ever.
        if let Ok(mut spare) = self.spare.try_lock()
            && spare.len() < MOST
            && tensor.len() <= LARGEST
        {
            spare.push(tensor);
        }
    }

    /// A tensor that was `length` bytes long, or a new one without memory.
    pub(super) fn take(&self, length: usize) -> TensorBytes {
        let Ok(mut spare) = self.spare.try_lock() else { return TensorBytes::default() };
        let place = spare.iter().rposition(|tensor| tensor.len() == length);
        place.map(|place| spare.swap_remove(place)).unwrap_or_default()
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
        (0..2 * MOST).for_each(|_| pool.recycle(of(0)));
        assert!(pool.take(LARGEST + 1).is_empty());
        assert!(pool.spare.lock().unwrap().len() <= MOST);
    }
}
