//! Files that are fetched before they are read, where files are not in memory.

use crate::layout::SampleSet;
use crate::model::Sample;

/// Samples that are read one after the other. While reads have to wait for the disk or the network, the files of those that
/// come are asked for, so that many are on their way at once; while all is in memory, that costs nothing.
pub struct ReadAhead<'s> {
    plan: &'s SampleSet,
    samples: &'s [Sample],
    /// Asks for what is read of a sample, and does not wait for it.
    fetch: fn(&SampleSet, &Sample),
    window: usize,
    /// Samples before this one have been asked for, or need not be.
    fetched: usize,
}

impl<'s> ReadAhead<'s> {
    /// All of these samples of `plan`.
    #[must_use]
    pub fn new(plan: &'s SampleSet, samples: &'s [Sample], fetch: fn(&SampleSet, &Sample)) -> Self {
        Self { plan, samples, fetch, window: samples.len(), fetched: 0 }
    }

    /// The same, but no more than `window` samples are asked for before they are read.
    #[must_use]
    pub fn within(self, window: usize) -> Self {
        Self { window, ..self }
    }

    /// The samples before number `next` are read, or are about to be: asks for those behind them.
    pub fn fetch_from(&mut self, next: usize) {
        if !self.plan.catalog.roots().are_slow() {
            return;
        }
        let end = self.samples.len().min(next + self.window);
        let coming = self.samples.get(self.fetched.max(next)..end).unwrap_or_default();
        for (place, sample) in coming.iter().enumerate() {
            // Frames of one file are asked for once.
            if place == 0 || sample.image.file != coming[place - 1].image.file {
                (self.fetch)(self.plan, sample);
            }
        }
        self.fetched = end.max(self.fetched);
    }
}

#[cfg(test)]
mod tests {
    use super::super::slow_disk::SlowDisk;
    use super::super::test_pairs::pairs;
    use super::super::{ContourReader, fetch_contours, fetch_header, fetch_image, read_header, read_image};
    use super::*;
    use crate::model::GridShape;
    use crate::source::Limits;

    const IMAGES: usize = 40;

    /// Reads of a slow disk that were on their way at once, and those that were waited for, where each of `count` samples
    /// is `read` and those that come are asked for by `fetch`.
    fn on_a_slow_disk(
        fetch: fn(&SampleSet, &Sample),
        [count, window]: [usize; 2],
        mut read: impl FnMut(&SampleSet, &Sample),
    ) -> (usize, usize) {
        let folder = tempfile::tempdir().unwrap();
        // Of their files, nothing but the size matters.
        let plan = pairs(folder.path(), &vec![vec![1; 5000]; IMAGES]);
        let disk = SlowDisk::below(folder.path());
        let mut ahead = ReadAhead::new(&plan, &plan.samples, fetch).within(window);
        assert_eq!(plan.samples.len(), IMAGES);
        for (index, sample) in plan.samples[..count].iter().enumerate() {
            ahead.fetch_from(index + 1);
            read(&plan, sample);
        }
        (disk.most_at_once(), disk.waits())
    }

    #[test]
    fn many_reads_of_a_slow_disk_are_on_their_way_at_once() {
        let limits = Limits::default();
        let image = |plan: &SampleSet, sample: &Sample| {
            read_image(plan, sample, &limits, &mut Vec::new()).unwrap();
        };
        let header = |plan: &SampleSet, sample: &Sample| {
            // What is read is no image.
            read_header(plan, sample, &limits, &mut Vec::new()).unwrap_err();
        };
        let contour = |plan: &SampleSet, sample: &Sample| {
            let size = GridShape::new(8, 8).unwrap();
            ContourReader::new(plan, [0.0; 2]).read(sample, 0, size).unwrap();
        };
        // The first read shows that the disk is slow; then the second is waited for, and all others come with it.
        for found in [
            on_a_slow_disk(fetch_image, [IMAGES; 2], image),
            on_a_slow_disk(fetch_header, [IMAGES; 2], header),
            on_a_slow_disk(fetch_contours, [IMAGES; 2], contour),
        ] {
            assert_eq!(found, (IMAGES - 1, 2));
        }
        let (at_once, waits) = on_a_slow_disk(fetch_image, [IMAGES, 10], image);
        assert_eq!(at_once, 11);
        assert!(waits < IMAGES / 4, "{waits}");
        // Without it, one after the other.
        assert_eq!(on_a_slow_disk(|_, _| (), [4, 4], image), (1, 4));
    }
}
