//! Images and their annotations, by the files they stand in.

use super::Part;

/// A file, by its number in the catalog of all files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

impl FileId {
    /// File number `index` of a catalog.
    #[must_use]
    pub fn new(index: usize) -> Self {
        // More files than that have names that no memory holds.
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Its number, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An image: a frame of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRef {
    /// The file.
    pub file: FileId,
    /// The frame of a multi-frame object, from 1; 0 where the object is one image.
    pub frame: u32,
}

/// An annotation: a part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnnotationRef {
    /// The file.
    pub file: FileId,
    /// The structure in it.
    pub part: Part,
}

/// An image and its annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its name in the file: `<patient_id>/<file stem>`, with `#<frame>` of a multi-frame object. Unique.
    pub id: Box<str>,
    /// Index of its patient.
    pub patient: u32,
    /// Index of its study: the row of the table that it belongs to.
    pub study: u32,
    /// Its place among all images of the data set, with and without annotations.
    pub place: u32,
    /// The image.
    pub image: FrameRef,
    /// The number that its name carries.
    pub number: Option<i32>,
    /// For each structure, its annotations: none, one, or several that are united.
    pub annotations: Box<[Box<[AnnotationRef]>]>,
}

impl Sample {
    /// Number of structures with an annotation.
    #[must_use]
    pub fn annotated(&self) -> usize {
        self.annotations.iter().filter(|refs| !refs.is_empty()).count()
    }

    /// Removes all annotations.
    pub fn clear_annotations(&mut self) {
        self.annotations.fill(Box::default());
    }

    /// All its annotations, with the planes they belong to.
    pub fn references(&self) -> impl Iterator<Item = (usize, AnnotationRef)> {
        self.annotations
            .iter()
            .enumerate()
            .flat_map(|(plane, refs)| refs.iter().map(move |one| (plane, *one)))
    }
}
