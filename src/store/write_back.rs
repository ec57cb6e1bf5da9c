//! Writes a file out to the disk while it grows, so that little is left to wait for at its end.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes after which a file is written out again.
const STEP: usize = 16 << 20;

/// Writes one file out, for the most part in a thread of its own, which exists as soon as there is enough to do.
pub(super) struct WriteBack {
    file: File,
    /// Bytes since the last time.
    waiting: usize,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl WriteBack {
    /// Of the file at `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, waiting: 0, thread: None })
    }

    /// So many more `bytes` are in the file. Never waits: what is asked for while the thread is busy, is one more time.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.waiting += bytes;
        if self.waiting < STEP {
            return;
        }
        self.waiting = 0;
        if self.thread.is_none() {
            self.thread = self.start().ok();
        }
        if let Some((sender, _)) = &self.thread {
            let _ = sender.try_send(());
        }
    }

    fn start(&self) -> io::Result<(SyncSender<()>, JoinHandle<io::Result<()>>)> {
        let (sender, requests) = sync_channel(1);
        let file = self.file.try_clone()?;
        let write_out = move || requests.iter().try_for_each(|()| file.sync_data());
        Ok((sender, thread::Builder::new().name("write-back".to_owned()).spawn(write_out)?))
    }

    /// Writes the rest out.
    ///
    /// # Errors
    /// What failed, now or before: the system reports a failed write only once.
    pub(super) fn finish(self) -> io::Result<()> {
        if let Some((sender, thread)) = self.thread {
            drop(sender);
            thread.join().expect("the thread does not panic")?;
        }
        self.file.sync_data()
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
