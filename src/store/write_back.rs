//! Writes a file out to the disk while it grows, so that little is left to wait for at its end, and then its journal.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::StoreError;
use super::error::io_error;
use super::journal::{EncodedRun, JournalWriter};

/// Bytes after which a file is written out again.
const STEP: usize = 16 << 20;

/// Writes one file out, for the most part in a thread of its own, which exists as soon as there is enough to do.
pub(super) struct WriteBack {
    path: PathBuf,
    file: File,
    /// Bytes since the last time.
    waiting: usize,
    /// Until the thread has it.
    journal: Option<JournalWriter>,
    thread: Option<WriteBackThread>,
}

/// Ended by the end of its requests.
struct WriteBackThread {
    requests: Option<SyncSender<Option<EncodedRun>>>,
    handle: Option<JoinHandle<Result<(), StoreError>>>,
}

impl WriteBack {
    /// Of the file at `path`.
    pub(super) fn of(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(io_error("open", path))?;
        Ok(Self { path: path.to_owned(), file, waiting: 0, journal: None, thread: None })
    }

    /// Keeps this journal of the rows of the file, which has none yet.
    pub(super) fn keep_journal(&mut self, journal: JournalWriter) {
        self.journal = Some(journal);
    }

    /// So many more `bytes` are in the file. Never waits: what is asked for while the thread is busy, is one more time.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.waiting += bytes;
        if self.waiting < STEP {
            return;
        }
        self.waiting = 0;
        // Where there can be no thread, the file is written out at its end.
        if let Ok(thread) = self.thread()
            && let Some(requests) = &thread.requests
        {
            let _ = requests.try_send(None);
        }
    }

    /// Writes the file out, and then these rows to the journal. Waits where the disk is slower than the work.
    ///
    /// # Errors
    /// What failed, now or before.
    pub(super) fn end_run(&mut self, run: EncodedRun) -> Result<(), StoreError> {
        let sent = self.thread()?.requests.as_ref().map(|requests| requests.send(Some(run)));
        match sent {
            Some(Ok(())) => Ok(()),
            // The thread has come to its end, which it does early only where something fails.
            _ => self.join(),
        }
    }

    /// Looks for something that has failed meanwhile.
    ///
    /// # Errors
    /// What has failed.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        let is_finished =
            |thread: &WriteBackThread| thread.handle.as_ref().is_some_and(JoinHandle::is_finished);
        if self.thread.as_ref().is_some_and(is_finished) { self.join() } else { Ok(()) }
    }

    /// Writes the rest out.
    ///
    /// # Errors
    /// What failed, now or before: the system reports a failed write only once.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.join()?;
        self.file.sync_data().map_err(io_error("sync", &self.path))
    }

    fn join(&mut self) -> Result<(), StoreError> {
        self.thread.as_mut().map_or(Ok(()), WriteBackThread::end)
    }

    fn thread(&mut self) -> Result<&WriteBackThread, StoreError> {
        let failed = io_error("start a thread that writes out", &self.path);
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => {
                let (requests, waiting) = sync_channel(1);
                let file = self.file.try_clone().map_err(&failed)?;
                let (path, journal) = (self.path.clone(), self.journal.take());
                let write_out = move || write_out(&file, &path, journal, &waiting);
                let handle = thread::Builder::new().name("write-back".to_owned()).spawn(write_out);
                WriteBackThread { requests: Some(requests), handle: Some(handle.map_err(failed)?) }
            }
        };
        Ok(self.thread.insert(thread))
    }
}

/// The work of the thread: one sync for each request, and for all that have come meanwhile.
fn write_out(
    file: &File,
    path: &Path,
    mut journal: Option<JournalWriter>,
    requests: &Receiver<Option<EncodedRun>>,
) -> Result<(), StoreError> {
    for request in requests {
        file.sync_data().map_err(io_error("sync", path))?;
        if let (Some(run), Some(journal)) = (request, &mut journal) {
            journal.append(&run)?;
        }
    }
    Ok(())
}

impl WriteBackThread {
    /// Waits for its end. Tells once what has failed.
    fn end(&mut self) -> Result<(), StoreError> {
        self.requests = None;
        self.handle.take().map_or(Ok(()), |handle| handle.join().expect("the thread does not panic"))
    }
}

impl Drop for WriteBackThread {
    fn drop(&mut self) {
        // Whoever drops it before its end has another error to tell.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_on_the_way_is_told_at_the_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // A device that cannot be written out.
        for (path, fails) in [(Path::new("/dev/null"), true), (file.path(), false)] {
            for steps in [0, 1, 5] {
                let mut write_back = WriteBack::of(path).unwrap();
                (0..steps).for_each(|_| write_back.advance(STEP));
                assert_eq!(write_back.thread.is_some(), steps > 0);
                // The rest alone does not fail.
                write_back.file = File::open(file.path()).unwrap();
                assert_eq!(write_back.finish().is_err(), fails && steps > 0);
            }
        }
        let mut write_back = WriteBack::of(file.path()).unwrap();
        (0..3).for_each(|_| write_back.advance(STEP / 4));
        assert!(write_back.thread.is_none());
        write_back.finish().unwrap();
    }
}
