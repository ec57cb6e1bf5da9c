//! Image files and their digests, two at a time where the next one is known.

use std::mem;

use sha2::{Digest, Sha256};

use super::files::{read_image, unreadable};
use crate::layout::SampleSet;
use crate::model::Sample;
use crate::model::{FrameRef, Reason, Skipped};
use crate::source::Limits;

/// Bytes of a block of SHA-256 (FIPS 180-4, section 1).
const BLOCK: usize = 64;

/// Bytes of a file beside which the next one is read: what is read ahead takes as much memory again.
const SMALL_FILE: usize = 2 << 20;

/// Reads image files into memory that is used again.
#[derive(Debug, Default)]
pub(super) struct ImageReader {
    bytes: Vec<u8>,
    ahead: Option<Ahead>,
    bytes_ahead: Vec<u8>,
}

/// An image that was read together with the one before.
#[derive(Debug)]
struct Ahead {
    image: FrameRef,
    /// Its digest, or why it could not be read.
    read: Result<[u8; 32], Skipped>,
}

impl ImageReader {
    /// The file that was read last.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the image of `sample`, and returns its SHA-256. Where it is known what is to be read `next`, that is read
    /// and digested too if files are small: both together take less time than one after the other.
    pub(super) fn read(
        &mut self,
        plan: &SampleSet,
        limits: &Limits,
        sample: &Sample,
        next: Option<&Sample>,
    ) -> Result<[u8; 32], Skipped> {
        let is_of_sample = |ahead: &Ahead| ahead.image == sample.image;
        if let Some(ahead) = self.ahead.take().filter(is_of_sample) {
            mem::swap(&mut self.bytes, &mut self.bytes_ahead);
            return ahead.read;
        }
        let read = |sample: &Sample, bytes: &mut Vec<u8>| {
            let failed = |error| {
                unreadable(&plan.image_name(sample), Reason::ImageUnreadable, &error).of(sample.image.file)
            };
            read_image(plan, sample, limits, bytes).map_err(failed)
        };
        read(sample, &mut self.bytes)?;
        let is_small = self.bytes.len() <= SMALL_FILE;
        let Some(next) = next.filter(|next| is_small && next.image.frame == 0) else {
            return Ok(Sha256::digest(&self.bytes).into());
        };
        let read_next = read(next, &mut self.bytes_ahead);
        let [sha256, of_next] = digest_both([&self.bytes, &self.bytes_ahead]);
        self.ahead = Some(Ahead { image: next.image, read: read_next.map(|()| of_next) });
        Ok(sha256)
    }
}

/// SHA-256 of two files. Each step of a digest waits for the one before: where two take turns block by block, the
/// processor goes on with one while the other waits.
fn digest_both([mut a, mut b]: [&[u8]; 2]) -> [[u8; 32]; 2] {
    let [mut of_a, mut of_b] = [Sha256::new(), Sha256::new()];
    while let (Some((a_block, a_rest)), Some((b_block, b_rest))) =
        (a.split_first_chunk::<BLOCK>(), b.split_first_chunk::<BLOCK>())
    {
        of_a.update(a_block);
        of_b.update(b_block);
        (a, b) = (a_rest, b_rest);
    }
    of_a.update(a);
    of_b.update(b);
    [of_a, of_b].map(|digest| digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::test_pairs::pairs;
    use super::*;

    #[test]
    fn two_digests_are_those_of_each() {
        let bytes: Vec<u8> = (0..1000u32).map(|i| (i * i / 7) as u8).collect();
        for a in [0, 1, 63, 64, 65, 128, 500, 1000] {
            for b in [0, 1, 63, 64, 65, 128, 640, 999] {
                let files = [&bytes[..a], &bytes[1000 - b..]];
                assert_eq!(digest_both(files), files.map(|file| <[u8; 32]>::from(Sha256::digest(file))));
            }
        }
    }

    #[test]
    fn what_was_read_ahead_is_taken_for_its_own_sample_alone() {
        let folder = tempfile::tempdir().unwrap();
        let images = [vec![1; 100], vec![2; 5000], vec![3; 70], vec![4; SMALL_FILE + 1], vec![5; 10]];
        let plan = pairs(folder.path(), &images);
        let sample = |index: usize| &plan.samples[index];
        let limits = Limits::default();
        let mut reader = ImageReader::default();
        let mut check = |index: usize, next: Option<usize>, is_ahead: bool| {
            let found = reader.read(&plan, &limits, sample(index), next.map(sample)).unwrap();
            assert_eq!(found, <[u8; 32]>::from(Sha256::digest(&images[index])), "{index}");
            assert!(reader.bytes() == images[index], "{index}");
            assert_eq!(reader.ahead.is_some(), is_ahead, "{index}");
        };
        check(0, Some(1), true);
        check(1, Some(2), false);
        check(2, Some(0), true);
        // Another one than was said.
        check(1, None, false);
        check(2, Some(3), true);
        check(3, Some(4), false);
        // Beside a large file none is read.
        check(3, Some(4), false);
        check(4, None, false);

        // A missing image is reported when it is asked for.
        fs::remove_file(plan.image_path(sample(1))).unwrap();
        let mut read = |index: usize| reader.read(&plan, &limits, sample(index), Some(sample(1))).is_ok();
        assert!(read(0) && !read(1) && read(2));
    }
}
