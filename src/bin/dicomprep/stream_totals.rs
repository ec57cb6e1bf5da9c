//! Counts and times of a stream.

use std::time::Duration;

use dicomprep::stream::{StreamCursor, Times};

use crate::table;

/// Counts of the samples written so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamTotals {
    pub(crate) samples: u64,
    pub(crate) batches: u64,
    pub(crate) bytes: u64,
    /// The first batch that was not written.
    pub(crate) next: StreamCursor,
    pub(crate) times: Times,
    pub(crate) elapsed: Duration,
}

impl StreamTotals {
    /// Samples and bytes a second, and who waited for whom.
    pub(crate) fn rates(&self) -> String {
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        let samples = table::number(self.samples as f64 / seconds);
        let megabytes = table::number(self.bytes as f64 / 1e6 / seconds);
        let share = |time: Duration| 100.0 * time.as_secs_f64() / seconds;
        let (filling, taking) = (share(self.times.decoding), share(self.times.taking));
        format!(
            "{samples} samples/s, {megabytes} MB/s; the reader waited {filling:.0} % of the time for us, we waited \
             {taking:.0} % for the reader"
        )
    }

    pub(crate) fn closing_line(&self) -> String {
        let samples = table::count(self.samples as usize, "sample");
        let batches =
            if self.batches == 1 { "1 batch".to_owned() } else { format!("{} batches", self.batches) };
        let (bytes, seconds) = (table::bytes(self.bytes), self.elapsed.as_secs_f64());
        let (rates, next) = (self.rates(), self.next);
        format!(
            "{samples} in {batches}, {bytes} in {seconds:.2} s: {rates}; --start {next} goes on from here\n"
        )
    }
}
