//! Code and difference of the lossless process in one look-up.

use crate::bits::BitReader;
use crate::huffman::HuffmanTable;

const LOOKUP_BITS: u32 = 12;

/// Set in an entry that has the whole difference.
const WHOLE: u32 = 0x100;

/// An entry for the next 12 bits: in its low 8 bits how many of them are used. With [`WHOLE`], the upper 16 bits are
/// the difference; else bits 9 to 13 are the category, whose bits follow. 0 stands for a code of more than 12 bits.
pub(crate) struct DifferenceTable {
    entries: Vec<u32>,
    codes: HuffmanTable,
}

impl DifferenceTable {
    pub(crate) fn new(codes: &HuffmanTable) -> Self {
        let mut entries = vec![0; 1 << LOOKUP_BITS];
        for (code, length, category) in codes.codes().filter(|code| code.1 <= LOOKUP_BITS) {
            let free = LOOKUP_BITS - length;
            let first = (code << free) as usize;
            for (below, entry) in (0_u32..).zip(&mut entries[first..first + (1 << free)]) {
                *entry = Self::entry(length, u32::from(category), free, below);
            }
        }
        Self { entries, codes: codes.clone() }
    }

    /// The entry for a code of `length` bits that is followed by the `free` bits `below`.
    fn entry(length: u32, category: u32, free: u32, below: u32) -> u32 {
        let more = if category >= 16 { 0 } else { category };
        if category > 16 {
            return 0;
        }
        if more > free {
            return category << 9 | length;
        }
        let difference = match category {
            0 => 0,
            16 => 0x8000,
            _ => {
                let bits = below >> (free - category);
                let negative = bits >> (category - 1) == 0;
                if negative { bits.wrapping_sub((1 << category) - 1) } else { bits }
            }
        };
        difference << 16 | WHOLE | (length + more)
    }

    /// The next difference, modulo 65536 (T.81 H.1.2.2). Bits that are no code give 0 and use up what is held, so that
    /// the check at the end of the row fails.
    #[inline(always)]
    pub(crate) fn decode(&self, bits: &mut BitReader<'_>) -> u16 {
        bits.hold(32);
        let entry = self.entries[bits.peek::<LOOKUP_BITS>()];
        if entry & WHOLE != 0 {
            bits.skip(entry & 0xFF);
            return (entry >> 16) as u16;
        }
        let (difference, behind) = self.decode_long(*bits, entry);
        *bits = behind;
        difference
    }

    #[inline(never)]
    fn decode_long<'a>(&self, mut bits: BitReader<'a>, entry: u32) -> (u16, BitReader<'a>) {
        let category = if entry == 0 {
            match self.codes.decode_long(&mut bits) {
                Ok(category @ 0..=16) => u32::from(category),
                _ => {
                    bits.spoil();
                    return (0, bits);
                }
            }
        } else {
            bits.skip(entry & 0xFF);
            entry >> 9
        };
        let difference = match category {
            16 => 0x8000,
            _ => bits.extended(category) as u16,
        };
        (difference, bits)
    }
}
