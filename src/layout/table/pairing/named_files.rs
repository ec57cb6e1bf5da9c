//! The files that cells of a table name.

use std::collections::HashMap;
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
        if is_run_length(path) {
            return format!(
                "{path} is no file but a run-length code, which is not read, as tools count its pixels in different \
                 orders: save each mask as PNG, and name that"
            );
        }
        let like =
            self.called_like(&named).map(|file| format!("; {file} is called so: write its whole path"));
        format!("there is no {what} {named}{}", like.unwrap_or_default())
    }

    /// The first file whose name, with or without its end, is that of `named`.
    fn called_like(&self, named: &str) -> Option<&str> {
        let by_name = self.by_name.get_or_init(|| {
            let mut paths: Vec<&String> = self.files.keys().collect();
            paths.sort();
            let mut by_name = HashMap::new();
            for path in paths {
                let name = last(path);
                let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
                for one in [name, stem] {
                    by_name.entry(one.into()).or_insert_with(|| path.as_str().into());
                }
            }
            by_name
        });
        by_name.get(last(named)).map(|path| &**path)
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// True if a cell is numbers alone, as run-length codes are.
fn is_run_length(cell: &str) -> bool {
    let mut words = cell.split_whitespace();
    words.clone().count() > 1 && words.all(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
}
