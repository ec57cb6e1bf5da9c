//! Why a data directory cannot be read as a layout.

use crate::files::{FilesError, TableError};
use crate::model::Place;

/// Why no samples can be found at all. What concerns single files never stops a plan.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A table cannot be used.
    #[error(transparent)]
    Table(Box<TableError>),
    /// A folder is not where it should be.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A data directory is arranged in no way, or in several ways, that is known.
    #[error("{place}: {found}. Name a layout with --layout: {needs}")]
    NoLayout {
        /// The data directory.
        place: Place,
        /// The files found.
        found: String,
        /// The needs of each layout.
        needs: String,
    },
    /// A data directory is nearly that of the layout `link`.
    #[error("{place}: {seen}. This works: {command}")]
    NearMiss {
        /// The data directory.
        place: Place,
        /// Names that are there.
        seen: Box<str>,
        /// The command that reads it.
        command: Box<str>,
    },
    /// Patterns of names are given for a layout that does not look at names.
    #[error(
        "--image-name and --contour-name are for link, scd2009 and rvsc2012; the layout {layout} has no names"
    )]
    NoNames {
        /// The layout.
        layout: &'static str,
    },
    /// There is no layout of this name.
    #[error("--layout: there is no layout {0}; use auto, link, scd2009, rvsc2012, table or dicom")]
    UnknownLayout(String),
    /// A structure that is asked for has a name that the data does not have.
    #[error("--structures: no annotation is called {asked}; there {are} {found}", are = if *.one { "is" } else { "are" })]
    UnknownStructure {
        /// The pattern that nothing matches.
        asked: String,
        /// The names that there are.
        found: String,
        /// True if that is one name.
        one: bool,
    },
    /// There are more structures than are taken without being asked for.
    #[error("--structures: there are {count} structures; name those that become mask planes: {names}")]
    TooManyStructures {
        /// Their number.
        count: usize,
        /// Their names.
        names: String,
    },
    /// No image has a structure.
    #[error("no RT Structure Set and no segmentation has a structure on an image of the input{why}")]
    NoStructure {
        /// Problems of those that are there, after a colon; or that there is none.
        why: String,
    },
    /// A data directory is, or lies in, another one.
    #[error("{place}: it lies in {outer}, which is read as well; name one of the two")]
    Nested {
        /// The directory.
        place: Place,
        /// The other one.
        outer: String,
    },
    /// One of several data directories cannot be read.
    #[error("data directory {directory}")]
    InDirectory {
        /// Its name.
        directory: String,
        /// Why.
        source: Box<LayoutError>,
    },
    /// Names in the data cannot be names of mask planes.
    #[error("--structures: {message}; name the structures")]
    Names {
        /// The problem.
        message: String,
    },
}

impl From<TableError> for LayoutError {
    fn from(error: TableError) -> Self {
        Self::Table(Box::new(error))
    }
}
