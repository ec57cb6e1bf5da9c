//! Places of chunks in the file that the library has just written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memchr::memmem;

/// Bytes at its end by which a chunk is recognized: the checksum of a zlib stream is among them. A chunk that is taken for
/// another one costs its row, which a run that continues makes again: there the checksum of all bytes decides.
const RECOGNIZED: usize = 64;

/// Bytes before the end of the file in which a chunk is looked for, beside its own.
const WINDOW: u64 = 1 << 18;

/// Bytes of a chunk, at most, that is looked at as a whole, as most masks are.
const SMALL: usize = 4096;

/// Finds chunks in the order in which they are written.
///
/// The library puts data one behind the other, small chunks and large ones, except where it has written other objects
/// between them. So the end of the last chunk is tried first, and then the end of the file is searched.
pub(super) struct ChunkFinder {
    file: File,
    /// End of the chunk that was found last.
    end: u64,
    window: Vec<u8>,
}

impl ChunkFinder {
    /// A finder in the file at `path`.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, end: 0, window: Vec::new() })
    }

    /// The bytes at which two chunks begin, which have just been written one after the other; `None` where one is not found.
    pub(super) fn find_both(&mut self, [first, second]: [&[u8]; 2]) -> io::Result<Option<[u64; 2]>> {
        if second.len() > SMALL || !self.are_next(first, second)? {
            return Ok(self.find(first)?.zip(self.find(second)?).map(<[u64; 2]>::from));
        }
        let addresses = [self.end, self.end + first.len() as u64];
        self.end = addresses[1] + second.len() as u64;
        Ok(Some(addresses))
    }

    /// True if both chunks stand behind the one that was found last, by one read.
    fn are_next(&mut self, first: &[u8], second: &[u8]) -> io::Result<bool> {
        let end_of_first = &first[first.len() - first.len().min(RECOGNIZED)..];
        let address = self.end + (first.len() - end_of_first.len()) as u64;
        self.window.resize(end_of_first.len() + second.len(), 0);
        match self.file.read_exact_at(&mut self.window, address) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| self.window.strip_prefix(end_of_first) == Some(second)),
        }
    }

    /// The byte at which `chunk` begins, which has just been written; `None` where it is not found.
    fn find(&mut self, chunk: &[u8]) -> io::Result<Option<u64>> {
        let found = match self.is_at(chunk, self.end)? {
            true => Some(self.end),
            false => self.search(chunk)?,
        };
        if let Some(address) = found {
            self.end = address + chunk.len() as u64;
        }
        Ok(found)
    }

    fn is_at(&self, chunk: &[u8], address: u64) -> io::Result<bool> {
        let expected = &chunk[chunk.len() - chunk.len().min(RECOGNIZED)..];
        let mut found = [0; RECOGNIZED];
        let found = &mut found[..expected.len()];
        let first = address + (chunk.len() - expected.len()) as u64;
        match self.file.read_exact_at(found, first) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| *found == *expected),
        }
    }

    fn search(&mut self, chunk: &[u8]) -> io::Result<Option<u64>> {
        let size = self.file.metadata()?.len();
        let start = size.saturating_sub(WINDOW + chunk.len() as u64);
        // No longer than the chunk, which is in memory, and the window.
        self.window.resize((size - start) as usize, 0);
        self.file.read_exact_at(&mut self.window, start)?;
        Ok(memmem::rfind(&self.window, chunk).map(|place| start + place as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_found_behind_each_other_and_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let chunk = |seed: u32, length: usize| -> Vec<u8> {
            (0..length as u32).map(|at| (at ^ seed).wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
        };
        let chunks = [chunk(1, 5000), chunk(2, 20), chunk(3, 0), chunk(4, 100), chunk(5, 300_000)];
        let mut bytes = vec![7; 1000];
        let mut finder = None;
        for (chunk, gap) in chunks.iter().zip([0, 0, 0, 2048, 100]) {
            bytes.extend(vec![9; gap]);
            let address = bytes.len() as u64;
            bytes.extend(chunk);
            std::fs::write(&path, &bytes).unwrap();
            let finder = finder.get_or_insert_with(|| ChunkFinder::new(&path).unwrap());
            assert_eq!(finder.find(chunk).unwrap(), Some(address));
        }
        let mut finder = finder.unwrap();
        assert_eq!(finder.find(&chunk(6, 70)).unwrap(), None);
        // Two at once: small and large, with and without something between them.
        let [small, large] = [chunk(7, 200), chunk(8, SMALL + 1)];
        for (first, second, gap) in
            [(&large, &small, 0), (&small, &small, 0), (&small, &large, 0), (&large, &small, 7)]
        {
            let address = bytes.len() as u64;
            bytes.extend([first, &*vec![9; gap], second].concat());
            std::fs::write(&path, &bytes).unwrap();
            let expected = [address, address + (first.len() + gap) as u64];
            assert_eq!(finder.find_both([first, second]).unwrap(), Some(expected));
        }
        for both in [[&*small, &*chunk(9, 70)], [&*chunk(9, 70), &*small]] {
            assert_eq!(finder.find_both(both).unwrap(), None);
        }
    }
}
