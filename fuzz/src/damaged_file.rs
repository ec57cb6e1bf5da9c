//! A packed file with bytes changed, cut off or added: what is read from it is right, or an error.
//!
//! Some bytes are never changed: the heap in which the HDF5 library keeps texts of variable length. The library
//! reads it for every attribute, and one wrong bit there can make it search without end: a fault that this
//! program does not read past, and a fuzzer would find nothing else.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use dicomprep::store::{DatasetFile, RowReader, StoreError, read_info};

use crate::packed::{stored, write_file};
use crate::{Numbers, assert_plain};

const ROWS: usize = 24;

/// The file, and where its heaps are.
static FILE: LazyLock<(Vec<u8>, Vec<std::ops::Range<usize>>)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.h5");
    write_file(&path, ROWS, 4);
    let bytes = fs::read(&path).expect("the file that was just written");
    let heaps = bytes.windows(4).enumerate().filter(|(_, word)| word == b"GCOL").map(|(at, _)| {
        let size = bytes[at + 8..].first_chunk().expect("a size follows");
        at..at + u64::from_le_bytes(*size) as usize
    });
    let heaps = heaps.collect();
    (bytes, heaps)
});

pub(crate) fn run(bytes: &[u8]) {
    let Ok(file) = damage(&mut Unstructured::new(bytes)) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.h5");
    fs::write(&path, file).expect("the temporary folder can be written");
    if let Err(error) = read_info(&path) {
        assert_plain(&error.to_string());
    }
    if let Err(error) = read_all(&path) {
        assert_plain(&error.to_string());
    }
}

/// The file with up to eight changes.
fn damage(choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let (good, heaps) = &*FILE;
    let mut file = good.clone();
    for _ in 0..8 {
        if choices.is_empty() {
            break;
        }
        let at = choices.arbitrary::<u32>()? as usize % good.len();
        if heaps.iter().any(|heap| heap.contains(&at)) {
            continue;
        }
        match choices.arbitrary::<u8>()? {
            0 => file.truncate(at),
            1 => file.extend(vec![0; at % 5000]),
            2 => {
                let word = *choices.choose(&[[0; 4], [0xFF; 4], [0, 0, 0, 0x80], [1, 0, 0, 0]])?;
                let touched = file.iter_mut().enumerate().skip(at).zip(word);
                for ((place, byte), new) in touched {
                    if !heaps.iter().any(|heap| heap.contains(&place)) {
                        *byte = new;
                    }
                }
            }
            _ => {
                let change = choices.arbitrary::<u8>()?;
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= change;
                }
            }
        }
    }
    Ok(file)
}

/// Reads what `batches` and `explain` read. A row that is read without an error is the one that was written.
fn read_all(path: &Path) -> std::result::Result<(), StoreError> {
    let file = DatasetFile::open(path)?;
    let checksums = file.checksums()?;
    let mut reader = RowReader::new(&file, Some(&checksums));
    let largest = 1 << 20;
    if file.image_bytes() > largest || file.mask_bytes() > largest {
        return Ok(());
    }
    let (mut image, mut mask) = (vec![0; file.image_bytes()], vec![0; file.mask_bytes()]);
    for row in 0..file.rows().min(2 * ROWS) {
        let right = stored(row);
        if reader.read_image(row, &mut image).is_ok() {
            assert_eq!(image, right[0], "image {row}");
        }
        if reader.read_mask(row, &mut mask).is_ok() {
            assert_eq!(mask, right[1], "mask {row}");
        }
        if let Err(error) = dicomprep::store::RowFacts::read(&file, row) {
            assert_plain(&error.to_string());
        }
    }
    Ok(())
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(7);
    let mut seeds: Vec<Vec<u8>> = (0..40).map(|seed| numbers.bytes(6 * (1 + seed % 8))).collect();
    seeds.push(Vec::new());
    seeds
}
