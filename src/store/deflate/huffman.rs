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
    // Until a node has a parent, its place holds its weight; then the parent's index; at last its depth.
    let (mut leaf, mut inner) = (0, 0);
    for made in 0..depths.len() {
        let mut weight = 0;
        for _ in 0..2 {
            let leaf_weight = keys.get(leaf).map(|key| key >> SYMBOL_BITS);
            match leaf_weight {
                Some(count) if inner == made || count <= depths[inner] => {
                    weight += count;
                    leaf += 1;
                }
                _ => {
                    weight += depths[inner];
                    depths[inner] = made as u32;
                    inner += 1;
                }
            }
        }
        depths[made] = weight;
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

/// The code of a symbol: its bits in the order of the stream, the first one lowest, and their number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Code {
    /// The bits.
    pub(super) bits: u32,
    /// Their number; 0 for a symbol without a code.
    pub(super) length: u32,
}

/// The codes with these lengths: shorter ones first, symbols in order among those of one length.
pub(super) fn assign_codes(lengths: &[u8], codes: &mut [Code]) {
    let mut of_length = [0u32; MAX_LENGTH + 1];
    for &length in lengths {
        of_length[usize::from(length)] += 1;
    }
    of_length[0] = 0;
    let mut next = [0u32; MAX_LENGTH + 1];
    for length in 1..=MAX_LENGTH {
        next[length] = (next[length - 1] + of_length[length - 1]) << 1;
    }
    for (code, &length) in codes.iter_mut().zip(lengths) {
        let first = &mut next[usize::from(length)];
        // Huffman codes are packed beginning with their highest bit.
        let bits = first.reverse_bits().unbounded_shr(32 - u32::from(length));
        *code = Code { bits, length: length.into() };
        *first += u32::from(length > 0);
    }
}

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
        assert_eq!(codes.map(|code| code.bits), [0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111]);
        assign_codes(&[0, 1, 1], &mut codes);
        assert_eq!(
            codes[..3].iter().map(|code| (code.bits, code.length)).collect::<Vec<_>>(),
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
