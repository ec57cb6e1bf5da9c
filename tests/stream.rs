//! The batches of a file: what they hold, and that nothing but the options that say so decides it.
#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

#[path = "common/packed.rs"]
mod packed;

use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use dicomprep::augment::{AugmentSpec, Preset};
use dicomprep::order::{Cursor, Rank, Uneven};
use dicomprep::store::DatasetFile;
use dicomprep::stream::{Batch, ImageDtype, Stream, StreamError, StreamOptions};
use packed::{options, stored, write_file};
use proptest::prelude::*;

const ROWS: usize = 100;

fn file(folder: &Path, level: u8) -> PathBuf {
    let path = folder.join(format!("{level}.h5"));
    write_file(&path, ROWS, level);
    path
}

/// All batches from `start`.
fn batches_from(path: &Path, options: &StreamOptions, start: Cursor) -> Vec<Batch> {
    let mut batches = Vec::new();
    let stream = Stream::open(path, options).unwrap();
    let ran = stream.run(start, |batch, _| {
        batches.push(batch);
        ControlFlow::<(), _>::Continue(None)
    });
    assert!(ran.unwrap().is_continue());
    batches
}

fn batches(path: &Path, options: &StreamOptions) -> Vec<Batch> {
    batches_from(path, options, Cursor::default())
}

fn rows(batches: &[Batch]) -> Vec<u64> {
    batches.iter().flat_map(|batch| &batch.samples).map(|sample| sample.row).collect()
}

#[test]
fn a_batch_holds_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    for level in [0, 4] {
        let path = file(folder.path(), level);
        let options = StreamOptions { seed: 1, shuffle: true, texts: true, ..options() };
        let batches = batches(&path, &options);
        assert_eq!(
            batches.iter().map(|batch| batch.samples.len()).collect::<Vec<_>>(),
            [[8; 12].as_slice(), &[4]].concat()
        );
        for batch in &batches {
            for (index, sample) in batch.samples.iter().enumerate() {
                let row = sample.row as usize;
                let [image, mask] = stored(row);
                assert_eq!(batch.images.chunks(image.len()).nth(index), Some(&image[..]));
                assert_eq!(batch.masks.chunks(mask.len()).nth(index), Some(&mask[..]));
                assert_eq!(batch.ids.get(index), format!("P{}/{row}", row / 10));
                assert_eq!(batch.patient_ids.get(index), format!("P{}", row / 10));
                assert_eq!(batch.splits.get(index), if row < 50 { "train" } else { "val" });
            }
        }
        let mut all = rows(&batches);
        assert_ne!(all, (0..ROWS as u64).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (0..ROWS as u64).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn only_cost_depends_on_how_it_is_done(
        threads in 1usize..6, prefetch in 1usize..7, cache_bytes in 0usize..60_000, level in prop_oneof![Just(0u8), Just(4)],
        batch_size in 1u64..40, epochs in 1u64..4, start in 0u64..30, balanced: bool,
        image_dtype in prop::sample::select(&ImageDtype::ALL[..]), augmented: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), level);
        let mut options = StreamOptions {
            seed: 5, shuffle: true, batch_size: NonZeroU64::new(batch_size).unwrap(), epochs: NonZeroU64::new(epochs),
            image_dtype, ..options()
        };
        if augmented && image_dtype != ImageDtype::Stored {
            options.augment = Some(AugmentSpec::preset(Preset::Cardiac));
        }
        options.rows.balance = balanced.then(|| "patient_id".to_owned());
        let expected = batches(&path, &options);
        let start = start as usize % expected.len();
        let other = StreamOptions {
            threads: NonZeroUsize::new(threads).unwrap(), prefetch: NonZeroUsize::new(prefetch).unwrap(), cache_bytes,
            ..options
        };
        let tail = batches_from(&path, &other, expected[start].cursor);
        prop_assert!(tail == expected[start..]);
    }

    #[test]
    fn ranks_share_an_epoch(world_size in 1u64..9, batch_size in 1u64..20, uneven in prop_oneof![
        Just(Uneven::Pad), Just(Uneven::Drop), Just(Uneven::Allow)
    ]) {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), 0);
        let mut all = Vec::new();
        for rank in 0..world_size {
            let rank = Rank::new(rank, NonZeroU64::new(world_size).unwrap()).unwrap();
            let batch_size = NonZeroU64::new(batch_size).unwrap();
            all.extend(rows(&batches(&path, &StreamOptions { rank, batch_size, uneven, seed: 2, shuffle: true, ..options() })));
        }
        all.sort_unstable();
        let whole = ROWS as u64 / world_size * world_size;
        let distinct = { let mut distinct = all.clone(); distinct.dedup(); distinct.len() as u64 };
        match uneven {
            Uneven::Allow => prop_assert_eq!(all, (0..ROWS as u64).collect::<Vec<_>>()),
            Uneven::Drop => prop_assert_eq!((all.len() as u64, distinct), (whole, whole)),
            Uneven::Pad => prop_assert_eq!(
                (all.len() as u64, distinct), ((ROWS as u64).next_multiple_of(world_size), ROWS as u64)
            ),
        }
    }
}

#[test]
fn a_damaged_row_ends_the_stream_after_what_stands_before_it() {
    let folder = tempfile::tempdir().unwrap();
    for level in [0, 4] {
        let path = file(folder.path(), level);
        let place = DatasetFile::open(&path).unwrap().image_place(42).unwrap();
        let writer = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let middle = place.start + (place.end - place.start) / 2;
        let mut byte = [0];
        std::fs::File::open(&path).unwrap().read_exact_at(&mut byte, middle).unwrap();
        writer.write_all_at(&[byte[0] ^ 0x40], middle).unwrap();
        for (threads, image_dtype) in
            [1, 3].into_iter().flat_map(|threads| ImageDtype::ALL.map(|dtype| (threads, dtype)))
        {
            let options =
                StreamOptions { threads: NonZeroUsize::new(threads).unwrap(), image_dtype, ..options() };
            let stream = Stream::open(&path, &options).unwrap();
            let mut taken = 0;
            let ran = stream.run(Cursor::default(), |batch, _| {
                taken += batch.samples.len();
                ControlFlow::<(), _>::Continue(Some(batch))
            });
            let error = ran.unwrap_err();
            assert!(matches!(error, StreamError::Row { row: 42, .. }), "{error:?}");
            assert_eq!(error.to_string(), "row 42 (P4/42)");
            assert_eq!(taken, 40);
        }
    }
}

#[test]
fn a_taker_can_stop_and_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 4);
    let options = StreamOptions { epochs: None, threads: NonZeroUsize::new(3).unwrap(), ..options() };
    let stream = Stream::open(&path, &options).unwrap();
    let mut taken = 0;
    let ran = stream.run(Cursor::default(), |batch, _| {
        taken += 1;
        if taken == 7 { ControlFlow::Break("enough") } else { ControlFlow::Continue(Some(batch)) }
    });
    assert_eq!((ran.unwrap(), taken), (ControlFlow::Break("enough"), 7));
    let panicked = std::panic::catch_unwind(|| {
        stream.run(Cursor::default(), |_, _| -> ControlFlow<(), Option<Batch>> { panic!("no") })
    });
    assert!(panicked.is_err());
}

#[test]
fn no_more_than_prefetch_batches_are_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 0);
    for prefetch in [1, 2, 5] {
        let options = StreamOptions {
            prefetch: NonZeroUsize::new(prefetch).unwrap(),
            epochs: NonZeroU64::new(3),
            ..options()
        };
        let stream = Stream::open(&path, &options).unwrap();
        let mut memory = std::collections::BTreeSet::new();
        let batches = AtomicU64::new(0);
        let ran = stream.run(Cursor::default(), |batch, _| {
            memory.insert(batch.images.as_ptr() as usize);
            batches.fetch_add(1, Ordering::Relaxed);
            ControlFlow::<(), _>::Continue(Some(batch))
        });
        assert!(ran.unwrap().is_continue());
        assert!(batches.into_inner() == 39 && memory.len() <= prefetch, "{} of {prefetch}", memory.len());
    }
}
