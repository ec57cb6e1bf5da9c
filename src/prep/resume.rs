//! Rows of earlier files that a run takes, and rows that it leaves for the next one if it is stopped.

mod earlier;
mod origin;
mod reuse;
mod same_options;
mod segment;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use crate::store::PartsFolder;
pub use origin::RowOrigins;

pub(super) use earlier::EarlierRows;
pub(super) use origin::Origin;
pub(super) use reuse::EarlierReader;

use earlier::content_of;
use segment::segment_rows;

use super::pseudonym::Pseudonyms;
use super::{NoteEntry, PrepError, PrepPlan};
use crate::model::{Note, Place};
use crate::store::{Encoder, Journal, KeptRun, StoreError, Target, read_info};

/// Options of resuming a run, and of reusing rows.
#[derive(Debug, Clone, Default)]
pub struct ResumeOptions {
    /// Finished files whose rows are taken where nothing has changed.
    pub reuse: Vec<PathBuf>,
    /// Forget what an interrupted run has left.
    pub fresh: bool,
    /// Rows of a segment, which is the most that is lost when the run is stopped; 0 keeps nothing. `None` is 256 MiB of
    /// images and masks.
    pub segment_rows: Option<usize>,
}

/// The rule of splits of the files in which earlier versions kept rows, which no complete file has.
const NO_SPLITS: &str = "none";

/// Earlier rows, and what this run keeps.
pub(super) struct Resume {
    pub(super) earlier: EarlierRows,
    /// Folder of what is kept.
    pub(super) folder: PartsFolder,
    /// Files that could not be used, and why.
    pub(super) notes: Vec<Note>,
    /// The number of this run among those that are kept; `None` where it keeps nothing.
    pub(super) next: Option<u64>,
    /// Rows that are kept together.
    pub(super) segment_rows: usize,
}

impl Resume {
    /// Looks at what a run has left beside `target`, and at the files to reuse.
    pub(super) fn begin(
        plan: &PrepPlan,
        target: &Target,
        encoder: Encoder,
        options: &ResumeOptions,
    ) -> Result<Self, PrepError> {
        let sample_bytes = plan.image_bytes() + plan.shape.pixels() * plan.pairs.structures().len();
        let segment_rows = options.segment_rows.unwrap_or_else(|| segment_rows(sample_bytes));
        let mut resume = Self {
            earlier: EarlierRows::new(Pseudonyms::new(plan.options.pseudonym_key.clone())),
            folder: PartsFolder::of(target.path()),
            notes: Vec::new(),
            next: None,
            segment_rows,
        };
        for path in &options.reuse {
            let differs = resume.earlier.add(path, plan, encoder)?;
            resume.note_difference(&path.display().to_string(), differs);
        }
        // Where nothing locks the output, another run may be writing there.
        if target.is_locked() {
            resume.remove_old_parts()?;
            if options.fresh {
                resume.folder.remove()?;
            }
            let runs = resume.folder.runs();
            let next = runs.last().map_or(1, |run| run.number + 1);
            resume.next = (segment_rows > 0 && plan.share().len() > segment_rows).then_some(next);
            resume.add_runs(runs, plan, encoder)?;
            resume.folder.remove_empty();
        } else {
            let text = "its file system has no locks, so nothing is kept for a run that continues";
            resume.notes.push(Note::new(Place::file(target.path().display().to_string()), text));
        }
        resume.earlier.sort();
        Ok(resume)
    }

    /// Removes what is kept, when the file is complete. What stands in the way of that is no reason to fail.
    pub(super) fn remove_kept(&self) -> Option<NoteEntry> {
        let error = self.folder.remove().err()?;
        let text =
            format!("the file is complete, and the folder is no longer needed: {}", error.with_cause());
        let places = vec![self.folder.path().display().to_string()];
        Some(NoteEntry { text, count: 1, places })
    }

    /// Removes the files in which earlier versions kept rows, whatever was done to them. Others are left alone, and
    /// named.
    fn remove_old_parts(&mut self) -> Result<(), StoreError> {
        let mut removed = 0;
        for path in self.folder.old_parts() {
            let is_data_set = path.extension().is_some_and(|end| end == "h5");
            let others = match is_data_set.then(|| read_info(&path)) {
                Some(Err(error @ (StoreError::NotOurs { .. } | StoreError::Version { .. })))
                    if !is_blank(&path) =>
                {
                    Some(format!("it is none of the parts and is left alone: {}", error.with_cause()))
                }
                Some(Ok(info)) if info.split_rule != NO_SPLITS => {
                    Some("it is none of the parts but a whole data set, and is left alone".to_owned())
                }
                _ => None,
            };
            match others {
                Some(text) => self.note(&path, text),
                None => {
                    self.folder.remove_old_part(&path)?;
                    removed += 1;
                }
            }
        }
        if removed > 0 {
            let text = format!(
                "the parts of an earlier version were removed ({removed}), and their rows are rebuilt"
            );
            let folder = self.folder.path().to_owned();
            self.note(&folder, text);
        }
        for path in self.folder.strangers() {
            self.note(&path, "it is none of the parts and is left alone".to_owned());
        }
        Ok(())
    }

    /// Adds the rows that runs have kept. A run that tells of nothing, or of nothing more than others, is removed.
    fn add_runs(&mut self, runs: Vec<KeptRun>, plan: &PrepPlan, encoder: Encoder) -> Result<(), StoreError> {
        let mut journals = Vec::with_capacity(runs.len());
        for run in runs {
            // Its journal was begun and not written, or its rows are gone.
            if !run.partial.exists() || is_blank(&run.journal) {
                run.remove()?;
                continue;
            }
            match Journal::open(&run) {
                Ok(journal) => journals.push((run, journal)),
                Err(error) => {
                    self.note(&run.journal, format!("its rows are rebuilt: {}", error.with_cause()));
                }
            }
        }
        journals.sort_by_key(|(run, journal)| (std::cmp::Reverse(journal.rows()), run.number));
        let (mut known, mut differs) = (HashSet::new(), None);
        let alone = journals.len() == 1;
        for (run, journal) in journals {
            if let Some(flaw) = journal.flaw() {
                self.note(&run.journal, format!("{flaw}; the rows are rebuilt"));
            }
            if !alone && !has_more(&journal, &mut known)? {
                drop(journal);
                run.remove()?;
                continue;
            }
            differs = self.earlier.add_kept(journal, plan, encoder)?.or(differs);
        }
        let folder = self.folder.path().display().to_string();
        self.note_difference(&folder, differs);
        Ok(())
    }

    fn note(&mut self, path: &Path, text: String) {
        self.notes.push(Note::new(Place::file(path.display().to_string()), text));
    }

    fn note_difference(&mut self, name: &str, differs: Option<&str>) {
        if let Some(option) = differs {
            let text = format!("its rows are not used, because another {option} made them");
            self.notes.push(Note::new(Place::file(name), text));
        }
    }
}

/// Adds the rows of `journal` to those that are `known`, by options and content. True if one of them is new.
fn has_more(journal: &Journal, known: &mut HashSet<(u32, u64)>) -> Result<bool, StoreError> {
    let options = crc32c::crc32c(journal.header().config.as_bytes());
    let mut has_more = false;
    for row in 0..journal.rows() {
        has_more |= known.insert((options, content_of(&journal.row(row)?)));
    }
    Ok(has_more)
}

/// True if a file is empty or begins with zeros, as one may after a power cut: nothing in it belongs to anyone.
fn is_blank(path: &Path) -> bool {
    let mut start = Vec::new();
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let read = is_file.then(|| File::open(path).and_then(|file| file.take(512).read_to_end(&mut start)));
    matches!(read, Some(Ok(_))) && start.iter().all(|byte| *byte == 0)
}
