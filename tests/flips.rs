//! Single bits flipped all over a small file: each is found, or makes no difference to anything that is read. None
//! crashes or hangs.

#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

#[path = "common/packed.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod packed;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use dicomprep::check::{CheckError, verify};
use dicomprep::prep::{Control, Progress};
use dicomprep::store::{DatasetFile, RowReader, SampleRows};

const ROWS: usize = 6;
/// Bytes from one flip to the next; with `DICOMPREP_LONG_TESTS` one. All bits have their turn.
const STEP: usize = 9;
/// No look at a file of a few kilobytes takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

struct Silence;

impl Progress for Silence {
    fn begin(&self, _stage: &str, _total: usize) {}
    fn advance(&self, _steps: usize) {}
    fn end(&self) {}
}

/// Whether verify finds nothing wrong.
fn is_sound(path: &Path) -> bool {
    let cancel = AtomicBool::new(false);
    match verify(path, None, 1, Control { progress: &Silence, cancel: &cancel }) {
        Ok(summary) => summary.is_sound(),
        Err(CheckError::Store(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

fn step() -> usize {
    if std::env::var_os("DICOMPREP_LONG_TESTS").is_some() { 1 } else { STEP }
}

/// Everything that readers are told about a file, as text.
fn contents(path: &Path) -> String {
    let file = DatasetFile::open(path).unwrap();
    let (mut reader, mut columns) = (RowReader::new(&file, None), SampleRows::new(&file).unwrap());
    let mut text = format!("{:?} {:?} {:?}", file.identity(), file.structures(), file.recorded_statistics());
    text += &format!("{:?} {:?} {:?}", file.split_disjoint(), file.split_left_out(), file.generator());
    let (mut image, mut mask) = (vec![0; file.image_bytes()], vec![0; file.mask_bytes()]);
    for row in 0..file.rows() {
        reader.read_image(row, &mut image).unwrap();
        reader.read_mask(row, &mut mask).unwrap();
        let cells = (columns.read(row).unwrap(), columns.split(row).unwrap());
        text += &format!("{cells:?} {image:?} {mask:?}");
    }
    text
}

/// The bytes of the chunks of rows.
fn chunks(path: &Path) -> Vec<Range<u64>> {
    let file = DatasetFile::open(path).unwrap();
    let places = (0..file.rows()).flat_map(|row| [file.image_place(row), file.mask_place(row)]);
    places.map(Option::unwrap).collect()
}

/// Ends the test where a flip takes for ever: a thread that hangs in the library cannot be stopped.
struct Watch(Arc<AtomicUsize>);

impl Watch {
    fn begin() -> Self {
        let place = Arc::new(AtomicUsize::new(0));
        let watched = Arc::clone(&place);
        thread::spawn(move || {
            loop {
                let before = watched.load(Ordering::Relaxed);
                thread::sleep(PATIENCE);
                let now = watched.load(Ordering::Relaxed);
                if now == usize::MAX {
                    return;
                }
                if now == before {
                    eprintln!("the flip at byte {now} hangs");
                    std::process::exit(101);
                }
            }
        });
        Self(place)
    }

    fn at(&self, place: usize) {
        self.0.store(place, Ordering::Relaxed);
    }
}

/// Flips one bit at each of `places`. Returns how many were found, and how many made no difference.
fn flip(whole: &[u8], expected: &str, places: impl Iterator<Item = usize>) -> [usize; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.h5");
    let (watch, mut counts) = (Watch::begin(), [0, 0]);
    for place in places {
        watch.at(place);
        let mut bytes = whole.to_vec();
        bytes[place] ^= 1 << (place * 5 % 8);
        fs::write(&path, &bytes).unwrap();
        if is_sound(&path) {
            counts[1] += 1;
            assert!(contents(&path) == expected, "the flip at byte {place} is not found");
        } else {
            counts[0] += 1;
        }
    }
    watch.at(usize::MAX);
    counts
}

/// A file, its bytes, what it holds, and its chunks.
fn sound_file(path: &Path, level: u8) -> (Vec<u8>, String, Vec<Range<u64>>) {
    packed::write_file(path, ROWS, level);
    assert!(is_sound(path));
    (fs::read(path).unwrap(), contents(path), chunks(path))
}

#[test]
fn bytes_of_the_structure() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, expected, chunks) = sound_file(&folder.path().join("a.h5"), 4);
    let is_chunk = |place: &usize| chunks.iter().any(|chunk| chunk.contains(&(*place as u64)));
    // What HDF5 sets aside and does not use is full of zeros: every eighth of these does.
    let is_worth = |place: &usize| whole[*place] != 0 || place.is_multiple_of(8);
    let places = (0..whole.len()).filter(|place| !is_chunk(place) && is_worth(place));
    let [found, harmless] = flip(&whole, &expected, places.step_by(step()));
    assert!(found > 4000 / step(), "{found} found, {harmless} harmless");
}

#[test]
fn bytes_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    for level in [0, 4] {
        let (whole, expected, chunks) = sound_file(&folder.path().join("a.h5"), level);
        let places = chunks.iter().take(4).flat_map(|chunk| chunk.start as usize..chunk.end as usize);
        let [found, harmless] = flip(&whole, &expected, places.step_by(step()));
        assert!(found > 50 * harmless, "level {level}: {found} found, {harmless} harmless");
    }
}

#[test]
fn columns_that_are_not_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, expected, chunks) = sound_file(&folder.path().join("a.h5"), 0);
    let is_chunk = |place: &usize| chunks.iter().any(|chunk| chunk.contains(&(*place as u64)));
    let columns = (0..whole.len()).filter(|place| !is_chunk(place)).step_by(7 * step());
    let [found, harmless] = flip(&whole, &expected, columns);
    assert!(found > 500 / step(), "{found} found, {harmless} harmless");
}
