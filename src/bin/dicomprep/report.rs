//! Reports as JSON, and lists of what was left out.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;
use dicomprep::model::Plain;
use dicomprep::prep::{LeftOutEntry, UnmatchedEntry};
use dicomprep::store::{StoreError, Target};
use serde::Serialize;

use crate::args::ReportArgs;
use crate::{exit, table};

/// Entries of a list that are shown without `--verbose`.
pub(crate) const LISTED: usize = 20;
/// Entries up to which none is folded into another.
const FOLDED: usize = 3;

/// Finds before the work that the file of the report could not be written.
pub(crate) fn check(report: &ReportArgs, force: bool) -> Result<(), StoreError> {
    // The place is given back, because it may lie in the data directory, and what is there is counted.
    report.file().map_or(Ok(()), |path| Target::claim(path, force).map(drop))
}

/// Writes the `summary` of `command` as JSON where `report` asks for it: to a file, to standard output, to both.
pub(crate) fn write(
    command: &str,
    summary: &impl Serialize,
    report: &ReportArgs,
    force: bool,
) -> anyhow::Result<()> {
    write_as(command, summary, report, Mode { force, private: false })
}

/// Writing of the file of a report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    /// Replace a file that exists.
    pub(crate) force: bool,
    /// Only its owner may read it.
    pub(crate) private: bool,
}

/// As [`write`], where only the owner may read the file if `mode` says so.
pub(crate) fn write_as(
    command: &str,
    summary: &impl Serialize,
    report: &ReportArgs,
    mode: Mode,
) -> anyhow::Result<()> {
    if report.file().is_none() && !report.to_stdout() {
        return Ok(());
    }
    if let Some(path) = report.file() {
        let target = Target::claim(path, mode.force)?;
        let cannot = || format!("cannot write {}", path.display());
        if mode.private {
            fs::set_permissions(target.partial(), Permissions::from_mode(0o600)).with_context(cannot)?;
        }
        let mut file = BufWriter::new(File::create(target.partial()).with_context(cannot)?);
        exit::write_json(command, summary, &mut file).with_context(cannot)?;
        file.flush().with_context(cannot)?;
        target.commit()?;
    }
    if report.to_stdout() {
        exit::print(&exit::json(command, summary)?)?;
    }
    Ok(())
}

/// Images and annotations that were left out as a whole, a line for each kind.
pub(crate) fn unmatched(entries: &[UnmatchedEntry]) -> String {
    let line = |UnmatchedEntry { file, files, text }: &UnmatchedEntry| {
        format!("unmatched: {}: {}: {}\n", Plain(file), table::count(*files, "file"), Plain(text))
    };
    entries.iter().map(line).collect()
}

/// The first entries of a list, each behind the name of its `bin`. Entries that say the same about several places are
/// one line, with the first place; all are listed where `limit` has room for them.
pub(crate) fn list<'e>(bin: &str, entries: impl Iterator<Item = &'e LeftOutEntry>, limit: usize) -> String {
    let entries: Vec<&LeftOutEntry> = entries.collect();
    let fold = entries.len() > limit.min(FOLDED);
    let mut lines: Vec<(&LeftOutEntry, usize)> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for entry in &entries {
        match known.get(&(entry.reason, &*entry.detail)) {
            Some(&line) if fold && limit < usize::MAX => lines[line].1 += 1,
            _ => {
                known.insert((entry.reason, &entry.detail), lines.len());
                lines.push((entry, 0));
            }
        }
    }
    let mut text = String::new();
    for (entry, others) in lines.iter().take(limit) {
        let detail = if entry.detail.is_empty() { entry.reason } else { &entry.detail };
        let more = if *others > 0 { format!(" (and {others} more like this)") } else { String::new() };
        text += &format!("{bin}: {}\n", Plain(&format!("{}: {detail}{more}", entry.place())));
    }
    let more: usize = lines.iter().skip(limit).map(|(_, others)| 1 + others).sum();
    if more > 0 {
        text += &format!("{bin}: {more} more; --verbose or --report FILE lists them all\n");
    }
    text
}
