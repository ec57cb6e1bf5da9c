//! The data sets of the service, and what is open of them.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ServeError;
use super::metrics::Counters;
use super::open_streams::OpenStreams;
use super::reply::Refusal;
use crate::store::{DatasetInfo, StoreError, TrainFigures, TypedValues, read_info};
use crate::stream::{Dataset, RowCache, StreamError};

/// The data sets by name.
pub(super) type Datasets = BTreeMap<String, Arc<Served>>;

/// A file under its name.
pub(super) struct Served {
    pub(super) name: String,
    pub(super) counters: Counters,
    path: PathBuf,
    /// Bytes of decoded rows that are kept.
    cache_bytes: usize,
    opened: RwLock<Arc<Opened>>,
}

/// A file that is open.
pub(super) struct Opened {
    pub(super) dataset: Dataset,
    /// Decoded rows for all streams of the file.
    pub(super) cache: RowCache,
    pub(super) streams: OpenStreams,
    file: Arc<File>,
    info: DatasetInfo,
    stamp: Stamp,
    /// The strong entity tag of the content.
    tag: String,
}

/// Identity of a file, by which a replaced or changed one is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// The stamp of the file that is at `path` now.
    fn at(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::of(&metadata))
    }
}

impl Opened {
    fn open(path: &Path, cache_bytes: usize) -> Result<Self, StreamError> {
        let unreadable = |source| StoreError::Io { action: "open", path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let stamp = Stamp::of(&file.metadata().map_err(unreadable)?);
        let dataset = Dataset::open(path)?;
        let info = read_info(path)?;
        if Stamp::at(path).map_err(unreadable)? != stamp {
            return Err(unreadable(io::Error::other("it was changed while it was opened")).into());
        }
        // The time of change is no part of it: copies of a file on two machines have one tag.
        let mut digest = Sha256::new();
        digest.update(stamp.bytes.to_le_bytes());
        digest.update(&info.source_digest);
        digest.update(info.config.to_string());
        if let TypedValues::UInt32(checksums) = dataset.column("checksum")?.values {
            for checksum in checksums {
                digest.update(checksum.to_le_bytes());
            }
        }
        let digest: [u8; 32] = digest.finalize().into();
        let tag =
            format!("\"{}\"", digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let (cache, streams) = (RowCache::new(cache_bytes), OpenStreams::default());
        Ok(Self { dataset, cache, streams, file: Arc::new(file), info, stamp, tag })
    }

    /// The file, which stays open when another one takes its name.
    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// The strong entity tag of the content: the same for equal files.
    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// The contents, as `dicomprep info` shows them.
    pub(super) fn info(&self) -> &DatasetInfo {
        &self.info
    }
}

impl Served {
    fn open(name: String, path: &Path, cache_bytes: usize) -> Result<Self, ServeError> {
        let opened = RwLock::new(Arc::new(Opened::open(path, cache_bytes)?));
        Ok(Self { name, counters: Counters::default(), path: path.to_owned(), cache_bytes, opened })
    }

    /// The file that is open now.
    pub(super) fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The file of this name now: where it was replaced, the new one, once it is found sound. Streams that run stay
    /// with the old one.
    ///
    /// # Errors
    /// 503 where the new file cannot be read.
    pub(super) async fn current(self: &Arc<Self>) -> Result<Arc<Opened>, Refusal> {
        let opened = self.opened();
        // A file that is gone is read on as long as it is open.
        if Stamp::at(&self.path).is_ok_and(|stamp| stamp != opened.stamp) {
            let served = Arc::clone(self);
            let new =
                tokio::task::spawn_blocking(move || Opened::open(&served.path, served.cache_bytes)).await;
            let error = |why: String| {
                Refusal::unavailable(format!("the file was replaced by one that cannot be read: {why}"))
            };
            let new = Arc::new(
                new.map_err(|_| error("its reader failed".to_owned()))?.map_err(|e| error(e.to_string()))?,
            );
            *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
            return Ok(new);
        }
        Ok(opened)
    }

    /// The entry of a list of data sets: as `dicomprep info --json` shows it, without the path.
    pub(super) fn entry(&self) -> Value {
        let opened = self.opened();
        let mut entry = serde_json::to_value(opened.info()).unwrap_or_default();
        if let Value::Object(fields) = &mut entry {
            fields.remove("path");
            fields.insert("name".to_owned(), Value::from(self.name.as_str()));
            fields.insert("statistics".to_owned(), statistics(opened.dataset.tables().train()));
        }
        entry
    }
}

/// Statistics of the pixels of the train split, as the Python module names them.
fn statistics(train: &TrainFigures) -> Value {
    json!({
        "mean": train.mean,
        "std": train.std,
        "min": train.min,
        "max": train.max,
        "percentile_0_5": train.outer_percentiles.map(|outer| outer[0]),
        "percentile_99_5": train.outer_percentiles.map(|outer| outer[1]),
    })
}

/// Opens `files`, each under the name of its file without the extension. Each may keep an equal part of `cache_bytes` bytes
/// of decoded rows.
///
/// # Errors
/// [`ServeError`] where a file cannot be opened, or its name cannot be used.
pub(super) fn open_all(files: &[PathBuf], cache_bytes: usize) -> Result<Datasets, ServeError> {
    let cache_bytes = cache_bytes / files.len().max(1);
    let mut served = Datasets::new();
    for path in files {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
            return Err(ServeError::Name { path: path.clone() });
        }
        if let Some(first) = served.get(name) {
            let (name, first) = (name.to_owned(), first.path.clone());
            return Err(ServeError::SameName { name, first, second: path.clone() });
        }
        served.insert(name.to_owned(), Arc::new(Served::open(name.to_owned(), path, cache_bytes)?));
    }
    Ok(served)
}
