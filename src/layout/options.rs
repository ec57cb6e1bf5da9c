//! Locations of a data directory and its parts.

use std::path::{Path, PathBuf};

use super::{ColumnNames, NamePatterns};

/// Locations of a data directory and its parts, as far as they are not the usual ones.
#[derive(Debug, Clone, Default)]
pub struct LayoutOptions {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The name of the layout; `None` finds it out.
    pub layout: Option<String>,
    /// The link table.
    pub link: Option<PathBuf>,
    /// The folder of the images.
    pub dicoms: Option<PathBuf>,
    /// The folder of the contours.
    pub contours: Option<PathBuf>,
    /// The table of images and annotations.
    pub table: Option<PathBuf>,
    /// Other names of the columns of either table.
    pub columns: ColumnNames,
    /// Patterns of the names of images and contours, where these are not those of the layout.
    pub names: NamePatterns,
    /// True if rows of the link table without folders or contours, and folders without a row, are notes.
    pub allow_missing: bool,
}

impl LayoutOptions {
    /// The data directory at `data_dir`, with all parts at their usual places.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), ..Self::default() }
    }
}
