//! The bits of entropy-coded data, with stuffed zero bytes removed (T.81 F.1.2.3).

use crate::error::JpegError;
use crate::markers::{behind_restart, is_padding};

/// Reads bits up to the next marker. Behind it come zeros, which are counted: [`BitReader::check`] tells whether any of
/// them was used.
#[derive(Clone, Copy)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest on. Bits below `count` may hold a part of the byte at `at`.
    held: u64,
    count: u32,
    /// Zero bits that were put behind the data.
    invented: u32,
}

/// True if one of eight bytes is FF.
fn has_ff(word: u64) -> bool {
    let inverted = !word;
    inverted.wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 != 0
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, held: 0, count: 0, invented: 0 }
    }

    /// Makes sure that at least `needed` bits are held, up to 56.
    #[inline(always)]
    pub(crate) fn hold(&mut self, needed: u32) {
        if self.count < needed {
            self.refill();
        }
    }

    #[inline(always)]
    fn refill(&mut self) {
        if let Some(bytes) = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_be_bytes(*bytes);
            if !has_ff(word) {
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
        while self.count <= 56 {
            let byte = match self.data.get(self.at..) {
                Some([0xFF, 0, ..]) => {
                    self.at += 2;
                    0xFF
                }
                None | Some([] | [0xFF, ..]) => {
                    self.invented = self.invented.saturating_add(8);
                    self.count += 8;
                    continue;
                }
                Some(&[byte, ..]) => {
                    self.at += 1;
                    byte
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    /// The next `N` bits, which must be held.
    #[inline(always)]
    pub(crate) fn peek<const N: u32>(&self) -> usize {
        (self.held >> (64 - N)) as usize
    }

    /// Passes over bits that are held.
    #[inline(always)]
    pub(crate) fn skip(&mut self, bits: u32) {
        self.held <<= bits;
        self.count -= bits;
    }

    /// Takes up to 16 bits that are held.
    #[inline(always)]
    pub(crate) fn take(&mut self, bits: u32) -> u32 {
        let value = ((self.held >> 1) >> (63 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// Takes up to 16 bits.
    #[inline(always)]
    pub(crate) fn read(&mut self, bits: u32) -> u32 {
        self.hold(16);
        self.take(bits)
    }

    /// Takes the bits of a number of this category (T.81 F.2.2.1, EXTEND).
    #[inline(always)]
    pub(crate) fn extended(&mut self, category: u32) -> i32 {
        let value = self.read(category) as i32;
        if category > 0 && value >> (category - 1) == 0 { value - (1 << category) + 1 } else { value }
    }

    /// Makes [`BitReader::check`] fail: a code was not one of the table's.
    #[cold]
    pub(crate) fn spoil(&mut self) {
        self.invented = u32::MAX;
    }

    /// Fails where bits were used that are not in the data.
    pub(crate) fn check(&self) -> Result<(), JpegError> {
        if self.invented > self.count { Err(JpegError::Missing) } else { Ok(()) }
    }

    /// Ends the data: nothing but the bits that fill its last byte may be left. Returns the offset of the marker behind it.
    pub(crate) fn finish(&mut self) -> Result<usize, JpegError> {
        self.check()?;
        *self = self.refilled_bytewise();
        let real = self.count - self.invented.min(self.count);
        if real >= 8 {
            // Without an end marker, the padding of the fragment follows at once.
            let held = (self.held << (real % 8)).to_be_bytes();
            let rest = self.data.get(self.at..).unwrap_or_default();
            let is_padded = is_padding(&held[..real as usize / 8]) && is_padding(rest);
            return if is_padded { Ok(self.data.len()) } else { Err(JpegError::LeftOver) };
        }
        Ok(self.at)
    }

    /// Passes over the restart marker with this number, 0 to 7.
    pub(crate) fn restart(&mut self, number: u8) -> Result<(), JpegError> {
        let at = self.finish()?;
        let at = behind_restart(self.data, at, number).ok_or(JpegError::Restart)?;
        *self = Self::new(self.data, at);
        Ok(())
    }
}
