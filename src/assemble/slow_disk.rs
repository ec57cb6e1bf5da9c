//! A disk, for tests, that gives what is asked for only after a while, however much is asked for at once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Files below a folder, for as long as this lives.
pub(super) struct SlowDisk(PathBuf);

struct Disk {
    latency: Duration,
    /// When the files that were asked for are there.
    ready: BTreeMap<PathBuf, Instant>,
    most_at_once: usize,
    waits: usize,
}

static DISKS: Mutex<BTreeMap<PathBuf, Disk>> = Mutex::new(BTreeMap::new());

impl SlowDisk {
    pub(super) fn below(folder: &Path, latency: Duration) -> Self {
        let folder = folder.canonicalize().unwrap();
        disks().insert(folder.clone(), Disk { latency, ready: BTreeMap::new(), most_at_once: 0, waits: 0 });
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

/// Asks for a file, if that was not done before. Returns when it is there.
fn ask(disk: &mut Disk, path: PathBuf) -> Instant {
    let now = Instant::now();
    let ready = *disk.ready.entry(path).or_insert(now + disk.latency);
    let at_once = disk.ready.values().filter(|ready| **ready > now).count();
    disk.most_at_once = disk.most_at_once.max(at_once);
    ready
}

pub(super) fn fetch(file: &File) {
    with_disk(file, ask);
}

/// True if the file has been read into memory.
pub(super) fn has_read(file: &File) -> bool {
    let is_ready =
        |disk: &mut Disk, path: PathBuf| disk.ready.get(&path).is_some_and(|ready| *ready <= Instant::now());
    with_disk(file, is_ready).unwrap_or(true)
}

pub(super) fn wait(file: &File) {
    let ready = with_disk(file, |disk, path| {
        let ready = ask(disk, path);
        disk.waits += usize::from(ready > Instant::now());
        ready
    });
    thread::sleep(ready.map_or(Duration::ZERO, |ready| ready.saturating_duration_since(Instant::now())));
}
