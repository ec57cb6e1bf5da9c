//! The rows of a file held against those that its sources give today.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::CheckError;
use super::blocks::{self, Crew};
use super::problem::{Problem, ProblemKind, Problems};
use super::row_check::RowLook;
use crate::layout::Inputs;
use crate::prep::{
    Control, FreshRow, KnownImages, OnFinding, PrepOptions, RecordedOptions, Share, SourceRows, Sources,
};
use crate::store::{DatasetFile, SAMPLE_COLUMNS, SampleRow, StoreError, column};

/// Location of the sources.
#[derive(Debug)]
pub struct SourceOptions<'p> {
    /// The data directory and its parts.
    pub inputs: Box<dyn Inputs>,
    /// The key of the pseudonyms, where the file has some.
    pub pseudonym_key: Option<&'p [u8]>,
}

/// Plans the sources of `file` again, with the options that it records.
///
/// # Errors
/// [`CheckError::Prep`] where they cannot be planned, [`CheckError::KeyNeeded`] and [`CheckError::KeyNotNeeded`] where
/// the key does not go with the file, [`CheckError::OtherKey`] where it is another one.
pub fn sources_of(
    file: &DatasetFile,
    sources: &SourceOptions<'_>,
    threads: usize,
    control: &Control<'_>,
) -> Result<Sources, CheckError> {
    plan_again(file, sources, RecordedOptions::parse(&file.identity().config)?, threads, control)
}

/// [`sources_of`] with the annotations that the audit has left out of the file: [`Sources::rejected_annotations`] tells
/// which these are. `None` where the file was made with `--on-finding keep`, which leaves out none.
///
/// # Errors
/// As [`sources_of`].
pub fn sources_with_rejected(
    file: &DatasetFile,
    sources: &SourceOptions<'_>,
    threads: usize,
    control: &Control<'_>,
) -> Result<Option<Sources>, CheckError> {
    let mut recorded = RecordedOptions::parse(&file.identity().config)?;
    if recorded.options.on_finding == OnFinding::Keep {
        return Ok(None);
    }
    recorded.options.on_finding = OnFinding::Keep;
    plan_again(file, sources, recorded, threads, control).map(Some)
}

fn plan_again(
    file: &DatasetFile,
    sources: &SourceOptions<'_>,
    recorded: RecordedOptions,
    threads: usize,
    control: &Control<'_>,
) -> Result<Sources, CheckError> {
    let path = |path: &Path| path.to_owned();
    let mut options: PrepOptions = recorded.options;
    options.pseudonym_key = match (recorded.has_pseudonyms, sources.pseudonym_key) {
        (true, None) => return Err(CheckError::KeyNeeded(path(file.path()))),
        (false, Some(_)) => return Err(CheckError::KeyNotNeeded(path(file.path()))),
        (_, key) => key.map(<[u8]>::to_vec),
    };
    options.threads = threads;
    options.shard = file.shard()?.map(|shard| Share { index: shard.index, count: shard.count });
    let images =
        KnownImages { shape: file.shape(), channels: file.channels(), pixel_type: file.pixel_type() };
    let planned = Sources::plan(&*sources.inputs, options, images, control)?;
    if recorded.has_pseudonyms && !knows_a_patient(file, &planned)? {
        return Err(CheckError::OtherKey(path(file.path())));
    }
    Ok(planned)
}

/// True if the file has no row, or one of a patient of the sources.
fn knows_a_patient(file: &DatasetFile, sources: &Sources) -> Result<bool, StoreError> {
    let mut patients = file.column(column::PATIENT_ID)?.walk();
    for row in 0..file.rows() {
        if patients.cell(row)?.text().is_some_and(|patient| sources.knows_patient(patient)) {
            return Ok(true);
        }
    }
    Ok(file.rows() == 0)
}

/// Compares rows with their sources.
pub(super) struct Against<'s> {
    sources: &'s Sources,
    structures: Vec<String>,
    left_out: Vec<String>,
    /// For each sample of the sources, whether the file has it.
    seen: Vec<AtomicBool>,
}

impl<'s> Against<'s> {
    pub(super) fn new(sources: &'s Sources, file: &DatasetFile) -> Self {
        Self {
            sources,
            structures: file.structures().to_vec(),
            left_out: file.split_left_out(),
            seen: (0..sources.len()).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    pub(super) fn sources(&self) -> &'s Sources {
        self.sources
    }

    /// Adds to `look` what its sources say otherwise. `image` and `mask` are those of the row, where they are sound.
    pub(super) fn compare(&self, fresh: &mut SourceRows<'_>, look: &mut RowLook, image: &[u8], mask: &[u8]) {
        let Some(cells) = look.cells.take() else { return };
        let found = match self.sources.find(&cells.id) {
            None => {
                let why =
                    self.sources.why_skipped(&cells.source).unwrap_or("no image and contours make this row");
                vec![(ProblemKind::SourceMissing, format!("{}: {why}", cells.source))]
            }
            Some(number) => {
                self.seen[number].store(true, Ordering::Relaxed);
                match fresh.make(number) {
                    Err(why) => vec![(ProblemKind::SourceMissing, why)],
                    Ok(fresh) => {
                        let image = look.statistics.is_some().then_some(image);
                        let mask = look.mask_is_sound.then_some(mask);
                        self.differences(&cells, image, mask, &fresh)
                    }
                }
            }
        };
        for (kind, detail) in found {
            look.problem(kind, &cells.id, detail);
        }
        look.cells = Some(cells);
    }

    fn differences(
        &self,
        cells: &SampleRow,
        image: Option<&[u8]>,
        mask: Option<&[u8]>,
        fresh: &FreshRow<'_>,
    ) -> Vec<(ProblemKind, String)> {
        let changed = changed_sources(&self.structures, cells, &fresh.cells);
        if !changed.is_empty() {
            return changed.into_iter().map(|detail| (ProblemKind::SourceChanged, detail)).collect();
        }
        let mut found = Vec::new();
        if image.is_some_and(|image| image != &*fresh.image) {
            found.push("the same image file gives other pixels".to_owned());
        }
        if mask.is_some_and(|mask| mask != fresh.mask) {
            found.push("the same contours give another mask".to_owned());
        }
        let columns = differing_columns(cells, &fresh.cells);
        // What follows from other pixels needs no word.
        if !columns.is_empty() && found.is_empty() {
            found.push(format!("the same files give other values in {}", columns.join(", ")));
        }
        found.into_iter().map(|detail| (ProblemKind::Differs, detail)).collect()
    }

    /// Adds the samples of the sources that the file does not have, though they can be used.
    pub(super) fn find_added(
        &self,
        problems: &mut Problems,
        threads: usize,
        control: Control<'_>,
    ) -> Result<(), CheckError> {
        let unseen = self.sources.share().filter(|number| !self.seen[*number].load(Ordering::Relaxed));
        let unseen: Vec<usize> = unseen.collect();
        let crew = Crew { threads, control, stage: "looking for new rows" };
        blocks::run(
            unseen.len(),
            crew,
            || Ok(self.sources.rows()),
            |fresh, places| {
                let made = unseen[places].iter().filter_map(|number| {
                    let cells = fresh.make(*number).ok()?.cells;
                    Some((cells.id, cells.source))
                });
                Ok(made.collect::<Vec<_>>())
            },
            |added| {
                for (id, source) in added.into_iter().filter(|(id, _)| !self.left_out.contains(id)) {
                    let detail = format!("{source} and its contours give a row that the file does not have");
                    problems.add(Problem { kind: ProblemKind::RowAdded, row: None, place: id, detail });
                }
            },
        )?;
        Ok(())
    }
}

/// Files of a row whose bytes have changed.
pub(super) fn changed_sources(structures: &[String], old: &SampleRow, new: &SampleRow) -> Vec<String> {
    let mut changed = Vec::new();
    if old.source_sha256 != new.source_sha256 {
        changed.push(format!("{} has another SHA-256 than recorded", old.source));
    }
    let digests = |row: &SampleRow| row.annotations.iter().map(|cell| cell.sha256).collect::<Vec<_>>();
    for ((structure, old), new) in structures.iter().zip(digests(old)).zip(digests(new)) {
        match (old, new) {
            (Some(old), Some(new)) if old != new => {
                changed.push(format!("its {structure} contour has another SHA-256 than recorded"));
            }
            (Some(_), None) => changed.push(format!("its {structure} contour is gone or cannot be used")),
            (None, Some(_)) => changed.push(format!("it has an {structure} contour now")),
            _ => {}
        }
    }
    changed
}

/// The columns that differ, apart from the checksums: the pixels are compared themselves.
pub(super) fn differing_columns(a: &SampleRow, b: &SampleRow) -> Vec<&'static str> {
    let compared = SAMPLE_COLUMNS.iter().filter(|column| column.name != column::CHECKSUM);
    compared.filter(|column| column.differs(a, b)).map(|column| column.name).collect()
}
