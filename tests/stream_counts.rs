//! What a stream costs, counted: allocations, reads, threads. One test, so that nothing else is counted.
#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

#[path = "common/packed.rs"]
mod packed;

use std::alloc::System;
use std::fs;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

use dicomprep::order::Cursor;
use dicomprep::stream::{Dataset, ImageDtype, StreamOptions, StreamWork};
use packed::{options, work, write_file};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROWS: u64 = 400;
const BATCH_SIZE: u64 = 50;

#[derive(Debug, Clone, Copy)]
struct Cost {
    allocations: i64,
    allocated_bytes: i64,
    reads: i64,
}

/// What the epochs after the first cost, for each epoch.
fn cost_of_later_epochs(path: &Path, options: &StreamOptions, work: &StreamWork) -> [i64; 3] {
    let [two, twelve] = [2, 12].map(|epochs| {
        let options = StreamOptions { epochs: NonZeroU64::new(epochs), ..options.clone() };
        let stream = Dataset::open(path).unwrap().stream(&options).unwrap();
        let (region, reads) = (Region::new(ALLOCATOR), reads());
        let mut batches = stream.batches(Cursor::default(), work).unwrap();
        while let Some(batch) = batches.next() {
            batches.recycle(batch.unwrap());
        }
        let change = region.change();
        Cost {
            allocations: (change.allocations + change.reallocations) as i64,
            allocated_bytes: change.bytes_allocated as i64,
            reads: crate::reads() - reads,
        }
    });
    [
        twelve.allocations - two.allocations,
        twelve.allocated_bytes - two.allocated_bytes,
        twelve.reads - two.reads,
    ]
    .map(|later| later / 10)
}

/// How often this process has read from a file.
fn reads() -> i64 {
    let io = fs::read_to_string("/proc/self/io").unwrap();
    let reads = io.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap();
    reads.parse().unwrap()
}

fn decoding_threads() -> usize {
    let names = fs::read_dir("/proc/self/task").unwrap().flatten();
    names
        .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
        .filter(|name| name.starts_with("decode"))
        .count()
}

#[test]
fn samples_cost_two_reads_and_no_allocation() {
    let folder = tempfile::tempdir().unwrap();
    for level in [0, 4] {
        let path = folder.path().join("a.h5");
        write_file(&path, ROWS as usize, level);
        let batch_size = NonZeroU64::new(BATCH_SIZE).unwrap();
        for image_dtype in [ImageDtype::Stored, ImageDtype::Float32] {
            let plain =
                StreamOptions { batch_size, image_dtype, seed: 1, shuffle: true, texts: true, ..options() };
            let [allocations, bytes, reads] = cost_of_later_epochs(&path, &plain, &work());
            // A few small ones for each batch of 50 samples: its order, its way through the queue.
            let batches = (ROWS / BATCH_SIZE) as i64;
            assert!(allocations <= 12 * batches, "{allocations} allocations in {batches} batches");
            assert!(bytes <= 4096 * batches, "{bytes} bytes in {batches} batches");
            // The two more are of /proc/self/io itself.
            assert!((2 * ROWS as i64..=2 * ROWS as i64 + 2).contains(&reads), "{reads} reads of {ROWS} rows");

            let cached = StreamWork { cache_bytes: 1 << 30, ..work() };
            let [allocations, bytes, reads] = cost_of_later_epochs(&path, &plain, &cached);
            assert!(allocations <= 12 * batches && bytes <= 4096 * batches, "{allocations}, {bytes} bytes");
            assert!(reads <= 2, "{reads} reads of rows that are in memory");
        }
    }
    let stream =
        Dataset::open(&folder.path().join("a.h5")).unwrap().stream(&StreamOptions::default()).unwrap();
    drop(stream.batches(Cursor::default(), &work()).unwrap());
    // A thread that has ended is listed a moment longer.
    let gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        decoding_threads() == 0
    });
    assert!(gone, "{} threads are left", decoding_threads());
}
