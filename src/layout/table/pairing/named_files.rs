//! The files that cells of a table name.

use std::path::Path;

use super::Pairing;
use crate::layout::table::rows::relative;
use crate::model::FileId;
use crate::source::PartChoice;

impl Pairing<'_> {
    /// The file that a cell names, and its part. A `#` in the name of a file that is there is no part.
    pub(super) fn named_file(&self, cell: &str) -> (Option<FileId>, PartChoice) {
        if let Some(&whole) = self.files.get(&relative(cell.trim(), self.data_dir)) {
            return (Some(whole), PartChoice::Unsaid);
        }
        let (path, choice) = PartChoice::split(cell);
        (self.files.get(&relative(path, self.data_dir)).copied(), choice)
    }

    /// Why nothing is at `path`, as the table has it; `what` is what was looked for.
    pub(super) fn absent(&self, what: &str, path: &str) -> String {
        let named = relative(path, self.data_dir);
        let slashes = path.replace('\\', "/");
        let is_absolute =
            slashes.get(1..3) == Some(":/") || slashes.starts_with('/') || slashes.contains("://");
        if is_absolute && !Path::new(&slashes).starts_with(self.data_dir) {
            return format!(
                "{path} is not below the data directory {}: write paths relative to it",
                self.data_dir.display()
            );
        }
        if named.split('/').next() == Some("..") {
            return format!(
                "{path} leads out of the data directory; name a data directory that holds all files of the table"
            );
        }
        format!("there is no {what} {named}")
    }
}
