//! Runs of bytes that a pipe takes as a whole, so that no writer that dies leaves a stream that ends between two records.
//!
//! A write of at most `PIPE_BUF` bytes into a pipe is atomic: its reader gets all of it or nothing (POSIX.1-2017, `write`).
//! Larger ones are cut at any page. So the opening of a record is written together with the byte before it, in one small
//! write.

use super::format::Piece;

/// The largest write that a pipe takes as a whole, on Linux.
const ATOMIC_BYTES: usize = 4096;

/// Bytes that are written one after the other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GatheredWrite<'b> {
    /// The bytes.
    pub(super) slices: Vec<&'b [u8]>,
    /// True if one call must write them.
    pub(super) together: bool,
}

impl<'b> GatheredWrite<'b> {
    fn new(together: bool) -> Self {
        Self { slices: Vec::new(), together }
    }

    fn len(&self) -> usize {
        self.slices.iter().map(|slice| slice.len()).sum()
    }

    /// Takes the last byte away.
    fn split_last(&mut self) -> Option<&'b [u8]> {
        while self.slices.last().is_some_and(|slice| slice.is_empty()) {
            self.slices.pop();
        }
        let last = self.slices.pop()?;
        let (rest, byte) = last.split_at(last.len() - 1);
        self.slices.push(rest);
        Some(byte)
    }
}

/// The runs of `pieces`: each opening is in one with the byte before it, if `pieces` have one, and together with what
/// is small and follows.
pub(super) fn runs<'b>(pieces: &[Piece<'b>]) -> Vec<GatheredWrite<'b>> {
    let mut runs = Vec::new();
    let mut run = GatheredWrite::new(false);
    for &Piece { bytes, opening } in pieces {
        let fits = run.together && run.len() + bytes.len() <= ATOMIC_BYTES;
        if opening > 0 && !fits && run.together && run.len() + opening <= ATOMIC_BYTES {
            let (now, later) = bytes.split_at(opening);
            run.slices.push(now);
            runs.push(std::mem::replace(&mut run, GatheredWrite::new(false)));
            run.slices.push(later);
            continue;
        }
        if opening > 0 && !fits {
            let before = run.split_last();
            runs.push(std::mem::replace(&mut run, GatheredWrite::new(true)));
            run.slices.extend(before);
            let (now, later) =
                if bytes.len() < ATOMIC_BYTES { (bytes, &bytes[..0]) } else { bytes.split_at(opening) };
            run.slices.push(now);
            if !later.is_empty() {
                runs.push(std::mem::replace(&mut run, GatheredWrite::new(false)));
                run.slices.push(later);
            }
            continue;
        }
        if run.together && !fits {
            runs.push(std::mem::replace(&mut run, GatheredWrite::new(false)));
        }
        run.slices.push(bytes);
    }
    runs.push(run);
    runs.retain(|run| run.len() > 0);
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lengths(pieces: &[Piece<'_>]) -> Vec<(usize, bool)> {
        runs(pieces).iter().map(|run| (run.len(), run.together)).collect()
    }

    #[test]
    fn openings_are_written_with_the_byte_before_them() {
        let (large, header) = (vec![1; 100_000], vec![2; 640]);
        let open = Piece { bytes: &header[..], opening: 512 };
        let tensor = Piece::from(&large[..]);
        assert_eq!(lengths(&[tensor, open, tensor]), [(99_999, false), (641, true), (100_000, false)]);
        assert_eq!(lengths(&[tensor, open, open, tensor]), [(99_999, false), (1281, true), (100_000, false)]);
        assert_eq!(lengths(&[open, tensor]), [(640, true), (100_000, false)]);
        let long = Piece { bytes: &large[..], opening: 8 };
        assert_eq!(lengths(&[tensor, long]), [(99_999, false), (9, true), (99_992, false)]);
    }

    proptest! {
        #[test]
        fn runs_are_all_bytes_in_order_and_openings_whole(sizes in prop::collection::vec((0usize..6000, 0usize..513), 1..12)) {
            let all: Vec<u8> = (0..80_000u32).map(|number| (number % 251) as u8).collect();
            let (mut pieces, mut start, mut openings) = (Vec::new(), 0, Vec::new());
            for (size, opening) in sizes {
                // Something follows an opening, as a header its content.
                let opening = opening.min(size.saturating_sub(1));
                pieces.push(Piece { bytes: &all[start..start + size], opening });
                if opening > 0 && start > 0 {
                    openings.push((start, opening));
                }
                start += size;
            }
            let runs = runs(&pieces);
            let written: Vec<u8> = runs.iter().flat_map(|run| run.slices.concat()).collect();
            prop_assert_eq!(&written[..], &all[..start]);
            let mut at = 0;
            let mut spans = Vec::new();
            for run in &runs {
                prop_assert!(!run.together || run.len() <= ATOMIC_BYTES);
                spans.push((at, at + run.len(), run.together));
                at += run.len();
            }
            for (start, opening) in openings {
                let whole = spans.iter().any(|&(from, to, together)| together && from < start && start + opening <= to);
                prop_assert!(whole, "{start} {opening} in {spans:?}");
            }
        }
    }
}
