//! Rows that are read back as they were appended, and appended to another file.

use crate::common::packed;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use dicomprep::model::{PixelType, Pixels};
use dicomprep::store::{
    DatasetFile, DatasetWriter, EncodedRow, EncodedRows, Journal, KeptRows, LateCells, Moments, NO_FOLD,
    PartsFolder, PixelHistogram, RecordedStatistics, StoreError, Target, TrainStatistics,
};

const ROWS: usize = 300;

/// Writes all rows of `source` to a file of their own.
fn copy_rows(source: &Path, copy: &Path, level: u8) {
    let file = DatasetFile::open(source).unwrap();
    let mut writer =
        DatasetWriter::create(Target::claim(copy, true).unwrap(), packed::spec(ROWS, level)).unwrap();
    let mut rows = EncodedRows::new(&file).unwrap();
    let (mut moments, mut histogram) = (Moments::default(), PixelHistogram::new(PixelType::Int16, 1));
    let mut splits = Vec::new();
    for row in 0..file.rows() {
        let encoded = rows.read(row).unwrap();
        moments.add(&encoded.statistics);
        histogram.add(&Pixels::Int16(packed::image(row)));
        writer.append(&encoded).unwrap();
        splits.push(rows.split(row).unwrap());
    }
    let splits: Vec<&str> = splits.iter().map(String::as_str).collect();
    let train = TrainStatistics { moments, percentiles: histogram.percentiles() };
    let statistics = RecordedStatistics { train, without_fold: Vec::new() };
    let cells = LateCells { splits: &splits, folds: &[NO_FOLD; ROWS], findings: &[""; ROWS] };
    writer.finish(&packed::root(ROWS), &statistics, &cells).unwrap();
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

/// Appends all rows of `source` to a file that is given up when they are in its journal.
fn give_up(source: &Path, output: &Path, level: u8, run: usize) -> Vec<EncodedRow> {
    let file = DatasetFile::open(source).unwrap();
    let target = Target::claim(output, true).unwrap();
    let mut writer = DatasetWriter::create(target, packed::spec(file.rows(), level)).unwrap();
    writer.keep_rows(PartsFolder::of(output), 1, "{}".to_owned()).unwrap();
    let mut rows = EncodedRows::new(&file).unwrap();
    let mut written = Vec::new();
    for row in 0..file.rows() {
        written.push(rows.read(row).unwrap());
        writer.append(&written[row]).unwrap();
        if (row + 1).is_multiple_of(run) {
            writer.end_run().unwrap();
        }
    }
    written
}

#[test]
fn every_row_of_a_file_that_was_given_up_is_found_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let [source, output] = ["a.h5", "b.h5"].map(|name| folder.path().join(name));
    for level in [0, 4] {
        packed::write_file(&source, 2000, level);
        let written = give_up(&source, &output, level, 250);
        let parts = PartsFolder::of(&output);
        let [run] = parts.runs().try_into().unwrap();
        let journal = Arc::new(Journal::open(&run).unwrap());
        assert_eq!((journal.rows(), journal.flaw()), (2000, None));
        let mut rows = KeptRows::new(Arc::clone(&journal)).unwrap();
        for (row, written) in written.iter().enumerate() {
            let read = rows.read(row).unwrap();
            assert_eq!([rows.image(), rows.mask()], packed::stored(row).each_ref().map(Vec::as_slice));
            assert_eq!((read.image, read.mask), (written.image.clone(), written.mask.clone()));
            assert_eq!(read.row.checksum, written.row.checksum);
        }
        // A bit of the chunk of an image, and of its mask.
        let mut bytes = fs::read(&run.partial).unwrap();
        bytes[journal.row(3).unwrap().image.address as usize] ^= 1;
        bytes[journal.row(4).unwrap().mask.address as usize] ^= 1;
        fs::write(&run.partial, bytes).unwrap();
        let damaged = [2, 3, 4, 5].map(|row| rows.read(row).is_none());
        assert_eq!(damaged, [false, true, true, false]);
        parts.remove().unwrap();
        assert!(!output.exists() && fs::read_dir(folder.path()).unwrap().count() == 1);
    }
}

#[test]
fn a_file_that_is_given_up_early_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [source, output] = ["a.h5", "b.h5"].map(|name| folder.path().join(name));
    packed::write_file(&source, 20, 4);
    give_up(&source, &output, 4, 21);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_journal_is_read_as_far_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let [source, output] = ["a.h5", "b.h5"].map(|name| folder.path().join(name));
    packed::write_file(&source, 20, 4);
    give_up(&source, &output, 4, 5);
    let [run] = PartsFolder::of(&output).runs().try_into().unwrap();
    let whole = fs::read(&run.journal).unwrap();
    let rows_of = |bytes: &[u8]| {
        fs::write(&run.journal, bytes).unwrap();
        Journal::open(&run).map(|journal| (journal.rows(), journal.flaw().is_some()))
    };
    assert_eq!(rows_of(&whole).unwrap(), (20, false));
    for end in 0..whole.len() {
        match rows_of(&whole[..end]) {
            Ok((rows, flaw)) => assert!(rows % 5 == 0 && rows < 20 && !flaw, "{end}"),
            Err(error) => assert!(matches!(error, StoreError::NotOurs { .. }), "{error}"),
        }
        let mut flipped = whole.clone();
        flipped[end] ^= 16;
        match rows_of(&flipped) {
            Ok((rows, flaw)) => assert!(rows % 5 == 0 && rows < 20 && flaw, "{end}: {rows}"),
            Err(error) => assert!(matches!(error, StoreError::NotOurs { .. }), "{error}"),
        }
    }
    assert_eq!(rows_of(&[&whole[..], &[0; 100]].concat()).unwrap(), (20, false));
}
