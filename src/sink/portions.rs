//! Many pieces of memory written with few system calls.

use std::io::{self, ErrorKind, IoSlice, Write};

/// Bytes of one system call. The reader of a pipe works on them while the next are written: larger ones
/// make the two wait for each other, smaller ones cost calls.
const PORTION_BYTES: usize = 256 * 1024;

/// Pieces of one system call; Linux takes at most 1024.
const PORTION_PIECES: usize = 256;

/// Writes all `pieces`, one after the other, without copying them together: each call of the writer gets as
/// many as fit, and large ones are cut. `written` grows by what was written, also where an error ends it.
///
/// # Errors
/// Those of `writer`, except [`ErrorKind::Interrupted`]; [`ErrorKind::WriteZero`] where it takes nothing.
pub(super) fn write_pieces(writer: &mut impl Write, pieces: &[&[u8]], written: &mut u64) -> io::Result<()> {
    let mut rest = Rest { pieces, offset: 0 };
    let mut room = [IoSlice::new(&[]); PORTION_PIECES];
    loop {
        let count = rest.portion(&mut room);
        if count == 0 {
            return Ok(());
        }
        match writer.write_vectored(&room[..count]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(bytes) => {
                rest.skip(bytes);
                *written += bytes as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Bytes still to be written.
struct Rest<'p, 'a> {
    pieces: &'p [&'a [u8]],
    /// Bytes of the first piece that are written.
    offset: usize,
}

impl<'a> Rest<'_, 'a> {
    /// Fills `room` with what one call writes, and says how many pieces it is; 0 where nothing is left.
    fn portion(&self, room: &mut [IoSlice<'a>; PORTION_PIECES]) -> usize {
        let (mut count, mut bytes) = (0, 0);
        let mut offset = self.offset;
        for piece in self.pieces {
            if count == PORTION_PIECES || bytes == PORTION_BYTES {
                break;
            }
            let piece = &piece[offset..];
            offset = 0;
            let piece = &piece[..piece.len().min(PORTION_BYTES - bytes)];
            if !piece.is_empty() {
                room[count] = IoSlice::new(piece);
                count += 1;
                bytes += piece.len();
            }
        }
        count
    }

    /// Takes away what was written.
    fn skip(&mut self, bytes: usize) {
        self.offset += bytes;
        while let [first, others @ ..] = self.pieces
            && self.offset >= first.len()
        {
            self.offset -= first.len();
            self.pieces = others;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most `limit` bytes at once, is interrupted before each of them, and notes all calls.
    struct Fake {
        limit: usize,
        interrupted: bool,
        bytes: Vec<u8>,
        calls: Vec<usize>,
    }

    impl Fake {
        fn new(limit: usize) -> Self {
            Self { limit, interrupted: false, bytes: Vec::new(), calls: Vec::new() }
        }
    }

    impl Write for Fake {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            if self.interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
            self.calls.push(all.len());
            let taken = all.len().min(self.limit);
            self.bytes.extend_from_slice(&all[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn some_bytes(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn every_byte_arrives_once_however_little_is_taken() {
        let large = some_bytes(1000);
        let pieces: [&[u8]; 7] = [&[], b"head", &large, &[], &[], b"x", &[]];
        for limit in [1, 3, 5, 999, 1005, 5000] {
            let (mut fake, mut written) = (Fake::new(limit), 7);
            write_pieces(&mut fake, &pieces, &mut written).unwrap();
            assert_eq!((fake.bytes, written), (pieces.concat(), 7 + 1005), "{limit} at once");
        }
    }

    #[test]
    fn calls_are_few_and_none_is_large() {
        let image = some_bytes(196_608);
        let sample: [&[u8]; 4] = [b"header", &image, b"padding", b"more"];
        let pieces = [sample; 20].concat();
        let (mut fake, mut written) = (Fake::new(usize::MAX), 0);
        write_pieces(&mut fake, &pieces, &mut written).unwrap();
        let (last, full) = fake.calls.split_last().unwrap();
        assert!(full.iter().all(|bytes| *bytes == PORTION_BYTES) && *last <= PORTION_BYTES);
        assert_eq!(fake.calls.len(), fake.bytes.len().div_ceil(PORTION_BYTES));
        assert_eq!(fake.bytes, pieces.concat());
    }

    #[test]
    fn no_call_has_more_pieces_than_the_system_takes() {
        let pieces = [&b"ab"[..]; 3 * PORTION_PIECES + 1];
        let mut fake = Fake::new(usize::MAX);
        write_pieces(&mut fake, &pieces, &mut 0).unwrap();
        assert_eq!(fake.calls, [512, 512, 512, 2]);
    }

    #[test]
    fn an_error_leaves_the_count_of_what_was_written() {
        let mut written = 0;
        let mut room = [0; 3];
        let error = write_pieces(&mut room.as_mut_slice(), &[b"four"], &mut written).unwrap_err();
        assert_eq!((error.kind(), written, &room), (ErrorKind::WriteZero, 3, b"fou"));
    }
}
