//! Reports as JSON, and lists of what was left out.

use std::path::Path;

use anyhow::Context;
use dicomprep::model::Plain;
use dicomprep::prep::Entry;
use dicomprep::store::Target;
use serde::Serialize;

use crate::exit;

/// Entries of a list that are shown without `--verbose`.
pub(crate) const LISTED: usize = 20;

/// Writes `summary` as JSON to the file `path`; `-` is standard output.
pub(crate) fn write(summary: &impl Serialize, path: &Path, force: bool) -> anyhow::Result<()> {
    let json = exit::json(summary)?;
    if path == Path::new("-") {
        return exit::print(&json).map(|_| ());
    }
    let target = Target::claim(path, force)?;
    std::fs::write(target.partial(), json).with_context(|| format!("cannot write {}", path.display()))?;
    target.commit()?;
    Ok(())
}

/// The first entries of a list, each behind the name of its `bin`.
pub(crate) fn list<'e>(bin: &str, entries: impl Iterator<Item = &'e Entry> + Clone, limit: usize) -> String {
    let mut text = String::new();
    for entry in entries.clone().take(limit) {
        let detail = if entry.detail.is_empty() { entry.reason } else { &entry.detail };
        text += &format!("{bin}: {}\n", Plain(&format!("{}: {detail}", entry.place())));
    }
    let more = entries.count().saturating_sub(limit);
    if more > 0 {
        text += &format!("{bin}: {more} more; --verbose or --report FILE lists them all\n");
    }
    text
}
