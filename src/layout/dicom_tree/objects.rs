//! Reads the header of every file: what it is.

use std::fs::File;
use std::io::Read;
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use crate::files::Catalog;
use crate::layout::Reading;
use crate::layout::annotations::open_file;
use crate::model::{FileId, Reason};
use crate::source::{
    DicomError, DicomFault, DicomIdentity, ImageHeader, ObjectKind, parse_header, parse_identity,
};

/// First bytes of a file that are read; hardly any header is longer.
const FIRST_BYTES: u64 = 16 << 10;

/// A file of the tree.
#[derive(Debug)]
pub(super) struct ScannedObject {
    pub(super) file: FileId,
    pub(super) kind: ObjectKind,
    pub(super) identity: DicomIdentity,
    pub(super) found: ScannedContent,
}

/// Kind of a file.
#[derive(Debug)]
pub(super) enum ScannedContent {
    /// No DICOM object.
    Nothing,
    /// An image.
    Image(Box<ImageHeader>),
    /// Another object.
    Other(ObjectKind),
    /// A DICOM object that cannot be read.
    Unusable(Reason, String),
}

/// Reads the headers of `files`, on all threads, in their order.
pub(super) fn read(files: &[FileId], catalog: &Catalog, reading: &Reading<'_>) -> Vec<ScannedObject> {
    let read = |&file: &FileId| {
        let mut object = ScannedObject {
            file,
            kind: ObjectKind::Image,
            identity: DicomIdentity::default(),
            found: ScannedContent::Nothing,
        };
        // What is found after a stop does not matter.
        if !reading.cancel.load(Ordering::Relaxed) {
            look(&mut object, catalog, reading);
        }
        object
    };
    files.par_iter().map(read).collect()
}

fn look(object: &mut ScannedObject, catalog: &Catalog, reading: &Reading<'_>) {
    let unreadable = |error: std::io::Error| ScannedContent::Unusable(Reason::Unreadable, error.to_string());
    let (mut file, length) = match open_file(catalog, object.file) {
        Ok(opened) => opened,
        Err(error) => {
            object.found = unreadable(error);
            return;
        }
    };
    let name = catalog.name(object.file);
    let mut bytes = Vec::new();
    let mut found = read_more(&mut file, FIRST_BYTES, &mut bytes);
    loop {
        if let Err(error) = found {
            object.found = unreadable(error);
            return;
        }
        match parse_header(&name, &bytes, length, reading.limits) {
            Ok(Some(header)) => {
                object.identity = header.identity.clone();
                object.found = ScannedContent::Image(Box::new(header));
                return;
            }
            Ok(None) if (bytes.len() as u64) < length.min(reading.limits.max_image_bytes) => {
                let more = 4 * bytes.len() as u64;
                found = read_more(&mut file, more, &mut bytes);
            }
            Ok(None) => {
                object.found =
                    ScannedContent::Unusable(Reason::ImageUnreadable, "the file ends early".to_owned());
                return;
            }
            Err(error) => {
                object.refuse(&error, || parse_identity(&name, &bytes, length, reading.limits).ok()?);
                return;
            }
        }
    }
}

fn read_more(file: &mut File, more: u64, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    file.take(more).read_to_end(bytes).map(|_| ())
}

impl ScannedObject {
    /// Takes a file that `parse_header` refuses: another kind of object, or a broken one. `identity` reads whose object it
    /// is.
    fn refuse(&mut self, error: &DicomError, identity: impl FnOnce() -> Option<DicomIdentity>) {
        self.found = match &error.fault {
            DicomFault::NotDicom => ScannedContent::Nothing,
            DicomFault::NotAnImage { kind } => {
                if let Some(identity) = identity() {
                    self.identity = identity;
                }
                self.kind = *kind;
                ScannedContent::Other(*kind)
            }
            DicomFault::NoImage => ScannedContent::Other(ObjectKind::Other),
            _ => {
                let attribute = error.place.attribute.as_ref().map(|name| format!("{name}: "));
                ScannedContent::Unusable(
                    error.reason(),
                    attribute.unwrap_or_default() + &error.fault.to_string(),
                )
            }
        };
    }
}
