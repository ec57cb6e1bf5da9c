//! Numbers that look random and depend on nothing but other numbers.

use sha2::{Digest, Sha256};

/// The SHA-256 of `salt` and of `parts`, each as 8 bytes, as four words. All bytes are little endian.
pub(super) fn digest(salt: &[u8], parts: &[u64]) -> [u64; 4] {
    let mut hash = Sha256::new();
    hash.update(salt);
    for part in parts {
        hash.update(part.to_le_bytes());
    }
    let bytes: [u8; 32] = hash.finalize().into();
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// The finalizer of SplitMix64: every bit of the result depends on every bit of `bits`. No two `bits` have
/// the same result.
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mix_is_that_of_splitmix64() {
        // The first outputs of SplitMix64 from state 0, whose states are the multiples of this constant.
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        assert_eq!(mix(GAMMA), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(GAMMA.wrapping_mul(2)), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn the_digest_is_sha_256_in_little_endian_words() {
        // printf 'abc' | sha256sum, and printf 'a\1\0\0\0\0\0\0\0' | sha256sum
        let words = |hex: [u64; 4]| hex.map(u64::swap_bytes);
        assert_eq!(
            digest(b"abc", &[]),
            words([
                0xba78_16bf_8f01_cfea,
                0x4141_40de_5dae_2223,
                0xb003_61a3_9617_7a9c,
                0xb410_ff61_f200_15ad
            ])
        );
        assert_eq!(
            digest(b"a", &[1]),
            words([
                0x91fe_2df3_5ac4_9e7a,
                0x5dd1_adba_a5ac_9393,
                0x85f1_f2d7_a452_8583,
                0xf90c_baf6_d63a_abe8
            ])
        );
    }
}
