//! Numbers out of digests.

/// The first 64 bits of a SHA-256 or any other digest of at least 8 bytes, big endian: enough to tell millions of
/// contents apart, or to draw a number that is evenly spread.
#[must_use]
pub fn first_bits(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |bits, &byte| bits << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_counts_most() {
        assert_eq!(first_bits(&[1, 2, 0, 0, 0, 0, 0, 3, 255]), 0x0102_0000_0000_0003);
    }
}
