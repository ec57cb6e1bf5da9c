//! All layouts, by name.

use std::path::{Path, PathBuf};

use super::{ColumnNames, DicomTree, Layout, LayoutError, LinkedFolders, Table};

/// Where a data directory and its parts are, as far as they are not at their usual places.
#[derive(Debug, Clone, Default)]
pub struct LayoutOptions {
    /// The name of the layout; `None` for the first one.
    pub layout: Option<String>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The link table.
    pub link: Option<PathBuf>,
    /// The folder of the images.
    pub dicoms: Option<PathBuf>,
    /// The folder of the contours.
    pub contours: Option<PathBuf>,
    /// The table of images and annotations.
    pub table: Option<PathBuf>,
    /// Other names of its columns.
    pub columns: ColumnNames,
}

impl LayoutOptions {
    /// The data directory at `data_dir`, with all parts at their usual places.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), ..Self::default() }
    }
}

type Open = fn(&LayoutOptions) -> Result<Box<dyn Layout>, LayoutError>;

/// The layouts, each with its name.
pub const LAYOUTS: [(&str, Open); 3] = [
    ("link", |options| {
        let LayoutOptions { data_dir, link, dicoms, contours, .. } = options;
        Ok(Box::new(LinkedFolders::new(data_dir, link.as_deref(), dicoms.as_deref(), contours.as_deref())?))
    }),
    ("dicom", |options| Ok(Box::new(DicomTree::new(&options.data_dir)?))),
    ("table", |options| {
        let LayoutOptions { data_dir, table, columns, .. } = options;
        Ok(Box::new(Table::new(data_dir, table.as_deref(), columns.clone())?))
    }),
];

/// Opens a data directory as a layout.
///
/// # Errors
/// [`LayoutError`] where its parts are not where they should be.
pub fn open(options: &LayoutOptions) -> Result<Box<dyn Layout>, LayoutError> {
    let by_table = options.table.as_ref().map(|_| "table");
    let wanted = options.layout.as_deref().or(by_table);
    let named = LAYOUTS.iter().find(|(name, _)| wanted == Some(name));
    let (_, open) = named.unwrap_or(&LAYOUTS[0]);
    open(options)
}
