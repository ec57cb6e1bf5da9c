//! The rows of earlier files, found by the content that they were made of.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::same_options::{difference, difference_of_journal};
use crate::model::first_bits;
use crate::prep::PrepPlan;
use crate::prep::pseudonym::Pseudonyms;
use crate::store::{
    DatasetFile, EncodedRow, EncodedRows, Encoder, Journal, JournalRow, KeptRows, SampleRows, StoreError,
};

/// Files that are kept open: rows that follow each other mostly stand in one file.
const OPEN_FILES: usize = 8;

/// A SHA-256.
pub(in crate::prep) type Sha = [u8; 32];

/// Known rows, in memory that takes 32 bytes for each.
pub(in crate::prep) struct EarlierRows {
    files: Vec<EarlierFile>,
    /// Sorted; one for each content.
    rows: Vec<Entry>,
    /// The images, and the names of their files; sorted.
    images: Vec<u64>,
    names: Vec<u64>,
    open: Mutex<VecDeque<(u32, Arc<DatasetFile>)>>,
    /// Of this run; the digests of earlier files are plain, or keyed with the same key.
    pseudonyms: Pseudonyms,
}

struct EarlierFile {
    rows: FileOfRows,
    /// The option that keeps its rows from being used.
    differs: Option<&'static str>,
}

/// A file that rows are in.
enum FileOfRows {
    Complete(PathBuf),
    Kept(Arc<Journal>),
}

/// Reads the rows of an earlier file.
pub(in crate::prep) enum RowSource {
    Complete(Box<EncodedRows<'static>>),
    Kept(Box<KeptRows>),
}

impl RowSource {
    /// Row `row`, compared with its checksums; `None` where it is damaged. Of one that an interrupted run has kept, the
    /// columns are known by which it is found.
    pub(in crate::prep) fn read(&mut self, row: usize) -> Option<EncodedRow> {
        match self {
            Self::Complete(rows) => rows.read(row).ok(),
            Self::Kept(rows) => rows.read(row),
        }
    }

    /// The image (H, W, C) of the row that was read last, little endian.
    pub(in crate::prep) fn image(&self) -> &[u8] {
        match self {
            Self::Complete(rows) => rows.image(),
            Self::Kept(rows) => rows.image(),
        }
    }

    /// The mask (H, W, K) of the row that was read last.
    pub(in crate::prep) fn mask(&self) -> &[u8] {
        match self {
            Self::Complete(rows) => rows.mask(),
            Self::Kept(rows) => rows.mask(),
        }
    }
}

/// A row, by the first 64 bits of a digest. Of equal ones, those that can be used come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    content: u64,
    differs: bool,
    file: u32,
    row: u32,
}

/// A row that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::prep) enum Found {
    /// It is row `row` of file number `file`.
    Row { file: u32, row: usize },
    /// It was made with another value of this option.
    Differs(&'static str),
}

impl EarlierRows {
    pub(in crate::prep) fn new(pseudonyms: Pseudonyms) -> Self {
        Self {
            pseudonyms,
            files: Vec::new(),
            rows: Vec::new(),
            images: Vec::new(),
            names: Vec::new(),
            open: Mutex::default(),
        }
    }

    /// Adds the rows of the file at `path`. Returns the option that keeps them from being used, if one does.
    pub(in crate::prep) fn add(
        &mut self,
        path: &Path,
        plan: &PrepPlan,
        encoder: Encoder,
    ) -> Result<Option<&'static str>, StoreError> {
        let file = DatasetFile::open(path)?;
        let differs = difference(&file, plan, encoder)?;
        let number = self.files.len() as u32;
        let mut columns = SampleRows::new(&file)?;
        let known = (self.rows.len(), self.images.len());
        for row in 0..file.rows() {
            let read = columns
                .source(row)
                .and_then(|source| Ok((source, columns.frame(row)?, columns.annotation_digests(row)?)));
            let ((name, image), frame, annotations) = read.inspect_err(|_| {
                self.rows.truncate(known.0);
                self.images.truncate(known.1);
                self.names.truncate(known.1);
            })?;
            self.images.push(first_bits(&image));
            self.names.push(JournalRow::name_bits(&name));
            let content = content(&image, frame, &annotations);
            self.rows.push(Entry { content, differs: differs.is_some(), file: number, row: row as u32 });
        }
        self.files.push(EarlierFile { rows: FileOfRows::Complete(path.to_owned()), differs });
        Ok(differs)
    }

    /// Adds the rows that an interrupted run has kept. Returns the option that keeps them from being used, if one does.
    pub(in crate::prep) fn add_kept(
        &mut self,
        journal: Journal,
        plan: &PrepPlan,
        encoder: Encoder,
    ) -> Result<Option<&'static str>, StoreError> {
        let differs = difference_of_journal(journal.header(), plan, encoder);
        let file = self.files.len() as u32;
        for row in 0..journal.rows() {
            let kept = journal.row(row)?;
            self.images.push(first_bits(&kept.source_sha256));
            self.names.push(kept.source_name);
            self.rows.push(Entry {
                content: content_of(&kept),
                differs: differs.is_some(),
                file,
                row: row as u32,
            });
        }
        self.files.push(EarlierFile { rows: FileOfRows::Kept(Arc::new(journal)), differs });
        Ok(differs)
    }

    /// Makes what was added ready to be searched.
    pub(in crate::prep) fn sort(&mut self) {
        self.rows.sort_unstable();
        self.rows.dedup_by_key(|entry| entry.content);
        for bits in [&mut self.images, &mut self.names] {
            bits.sort_unstable();
            bits.dedup();
            bits.shrink_to_fit();
        }
        self.rows.shrink_to_fit();
    }

    /// The option in which all files differ, where they all do.
    pub(in crate::prep) fn all_differ(&self) -> Option<&'static str> {
        let all = self.files.iter().all(|file| file.differs.is_some());
        self.files.first().and_then(|file| file.differs).filter(|_| all)
    }

    pub(in crate::prep) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// True if `stored` is what a file stores for a source with the digest `sha256`.
    pub(in crate::prep) fn is_digest(&self, stored: &Sha, sha256: &Sha) -> bool {
        stored == sha256 || *stored == self.pseudonyms.of_digest(sha256)
    }

    /// True if an image file with this digest was used before.
    pub(in crate::prep) fn knows_image(&self, image: &Sha) -> bool {
        let knows = |digest: &Sha| self.images.binary_search(&first_bits(digest)).is_ok();
        knows(image) || knows(&self.pseudonyms.of_digest(image))
    }

    /// True if there was an image file of this name before.
    pub(in crate::prep) fn knows_name(&self, name: &str) -> bool {
        self.names.binary_search(&JournalRow::name_bits(name)).is_ok()
    }

    /// The row that was made of a frame of this image file and these annotations, most probably: compare the digests.
    pub(in crate::prep) fn find(
        &self,
        image: &Sha,
        frame: u32,
        annotations: &[Option<Sha>],
    ) -> Option<Found> {
        let place = |image: &Sha, annotations: &[Option<Sha>]| {
            let wanted = content(image, frame, annotations);
            self.rows.binary_search_by_key(&wanted, |entry| entry.content).ok()
        };
        let keyed = || {
            let keyed = |sha256: &Sha| self.pseudonyms.of_digest(sha256);
            let annotations: Vec<_> = annotations.iter().map(|digest| digest.as_ref().map(keyed)).collect();
            place(&keyed(image), &annotations)
        };
        let place = place(image, annotations).or_else(keyed)?;
        let Entry { file, row, .. } = self.rows[place];
        Some(match self.files[file as usize].differs {
            Some(option) => Found::Differs(option),
            None => Found::Row { file, row: row as usize },
        })
    }

    /// A reader of the rows of file number `file`, for one thread.
    pub(in crate::prep) fn open(&self, file: u32) -> Result<RowSource, StoreError> {
        let path = match &self.files[file as usize].rows {
            FileOfRows::Complete(path) => path,
            FileOfRows::Kept(journal) => {
                let rows = KeptRows::new(Arc::clone(journal));
                return Ok(RowSource::Kept(Box::new(rows.expect("it has the type of the plan's pixels"))));
            }
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let place = open.iter().position(|(number, _)| *number == file);
        let opened = match place.and_then(|place| open.remove(place)) {
            Some((_, opened)) => opened,
            None => Arc::new(DatasetFile::open(path)?),
        };
        open.push_back((file, Arc::clone(&opened)));
        if open.len() > OPEN_FILES {
            open.pop_front();
        }
        drop(open);
        Ok(RowSource::Complete(Box::new(EncodedRows::shared(opened)?)))
    }
}

/// The content of a row that was kept.
pub(super) fn content_of(kept: &JournalRow) -> u64 {
    let annotations: Vec<_> = kept.annotations.iter().map(|kept| kept.map(|kept| kept.sha256)).collect();
    content(&kept.source_sha256, kept.frame.cast_unsigned(), &annotations)
}

fn content(image: &Sha, frame: u32, annotations: &[Option<Sha>]) -> u64 {
    let mut all = Sha256::new_with_prefix(image);
    all.update(frame.to_le_bytes());
    for annotation in annotations {
        all.update([u8::from(annotation.is_some())]);
        all.update(annotation.unwrap_or_default());
    }
    first_bits(&all.finalize())
}
