//! Huffman codes no longer than a limit, and their bits (RFC 1951, 3.2.2).

/// The longest code of any alphabet in the format.
pub(super) const MAX_LENGTH: usize = 15;

/// Bits for the symbol in the keys that are sorted by count.
const SYMBOL_BITS: u32 = 9;

/// Sets `lengths` to those of a complete code of at most `limit` bits for the symbols with a count above 0,
/// and to 0 for the others.
///
/// At least two symbols get a code, so that it is complete: the Kraft sum is exactly 1. `limit` must allow
/// for all symbols; counts must be below 2^23 in sum.
pub(super) fn code_lengths<const N: usize>(counts: &[u32; N], limit: usize, lengths: &mut [u8; N]) {
    debug_assert!(limit <= MAX_LENGTH && N <= 1 << limit && N <= 1 << SYMBOL_BITS);
    lengths.fill(0);
    let mut keys = [0; N];
    let mut used = 0;
    for (symbol, &count) in counts.iter().enumerate() {
        keys[used] = (count << SYMBOL_BITS) | symbol as u32;
        used += usize::from(count > 0);
    }
    if used < 2 {
        // The only symbol, if any, and another one that does not occur.
        let only = if used == 1 { (keys[0] & SYMBOL_MASK) as usize } else { 0 };
        lengths[only] = 1;
        lengths[usize::from(only == 0)] = 1;
        return;
    }
    let keys = &mut keys[..used];
    sort_by_count(keys);
    let mut depths = [0; N];
    inner_depths(keys, &mut depths[..used - 1]);
    let of_length = leaves_by_length(&depths[..used - 1], limit);
    // The rarest symbols come first and get the longest codes.
    let mut keys = keys.iter();
    for length in (1..=limit).rev() {
        for key in keys.by_ref().take(of_length[length]) {
            lengths[(key & SYMBOL_MASK) as usize] = length as u8;
        }
    }
}

/// Sorts keys whose symbols ascend, by one digit of their counts after the other, the last one first.
fn sort_by_count(keys: &mut [u32]) {
    let mut sorted = [0; 1 << SYMBOL_BITS];
    let sorted = &mut sorted[..keys.len()];
    let present = keys.iter().fold(0, |present, key| present | key);
    for shift in (SYMBOL_BITS..u32::BITS).step_by(DIGITS.ilog2() as usize) {
        if present >> shift == 0 {
            break;
        }
        let digit = |key: u32| (key >> shift) as usize % DIGITS;
        let mut places = [0u32; DIGITS];
        for &key in keys.iter() {
            places[digit(key)] += 1;
        }
        let mut place = 0;
        for count in &mut places {
            (*count, place) = (place, place + *count);
        }
        for &key in keys.iter() {
            let place = &mut places[digit(key)];
            sorted[*place as usize] = key;
            *place += 1;
        }
        keys.copy_from_slice(sorted);
    }
}

/// Values of a digit in [`sort_by_count`].
const DIGITS: usize = 1 << 8;

const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;

/// The depth in Huffman's tree of each of its inner nodes, in the order in which they are made, so the root
/// is the last. `keys` hold the leaves' counts, ascending.
fn inner_depths(keys: &[u32], depths: &mut [u32]) {
    // Until a node has its parent's index in `depths`, and at last its depth, it waits with its weight. Which of a leaf and a
    // node is lighter cannot be foretold, so nothing branches by it.
    let mut weights = [u32::MAX; 1 << SYMBOL_BITS];
    let (mut leaf, mut inner) = (0, 0);
    for made in 0..depths.len() {
        let mut weight = 0;
        for _ in 0..2 {
            let of_leaf = keys.get(leaf).map_or(u32::MAX, |key| key >> SYMBOL_BITS);
            let of_inner = weights[inner % weights.len()];
            // Overwritten as long as the node is not taken. At the end there is one node alone, the root.
            depths[inner] = made as u32;
            weight += of_leaf.min(of_inner);
            let takes_leaf = usize::from(of_leaf <= of_inner);
            leaf += takes_leaf;
            inner += 1 - takes_leaf;
        }
        weights[made % weights.len()] = weight;
    }
    let root = depths.len() - 1;
    depths[root] = 0;
    for node in (0..root).rev() {
        depths[node] = depths[depths[node] as usize] + 1;
    }
}

/// Number of leaves of each length, if none may lie below `limit`.
///
/// The tree grows from a single leaf at the root: each inner node turns a leaf of its depth into two leaves
/// one level below. A node too deep for that turns the deepest leaf that may still become two. Every step
/// keeps the code complete and adds one leaf, so there are as many as there are symbols.
fn leaves_by_length(depths: &[u32], limit: usize) -> [usize; MAX_LENGTH + 1] {
    let mut leaves = [0; MAX_LENGTH + 1];
    leaves[0] = 1;
    for &depth in depths.iter().rev() {
        let mut depth = (depth as usize).min(limit - 1);
        while leaves[depth] == 0 {
            depth -= 1;
        }
        leaves[depth] -= 1;
        leaves[depth + 1] += 2;
    }
    leaves
}

/// The code of a symbol: in the lowest eight bits the number of its bits, 0 for a symbol without a code; above them its
/// bits in the order of the stream, the first one lowest. So the sum of codes has the sum of their lengths lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code(u32);

impl Code {
    /// Bits of the number of bits.
    const LENGTH_BITS: u32 = 8;

    /// A code of `length` bits, at most 24.
    pub(super) fn new(bits: u32, length: u32) -> Self {
        debug_assert!(length <= u32::BITS - Self::LENGTH_BITS && bits >> length == 0);
        Self(bits << Self::LENGTH_BITS | length)
    }

    /// The bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u64 {
        u64::from(self.0 >> Self::LENGTH_BITS)
    }

    /// Their number.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 & 0xFF
    }
}

/// Codes of literals, one behind the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes {
    /// Their bits.
    pub(super) bits: u64,
    /// The codes added up: the number of all bits stands in the lowest eight.
    sum: u32,
}

impl Codes {
    /// One code.
    #[inline(always)]
    pub(super) fn of(code: Code) -> Self {
        Self { bits: code.bits(), sum: code.0 }
    }

    /// These, then `others`; below 64 bits in all.
    #[inline(always)]
    pub(super) fn then(self, others: Self) -> Self {
        Self { bits: self.bits | others.bits << (self.sum % u64::BITS), sum: self.sum + others.sum }
    }

    /// The number of all bits.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.sum & 0xFF
    }
}

/// The longest code that [`assign_codes`] assigns.
pub(in crate::store) const MAX_ASSIGNED: usize = 11;

/// The numbers of [`MAX_ASSIGNED`] bits with their bits turned round.
pub(in crate::store) static REVERSED: [u16; 1 << MAX_ASSIGNED] = {
    let mut table = [0; 1 << MAX_ASSIGNED];
    let mut number = 0;
    while number < table.len() {
        table[number] = (number as u16).reverse_bits() >> (16 - MAX_ASSIGNED);
        number += 1;
    }
    table
};

/// The codes with these lengths, of which none is above [`MAX_ASSIGNED`]: shorter ones first, symbols in order among those
/// of one length.
pub(super) fn assign_codes(lengths: &[u8], codes: &mut [Code]) {
    let mut of_length = [0u16; MAX_ASSIGNED + 1];
    for &length in lengths {
        of_length[usize::from(length)] += 1;
    }
    of_length[0] = 0;
    // With zeros behind the bits of each code: the table turns them round as if they were the longest.
    let (mut next, mut first) = ([0u16; MAX_ASSIGNED + 1], 0);
    for length in 1..=MAX_ASSIGNED {
        next[length] = first;
        first += of_length[length] << (MAX_ASSIGNED - length);
    }
    for (code, &length) in codes.iter_mut().zip(lengths) {
        let place = &mut next[usize::from(length)];
        // Huffman codes are packed beginning with their highest bit.
        let bits = REVERSED[usize::from(*place) % REVERSED.len()];
        *code = if length == 0 { Code::default() } else { Code::new(bits.into(), length.into()) };
        *place += (1 << MAX_ASSIGNED) >> length & LONGEST_STEP;
    }
}

/// The largest step from one code to the next; a symbol without a code takes none.
const LONGEST_STEP: u16 = (1 << MAX_ASSIGNED) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    /// The bits that Huffman's own codes take: the weights of all inner nodes.
    fn huffman_bits(counts: &[u32]) -> u64 {
        let leaves = counts.iter().filter(|&&count| count > 0).map(|&count| Reverse(u64::from(count)));
        let mut heap: BinaryHeap<_> = leaves.collect();
        let mut bits = 0;
        while let (Some(Reverse(a)), Some(Reverse(b))) = (heap.pop(), heap.pop()) {
            bits += a + b;
            heap.push(Reverse(a + b));
        }
        bits
    }

    /// Checks a code and returns the bits it takes.
    fn check<const N: usize>(counts: &[u32; N], limit: usize) -> u64 {
        let mut lengths = [0; N];
        code_lengths(counts, limit, &mut lengths);
        let kraft: u32 = lengths.iter().filter(|&&length| length > 0).map(|&length| 1 << (15 - length)).sum();
        assert_eq!(kraft, 1 << 15, "{lengths:?}");
        assert!(lengths.iter().all(|&length| usize::from(length) <= limit));
        let used = counts.iter().filter(|&&count| count > 0).count();
        assert_eq!(lengths.iter().filter(|&&length| length > 0).count(), used.max(2));
        for (a, x) in counts.iter().zip(&lengths) {
            assert!(*a == 0 || *x > 0);
            for (b, y) in counts.iter().zip(&lengths).filter(|(count, _)| **count > 0) {
                assert!(a <= b || x <= y, "{a} has {x} bits and {b} has {y}");
            }
        }
        counts.iter().zip(&lengths).map(|(&count, &length)| u64::from(count) * u64::from(length)).sum()
    }

    #[test]
    fn no_symbol_or_one_still_makes_two_codes() {
        assert_eq!(check(&[0; 19], 7), 0);
        for symbol in 0..19 {
            let mut counts = [0; 19];
            counts[symbol] = 5;
            assert_eq!(check(&counts, 7), 5);
        }
    }

    #[test]
    fn fibonacci_counts_are_cut_at_the_limit() {
        let mut counts = [0u32; 30];
        (counts[0], counts[1]) = (1, 1);
        for symbol in 2..30 {
            counts[symbol] = counts[symbol - 1] + counts[symbol - 2];
        }
        let best = huffman_bits(&counts);
        assert!(best < check(&counts, 14));
        assert!(check(&counts, 14) < best * 101 / 100);
        assert!(check(&counts, 5) < best * 3);
        let mut full = [1 << 22; 128];
        full[7] = 1;
        assert_eq!(check(&full, 7), 127 * 7 * (1 << 22) + 7);
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // The example of RFC 1951, 3.2.2, with the bits turned round.
        let mut codes = [Code::default(); 8];
        assign_codes(&[3, 3, 3, 3, 3, 2, 4, 4], &mut codes);
        assert_eq!(codes.map(Code::bits), [0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111]);
        assign_codes(&[0, 1, 1], &mut codes);
        assert_eq!(
            codes[..3].iter().map(|code| (code.bits(), code.length())).collect::<Vec<_>>(),
            [(0, 0), (0, 1), (1, 1)]
        );
    }

    proptest! {
        #[test]
        fn codes_are_complete_and_best(
            counts in prop::array::uniform32(prop_oneof![Just(0u32), 1..9u32, 1..5000u32])
        ) {
            prop_assume!(counts.iter().filter(|&&count| count > 0).count() > 1);
            let best = huffman_bits(&counts);
            let bits = check(&counts, 15);
            prop_assert!(best <= bits);
            // Thirty-two symbols seldom need more than 15 bits.
            let total: u32 = counts.iter().sum();
            prop_assert!(total > 1500 || bits == best);
            check(&counts, 5);
            check(&counts, 7);
        }
    }
}
