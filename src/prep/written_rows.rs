//! Rows of the file that is being written, read back to count their pixels.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::PrepError;
use super::control::Control;
use super::pool::pool;
use crate::model::{CountedPixels, PixelType};
use crate::store::{ChannelCounts, ChunkReader, DatasetWriter, Percentiles, PixelHistogram, ValueCounts};

/// Counts pixels of rows that were written.
pub(super) struct WrittenRows<'a> {
    pub(super) writer: &'a DatasetWriter,
    pub(super) pixel_type: PixelType,
    pub(super) channels: usize,
    /// For each row, the pixels that are counted.
    pub(super) counted: &'a [CountedPixels],
    pub(super) threads: usize,
    pub(super) control: &'a Control<'a>,
}

impl WrittenRows<'_> {
    /// The histogram of these rows.
    pub(super) fn histogram(&self, rows: &[usize]) -> Result<PixelHistogram, PrepError> {
        self.count(rows, &PixelHistogram::new(self.pixel_type, self.channels), "counting pixels again")
    }

    /// The exact percentiles of the rows that `histogram` has counted. Of integers, it knows them; `rows` are asked for
    /// and read a second time where they are floats.
    pub(super) fn percentiles(
        &self,
        histogram: &PixelHistogram,
        rows: impl FnOnce() -> Vec<usize>,
    ) -> Result<Percentiles, PrepError> {
        if self.pixel_type != PixelType::Float32 {
            return Ok(histogram.percentiles());
        }
        let fine = self.count(&rows(), &histogram.fine(), "exact percentiles")?;
        Ok(histogram.exact_percentiles(&fine))
    }

    fn count<C: ValueCounts>(
        &self,
        rows: &[usize],
        empty: &ChannelCounts<C>,
        stage: &str,
    ) -> Result<ChannelCounts<C>, PrepError> {
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
