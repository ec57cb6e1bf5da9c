//! Bins of the input files: exactly one each, with its reason.

use std::collections::BTreeMap;
use std::fmt;

use super::{FileId, Place};

/// The bin a file below the data directory ends in. Every file ends in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bin {
    /// Its content went into the file.
    Used,
    /// An image without a usable contour.
    Unlabelled,
    /// It should have been used and could not be: the command ends with exit code 3.
    Rejected,
    /// It is not part of the data that was asked for.
    Ignored,
}

/// Why a file was rejected or ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Its name starts with a dot.
    HiddenFile,
    /// A file that an operating system leaves behind (`Thumbs.db`).
    SystemFile,
    /// Its name does not follow the layout.
    NameDoesNotFit,
    /// It stands outside the folders of the layout.
    OutsideLayout,
    /// Its folder has no row in the link table.
    NotLinked,
    /// It outlines a structure that was not asked for.
    StructureNotAsked,
    /// Its sample lacks a structure, and all were required.
    StructureMissing,
    /// A pipe, socket or device.
    NotAFile,
    /// A symbolic link that leads back to a folder above it, or to a folder where the layout has none.
    LinkNotFollowed,
    /// A symbolic link that leads out of the data directory, or nowhere.
    LinkLeadsOut,
    /// A folder or file that the system does not let us read.
    Unreadable,
    /// A row of the link table that cannot be used, or a file that belongs to one.
    LinkRow,
    /// Two files claim the same number.
    Ambiguous,
    /// A number in a name that is larger than the file format has.
    NumberTooLarge,
    /// A contour for which there is no image.
    ContourWithoutImage,
    /// A contour file that is not a polygon.
    ContourUnreadable,
    /// A contour wholly outside its image.
    ContourOutside,
    /// A file of annotations that cannot be read, or not on one image.
    AnnotationUnreadable,
    /// Part of a file of annotations that is on no image, though images of the input are concerned.
    AnnotationLost,
    /// A file of annotations about images that are not there.
    AnnotationWithoutImage,
    /// A contour that the audit has found to be wrong.
    AuditError,
    /// An image that cannot be read, or whose header contradicts itself.
    ImageUnreadable,
    /// An image of a kind that is not supported.
    ImageUnsupported,
    /// An image that does not fit the size asked for.
    ImageSize,
    /// An image with a value that the pixel type cannot hold.
    ImageValue,
    /// A contour that was changed after it was audited.
    ChangedMeanwhile,
    /// An image that equals one in another split.
    ImageInOtherSplit,
    /// An image of a person or study that is there under another id, where one is enough.
    SharedPatient,
    /// An image of a patient that is not to be torn from one in another split.
    PatientInOtherSplit,
    /// A contour whose image was rejected.
    ImageRejected,
}

impl Reason {
    /// The bin that a file with this reason ends in.
    #[must_use]
    pub fn bin(self) -> Bin {
        match self {
            Self::HiddenFile
            | Self::SystemFile
            | Self::NameDoesNotFit
            | Self::OutsideLayout
            | Self::NotLinked
            | Self::StructureNotAsked
            | Self::StructureMissing
            | Self::NotAFile
            | Self::LinkNotFollowed => Bin::Ignored,
            _ => Bin::Rejected,
        }
    }

    /// The stable name of the reason, as it stands in the report.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::HiddenFile => "hidden-file",
            Self::SystemFile => "system-file",
            Self::NameDoesNotFit => "name-does-not-fit",
            Self::OutsideLayout => "outside-layout",
            Self::NotLinked => "folder-without-link-row",
            Self::StructureNotAsked => "structure-not-asked-for",
            Self::StructureMissing => "structure-missing",
            Self::NotAFile => "not-a-file",
            Self::LinkNotFollowed => "symbolic-link-not-followed",
            Self::LinkLeadsOut => "symbolic-link-leads-out",
            Self::Unreadable => "unreadable",
            Self::LinkRow => "link-row",
            Self::Ambiguous => "ambiguous",
            Self::NumberTooLarge => "number-too-large",
            Self::ContourWithoutImage => "contour-without-image",
            Self::ContourUnreadable => "contour-unreadable",
            Self::ContourOutside => "contour-outside-image",
            Self::AnnotationUnreadable => "annotation-unreadable",
            Self::AnnotationLost => "annotation-lost",
            Self::AnnotationWithoutImage => "annotation-without-image",
            Self::AuditError => "audit-error",
            Self::ImageUnreadable => "image-unreadable",
            Self::ImageUnsupported => "image-unsupported",
            Self::ImageSize => "image-size",
            Self::ImageValue => "image-value",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::ImageInOtherSplit => "image-in-other-split",
            Self::SharedPatient => "shared-patient",
            Self::PatientInOtherSplit => "patient-in-other-split",
            Self::ImageRejected => "image-rejected",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A file that was rejected or ignored, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The file, and the place in it.
    pub place: Place,
    /// Why.
    pub reason: Reason,
    /// The problem and its remedy, as one sentence without a full stop; may be empty.
    pub detail: String,
    /// The file in the catalog; `None` for a row of a table.
    pub file: Option<FileId>,
}

impl Skipped {
    /// A skipped file.
    #[must_use]
    pub fn new(place: Place, reason: Reason, detail: impl Into<String>) -> Self {
        Self { place, reason, detail: detail.into(), file: None }
    }

    /// The same, of this file of the catalog.
    #[must_use]
    pub fn of(self, file: FileId) -> Self {
        Self { file: Some(file), ..self }
    }
}

/// Something worth telling that took no file away: a link row without folder, a patient without contours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The place it is about.
    pub place: Place,
    /// One sentence without a full stop.
    pub text: String,
}

impl Note {
    /// A note.
    #[must_use]
    pub fn new(place: Place, text: impl Into<String>) -> Self {
        Self { place, text: text.into() }
    }
}

/// Number of files in each bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<Bin, usize>,
    reasons: BTreeMap<Reason, usize>,
}

impl Tally {
    /// Counts `files` more files in `bin`.
    pub fn add(&mut self, bin: Bin, files: usize) {
        *self.counts.entry(bin).or_default() += files;
    }

    /// Counts a rejected or ignored file.
    pub fn add_skipped(&mut self, reason: Reason) {
        self.add(reason.bin(), 1);
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// Number of files in `bin`.
    #[must_use]
    pub fn count(&self, bin: Bin) -> usize {
        self.counts.get(&bin).copied().unwrap_or(0)
    }

    /// Number of files in all bins.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// The reasons of `bin` and how many files had each, in the order of [`Reason`].
    pub fn reasons(&self, bin: Bin) -> impl Iterator<Item = (Reason, usize)> + '_ {
        self.reasons.iter().filter(move |(reason, _)| reason.bin() == bin).map(|(&reason, &n)| (reason, n))
    }
}
