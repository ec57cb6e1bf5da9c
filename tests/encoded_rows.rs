//! Rows that are read back as they were appended, and appended to another file.

#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

#[path = "common/packed.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod packed;

use std::fs;
use std::path::Path;

use dicomprep::model::{PixelType, Pixels};
use dicomprep::store::{
    DatasetFile, DatasetWriter, EncodedRows, LateCells, Moments, NO_FOLD, PERCENTILE_LEVELS, StoreError,
    Target, TrainStatistics, ValueHistogram,
};

const ROWS: usize = 300;

/// Writes all rows of `source` to a file of their own.
fn copy_rows(source: &Path, copy: &Path, level: u8) {
    let file = DatasetFile::open(source).unwrap();
    let mut writer =
        DatasetWriter::create(Target::claim(copy, true).unwrap(), packed::spec(ROWS, level)).unwrap();
    let mut rows = EncodedRows::new(&file).unwrap();
    let (mut moments, mut histogram) = (Moments::default(), ValueHistogram::new(PixelType::Int16));
    let mut splits = Vec::new();
    for row in 0..file.rows() {
        let encoded = rows.read(row).unwrap();
        moments.add(&encoded.statistics);
        histogram.add(&Pixels::Int16(packed::image(row)));
        writer.append(&encoded).unwrap();
        splits.push(rows.split(row).unwrap());
    }
    let splits: Vec<&str> = splits.iter().map(String::as_str).collect();
    let percentiles = PERCENTILE_LEVELS.map(|level| histogram.percentile(level));
    let train = TrainStatistics { moments, percentiles };
    let cells = LateCells { splits: &splits, folds: &[NO_FOLD; ROWS], findings: &[""; ROWS] };
    writer.finish(&packed::root(ROWS), &train, &cells).unwrap();
}

#[test]
fn rows_make_the_same_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let [source, copy] = ["a.h5", "b.h5"].map(|name| folder.path().join(name));
    for level in [0, 4] {
        packed::write_file(&source, ROWS, level);
        copy_rows(&source, &copy, level);
        assert!(fs::read(&source).unwrap() == fs::read(&copy).unwrap(), "level {level}");
    }
}

#[test]
fn a_damaged_row_is_not_handed_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    for level in [0, 4] {
        packed::write_file(&path, 20, level);
        let place = DatasetFile::open(&path).unwrap().image_place(7).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[(place.start + place.end) as usize / 2] ^= 1;
        fs::write(&path, bytes).unwrap();
        let file = DatasetFile::open(&path).unwrap();
        let mut rows = EncodedRows::new(&file).unwrap();
        assert!(rows.read(6).is_ok() && rows.read(8).is_ok());
        let error = rows.read(7).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { row: 7, .. }), "{error}");
    }
}
