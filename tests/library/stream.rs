//! The batches of a file: what they hold, and that nothing but the options that say so decides it.

use crate::common::packed;
use std::num::{NonZeroU64, NonZeroUsize};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::common::packed::{options, stored, work, write_file};
use dicomprep::augment::Preset;
use dicomprep::model::GridShape;
use dicomprep::order::{Cursor, Uneven};
use dicomprep::store::{DatasetFile, TypedValues};
use dicomprep::stream::{
    AugmentSource, Batch, Dataset, ImageDtype, RowCache, StreamError, StreamOptions, StreamWork,
};
use proptest::prelude::*;

const ROWS: usize = 100;

fn file(folder: &Path, level: u8) -> PathBuf {
    let path = folder.join(format!("{level}.h5"));
    write_file(&path, ROWS, level);
    path
}

/// All batches from `start`.
fn batches_from(path: &Path, options: &StreamOptions, work: &StreamWork, start: Cursor) -> Vec<Batch> {
    let stream = Dataset::open(path).unwrap().stream(options).unwrap();
    stream.batches(start, work).unwrap().map(Result::unwrap).collect()
}

fn batches(path: &Path, options: &StreamOptions) -> Vec<Batch> {
    batches_from(path, options, &work(), Cursor::default())
}

fn on_threads(threads: usize) -> StreamWork {
    StreamWork { threads: NonZeroUsize::new(threads).unwrap(), ..work() }
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
            options.augment = Some(AugmentSource::Preset(Preset::Cardiac));
        }
        options.balance = balanced.then(|| "patient_id".to_owned());
        let expected = batches(&path, &options);
        let start = start as usize % expected.len();
        let other = StreamWork {
            threads: NonZeroUsize::new(threads).unwrap(), prefetch: NonZeroUsize::new(prefetch).unwrap(), cache_bytes,
            ..StreamWork::default()
        };
        let tail = batches_from(&path, &options, &other, expected[start].cursor);
        let single = Dataset::open(&path).unwrap().stream(&options).unwrap().batch(tail[0].cursor).unwrap();
        prop_assert!(single == expected[start]);
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
            let world_size = NonZeroU64::new(world_size).unwrap();
            let batch_size = NonZeroU64::new(batch_size).unwrap();
            all.extend(rows(&batches(&path, &StreamOptions { rank, world_size, batch_size, uneven, seed: 2, shuffle: true, ..options() })));
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
fn rows_that_leave_as_they_are_stored_are_those_of_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 4);
    let dataset = Dataset::open(&path).unwrap();
    let row_bytes = stored(0).map(|bytes| bytes.len()).iter().sum::<usize>();
    for balance in [None, Some("split".to_owned())] {
        let options =
            StreamOptions { seed: 3, shuffle: true, balance, epochs: NonZeroU64::new(2), ..options() };
        let stream = dataset.stream(&options).unwrap();
        let cache = RowCache::new(ROWS * row_bytes);
        let mut places = std::collections::HashMap::new();
        for batch in stream.batches(Cursor::default(), &work()).unwrap().map(Result::unwrap) {
            let rows = stream.kept_rows(batch.cursor, &cache).unwrap().unwrap();
            assert_eq!(rows.iter().map(|row| &row.image[..]).collect::<Vec<_>>().concat(), batch.images[..]);
            assert_eq!(rows.iter().map(|row| &row.mask[..]).collect::<Vec<_>>().concat(), batch.masks[..]);
            for (sample, row) in batch.samples.iter().zip(&rows) {
                let first = *places.entry(sample.row).or_insert(row.image.as_ptr());
                assert_eq!(row.image.as_ptr(), first, "decoded once");
            }
        }
        assert_eq!(cache.bytes(), places.len() * row_bytes);
    }
    let kept = |options, cache: &RowCache| {
        dataset.stream(&options).unwrap().kept_rows(Cursor::default(), cache).unwrap().is_some()
    };
    let (small, large) = (RowCache::new(8 * row_bytes - 1), RowCache::new(8 * row_bytes));
    assert!(!kept(StreamOptions { image_dtype: ImageDtype::Float32, ..options() }, &large));
    assert!(!kept(StreamOptions { size: GridShape::new(6, 6).ok(), ..options() }, &large));
    assert!(!kept(options(), &small) && small.bytes() == 0);
    assert!(!kept(options(), &large.without_keeping()));
    assert!(kept(options(), &large) && kept(options(), &large.without_keeping()));
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
            let options = StreamOptions { image_dtype, ..options() };
            let stream = Dataset::open(&path).unwrap().stream(&options).unwrap();
            let mut batches = stream.batches(Cursor::default(), &on_threads(threads)).unwrap();
            let taken: usize = batches.by_ref().map_while(Result::ok).map(|batch| batch.samples.len()).sum();
            assert!(batches.next().is_none(), "an error is the end");
            let error = stream.batch(Cursor { epoch: 0, batch: 5 }).unwrap_err();
            assert!(matches!(error, StreamError::Row { row: 42, .. }), "{error:?}");
            assert_eq!(error.to_string(), "row 42 (P4/42)");
            assert_eq!(taken, 40);
        }
    }
}

#[test]
fn threads_start_with_the_first_batch_and_end_with_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 4);
    let options = StreamOptions { epochs: None, ..options() };
    let stream = Dataset::open(&path).unwrap().stream(&options).unwrap();
    let mut batches = stream.batches(Cursor::default(), &on_threads(3)).unwrap();
    let pool = batches.pool();
    let first = batches.next().unwrap().unwrap();
    let mut beside = stream.batches(Cursor::default(), &on_threads(2)).unwrap();
    assert!(beside.next().unwrap().unwrap() == first, "two streams run side by side");
    assert_eq!(batches.by_ref().take(7).filter(|batch| batch.is_ok()).count(), 7);
    assert_eq!(batches.cursor(), Cursor { epoch: 0, batch: 8 });
    std::thread::spawn(move || drop(beside)).join().unwrap();
    drop(batches);
    // Batches that outlive their stream are freed.
    pool.recycle(first);
}

#[test]
fn a_data_set_leaves_the_file_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 4);
    let dataset = Dataset::open(&path).unwrap();
    assert!(hdf5::File::open_rw(&path).is_ok(), "the handle is closed");
    let other = folder.path().join("other.h5");
    write_file(&other, 10, 0);
    std::fs::rename(&other, &path).unwrap();
    for row in [0, 57, 99] {
        let found = dataset.row(row).unwrap();
        let [image, mask] = stored(row as usize);
        assert_eq!((&found.image[..], &found.mask[..]), (&image[..], &mask[..]));
        let pixels = found.image::<i16>().unwrap();
        assert_eq!((pixels.shape(), pixels[[0, 1, 0]]), (&[12, 16, 1][..], packed::image(row as usize)[1]));
        assert!(found.image::<f32>().is_none());
        assert_eq!(found.mask().unwrap().shape(), [12, 16, 1]);
    }
    assert!(matches!(dataset.row(100), Err(StreamError::NoSuchRow { row: 100, rows: 100, .. })));
    let ids = dataset.column("id").unwrap();
    let TypedValues::Text(texts) = ids.values else { panic!("ids are texts") };
    assert_eq!((ids.shape, texts.len(), texts[57].as_str()), (vec![100], 100, "P5/57"));
    let pixels = dataset.column("mask_pixels").unwrap();
    assert_eq!(pixels.shape, [100, 1]);
    assert!(matches!(pixels.values, TypedValues::Int32(counts) if counts[0] == 96));
    assert!(dataset.column("nothing").is_err());
}

#[test]
fn batches_are_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 4);
    let stream = Dataset::open(&path).unwrap().stream(&options()).unwrap();
    let batch = stream.batch(Cursor { epoch: 0, batch: 12 }).unwrap();
    let images = batch.images::<i16>(stream.schema()).unwrap();
    assert_eq!((images.shape(), images[[3, 0, 5, 0]]), (&[4, 12, 16, 1][..], packed::image(99)[5]));
    assert!(batch.images::<f32>(stream.schema()).is_none());
    assert_eq!(
        batch.masks::<u8>(stream.schema()).unwrap().sum(),
        (96..100).map(|row| packed::mask(row).iter().sum::<u8>()).sum::<u8>()
    );
    assert_eq!(batch.next, None);
    assert!(stream.batch(Cursor { epoch: 1, batch: 0 }).is_err());
}

#[test]
fn no_more_than_prefetch_batches_are_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), 0);
    for prefetch in [1, 2, 5] {
        let options = StreamOptions { epochs: NonZeroU64::new(3), ..options() };
        let work = StreamWork { prefetch: NonZeroUsize::new(prefetch).unwrap(), ..work() };
        let stream = Dataset::open(&path).unwrap().stream(&options).unwrap();
        let mut memory = std::collections::BTreeSet::new();
        let mut batches = stream.batches(Cursor::default(), &work).unwrap();
        let mut taken = 0;
        while let Some(batch) = batches.next() {
            let batch = batch.unwrap();
            memory.insert(batch.images.as_ptr() as usize);
            taken += 1;
            batches.recycle(batch);
        }
        assert!(taken == 39 && memory.len() <= prefetch, "{} of {prefetch}", memory.len());
    }
}
