//! The annotation files of a plan that hold several structures or images: opened once, asked for many images.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use crate::files::Catalog;
use crate::model::{AnnotationRef, FileId, FrameRef, Place, Reason, Skipped};
use crate::source::{AnnotationError, AnnotationFile, Drawn, FrameKey, Limits, SeriesImages};

/// Opens annotation files of one layout.
pub trait OpenAnnotation: fmt::Debug + Send + Sync {
    /// Opens the annotations in `file`, called `name`, which is `bytes`.
    ///
    /// # Errors
    /// [`AnnotationError`] where they cannot be read.
    fn open(
        &self,
        file: FileId,
        name: &str,
        bytes: &[u8],
    ) -> Result<Box<dyn AnnotationFile>, AnnotationError>;

    /// The images that the label volume in `file` is laid over; `None` for other kinds of files.
    fn series(&self, _file: FileId) -> Option<SeriesImages<'_>> {
        None
    }
}

/// Annotation files by their number, and the images that they are asked for. Clones share what is open.
#[derive(Debug, Clone)]
pub struct Annotations(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: HashMap<FrameRef, FrameKey>,
    opener: Box<dyn OpenAnnotation>,
    limits: Limits,
    open: Mutex<Open>,
}

/// Two are equal where they are asked for the same images.
impl PartialEq for Annotations {
    fn eq(&self, other: &Self) -> bool {
        self.0.keys == other.0.keys
    }
}

/// An annotation file that is open.
pub struct OpenedAnnotation {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Its content.
    pub annotation: Box<dyn AnnotationFile>,
}

impl fmt::Debug for OpenedAnnotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedAnnotation").field("parts", &self.annotation.parts()).finish_non_exhaustive()
    }
}

type Slot = Arc<OnceLock<Result<Arc<OpenedAnnotation>, Skipped>>>;

/// Files that are open, the one that was asked for last at the end.
#[derive(Debug, Default)]
struct Open {
    files: Vec<(FileId, u64, Slot)>,
}

/// Bytes of the files that stay open together. What is read of a file takes about as much memory as the file.
const OPEN_BYTES: u64 = 256 << 20;

impl Annotations {
    /// The annotation files that `opener` opens, for images by their key.
    #[must_use]
    pub fn new(keys: HashMap<FrameRef, FrameKey>, opener: Box<dyn OpenAnnotation>, limits: Limits) -> Self {
        Self(Arc::new(Inner { keys, opener, limits, open: Mutex::default() }))
    }

    /// Annotation files of several data directories, each with the number of files before its own; `None` where there are
    /// none.
    pub(super) fn join(all: Vec<(usize, Self)>) -> Option<Self> {
        let limits = all.first()?.1.0.limits;
        let mut keys = HashMap::new();
        for (before, annotations) in &all {
            let moved = |(image, key): (&FrameRef, &FrameKey)| {
                (FrameRef { file: FileId::new(image.file.index() + before), ..*image }, key.clone())
            };
            keys.extend(annotations.0.keys.iter().map(moved));
        }
        Some(Self::new(keys, Box::new(JoinedFiles(all)), limits))
    }

    /// The key of an image.
    #[must_use]
    pub fn key(&self, image: FrameRef) -> Option<&FrameKey> {
        self.0.keys.get(&image)
    }

    /// The images that the label volume in `file` is laid over; `None` for other kinds of files.
    #[must_use]
    pub fn series(&self, file: FileId) -> Option<SeriesImages<'_>> {
        self.0.opener.series(file)
    }

    /// Opens a file of `catalog`, unless it is open.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(&self, catalog: &Catalog, file: FileId) -> Result<Arc<OpenedAnnotation>, Skipped> {
        let slot = self.slot(file);
        // Whoever comes second waits for the first one.
        let opened = slot.get_or_init(|| self.read(catalog, file));
        opened.clone()
    }

    /// The part of `annotation` on `image`, and the digest of both file and part.
    ///
    /// # Errors
    /// Why it cannot be used there.
    pub fn on(
        &self,
        catalog: &Catalog,
        annotation: AnnotationRef,
        image: FrameRef,
    ) -> Result<([u8; 32], Drawn), Skipped> {
        let opened = self.open(catalog, annotation.file)?;
        let digest = part_digest(&opened.sha256, annotation);
        let Some(key) = self.key(image) else { return Ok((digest, Drawn::NotAnnotated)) };
        let drawn =
            opened.annotation.on(annotation.part, key).map_err(|error| skipped(&error, annotation.file))?;
        Ok((digest, drawn))
    }

    fn slot(&self, file: FileId) -> Slot {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = open.files.iter().position(|(other, ..)| *other == file) {
            let found = open.files.remove(at);
            let slot = found.2.clone();
            open.files.push(found);
            return slot;
        }
        let slot = Slot::default();
        open.files.push((file, 0, slot.clone()));
        slot
    }

    fn read(&self, catalog: &Catalog, file: FileId) -> Result<Arc<OpenedAnnotation>, Skipped> {
        let name = catalog.name(file);
        let unreadable = |error: io::Error| {
            let detail = format!("the file cannot be read: {error}");
            Skipped::new(Place::file(&*name), Reason::Unreadable, detail).of(file)
        };
        let mut bytes = Vec::new();
        // One byte beyond the limit shows that there are more; the reader says so.
        let most = self.0.limits.max_image_bytes.saturating_add(1);
        let opened = open_file(catalog, file).map_err(unreadable)?;
        opened.0.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
        let annotation = self.0.opener.open(file, &name, &bytes).map_err(|error| skipped(&error, file))?;
        self.make_room(file, bytes.len() as u64);
        Ok(Arc::new(OpenedAnnotation { sha256: Sha256::digest(&bytes).into(), annotation }))
    }

    /// Closes the files that were not asked for the longest, so that those open are not too many bytes.
    fn make_room(&self, file: FileId, bytes: u64) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.files.iter_mut().filter(|(other, ..)| *other == file).for_each(|(_, size, _)| *size = bytes);
        let mut sum: u64 = open.files.iter().map(|(_, size, _)| size).sum();
        while sum > OPEN_BYTES && open.files.len() > 1 {
            sum -= open.files.remove(0).1;
        }
    }
}

/// Opens annotation files of several data directories, each with the number of files before its own.
#[derive(Debug)]
struct JoinedFiles(Vec<(usize, Annotations)>);

impl OpenAnnotation for JoinedFiles {
    fn open(
        &self,
        file: FileId,
        name: &str,
        bytes: &[u8],
    ) -> Result<Box<dyn AnnotationFile>, AnnotationError> {
        let of_directory = self.0.iter().rev().find(|(before, _)| file.index() >= *before);
        // Files before those of the first directory have no annotations, and nobody asks for them.
        let (before, annotations) = of_directory.unwrap_or(&self.0[0]);
        annotations.0.opener.open(FileId::new(file.index().saturating_sub(*before)), name, bytes)
    }
}

/// The digest of a part of a file: SHA-256 of the file's digest and the part as `#<number>`. That of a whole file is the
/// file's own.
#[must_use]
pub(super) fn part_digest(file: &[u8; 32], annotation: AnnotationRef) -> [u8; 32] {
    match annotation.part.number() {
        None => *file,
        Some(_) => {
            Sha256::new().chain_update(file).chain_update(annotation.part.to_string()).finalize().into()
        }
    }
}

/// An annotation file that cannot be used, for the bins.
#[must_use]
pub(super) fn skipped(error: &AnnotationError, file: FileId) -> Skipped {
    Skipped::new((*error.place).clone(), Reason::AnnotationUnreadable, error.fault.to_string()).of(file)
}

/// Opens a file of the catalog, and says how many bytes it has. Pipes and devices are refused.
pub(super) fn open_file(catalog: &Catalog, file: FileId) -> io::Result<(File, u64)> {
    let opened = catalog.roots().open(&catalog.path(file))?;
    let metadata = opened.metadata()?;
    if metadata.is_file() { Ok((opened, metadata.len())) } else { Err(io::Error::other("it is not a file")) }
}
