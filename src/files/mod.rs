//! The files of a data directory: where they are, what they are called, and what becomes of each.
//!
//! Every entry below the data directory is seen exactly once ([`Tree`]), gets a number ([`Catalog`]) and ends in
//! exactly one bin ([`Fates`]). No file is opened here but tables.

mod catalog;
mod error;
mod fates;
mod folder_list;
mod places;
mod records;
mod roots;
pub(crate) mod table;
mod table_error;
mod tree;

pub use catalog::{Catalog, FileKind, FolderId};
pub use error::FilesError;
pub use fates::{Fate, Fates};
pub use places::{Location, PlacePart, Places, join_name};
pub(crate) use roots::Roots;
pub use table_error::{MAX_TABLE_BYTES, MAX_TABLE_ROWS, NearTable, TableError};
pub use tree::{FolderPlace, Tree, TreeFolder};
