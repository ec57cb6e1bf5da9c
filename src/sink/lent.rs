//! Memory that is lent to a pipe instead of being copied into it.
//!
//! `vmsplice(2)` puts references to pages into a pipe. What is written into such a page before the reader of the pipe
//! has copied it, the reader sees; and the system does not tell when it has. A pipe is a queue, though: as soon as as
//! many bytes as it can hold came after a page, it has left the pipe. A reader that copies, by `read(2)`, is done with
//! it then. One that passes references on, by `splice(2)` or `tee(2)`, into pipes and sockets behind, may still have
//! it there, and for these [`BEHIND_BYTES`] more have to come.

use std::collections::VecDeque;
use std::fs::File;
use std::io;

use rustix::io::Errno;
use rustix::pipe::{IoSliceRaw, SpliceFlags, fcntl_getpipe_size, vmsplice};

use crate::stream::Batch;

/// Capacity of pipes and sockets behind the first pipe: 16 times the largest default of one pipe.
const BEHIND_BYTES: u64 = 16 << 20;

/// Fewer bytes than this are copied: that costs no more, and takes less of the pipe, which counts in pages.
pub(super) const LEND_FROM_BYTES: usize = 64 << 10;

/// Lends `bytes` to a pipe. They must not change until so many others came after them as [`Lent`] says.
///
/// # Errors
/// Those of `vmsplice(2)`.
#[allow(unsafe_code)]
pub(super) fn lend(pipe: &File, mut bytes: &[u8], written: &mut u64) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: without SPLICE_F_GIFT the pages stay ours and the system only reads them, as `write(2)` does. A reader
        // sees what they hold when it copies them, which `Lent` keeps unchanged until then.
        match unsafe { vmsplice(pipe, &[IoSliceRaw::from_slice(bytes)], SpliceFlags::empty()) } {
            Ok(count) => {
                bytes = &bytes[count..];
                *written += count as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The batches whose memory a pipe may still refer to.
#[derive(Debug, Default)]
pub(super) struct Lent {
    /// Each with the position in the stream at which it ends.
    batches: VecDeque<(u64, Batch)>,
}

impl Lent {
    /// Keeps `batch`, whose last byte stands before `position`. Returns the first of those that were kept, if nobody
    /// refers to it any more.
    pub(super) fn keep(&mut self, batch: Batch, position: u64, pipe: &File) -> Option<Batch> {
        self.batches.push_back((position, batch));
        // Its reader may have changed it.
        let room = fcntl_getpipe_size(pipe).map_or(u64::MAX, |bytes| bytes as u64);
        let after = position - self.batches.front()?.0;
        if after < room.saturating_add(BEHIND_BYTES) {
            return None;
        }
        self.batches.pop_front().map(|(_, batch)| batch)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read};
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::sink::samples::a_batch;

    fn pipe() -> (PipeReader, File) {
        let (reader, writer) = io::pipe().unwrap();
        (reader, OwnedFd::from(writer).into())
    }

    #[test]
    fn what_is_lent_arrives() {
        let (mut reader, pipe) = pipe();
        let bytes: Vec<u8> = (0..500_001_u32).map(|index| (index % 251) as u8).collect();
        let mut received = vec![0; bytes.len()];
        let mut written = 5;
        std::thread::scope(|scope| {
            scope.spawn(|| lend(&pipe, &bytes, &mut written).unwrap());
            reader.read_exact(&mut received).unwrap();
        });
        assert!(received == bytes && written == 500_006);
        drop(reader);
        assert_eq!(lend(&pipe, &bytes, &mut written).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_batch_is_used_again_when_enough_came_after_it() {
        let (_reader, pipe) = pipe();
        let room = fcntl_getpipe_size(&pipe).unwrap() as u64;
        let (mut lent, enough) = (Lent::default(), room + BEHIND_BYTES);
        let mut keep = |samples, position| lent.keep(a_batch(samples), position, &pipe);
        assert!(keep(1, 1000).is_none());
        assert!(keep(2, 1000 + enough - 1).is_none());
        assert_eq!(keep(3, 1000 + enough).map(|batch| batch.samples.len()), Some(1));
        assert!(keep(4, 1000 + 2 * enough - 2).is_none());
        assert_eq!(keep(5, 1000 + 2 * enough - 1).map(|batch| batch.samples.len()), Some(2));
    }
}
