//! The bits of entropy-coded data: a byte behind FF has 7 bits (T.87 A.1).

use dicomprep_jpeg::markers::{behind_restart, is_padding};

use crate::error::JpegLsError;

/// Reads bits up to the next marker. Behind it come zeros, which are counted: [`BitReader::check`] tells whether any of
/// them was used.
#[derive(Clone, Copy)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest on. Bits below `count` may hold a part of the byte at `at`.
    held: u64,
    count: u32,
    /// The byte before `at` is FF.
    after_ff: bool,
    /// Zero bits that were put behind the data.
    invented: u32,
}

/// True if one of eight bytes is FF.
fn has_ff(word: u64) -> bool {
    (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, held: 0, count: 0, after_ff: false, invented: 0 }
    }

    /// Makes sure that at least `needed` bits are held, up to 56.
    #[inline(always)]
    pub(crate) fn hold(&mut self, needed: u32) {
        if self.count < needed {
            self.refill();
        }
    }

    /// Makes sure that at least 56 bits are held. For short codes this is faster than a branch on whether bits are missing.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if let Some(bytes) = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_be_bytes(*bytes);
            if !self.after_ff && !has_ff(word) {
                self.held |= word >> self.count;
                let bytes = (63 - self.count) >> 3;
                self.at += bytes as usize;
                self.count += 8 * bytes;
                return;
            }
        }
        *self = self.refilled_bytewise();
    }

    /// Takes and returns a copy: a reader whose address is known to no other function stays in registers.
    #[cold]
    #[inline(never)]
    fn refilled_bytewise(mut self) -> Self {
        while self.count < 56 {
            let (byte, bits) = match (self.after_ff, self.data.get(self.at..).unwrap_or_default()) {
                // A byte behind FF with its highest bit set belongs to a marker.
                (true, &[byte @ 0..=0x7F, ..]) => (byte << 1, 7),
                (false, [0xFF]) | (false, [0xFF, 0x80..=0xFF, ..]) | (true, _) | (false, []) => {
                    self.invented = self.invented.saturating_add(8);
                    self.count += 8;
                    continue;
                }
                (false, &[byte, ..]) => (byte, 8),
            };
            self.at += 1;
            self.after_ff = bits == 8 && byte == 0xFF;
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += bits;
        }
        self
    }

    /// Zeros that come next, of those that are held.
    #[inline(always)]
    pub(crate) fn zeros(&self) -> u32 {
        self.held.leading_zeros()
    }

    /// The bits that are held.
    #[inline(always)]
    pub(crate) fn held(&self) -> u32 {
        self.count
    }

    /// Passes over bits that are held.
    #[inline(always)]
    pub(crate) fn skip(&mut self, bits: u32) {
        self.held <<= bits;
        self.count -= bits;
    }

    /// Takes up to 32 bits that are held.
    #[inline(always)]
    pub(crate) fn take(&mut self, bits: u32) -> u32 {
        let value = ((self.held >> 1) >> (63 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// Fails where bits were used that are not in the data.
    pub(crate) fn check(&self) -> Result<(), JpegLsError> {
        if self.invented > self.count { Err(JpegLsError::Missing) } else { Ok(()) }
    }

    /// Ends the data: nothing but the bits that fill its last byte may be left. Returns the offset of the marker behind it.
    pub(crate) fn finish(&mut self) -> Result<usize, JpegLsError> {
        self.check()?;
        *self = self.refilled_bytewise();
        let real = self.count - self.invented.min(self.count);
        // A last byte FF is followed by one more, of zeros, so that it is no marker.
        if real >= 8 && !(real < 16 && self.held >> 48 == 0) {
            let held = (self.held << (real % 8)).to_be_bytes();
            let rest = self.data.get(self.at..).unwrap_or_default();
            let is_padded = is_padding(&held[..real as usize / 8]) && is_padding(rest);
            return if is_padded { Ok(self.data.len()) } else { Err(JpegLsError::LeftOver) };
        }
        Ok(self.at)
    }

    /// Passes over the restart marker with this number, 0 to 7.
    pub(crate) fn restart(&mut self, number: u8) -> Result<(), JpegLsError> {
        let at = self.finish()?;
        let at = behind_restart(self.data, at, number).ok_or(JpegLsError::Restart)?;
        *self = Self::new(self.data, at);
        Ok(())
    }
}
