//! Rows of earlier files that a run takes, and parts that it leaves for the next one if it is stopped.

mod earlier;
mod origin;
mod parts;
mod parts_folder;
mod reuse;
mod same_options;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use origin::RowOrigins;
pub use parts_folder::PartsFolder;

pub(super) use earlier::EarlierRows;
pub(super) use origin::Origin;
pub(super) use parts::{CompletePart, OpenPart, Parts, SegmentCounts};
pub(super) use reuse::EarlierReader;

use parts::{NO_SPLITS, segment_rows};

use super::names::Namer;
use super::pseudonym::Pseudonyms;
use super::{NoteEntry, PrepError, PrepPlan};
use crate::model::{Note, Place};
use crate::store::{Encoder, StoreError, Target, read_info};

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

/// Earlier rows, and the parts of this run.
pub(super) struct Resume {
    pub(super) earlier: EarlierRows,
    /// Folder of the parts of this run.
    pub(super) folder: PartsFolder,
    /// Files that could not be used, and why.
    pub(super) notes: Vec<Note>,
    /// Files in the folder under the name of a part that are none.
    others: BTreeSet<PathBuf>,
    /// The number of the next part; `None` where no parts are kept.
    next: Option<u64>,
    segment_rows: usize,
}

impl Resume {
    /// Looks at the parts that a run has left beside `target`, and at the files to reuse.
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
            others: BTreeSet::new(),
            next: None,
            segment_rows,
        };
        for path in &options.reuse {
            let differs = resume.earlier.add(path, plan, encoder)?;
            resume.note_difference(&path.display().to_string(), differs);
        }
        // Where nothing locks the output, another run may be writing the parts.
        if target.is_locked() {
            resume.folder.remove_partial();
            let parts = resume.sort_out(resume.folder.numbered());
            if options.fresh {
                resume.folder.remove(&resume.others)?;
            }
            let parts: Vec<_> = if options.fresh { Vec::new() } else { parts };
            let next = resume.folder.numbered().last().map_or(1, |(number, _)| number + 1);
            resume.next = (segment_rows > 0 && plan.share().len() > segment_rows).then_some(next);
            resume.add_parts(parts, plan, encoder);
            resume.folder.remove_empty();
        } else {
            let text = "its file system has no locks, so nothing is kept for a run that goes on";
            resume.notes.push(Note::new(Place::file(target.path().display().to_string()), text));
        }
        resume.earlier.sort();
        Ok(resume)
    }

    /// The parts of this run; `None` where it is so small that it keeps none.
    pub(super) fn parts<'a>(
        &self,
        plan: &'a PrepPlan,
        namer: &'a Namer<'a>,
        encoder: Encoder,
    ) -> Option<Parts<'a>> {
        let next = self.next?;
        let parts = Parts::new(plan, namer, encoder, self.folder.clone(), self.segment_rows);
        Some(parts.numbered_from(next))
    }

    /// Removes the parts, when the file is complete. What stands in the way of that is no reason to fail.
    pub(super) fn remove_parts(&self) -> Option<NoteEntry> {
        let error = self.folder.remove(&self.others).err()?;
        let text =
            format!("the file is complete, and the folder is no longer needed: {}", error.with_cause());
        let places = vec![self.folder.path().display().to_string()];
        Some(NoteEntry { text, count: 1, places })
    }

    /// The files among `numbered` that are parts, whatever was done to them. Others are left alone, and named.
    fn sort_out(&mut self, numbered: Vec<(u64, PathBuf)>) -> Vec<PathBuf> {
        let mut parts = Vec::with_capacity(numbered.len());
        for (_, path) in numbered {
            match read_info(&path) {
                Err(error @ (StoreError::NotOurs { .. } | StoreError::Version { .. }))
                    if !is_blank(&path) =>
                {
                    self.note(
                        &path,
                        format!("it is none of the parts and is left alone: {}", error.with_cause()),
                    );
                    self.others.insert(path);
                }
                Ok(info) if info.split_rule != NO_SPLITS => {
                    self.note(
                        &path,
                        "it is none of the parts but a whole data set, and is left alone".to_owned(),
                    );
                    self.others.insert(path);
                }
                _ => parts.push(path),
            }
        }
        for path in self.folder.strangers() {
            self.note(&path, "it is none of the parts and is left alone".to_owned());
        }
        parts
    }

    /// Adds the rows of parts. One that cannot be read is set aside.
    fn add_parts(&mut self, parts: Vec<PathBuf>, plan: &PrepPlan, encoder: Encoder) {
        let mut differs = None;
        for path in parts {
            match self.earlier.add(&path, plan, encoder) {
                Ok(option) => differs = differs.or(option),
                Err(error) => {
                    let aside = match PartsFolder::set_aside(&path) {
                        Ok(aside) => format!("; it is set aside as {}", aside.display()),
                        Err(error) => format!("; {}", error.with_cause()),
                    };
                    self.note(&path, format!("its rows are rebuilt: {}{aside}", error.with_cause()));
                }
            }
        }
        let folder = self.folder.path().display().to_string();
        self.note_difference(&folder, differs);
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

/// True if a file is empty or begins with zeros, as a part may after a power cut: nothing in it is anybody's.
fn is_blank(path: &Path) -> bool {
    let mut start = Vec::new();
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let read = is_file.then(|| File::open(path).and_then(|file| file.take(512).read_to_end(&mut start)));
    matches!(read, Some(Ok(_))) && start.iter().all(|byte| *byte == 0)
}
