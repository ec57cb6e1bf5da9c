//! Outputs of a stream: files, pipes, and whatever else takes bytes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

use super::error::SinkError;
use super::format::Piece;
use super::lent::{LEND_FROM_BYTES, Lent, lend};
use super::openings::runs;
use super::portions::write_pieces;
use crate::store::Target;
use crate::stream::Batch;

/// Capacity that a pipe is asked for, so that the reader finds work while the next batch is made.
const PIPE_BYTES: usize = 1 << 20;

/// An output of the bytes of a stream.
pub trait Output: Send {
    /// Writes all `pieces` of `batch`, one after the other.
    ///
    /// # Errors
    /// [`SinkError::Write`]; a part may have been written then.
    fn write_batch(&mut self, batch: &Batch, pieces: &[Piece<'_>]) -> Result<(), SinkError>;

    /// Writes bytes that belong to no batch.
    ///
    /// # Errors
    /// As [`Output::write_batch`].
    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), SinkError>;

    /// Takes a batch that was written, and returns one whose memory may be used again: this or an earlier one.
    fn release(&mut self, batch: Batch) -> Option<Batch> {
        Some(batch)
    }

    /// Number of bytes written until now.
    fn bytes_written(&self) -> u64;

    /// Ends the output: the stream is complete. Returns the bytes written.
    ///
    /// # Errors
    /// [`SinkError`].
    fn finish(self: Box<Self>) -> Result<u64, SinkError>;
}

/// Standard output, a named pipe or a device, or a file.
///
/// A file appears under its name with [`Output::finish`], complete and durable; an output that is dropped
/// before leaves no file. What went into a pipe or a device has gone.
#[derive(Debug)]
pub struct FileOutput {
    file: File,
    /// For messages.
    name: String,
    /// Only where a file appears in the end.
    target: Option<Target>,
    bytes: u64,
    /// True where a reader takes bytes while they are written, and can be left without an end.
    is_pipe: bool,
    /// Only where pages of batches are lent to a pipe.
    lent: Option<Lent>,
}

impl FileOutput {
    /// Standard output. Nothing else may print there while this writes.
    ///
    /// # Errors
    /// [`SinkError::Write`] where the system gives no second descriptor for it.
    pub fn stdout() -> Result<Self, SinkError> {
        let name = "standard output".to_owned();
        // A descriptor of its own: `std::io::Stdout` would look for line ends in all bytes.
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(descriptor) => Ok(Self::to_file(descriptor.into(), name, None)),
            Err(source) => Err(SinkError::Write { to: name, source }),
        }
    }

    /// The named pipe or character device at `path`; otherwise a new file of this name,
    /// which may only exist already where `replace` says so. Opening a pipe waits for its reader.
    ///
    /// # Errors
    /// [`SinkError::Open`]; [`SinkError::Store`] where the file exists or its folder cannot be written.
    pub fn create(path: &Path, replace: bool) -> Result<Self, SinkError> {
        let target = if is_pipe_or_device(path) { None } else { Some(Target::claim(path, replace)?) };
        let place = target.as_ref().map_or(path, Target::partial);
        let file = OpenOptions::new()
            .write(true)
            .open(place)
            .map_err(|source| SinkError::Open { path: place.to_owned(), source })?;
        Ok(Self::to_file(file, path.display().to_string(), target))
    }

    fn to_file(file: File, name: String, target: Option<Target>) -> Self {
        raise_pipe_capacity(&file);
        let is_pipe = fcntl_getpipe_size(&file).is_ok();
        Self { file, name, target, bytes: 0, is_pipe, lent: None }
    }

    /// From now on lends the memory of batches to a pipe instead of copying it (`vmsplice(2)`), and keeps each batch until
    /// the reader is done with it. `false` where the output is no pipe; then nothing changes.
    ///
    /// The reader must copy what it takes, as `read(2)` does; one that passes pages on uncopied, by `splice(2)`, must not
    /// have more than 16 MiB of them waiting behind it.
    pub fn lend_memory(&mut self) -> bool {
        self.lent = self.is_pipe.then(Lent::default);
        self.is_pipe
    }

    /// Writes slices of the memory of `batch` or of an encoder; large ones of the batch are lent, if memory is.
    fn write_slices(&mut self, batch: &Batch, slices: &[&[u8]]) -> Result<(), SinkError> {
        if self.lent.is_none() {
            return self.write_all(slices);
        }
        let can_be_lent = |slice: &[u8]| slice.len() >= LEND_FROM_BYTES && batch.holds(slice);
        for slices in slices.chunk_by(|first, second| can_be_lent(first) == can_be_lent(second)) {
            if !slices.first().is_some_and(|slice| can_be_lent(slice)) {
                self.write_all(slices)?;
                continue;
            }
            for slice in slices {
                lend(&self.file, slice, &mut self.bytes).map_err(|source| self.failed(source))?;
            }
        }
        Ok(())
    }

    /// Writes all `pieces`, one after the other. Many small ones cost no more than one large.
    ///
    /// # Errors
    /// [`SinkError::Write`]; a part may have been written then.
    fn write_all(&mut self, pieces: &[&[u8]]) -> Result<(), SinkError> {
        write_pieces(&mut self.file, pieces, &mut self.bytes).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> SinkError {
        SinkError::Write { to: self.name.clone(), source }
    }
}

impl Output for FileOutput {
    fn write_batch(&mut self, batch: &Batch, pieces: &[Piece<'_>]) -> Result<(), SinkError> {
        if self.is_pipe {
            return runs(pieces).iter().try_for_each(|run| self.write_slices(batch, &run.slices));
        }
        let slices: Vec<&[u8]> = pieces.iter().map(|piece| piece.bytes).collect();
        self.write_all(&slices)
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.write_all(&[bytes])
    }

    fn release(&mut self, batch: Batch) -> Option<Batch> {
        match &mut self.lent {
            Some(lent) => lent.keep(batch, self.bytes, &self.file),
            None => Some(batch),
        }
    }

    fn bytes_written(&self) -> u64 {
        self.bytes
    }

    /// A file is made durable and appears under its name.
    fn finish(self: Box<Self>) -> Result<u64, SinkError> {
        if let Some(target) = self.target {
            target.commit()?;
        }
        Ok(self.bytes)
    }
}

/// True if [`FileOutput::create`] writes `path` in place, without making a file: a named pipe or a character device. A
/// disk is not: it would be overwritten.
#[must_use]
pub fn is_pipe_or_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_char_device()
    })
}

/// Lets a pipe hold [`PIPE_BYTES`], or as much of it as the system allows. Does nothing to other files.
fn raise_pipe_capacity(file: &File) {
    let Ok(present) = fcntl_getpipe_size(file) else { return };
    let mut wanted = PIPE_BYTES;
    while wanted > present && fcntl_setpipe_size(file, wanted).is_err() {
        wanted /= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;

    use super::*;

    fn pipe() -> (io::PipeReader, FileOutput) {
        let (reader, writer) = io::pipe().unwrap();
        (reader, FileOutput::to_file(OwnedFd::from(writer).into(), "a pipe".to_owned(), None))
    }

    #[test]
    fn a_file_appears_in_the_end_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream");
        let mut output = FileOutput::create(&path, false).unwrap();
        output.write_all(&[b"half"]).unwrap();
        drop(output);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        let mut output = FileOutput::create(&path, false).unwrap();
        output.write_all(&[b"wh", b"", b"ole"]).unwrap();
        assert_eq!((output.bytes_written(), path.exists()), (5, false));
        assert_eq!(Box::new(output).finish().unwrap(), 5);
        assert_eq!(fs::read(&path).unwrap(), b"whole");

        let refused = FileOutput::create(&path, false).unwrap_err();
        assert!(refused.to_string().ends_with("--force replaces it"), "{refused}");
        Box::new(FileOutput::create(&path, true).unwrap()).finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_pipe_holds_more_and_tells_that_its_reader_has_gone() {
        let (mut reader, mut output) = pipe();
        assert!(fcntl_getpipe_size(&reader).unwrap() > 65_536, "pipe-max-size is at least 1 MiB by default");
        output.write_all(&[&[7; 100_000]]).unwrap();
        let mut received = vec![0; 100_000];
        reader.read_exact(&mut received).unwrap();
        assert!(received.iter().all(|byte| *byte == 7));
        drop(reader);
        let error = output.write_all(&[b"more"]).unwrap_err();
        assert!(error.is_closed_pipe());
        assert_eq!((error.to_string().as_str(), output.bytes_written()), ("cannot write to a pipe", 100_000));
    }

    #[test]
    fn a_device_is_written_in_place() {
        let mut null = FileOutput::create(Path::new("/dev/null"), false).unwrap();
        null.write_all(&[b"nothing"]).unwrap();
        assert_eq!(Box::new(null).finish().unwrap(), 7);
        let mut full = FileOutput::create(Path::new("/dev/full"), false).unwrap();
        let error = full.write_all(&[b"too much"]).unwrap_err();
        assert!(!error.is_closed_pipe());
        assert_eq!(error.to_string(), "cannot write to /dev/full");
    }

    #[test]
    fn a_folder_is_no_output() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(FileOutput::create(folder.path(), true), Err(SinkError::Store(_))));
    }
}
