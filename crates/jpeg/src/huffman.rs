//! Huffman tables (T.81 annex C and F.2.2.3).

use crate::bits::BitReader;
use crate::error::JpegError;

const LOOKUP_BITS: u32 = 9;

/// A Huffman table: how many codes of each length there are, and their values.
#[derive(Debug, Clone)]
pub(crate) struct HuffmanTable {
    /// Length and value of the code that begins with these bits; length 0 for a longer one.
    lookup: Vec<(u8, u8)>,
    /// The first code behind those of each length, left-aligned in 16 bits.
    limits: [u32; 17],
    /// What to add to a code of each length to get the index of its value.
    offsets: [i32; 17],
    values: Vec<u8>,
}

impl HuffmanTable {
    /// The table with `counts` codes of the lengths 1 to 16.
    pub(crate) fn new(counts: &[u8; 16], values: &[u8]) -> Result<Self, JpegError> {
        let damaged = JpegError::Segment { segment: "DHT" };
        let (mut code, mut index) = (0_u32, 0_usize);
        let mut table = Self {
            lookup: vec![(0, 0); 1 << LOOKUP_BITS],
            limits: [0; 17],
            offsets: [0; 17],
            values: values.to_vec(),
        };
        for (length, &count) in (1_u32..).zip(counts) {
            table.offsets[length as usize] = index as i32 - code as i32;
            let end = code + u32::from(count);
            if end > 1 << length || index + usize::from(count) > values.len() {
                return Err(damaged);
            }
            if length <= LOOKUP_BITS {
                for (code, &value) in (code..end).zip(&values[index..]) {
                    let first = (code << (LOOKUP_BITS - length)) as usize;
                    table.lookup[first..first + (1 << (LOOKUP_BITS - length))].fill((length as u8, value));
                }
            }
            index += usize::from(count);
            table.limits[length as usize] = end << (16 - length);
            code = end << 1;
        }
        Ok(table)
    }

    /// Every code with its length and value, from the shortest on.
    pub(crate) fn codes(&self) -> impl Iterator<Item = (u32, u32, u8)> + '_ {
        (1_u32..=16).flat_map(move |length| {
            let end = self.limits[length as usize] >> (16 - length);
            let before = if length == 1 { 0 } else { self.limits[length as usize - 1] };
            (before >> (16 - length)..end).map(move |code| {
                let index = (code as i32 + self.offsets[length as usize]) as usize;
                (code, length, self.values[index])
            })
        })
    }

    /// Decodes one value.
    #[inline(always)]
    pub(crate) fn decode(&self, bits: &mut BitReader<'_>) -> Result<u8, JpegError> {
        bits.hold(16);
        let (length, value) = self.lookup[bits.peek::<LOOKUP_BITS>()];
        if length > 0 {
            bits.skip(length.into());
            return Ok(value);
        }
        self.decode_long(bits)
    }

    /// Decodes a code of any length; 16 bits must be held.
    #[cold]
    pub(crate) fn decode_long(&self, bits: &mut BitReader<'_>) -> Result<u8, JpegError> {
        let next = bits.peek::<16>() as u32;
        for length in 1..=16_u32 {
            if next < self.limits[length as usize] {
                bits.skip(length);
                let index = (next >> (16 - length)) as i32 + self.offsets[length as usize];
                return usize::try_from(index)
                    .ok()
                    .and_then(|index| self.values.get(index))
                    .copied()
                    .ok_or(JpegError::Code);
            }
        }
        Err(JpegError::Code)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

    use super::*;

    #[test]
    fn codes_of_every_length_are_found() {
        let mut counts = [1; 16];
        counts[15] = 2;
        let values: Vec<u8> = (0..17).collect();
        let table = HuffmanTable::new(&counts, &values).unwrap();
        assert_eq!(table.codes().map(|(_, _, value)| value).collect::<Vec<_>>(), values);
        for (code, length, value) in table.codes() {
            let bytes = (code << (32 - length)).to_be_bytes();
            // A byte FF of data is followed by a zero byte.
            let stuffed: Vec<u8> =
                bytes.iter().flat_map(|&b| if b == 0xFF { vec![b, 0] } else { vec![b] }).collect();
            assert_eq!(table.decode(&mut BitReader::new(&stuffed, 0)), Ok(value));
        }
    }

    #[test]
    fn tables_of_too_many_codes_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(HuffmanTable::new(&counts, &[1, 2, 3]).is_err());
        counts[0] = 2;
        assert!(HuffmanTable::new(&counts, &[1]).is_err());
    }
}
