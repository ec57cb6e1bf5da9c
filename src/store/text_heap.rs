//! Looks at the heaps that hold the texts of attributes before the HDF5 library does.
//!
//! They are the only structures of our files without a checksum of HDF5's, and the library goes through them without
//! end where one byte of an entry is wrong (HDF5 File Format Specification 3.0, III.E: Global Heap).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hdf5::Dataset;

use super::StoreError;
use super::target::io_error;
use super::writer::hdf5_error;

/// How a collection begins: its signature and its version.
const START: &[u8; 5] = b"GCOL\x01";
/// Bytes of the header of a collection, and of an object in it.
const HEADER_BYTES: u64 = 16;
/// No collection is smaller.
const SMALLEST: u64 = 4096;
/// Bytes that are searched at a time.
const PIECE: usize = 1 << 20;

/// Checks every heap of texts in the file at `path`. They are looked for in all bytes that belong to no chunk of
/// `datasets`, all datasets of the file.
///
/// # Errors
/// [`StoreError::TextHeap`] where one is damaged, [`StoreError::Io`] and [`StoreError::Hdf5`] where the file cannot
/// be read.
pub(super) fn check(path: &Path, file: &File, datasets: &[Dataset]) -> Result<(), StoreError> {
    let read = io_error("read", path);
    let bytes = file.metadata().map_err(&read)?.len();
    let chunks = chunks_of(datasets).map_err(hdf5_error("read the chunk index of", path))?;
    for address in collections(file, &gaps(chunks, bytes)).map_err(&read)? {
        if let Some(why) = flaw(file, address, bytes).map_err(&read)? {
            return Err(StoreError::TextHeap { path: path.to_owned(), address, why });
        }
    }
    Ok(())
}

/// Which bytes the chunks take; neighbours are one range.
fn chunks_of(datasets: &[Dataset]) -> hdf5::Result<Vec<Range<u64>>> {
    let mut taken: Vec<Range<u64>> = Vec::new();
    for dataset in datasets.iter().filter(|dataset| dataset.is_chunked()) {
        dataset.chunks_visit(|chunk| {
            let range = chunk.addr..chunk.addr.saturating_add(chunk.size);
            match taken.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => taken.push(range),
            }
            0
        })?;
    }
    Ok(taken)
}

/// What lies between the ranges of `taken`, up to `end`.
fn gaps(mut taken: Vec<Range<u64>>, end: u64) -> Vec<Range<u64>> {
    taken.sort_unstable_by_key(|range| range.start);
    let (mut gaps, mut at) = (Vec::new(), 0);
    for range in taken {
        if range.start > at {
            gaps.push(at..range.start.min(end));
        }
        at = at.max(range.end);
    }
    gaps.push(at..end);
    gaps.retain(|gap| !gap.is_empty());
    gaps
}

/// Where the collections within `gaps` begin.
fn collections(file: &File, gaps: &[Range<u64>]) -> io::Result<Vec<u64>> {
    let (mut found, mut piece) = (Vec::new(), vec![0; PIECE]);
    for gap in gaps {
        let mut at = gap.start;
        while at + START.len() as u64 <= gap.end {
            let length = piece.len().min(usize::try_from(gap.end - at).unwrap_or(usize::MAX));
            file.read_exact_at(&mut piece[..length], at)?;
            let starts = piece[..length].windows(START.len()).enumerate();
            let starts = starts.filter(|(_, window)| *window == START);
            found.extend(starts.map(|(offset, _)| at + offset as u64));
            // A collection that begins in the last bytes is found in the next piece.
            at += (length + 1 - START.len()) as u64;
        }
    }
    Ok(found)
}

/// What is wrong with the collection at `address` of a file of `end` bytes: the library must come to its end.
fn flaw(file: &File, address: u64, end: u64) -> io::Result<Option<String>> {
    let mut header = [0; HEADER_BYTES as usize];
    let length_at = |at: u64, header: &mut [u8; HEADER_BYTES as usize]| -> io::Result<(u16, u64)> {
        file.read_exact_at(header, at)?;
        let [index_low, index_high, .., a, b, c, d, e, f, g, h] = *header;
        Ok((u16::from_le_bytes([index_low, index_high]), u64::from_le_bytes([a, b, c, d, e, f, g, h])))
    };
    if end - address < HEADER_BYTES {
        return Ok(Some("the file ends within its header".to_owned()));
    }
    let (_, size) = length_at(address, &mut header)?;
    if size < SMALLEST || size > end - address {
        return Ok(Some(format!("its size is {size}")));
    }
    let mut left = size - HEADER_BYTES;
    while left >= HEADER_BYTES {
        let at = address + size - left;
        let (index, length) = length_at(at, &mut header)?;
        // Object 0 is the free space, whose length includes its header.
        let takes = match index {
            0 => Some(length).filter(|length| *length >= HEADER_BYTES),
            _ => length.checked_next_multiple_of(8).and_then(|bytes| bytes.checked_add(HEADER_BYTES)),
        };
        match takes.and_then(|takes| left.checked_sub(takes)) {
            Some(rest) => left = rest,
            None => return Ok(Some(format!("its object {index} at byte {at} has the length {length}"))),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::super::attributes;
    use super::*;

    /// The bytes of a file with texts in a heap, and where the heap begins.
    fn with_texts(path: &Path) -> (Vec<u8>, usize) {
        let hdf5 = hdf5::File::create(path).unwrap();
        for name in ["a", "b", "c"] {
            attributes::write_text(&hdf5, name, &name.repeat(50)).unwrap();
        }
        hdf5.close().unwrap();
        let bytes = std::fs::read(path).unwrap();
        let heap = bytes.windows(4).position(|window| window == b"GCOL").unwrap();
        (bytes, heap)
    }

    fn checked(path: &Path) -> Result<(), StoreError> {
        check(path, &File::open(path).unwrap(), &[])
    }

    #[test]
    fn what_the_library_would_not_come_out_of_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let (bytes, heap) = with_texts(&path);
        checked(&path).unwrap();
        // An object that becomes free space of no length; lengths beyond all bounds; a size of nothing.
        let object = heap + 16;
        for (place, value) in
            [(object, vec![0, 0, 0, 0, 0, 0, 0, 0, 0]), (object + 8, vec![255; 8]), (heap + 8, vec![0; 8])]
        {
            let mut damaged = bytes.clone();
            damaged[place..place + value.len()].copy_from_slice(&value);
            std::fs::write(&path, &damaged).unwrap();
            let error = checked(&path).unwrap_err();
            assert!(
                matches!(error, StoreError::TextHeap { address, .. } if address == heap as u64),
                "{error}"
            );
        }
    }

    #[test]
    fn every_byte_of_a_heap_may_be_any() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let (bytes, heap) = with_texts(&path);
        let mut found = 0;
        for place in heap..heap + 300 {
            for value in [0, 1, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[place] = value;
                std::fs::write(&path, &damaged).unwrap();
                found += usize::from(checked(&path).is_err());
            }
        }
        assert!(found > 50, "{found}");
    }

    #[test]
    fn gaps_are_what_is_left() {
        assert_eq!(gaps(vec![30..40, 5..10, 8..20], 50), [0..5, 20..30, 40..50]);
        assert_eq!(gaps(vec![0..20, 10..60], 50), Vec::<Range<u64>>::new());
    }
}
