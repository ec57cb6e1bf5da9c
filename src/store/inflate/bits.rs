//! Bits of a deflate stream, the first one lowest.

/// A place in a stream. The bits that were read ahead are in a word: at least 56 after [`BitReader::refill`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BitReader {
    buffer: u64,
    /// Bits of the buffer that count. Those above are right too, and come again with the next word.
    count: u32,
    /// The byte of the input that follows them.
    next: usize,
}

impl BitReader {
    /// At the byte `next` of the input.
    pub(super) fn at(next: usize) -> Self {
        Self { next, ..Self::default() }
    }

    /// `None` where less than eight bytes of `input` are left.
    #[inline(always)]
    pub(super) fn refill(&mut self, input: &[u8]) -> Option<()> {
        let word = u64::from_le_bytes(*input.get(self.next..)?.first_chunk()?);
        self.buffer |= word << (self.count & 63);
        self.next += ((63 - self.count) / 8) as usize;
        self.count |= 56;
        Some(())
    }

    /// The number of bits that were taken.
    #[inline(always)]
    pub(super) fn position(&self) -> usize {
        8 * self.next - self.count as usize
    }

    /// The bits to come.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.buffer
    }

    /// Goes on with `buffer`, from which the low six bits of `used` say how many bits were taken.
    #[inline(always)]
    pub(super) fn set(&mut self, buffer: u64, used: u32) {
        self.buffer = buffer;
        self.count -= used & 63;
    }

    /// Leaves out `bits`, less than 64 and no more than there are.
    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        self.buffer >>= bits & 63;
        self.count -= bits & 63;
    }

    /// The next `bits`, less than 32 and no more than there are, as a number.
    #[inline(always)]
    pub(super) fn take(&mut self, bits: u32) -> usize {
        let value = self.buffer & ((1 << bits) - 1);
        self.skip(bits);
        value as usize
    }

    /// Leaves out what is left of the byte that was begun, and says which byte follows.
    pub(super) fn align(&mut self) -> usize {
        *self = Self::at(self.next - (self.count / 8) as usize);
        self.next
    }
}
