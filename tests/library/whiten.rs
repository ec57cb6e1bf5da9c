//! Whitening files: made of a packed file, and taken for that file only.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::common::packed::{SHAPE, image, write_file};
use dicomprep::augment::{Centering, Whitening};
use dicomprep::prep::Progress;
use dicomprep::store::{DatasetFile, StoreError, Target, WhiteningFile};
use dicomprep::whiten::{WhitenError, WhitenOptions, whiten};

struct Silence;

impl Progress for Silence {
    fn begin(&self, _stage: &str, _total: usize) {}
    fn advance(&self, _steps: usize) {}
    fn end(&self) {}
}

fn options(threads: usize) -> WhitenOptions {
    WhitenOptions { epsilon: 1e-6, rescale: 1.0 / 255.0, threads: NonZeroUsize::new(threads).unwrap() }
}

fn make(data: &Path, path: &Path, threads: usize) -> WhiteningFile {
    let whitening = whiten(data, &options(threads), &Silence).unwrap();
    whitening.write(Target::claim(path, true).unwrap()).unwrap();
    whitening
}

#[test]
fn is_read_as_it_was_written_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (data, path) = (folder.path().join("a.h5"), folder.path().join("a.zca.h5"));
    // More rows than are summed at a time.
    write_file(&data, 600, 4);
    let written = make(&data, &path, 1);
    let file = DatasetFile::open(&data).unwrap();
    assert_eq!(WhiteningFile::read(&path, &file).unwrap(), written);
    assert_eq!((written.samples, written.data.shape), (300, [SHAPE[0], SHAPE[1], 1]));
    let train = file.train();
    assert_eq!((written.mean * 255.0).round(), train.mean.unwrap().round());
    let bytes = fs::read(&path).unwrap();
    for threads in [2, 5] {
        make(&data, &path, threads);
        assert!(fs::read(&path).unwrap() == bytes, "{threads} threads");
    }
}

#[test]
fn whitened_images_have_variance_one_in_the_directions_that_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let (data, path) = (folder.path().join("a.h5"), folder.path().join("a.zca.h5"));
    write_file(&data, 100, 0);
    let written = make(&data, &path, 2);
    // All images are one pattern with another constant added: they differ in that alone.
    assert_eq!((written.rank, written.samples), (2, 50));
    let whitening = Whitening::new(written.matrix).unwrap();
    let mut images: Vec<f32> = (0..50).flat_map(image).map(f32::from).collect();
    Centering { rescale: written.rescale, mean: written.mean }.apply(&mut images);
    whitening.apply(&mut images, &mut Vec::new());
    let squares: f64 = images.iter().map(|number| f64::from(*number).powi(2)).sum();
    assert!((squares / 50.0 - 2.0).abs() < 1e-3, "{squares}");
}

#[test]
fn is_refused_for_other_data() {
    let folder = tempfile::tempdir().unwrap();
    let [data, other, path] = ["a.h5", "b.h5", "a.zca.h5"].map(|name| folder.path().join(name));
    write_file(&data, 100, 4);
    write_file(&other, 120, 4);
    make(&data, &path, 2);
    let error = WhiteningFile::read(&path, &DatasetFile::open(&other).unwrap()).unwrap_err();
    assert!(matches!(error, StoreError::OtherData { .. }), "{error:?}");
    assert!(error.to_string().contains("its train_mean is"), "{error}");
    // One kind of file is not the other.
    let file = DatasetFile::open(&data).unwrap();
    assert!(matches!(WhiteningFile::read(&data, &file), Err(StoreError::NotOurs { .. })));
    assert!(matches!(DatasetFile::open(&path), Err(StoreError::NotOurs { .. })));
    fs::write(&other, b"text").unwrap();
    assert!(matches!(WhiteningFile::read(&other, &file), Err(StoreError::NotOurs { .. })));
    assert!(matches!(WhiteningFile::read(folder.path(), &file), Err(StoreError::NotOurs { .. })));
    assert!(matches!(WhiteningFile::read(&folder.path().join("no"), &file), Err(StoreError::Io { .. })));
}

#[test]
fn damage_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (data, path) = (folder.path().join("a.h5"), folder.path().join("a.zca.h5"));
    write_file(&data, 100, 4);
    let written = make(&data, &path, 2);
    let file = DatasetFile::open(&data).unwrap();
    let bytes = fs::read(&path).unwrap();
    for place in (0..bytes.len()).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        // What no part of the file counts on may change; the numbers may not.
        if let Ok(read) = WhiteningFile::read(&path, &file) {
            assert!(read.matrix == written.matrix, "byte {place}");
        }
    }
    for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(WhiteningFile::read(&path, &file).is_err(), "{length} bytes");
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a.h5");
    write_file(&data, 20, 0);
    let error = |options: &WhitenOptions| whiten(&data, options, &Silence).unwrap_err();
    for rescale in [0.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(error(&WhitenOptions { rescale, ..options(1) }), WhitenError::Rescale(_)));
    }
    assert!(matches!(error(&WhitenOptions { epsilon: -1.0, ..options(1) }), WhitenError::Zca { .. }));
    // Too large for float32 once they are multiplied.
    let error = error(&WhitenOptions { rescale: 1e38, ..options(1) });
    assert!(matches!(error, WhitenError::Row { row: 0, .. }), "{error:?}");
}
