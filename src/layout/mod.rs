//! Layouts: how the files of a data directory make samples.
//!
//! A [`Layout`] knows where files stand, what they are called and what they refer to; it decodes no pixel. Everything
//! after it works on a [`SampleSet`] and does not know the layout. A layout is one file here and one line in
//! [`registry`].

mod annotations;
mod cases;
mod column_names;
mod dicom_tree;
mod directories;
mod error;
mod inputs;
mod joined;
mod left_out;
mod linked_folders;
mod listing;
mod name_pattern;
mod name_shape;
mod near_folders;
mod numbered;
mod options;
pub mod registry;
mod restore;
mod rvsc2012;
mod sample_set;
mod scd2009;
mod select;
mod spelling;
mod table;
mod unmatched;

use std::fmt;
use std::sync::atomic::AtomicBool;

pub use annotations::{Annotations, OpenAnnotation, OpenedAnnotation};
pub use column_names::ColumnNames;
pub use dicom_tree::DicomTree;
pub use directories::DataDirectories;
pub use error::LayoutError;
pub use inputs::Inputs;
pub use linked_folders::{LinkRow, LinkTable, LinkedFolders, RejectedRow, parse_link_table, read_link_table};
pub use listing::{ListedImage, ListedPart, Listing};
pub use name_pattern::{ContourPattern, NamePattern, NamePatternError, NamePatterns};
pub use restore::{SavedAnnotations, restore_annotations};
pub use rvsc2012::Rvsc2012;
pub use sample_set::{Patient, SampleSet, Study, use_files};
pub use scd2009::Scd2009;
pub use select::{PatternError, Require, Select, StructureChoice, StructurePattern, StructurePatterns, fold};
pub use spelling::{escaped, numbered_selection, plain, selection, shell_word, together};
pub use table::Table;
pub use unmatched::Unmatched;

use crate::files::{Places, Tree};
use crate::model::Note;
use crate::source::{AnnotationOptions, Limits};

/// A way in which people arrange images and annotations.
pub trait Layout: fmt::Debug + Send + Sync {
    /// The name used in options and in the file.
    fn name(&self) -> &'static str;

    /// Reason of the choice, where it was not given.
    fn reason(&self) -> Option<&str> {
        None
    }

    /// True if what is left out as a whole, and rows without their files, are notes.
    fn allows_missing(&self) -> bool {
        false
    }

    /// The folders of the images and of the contours, where it has such, as people see them.
    fn parts(&self) -> Option<[&str; 2]> {
        None
    }

    /// Locations of its tables and folders.
    fn places(&self) -> &Places;

    /// True if the layout has a folder at `path`, the names on the way from the root with this number. Symbolic links
    /// to other folders are not followed, and their files are outside of the layout.
    fn expects(&self, root: usize, path: &[Box<str>]) -> bool;

    /// Pairs images and annotations. What it does not mention of the files in `tree` is outside of the layout.
    ///
    /// # Errors
    /// [`LayoutError`] where a table cannot be used, or a structure is not there.
    fn pair(&self, tree: Tree, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError>;

    /// Lists the structures in `tree`: those of its pairs, unless annotation files know more.
    ///
    /// # Errors
    /// As [`Layout::pair`].
    fn list(
        &self,
        tree: Tree,
        options: &AnnotationOptions,
        reading: &Reading<'_>,
    ) -> Result<Listing, LayoutError> {
        let structures = StructureChoice::All;
        let select = Select { structures, annotation: *options, ..Select::default() };
        Ok(Listing::of_samples(&self.pair(tree, &select, reading)?))
    }
}

/// Lists the structures of a data directory, whether some image has them or not.
///
/// # Errors
/// [`LayoutError`] where the layout cannot be read at all.
pub fn list<L: Layout + ?Sized>(
    layout: &L,
    options: &AnnotationOptions,
    reading: &Reading<'_>,
) -> Result<Listing, LayoutError> {
    let tree = Tree::of(layout.places(), &|root, path| layout.expects(root, path));
    layout.list(tree, options, reading)
}

/// Access of a layout to headers and annotation files, if it needs them.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Limits of the inputs.
    pub limits: &'a Limits,
    /// Set to stop as soon as possible; what is found then does not matter.
    pub cancel: &'a AtomicBool,
}

/// Finds the samples of a data directory.
///
/// # Errors
/// [`LayoutError`] where the layout cannot be read at all.
pub fn plan<L: Layout + ?Sized>(
    layout: &L,
    select: &Select,
    reading: &Reading<'_>,
) -> Result<SampleSet, LayoutError> {
    let tree = Tree::of(layout.places(), &|root, path| layout.expects(root, path));
    let mut set = layout.pair(tree, select, reading)?.complete();
    for found in left_out::left_out(&set, layout.parts()) {
        if layout.allows_missing() {
            let text = format!("{} files that look like it are left out: {}", found.files, found.text);
            set.notes.push(Note::new(found.place, text));
        } else {
            set.unmatched.push(found);
        }
    }
    set.notes.extend(left_out::archives(&set));
    set.unmatched.sort();
    set.notes.sort();
    if let Some(reason) = layout.reason() {
        set.evidence.decide("layout", format!("{}: {reason}", layout.name()));
    }
    Ok(set)
}
