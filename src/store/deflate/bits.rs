//! Bits to bytes, least significant bit first (RFC 1951, 3.1.1).

use super::huffman::Code;

/// Bytes that [`BitWriter`] may overwrite behind the end of what it has written: it stores whole words.
pub(super) const SPARE: usize = 8;

/// Writes bits into a buffer that is long enough for them and for [`SPARE`] bytes more.
pub(super) struct BitWriter<'a> {
    output: &'a mut [u8],
    /// Whole bytes written.
    written: usize,
    /// Bits that are not written yet, the first one lowest.
    pending: u64,
    /// Number of `pending` bits; below 8 between calls.
    count: u32,
}

impl<'a> BitWriter<'a> {
    /// A writer that begins at the start of `output`.
    pub(super) fn new(output: &'a mut [u8]) -> Self {
        Self { output, written: 0, pending: 0, count: 0 }
    }

    /// Appends the lowest `count` of `bits`, at most 56; the bits above must be 0.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        debug_assert!(count <= 56 && bits >> count == 0, "{bits:#x} in {count} bits");
        self.pending |= bits << self.count;
        self.count += count;
        self.output[self.written..self.written + 8].copy_from_slice(&self.pending.to_le_bytes());
        self.written += (self.count / 8) as usize;
        self.pending >>= self.count & !7;
        self.count &= 7;
    }

    /// Appends a code.
    #[inline(always)]
    pub(super) fn put_code(&mut self, code: Code) {
        self.put(code.bits(), code.length());
    }

    /// Lets `write` append bits with a writer of its own, which the compiler can keep in registers.
    #[inline(always)]
    pub(super) fn with(&mut self, write: impl FnOnce(&mut BitWriter<'_>)) {
        let Self { written, pending, count, .. } = *self;
        let mut own = BitWriter { output: &mut *self.output, written, pending, count };
        write(&mut own);
        (self.written, self.pending, self.count) = (own.written, own.pending, own.count);
    }

    /// Fills the byte that has been begun with zeros.
    pub(super) fn align(&mut self) {
        self.put(0, self.count.wrapping_neg() & 7);
    }

    /// Appends whole bytes, after [`align`](Self::align).
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.count, 0, "bytes begin at a byte");
        self.output[self.written..self.written + bytes.len()].copy_from_slice(bytes);
        self.written += bytes.len();
    }

    /// Whole bytes written so far.
    pub(super) fn written(&self) -> usize {
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bit_is_the_lowest() {
        let mut output = [0xFF; 10 + SPARE];
        let mut bits = BitWriter::new(&mut output);
        bits.put(0b1, 1);
        bits.put(0b10, 2);
        bits.put(0x1F, 5);
        bits.put(0xAB_CDEF_0123_4567, 56);
        bits.put(1, 1);
        bits.align();
        bits.align();
        bits.bytes(&[7]);
        assert_eq!(bits.written(), 10);
        assert_eq!(output[..10], [0b1111_1101, 0x67, 0x45, 0x23, 0x01, 0xEF, 0xCD, 0xAB, 1, 7]);
    }
}
