//! Rows of the file that is being written, read back to count their pixels.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::PrepError;
use super::control::Control;
use super::pool::pool;
use crate::model::{CountedPixels, PixelType};
use crate::store::{ChunkReader, DatasetWriter, FineHistogram, PERCENTILE_LEVELS, ValueHistogram};

/// Counts pixels of rows that were written.
pub(super) struct WrittenRows<'a> {
    pub(super) writer: &'a DatasetWriter,
    pub(super) pixel_type: PixelType,
    /// For each row, the pixels that are counted.
    pub(super) counted: &'a [CountedPixels],
    pub(super) threads: usize,
    pub(super) control: &'a Control<'a>,
}

/// Counts that add up over images and over threads.
trait Counts: Clone + Send + Sync {
    fn add_le_bytes(&mut self, bytes: &[u8]);
    fn merge(&mut self, other: &Self);
}

impl Counts for ValueHistogram {
    fn add_le_bytes(&mut self, bytes: &[u8]) {
        ValueHistogram::add_le_bytes(self, bytes);
    }

    fn merge(&mut self, other: &Self) {
        ValueHistogram::merge(self, other);
    }
}

impl Counts for FineHistogram {
    fn add_le_bytes(&mut self, bytes: &[u8]) {
        FineHistogram::add_le_bytes(self, bytes);
    }

    fn merge(&mut self, other: &Self) {
        FineHistogram::merge(self, other);
    }
}

impl WrittenRows<'_> {
    /// The histogram of these rows.
    pub(super) fn histogram(&self, rows: &[usize]) -> Result<ValueHistogram, PrepError> {
        self.count(rows, &ValueHistogram::new(self.pixel_type), "counting pixels again")
    }

    /// The exact percentiles of the rows that `histogram` has counted. Of integers, it knows them; `rows` are asked for
    /// and read a second time where they are floats.
    pub(super) fn percentiles(
        &self,
        histogram: &ValueHistogram,
        rows: impl FnOnce() -> Vec<usize>,
    ) -> Result<[f64; PERCENTILE_LEVELS.len()], PrepError> {
        if self.pixel_type != PixelType::Float32 {
            return Ok(PERCENTILE_LEVELS.map(|level| histogram.percentile(level)));
        }
        let bins = FineHistogram::new(histogram.percentile_bins(&PERCENTILE_LEVELS));
        let fine = self.count(&rows(), &bins, "exact percentiles")?;
        Ok(PERCENTILE_LEVELS.map(|level| histogram.exact_percentile(level, &fine)))
    }

    fn count<C: Counts>(&self, rows: &[usize], empty: &C, stage: &str) -> Result<C, PrepError> {
        let images = self.writer.written_images()?;
        let Control { progress, cancel } = *self.control;
        let count = |rows: &[usize]| {
            let mut bytes = vec![0; images.chunk_bytes()];
            let (mut reader, mut counts) = (ChunkReader::new(), empty.clone());
            for &row in rows {
                if cancel.load(Ordering::Relaxed) {
                    return Err(PrepError::Interrupted);
                }
                reader.read(&images, row, &mut bytes)?;
                counts.add_le_bytes(&self.counted[row].of_le_bytes(self.pixel_type, &bytes));
                progress.advance(1);
            }
            Ok(counts)
        };
        // One part for each thread: every part has counts of its own.
        let part = rows.len().div_ceil(self.threads).max(1);
        progress.begin(stage, rows.len());
        let counted = pool(self.threads)?.install(|| {
            rows.par_chunks(part).map(count).try_reduce(
                || empty.clone(),
                |mut all, part| {
                    all.merge(&part);
                    Ok(all)
                },
            )
        });
        progress.end();
        counted
    }
}
