//! One digest over all images and contours.

use sha2::{Digest, Sha256};

use super::input::Input;
use super::pseudonym::hex;
use crate::store::SampleRow;

/// Gathers the digest of every input that is used; names are asked for at the end, so that none is kept.
#[derive(Debug)]
pub(super) struct SourceDigest<I> {
    inputs: Vec<([u8; 32], I)>,
}

impl<I: Copy> SourceDigest<I> {
    /// No input yet, and memory for `capacity`.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { inputs: Vec::with_capacity(capacity) }
    }

    /// Adds an input.
    pub(super) fn add(&mut self, sha256: [u8; 32], input: I) {
        self.inputs.push((sha256, input));
    }

    /// SHA-256, in hexadecimal, over one line `<digest in hexadecimal>  <name>\n` for each input, sorted:
    /// the digest of what `sha256sum` and `sort` print for the files, in the C locale.
    pub(super) fn finish(mut self, name: impl Fn(I) -> String) -> String {
        self.inputs.sort_unstable_by_key(|(sha256, _)| *sha256);
        let (mut all, mut names) = (Sha256::new(), Vec::new());
        for equal in self.inputs.chunk_by(|(a, _), (b, _)| a == b) {
            names.extend(equal.iter().map(|(_, input)| name(*input)));
            names.sort_unstable();
            let digest = hex(&equal[0].0);
            for name in names.drain(..) {
                [&*digest, "  ", &*name, "\n"].iter().for_each(|part| all.update(part));
            }
        }
        hex(&all.finalize())
    }
}

impl SourceDigest<Input> {
    /// Adds the inputs of the row of sample number `sample`.
    pub(super) fn add_row(&mut self, row: &SampleRow, sample: u32) {
        self.add(row.source_sha256, Input { sample, plane: None });
        for (plane, cell) in row.annotations.iter().enumerate() {
            if let Some(sha256) = cell.sha256 {
                // There are two structures.
                self.add(sha256, Input { sample, plane: Some(plane as u8) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_digest_of_what_sha256sum_and_sort_print() {
        let names = ["c", "b", "a"];
        let mut digest = SourceDigest::with_capacity(3);
        for (input, content) in [b"1", b"2", b"1"].into_iter().enumerate() {
            digest.add(Sha256::digest(content).into(), input);
        }
        let printed = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  a\n\
                       6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  c\n\
                       d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35  b\n";
        assert_eq!(digest.finish(|input| names[input].to_owned()), hex(&Sha256::digest(printed)));
    }
}
