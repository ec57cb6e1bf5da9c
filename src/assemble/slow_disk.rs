//! A disk, for tests, that gives what is asked for only after a while, however much is asked for at once. Its time goes on
//! only when a read waits, so what is seen does not depend on the machine.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Files below a folder, for as long as this lives.
pub(super) struct SlowDisk(PathBuf);

#[derive(Default)]
struct Disk {
    now: u64,
    /// When the files that were asked for are there: a step of time later.
    ready: BTreeMap<PathBuf, u64>,
    most_at_once: usize,
    waits: usize,
}

static DISKS: Mutex<BTreeMap<PathBuf, Disk>> = Mutex::new(BTreeMap::new());

impl SlowDisk {
    pub(super) fn below(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap();
        disks().insert(folder.clone(), Disk::default());
        Self(folder)
    }

    /// Files that were on their way at once, at most.
    pub(super) fn most_at_once(&self) -> usize {
        disks()[&self.0].most_at_once
    }

    /// Reads that waited for their file.
    pub(super) fn waits(&self) -> usize {
        disks()[&self.0].waits
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        disks().remove(&self.0);
    }
}

fn disks() -> MutexGuard<'static, BTreeMap<PathBuf, Disk>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk on which a file is, if it is a slow one, is told of the file.
fn with_disk<T>(file: &File, then: impl FnOnce(&mut Disk, PathBuf) -> T) -> Option<T> {
    let mut disks = disks();
    if disks.is_empty() {
        return None;
    }
    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    let (_, disk) = disks.iter_mut().find(|(folder, _)| path.starts_with(folder))?;
    Some(then(disk, path))
}

impl Disk {
    /// Asks for a file, if that was not done before.
    fn ask(&mut self, path: PathBuf) -> u64 {
        let ready = *self.ready.entry(path).or_insert(self.now + 1);
        let at_once = self.ready.values().filter(|ready| **ready > self.now).count();
        self.most_at_once = self.most_at_once.max(at_once);
        ready
    }

    /// Goes on in time until the file is there. True if it was not.
    fn wait(&mut self, path: PathBuf) -> bool {
        let ready = self.ask(path);
        let waits = ready > self.now;
        self.waits += usize::from(waits);
        self.now = self.now.max(ready);
        waits
    }
}

pub(super) fn fetch(file: &File) {
    with_disk(file, Disk::ask);
}

/// True if the file has been read into memory.
pub(super) fn has_read(file: &File) -> bool {
    let is_ready =
        |disk: &mut Disk, path: PathBuf| disk.ready.get(&path).is_some_and(|ready| *ready <= disk.now);
    with_disk(file, is_ready).unwrap_or(true)
}

pub(super) fn wait(file: &File) {
    if with_disk(file, Disk::wait).unwrap_or(false) {
        thread::sleep(NOTICED);
    }
}

/// Far longer than a read that does not wait for the disk may take.
const NOTICED: Duration = Duration::from_millis(2);
