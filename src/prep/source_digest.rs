//! One digest over all images and contours.

use sha2::{Digest, Sha256};

use super::pseudonym::hex;

/// Gathers the digest of every input that is used.
#[derive(Debug, Default)]
pub(super) struct SourceDigest {
    inputs: Vec<(String, [u8; 32])>,
}

impl SourceDigest {
    /// Adds the input called `name` (relative to the data directory).
    pub(super) fn add(&mut self, name: String, sha256: [u8; 32]) {
        self.inputs.push((name, sha256));
    }

    /// SHA-256, in hexadecimal, over one line `<digest in hexadecimal>  <name>\n` for each input, sorted by
    /// name: the digest of what `sha256sum` prints for the files.
    pub(super) fn finish(mut self) -> String {
        self.inputs.sort();
        let mut all = Sha256::new();
        for (name, sha256) in &self.inputs {
            all.update(format!("{}  {name}\n", hex(sha256)));
        }
        hex(&all.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_digest_of_what_sha256sum_prints() {
        let mut digest = SourceDigest::default();
        digest.add("b".to_owned(), Sha256::digest(b"2").into());
        digest.add("a".to_owned(), Sha256::digest(b"1").into());
        let printed = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  a\n\
                       d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35  b\n";
        assert_eq!(digest.finish(), hex(&Sha256::digest(printed)));
    }
}
