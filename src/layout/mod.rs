//! Layouts: how the files of a data directory make samples.
//!
//! A [`Layout`] knows where files stand, what they are called and what they refer to; it decodes no pixel. Everything
//! after it works on a [`SampleSet`] and does not know the layout. A layout is one file here and one line in
//! [`registry`].

mod annotations;
mod cases;
mod dicom_tree;
mod error;
mod linked_folders;
mod numbered;
pub mod registry;
mod rvsc2012;
mod sample_set;
mod scd2009;
mod select;
mod table;

use std::fmt;
use std::sync::atomic::AtomicBool;

pub use annotations::{Annotations, OpenAnnotation, OpenedAnnotation};
pub use dicom_tree::DicomTree;
pub use error::LayoutError;
pub use linked_folders::{LinkRow, LinkTable, LinkedFolders, RejectedRow, parse_link_table, read_link_table};
pub use rvsc2012::Rvsc2012;
pub use sample_set::{Patient, SampleSet, Study, use_files};
pub use scd2009::Scd2009;
pub use select::{PatternError, Require, Select, StructureChoice, StructurePattern, StructurePatterns, fold};
pub use table::{ColumnNames, Table};

use crate::files::{Places, Tree};
use crate::source::Limits;

/// A way in which people arrange images and annotations.
pub trait Layout: fmt::Debug + Send + Sync {
    /// The name used in options and in the file.
    fn name(&self) -> &'static str;

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
pub fn plan(layout: &dyn Layout, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError> {
    let tree = Tree::of(layout.places(), &|root, path| layout.expects(root, path));
    Ok(layout.pair(tree, select, reading)?.complete())
}
