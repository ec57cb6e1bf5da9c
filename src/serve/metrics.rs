//! Counters of the service, in Prometheus' text format 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::stream::RowCache;

/// Upper bounds of the buckets of latencies, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The counters of one data set.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) samples: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) batches_decoded: AtomicU64,
    pub(super) batches_shared: AtomicU64,
    pub(super) streams_open: AtomicU64,
    pub(super) streams_failed: AtomicU64,
    /// Samples that were sent at the last measurement of the rate, and in each second of the time before it.
    measured_samples: AtomicU64,
    samples_each_second: AtomicU64,
    decode_nanoseconds: AtomicU64,
    wait_nanoseconds: AtomicU64,
    latency: Histogram,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Counters {
    /// Adds a batch that was sent.
    pub(super) fn sent(&self, samples: u64, bytes: u64) {
        self.samples.fetch_add(samples, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Measures how fast samples were sent in the `period` since the last measurement.
    pub(super) fn measure_rate(&self, period: Duration) {
        let samples = self.samples.load(Ordering::Relaxed);
        let before = self.measured_samples.swap(samples, Ordering::Relaxed);
        let rate = samples.saturating_sub(before) as f64 / period.as_secs_f64();
        self.samples_each_second.store(rate.round() as u64, Ordering::Relaxed);
    }

    /// Samples that were sent in each second of the last period.
    pub(super) fn rate(&self) -> u64 {
        self.samples_each_second.load(Ordering::Relaxed)
    }

    /// Adds a batch that was decoded for another reader.
    pub(super) fn shared(&self) {
        self.batches_shared.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds the time that threads have decoded for a batch.
    pub(super) fn decoded(&self, time: Duration) {
        self.batches_decoded.fetch_add(1, Ordering::Relaxed);
        self.decode_nanoseconds.fetch_add(nanoseconds(time), Ordering::Relaxed);
    }

    /// Adds the time from the request for a batch until it is there.
    pub(super) fn waited(&self, time: Duration) {
        self.wait_nanoseconds.fetch_add(nanoseconds(time), Ordering::Relaxed);
        self.latency.add(time);
    }
}

impl Histogram {
    fn add(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        for (bucket, bound) in self.buckets.iter().zip(BUCKETS) {
            if seconds <= bound {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(nanoseconds(time), Ordering::Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(counter: &AtomicU64) -> f64 {
    counter.load(Ordering::Relaxed) as f64 / 1e9
}

/// The counters of a data set and its cache of decoded rows.
pub(super) struct Measured<'a> {
    pub(super) counters: &'a Counters,
    pub(super) cache: RowCache,
}

/// The text of all counters, a family after the other, each with a line for every data set.
pub(super) fn text(datasets: &BTreeMap<&str, Measured<'_>>) -> String {
    let mut text = String::new();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let mut of_dataset = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Measured<'_>) -> f64| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (dataset, measured) in datasets {
            let _ = writeln!(text, "{name}{{dataset=\"{dataset}\"}} {}", value(measured));
        }
    };
    of_dataset("dicomprep_cache_hits_total", "counter", "Rows taken from the cache of decoded rows.", &|m| {
        m.cache.hits() as f64
    });
    of_dataset("dicomprep_cache_bytes", "gauge", "Bytes of decoded rows in the cache.", &|m| {
        m.cache.bytes() as f64
    });
    let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&Counters) -> f64| {
        of_dataset(name, kind, help, &|measured| value(measured.counters));
    };
    family("dicomprep_samples_total", "counter", "Samples sent.", &|c| count(&c.samples));
    family("dicomprep_bytes_total", "counter", "Bytes of batches sent.", &|c| count(&c.bytes));
    family("dicomprep_batches_decoded_total", "counter", "Batches decoded.", &|c| count(&c.batches_decoded));
    family("dicomprep_batches_shared_total", "counter", "Batches taken from a group or from memory.", &|c| {
        count(&c.batches_shared)
    });
    family("dicomprep_decode_seconds_total", "counter", "Time spent decoding.", &|c| {
        seconds(&c.decode_nanoseconds)
    });
    family("dicomprep_wait_seconds_total", "counter", "Time that readers waited for batches.", &|c| {
        seconds(&c.wait_nanoseconds)
    });
    family("dicomprep_streams", "gauge", "Streams that are open.", &|c| count(&c.streams_open));
    family("dicomprep_streams_failed_total", "counter", "Streams that ended early.", &|c| {
        count(&c.streams_failed)
    });
    latency(&mut text, datasets);
    text
}

fn latency(text: &mut String, datasets: &BTreeMap<&str, Measured<'_>>) {
    let name = "dicomprep_batch_latency_seconds";
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "# HELP {name} Time from the request for a batch until it is there.\n# TYPE {name} histogram"
    );
    for (dataset, measured) in datasets {
        let histogram = &measured.counters.latency;
        // Read first, so that no bucket is larger.
        let total = histogram.count.load(Ordering::Relaxed);
        for (bucket, bound) in histogram.buckets.iter().zip(BUCKETS) {
            let count = bucket.load(Ordering::Relaxed).min(total);
            let _ = writeln!(text, "{name}_bucket{{dataset=\"{dataset}\",le=\"{bound}\"}} {count}");
        }
        let _ = writeln!(text, "{name}_bucket{{dataset=\"{dataset}\",le=\"+Inf\"}} {total}");
        let _ = writeln!(text, "{name}_sum{{dataset=\"{dataset}\"}} {}", seconds(&histogram.nanoseconds));
        let _ = writeln!(text, "{name}_count{{dataset=\"{dataset}\"}} {total}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_period() {
        let counters = Counters::default();
        counters.sent(100, 1);
        counters.measure_rate(Duration::from_secs(5));
        assert_eq!(counters.rate(), 20);
        counters.measure_rate(Duration::from_secs(5));
        assert_eq!(counters.rate(), 0);
    }

    #[test]
    fn buckets_are_cumulative() {
        let counters = Counters::default();
        for milliseconds in [1, 30, 30_000] {
            counters.waited(Duration::from_millis(milliseconds));
        }
        counters.decoded(Duration::from_millis(500));
        let measured = Measured { counters: &counters, cache: RowCache::new(0) };
        let text = text(&BTreeMap::from([("a", measured)]));
        for line in [
            "dicomprep_batch_latency_seconds_bucket{dataset=\"a\",le=\"0.001\"} 1",
            "dicomprep_batch_latency_seconds_bucket{dataset=\"a\",le=\"0.05\"} 2",
            "dicomprep_batch_latency_seconds_bucket{dataset=\"a\",le=\"10\"} 2",
            "dicomprep_batch_latency_seconds_bucket{dataset=\"a\",le=\"+Inf\"} 3",
            "dicomprep_decode_seconds_total{dataset=\"a\"} 0.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
