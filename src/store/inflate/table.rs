//! Huffman codes as tables (RFC 1951, 3.2.2 and 3.2.5).

use super::super::deflate::{END_OF_BLOCK, EXTRA_BITS, MAX_ASSIGNED, REVERSED, SHORTEST};

/// The longest code, as [`deflate`](super::super::deflate) makes them.
pub(super) const LONGEST: usize = MAX_ASSIGNED;
/// Symbols of the alphabet of literals and lengths, those that no stream may hold included.
pub(super) const SYMBOLS: usize = 288;

/// What the next bits of a stream mean: a number whose low six bits are the length of the code.
pub(super) type Entry = u32;

/// The entry is a literal, in bits 16 to 23.
pub(super) const LITERAL: Entry = 1 << 15;
/// The entry is the length of a run: the shortest in bits 16 to 24, the number of bits that are added in bits 8 to 10.
pub(super) const RUN: Entry = 1 << 14;
/// The entry is the end of the block.
pub(super) const END: Entry = 1 << 13;

/// The entry of each symbol of literals and lengths, without the length of its code. That of a symbol that means nothing is 0.
pub(super) static LITERALS_AND_LENGTHS: [Entry; SYMBOLS] = {
    let (mut entries, mut symbol) = ([0; SYMBOLS], 0);
    while symbol < END_OF_BLOCK {
        entries[symbol] = LITERAL | (symbol as Entry) << 16;
        symbol += 1;
    }
    entries[END_OF_BLOCK] = END;
    let mut number = 0;
    while number < SHORTEST.len() {
        let (shortest, bits) = (SHORTEST[number], EXTRA_BITS[number]);
        entries[END_OF_BLOCK + 1 + number] = RUN | (shortest as Entry) << 16 | (bits as Entry) << 8;
        number += 1;
    }
    entries
};

/// Fills `entries`, one for each number of `LONGEST` bits, with those `of_symbols` whose codes have these `lengths`. `None` where
/// a code is longer, or the codes are not all that there can be.
pub(super) fn fill<const LONGEST: usize>(
    lengths: &[u8],
    entries: &mut [Entry],
    of_symbols: &[Entry],
) -> Option<()> {
    let mut counts = [0; 16];
    for &length in lengths {
        counts[usize::from(length & 15)] += 1;
    }
    counts[0] = 0;
    let (mut taken, mut places) = (0, [0; 16]);
    for length in 1..16 {
        places[length] = places[length - 1] + counts[length - 1];
        taken += counts[length] << (15 - length);
    }
    if taken != 1 << 15 || counts[LONGEST + 1..].iter().any(|count| *count > 0) {
        return None;
    }
    let mut sorted = [0_u16; SYMBOLS];
    for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
        let place = &mut places[usize::from(length & 15)];
        *sorted.get_mut(*place)? = symbol as u16;
        *place += 1;
    }
    // A table for one bit more is the shorter one twice, with the codes of that length added.
    let (mut code, mut size, mut sorted) = (0, 1, &sorted[..]);
    for (length, &count) in counts.iter().enumerate().take(LONGEST + 1).skip(1) {
        entries.copy_within(..size, size);
        (code, size) = (code << 1, size << 1);
        let (here, longer) = sorted.split_at(count);
        for &symbol in here {
            // Codes begin with their highest bit.
            let at = REVERSED[code << (MAX_ASSIGNED - length) & ((1 << MAX_ASSIGNED) - 1)];
            entries[usize::from(at)] = of_symbols[usize::from(symbol)] | length as Entry;
            code += 1;
        }
        sorted = longer;
    }
    Some(())
}

/// Bits that `symbols` take on average where they are as frequent as their codes of these `lengths` are short.
pub(super) fn mean_bits(lengths: &[u8], symbols: usize) -> usize {
    let coded = lengths.iter().map(|&length| usize::from(length)).filter(|length| *length > 0);
    coded.map(|length| (length * symbols) >> length).sum()
}
