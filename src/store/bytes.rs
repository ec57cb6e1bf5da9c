//! Little-endian numbers out of bytes, one after the other.

/// Bytes that were not read yet. All methods are `None` where there are too few.
pub(super) struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The number of bytes that are left.
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    /// The next number, of up to 8 bytes.
    pub(super) fn number(&mut self, bytes: usize) -> Option<u64> {
        let mut number = [0; 8];
        number.get_mut(..bytes)?.copy_from_slice(self.take(bytes)?);
        Some(u64::from_le_bytes(number))
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.number(1).map(|number| number as u8)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|number| number as u16)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.number(4).map(|number| number as u32)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.number(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_up_to_the_end() {
        let mut bytes = Bytes::new(&[1, 2, 0, 3, 0, 0, 0, 9]);
        assert_eq!((bytes.u8(), bytes.u16(), bytes.u32(), bytes.left()), (Some(1), Some(2), Some(3), 1));
        assert_eq!((bytes.u16(), bytes.take(2), bytes.left(), bytes.number(1)), (None, None, 1, Some(9)));
        assert_eq!((bytes.u8(), bytes.number(9)), (None, None));
    }
}
