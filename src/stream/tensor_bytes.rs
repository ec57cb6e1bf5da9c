//! The memory of a batch's tensors.

use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::{Advice, MmapMut};

/// The bytes of the tensors of a batch, in pages of their own: so that they can be lent to a pipe, and in large pages
/// where the system has them, which lending costs less with.
#[derive(Debug, Default)]
pub struct TensorBytes {
    pages: Option<MmapMut>,
    length: usize,
}

impl TensorBytes {
    /// Gives them a length; what they hold does not matter then.
    ///
    /// # Errors
    /// That of the system where it has not so much memory.
    pub fn resize(&mut self, length: usize) -> io::Result<()> {
        if self.pages.as_ref().is_none_or(|pages| pages.len() < length) && length > 0 {
            let pages = MmapMut::map_anon(length)?;
            // A system without large pages has small ones.
            let _ = pages.advise(Advice::HugePage);
            self.pages = Some(pages);
        }
        self.length = length;
        Ok(())
    }
}

impl Deref for TensorBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.pages.as_ref().map_or(&[], |pages| &pages[..self.length])
    }
}

impl AsRef<[u8]> for TensorBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for TensorBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl DerefMut for TensorBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.pages.as_mut().map_or(&mut [], |pages| &mut pages[..self.length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_while_it_is_large_enough() {
        let mut bytes = TensorBytes::default();
        assert!(bytes.is_empty());
        bytes.resize(0).unwrap();
        bytes.resize(10_000).unwrap();
        bytes.fill(7);
        let at = bytes.as_ptr();
        bytes.resize(3).unwrap();
        assert_eq!(&bytes[..], [7; 3]);
        bytes.resize(10_000).unwrap();
        assert_eq!((bytes.as_ptr(), bytes.len()), (at, 10_000));
        bytes.resize(10_001).unwrap();
        assert_eq!(bytes.len(), 10_001);
        assert!(bytes.resize(usize::MAX / 2).is_err());
        assert_eq!(bytes.len(), 10_001);
    }
}
