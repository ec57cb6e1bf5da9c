//! A multi-frame file whose frames are read one after the other.

use std::fs::File;
use std::io::{self, Seek};

use sha2::{Digest, Sha256};

use super::file_mark::{FileMark, HEADER_BYTES};
use super::files::{dicom_skipped, open, read_first, unreadable};
use crate::layout::SampleSet;
use crate::model::{FileId, Reason, Sample, Skipped};
use crate::source::{FrameReader, ImageHeader, Limits, ReadAt, StoredPixels};

/// Bytes that are digested at once.
const BLOCK: usize = 256 << 10;

/// An open multi-frame file. It is opened and digested once while samples of it follow each other; what is held of it is
/// its header, where its frames stand, and one frame.
#[derive(Debug)]
pub struct FrameFile {
    id: FileId,
    file: File,
    reader: FrameReader,
    sha256: [u8; 32],
    length: u64,
    mark: FileMark,
}

impl FrameFile {
    /// Opens the image file of `sample`, unless that is `open_file` already. Returns it, and the bytes that were read
    /// for that.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub fn of<'a>(
        open_file: &'a mut Option<Self>,
        plan: &SampleSet,
        sample: &Sample,
        limits: &Limits,
    ) -> Result<(&'a Self, u64), Skipped> {
        let (file, read) = match open_file.take().filter(|open| open.id == sample.image.file) {
            Some(file) => (file, 0),
            None => {
                let file = Self::open(plan, sample, limits)?;
                let read = file.length;
                (file, read)
            }
        };
        Ok((open_file.insert(file), read))
    }

    fn open(plan: &SampleSet, sample: &Sample, limits: &Limits) -> Result<Self, Skipped> {
        let name = plan.image_name(sample);
        let id = sample.image.file;
        let failed = |error: io::Error| unreadable(&name, Reason::ImageUnreadable, &error).of(id);
        let roots = plan.catalog.roots();
        let (file, length) = open(roots, &plan.image_path(sample)).map_err(failed)?;
        let reader =
            FrameReader::open(&name, &file, length, limits).map_err(|error| dicom_skipped(&error).of(id))?;
        let sha256 = digest(&file).map_err(failed)?;
        let mut start = Vec::new();
        (&file)
            .rewind()
            .and_then(|()| read_first(roots, &file, length, HEADER_BYTES, &mut start))
            .map_err(failed)?;
        let mark = FileMark::of(length, &start);
        Ok(Self { id, file, reader, sha256, length, mark })
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The header of a frame, from 1; `None` where there is no such frame.
    #[must_use]
    pub fn header(&self, frame: u32) -> Option<ImageHeader> {
        self.reader.header().of_frame(frame)
    }

    /// The mark of the file.
    #[must_use]
    pub fn mark(&self) -> FileMark {
        self.mark
    }

    /// Reads the frame of `sample` into `stored`. Returns the header of the frame.
    ///
    /// # Errors
    /// Why the frame cannot be used.
    pub fn read(
        &self,
        plan: &SampleSet,
        sample: &Sample,
        stored: &mut StoredPixels,
    ) -> Result<ImageHeader, Skipped> {
        let read = self.reader.read(&plan.image_name(sample), &self.file, sample.image.frame, stored);
        read.map_err(|error| dicom_skipped(&error).of(self.id))
    }
}

/// The SHA-256 of a file, of which a block at a time is held.
fn digest(file: &File) -> io::Result<[u8; 32]> {
    let mut sha256 = Sha256::new();
    let mut block = vec![0; BLOCK];
    let mut at = 0;
    loop {
        match file.read_at(&mut block, at)? {
            0 => return Ok(sha256.finalize().into()),
            read => {
                sha256.update(&block[..read]);
                at += read as u64;
            }
        }
    }
}
