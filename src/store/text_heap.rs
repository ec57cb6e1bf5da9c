//! Checks the heaps that hold the texts of attributes before the HDF5 library reads them.
//!
//! They are the only structures of our files without a checksum of HDF5's, and the library does not come to the end of
//! one with certain wrong bytes (HDF5 File Format Specification 3.0, III.E: Global Heap).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::slice;

use hdf5::Dataset;
use memchr::memmem;

use super::StoreError;
use super::bytes::Bytes;
use super::error::{hdf5_error, io_error};

/// First bytes of a collection: its signature and its version.
const START: &[u8; 5] = b"GCOL\x01";
/// Bytes of the header of a collection, and of an object in it.
const HEADER_BYTES: u64 = 16;
/// No collection is smaller.
const SMALLEST: u64 = 4096;
/// Bytes that are read at a time.
const PIECE: usize = 1 << 16;

/// Checks the collections at `addresses` of the file at `path`, open as `file`.
///
/// # Errors
/// [`StoreError::TextHeap`] where one is damaged, [`StoreError::Io`] where the file cannot be read.
pub(super) fn check(
    path: &Path,
    file: &File,
    addresses: impl IntoIterator<Item = u64>,
) -> Result<(), StoreError> {
    let read = io_error("read", path);
    let bytes = file.metadata().map_err(&read)?.len();
    for address in addresses {
        if let Some(why) = flaw(&mut Window::new(file), address, bytes).map_err(&read)? {
            return Err(StoreError::TextHeap { path: path.to_owned(), address, why });
        }
    }
    Ok(())
}

/// Checks every collection in the file, wherever one seems to begin.
///
/// # Errors
/// As [`check`].
pub(super) fn check_whole(path: &Path, file: &File) -> Result<(), StoreError> {
    let read = io_error("read", path);
    let bytes = file.metadata().map_err(&read)?.len();
    check(path, file, collections(file, slice::from_ref(&(0..bytes))).map_err(&read)?)
}

/// Checks every collection in all bytes that belong to no chunk of `datasets`, all datasets of the file.
///
/// # Errors
/// As [`check`], and [`StoreError::Hdf5`].
pub(super) fn check_gaps(path: &Path, file: &File, datasets: &[Dataset]) -> Result<(), StoreError> {
    let read = io_error("read", path);
    let bytes = file.metadata().map_err(&read)?.len();
    let chunks = chunks_of(datasets).map_err(hdf5_error("read the chunk index of", path))?;
    check(path, file, collections(file, &gaps(chunks, bytes)).map_err(&read)?)
}

/// Bytes that the chunks take; neighbours are one range.
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

/// Gaps between the ranges of `taken`, up to `end`.
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

/// Addresses of the collections within `gaps`.
fn collections(file: &File, gaps: &[Range<u64>]) -> io::Result<Vec<u64>> {
    let (mut found, mut piece) = (Vec::new(), vec![0; 16 * PIECE]);
    for gap in gaps {
        let mut at = gap.start;
        while at + START.len() as u64 <= gap.end {
            let length = piece.len().min(usize::try_from(gap.end - at).unwrap_or(usize::MAX));
            file.read_exact_at(&mut piece[..length], at)?;
            found.extend(memmem::find_iter(&piece[..length], START).map(|offset| at + offset as u64));
            // A collection that begins in the last bytes is found in the next piece.
            at += (length + 1 - START.len()) as u64;
        }
    }
    Ok(found)
}

/// A file whose bytes are asked for in ascending order, a few at a time.
struct Window<'f> {
    file: &'f File,
    start: u64,
    bytes: Vec<u8>,
}

impl<'f> Window<'f> {
    fn new(file: &'f File) -> Self {
        Self { file, start: 0, bytes: Vec::new() }
    }

    /// The [`HEADER_BYTES`] at `at`, which the file has.
    fn header(&mut self, at: u64, end: u64) -> io::Result<Bytes<'_>> {
        let have = self.start..self.start + self.bytes.len() as u64;
        if at < have.start || at + HEADER_BYTES > have.end {
            self.bytes.resize(PIECE.min(usize::try_from(end - at).unwrap_or(PIECE)), 0);
            self.file.read_exact_at(&mut self.bytes, at)?;
            self.start = at;
        }
        let first = (at - self.start) as usize;
        Ok(Bytes::new(self.bytes.get(first..first + HEADER_BYTES as usize).unwrap_or_default()))
    }
}

/// The flaw of the collection at `address` of a file of `end` bytes that keeps the library from coming to its end, or
/// that shows that none is there.
fn flaw(file: &mut Window<'_>, address: u64, end: u64) -> io::Result<Option<String>> {
    if end.saturating_sub(address) < HEADER_BYTES {
        return Ok(Some("the file ends within its header".to_owned()));
    }
    let mut header = file.header(address, end)?;
    if header.take(START.len()) != Some(START) {
        return Ok(Some("no heap begins there".to_owned()));
    }
    let size = header.skip(3).and_then(|()| header.u64()).unwrap_or(0);
    if size < SMALLEST || size > end - address {
        return Ok(Some(format!("its size is {size}")));
    }
    let mut left = size - HEADER_BYTES;
    while left >= HEADER_BYTES {
        let at = address + size - left;
        let mut header = file.header(at, end)?;
        let index = header.u16().unwrap_or(0);
        let length = header.skip(6).and_then(|()| header.u64()).unwrap_or(0);
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

    fn checked(path: &Path, heap: usize) -> [Result<(), StoreError>; 2] {
        let file = File::open(path).unwrap();
        [check(path, &file, [heap as u64]), check_whole(path, &file)]
    }

    #[test]
    fn a_heap_that_is_none_or_too_long_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let (bytes, heap) = with_texts(&path);
        assert!(checked(&path, heap).iter().all(Result::is_ok));
        // The library refuses these too: another signature, and a collection that is longer than the file.
        for (place, value, is_searched_for) in [(heap, vec![b'X'], false), (heap + 8, vec![0xff; 6], true)] {
            let mut damaged = bytes.clone();
            damaged[place..place + value.len()].copy_from_slice(&value);
            std::fs::write(&path, &damaged).unwrap();
            let [known, searched] = checked(&path, heap);
            let error = known.unwrap_err();
            assert!(
                matches!(error, StoreError::TextHeap { address, .. } if address == heap as u64),
                "{error}"
            );
            assert_eq!(searched.is_err(), is_searched_for);
        }
        std::fs::write(&path, &bytes[..heap + 8]).unwrap();
        assert!(checked(&path, heap)[0].is_err());
    }

    #[test]
    fn gaps_are_what_is_left() {
        assert_eq!(gaps(vec![30..40, 5..10, 8..20], 50), [0..5, 20..30, 40..50]);
        assert_eq!(gaps(vec![0..20, 10..60], 50), Vec::<Range<u64>>::new());
    }
}
