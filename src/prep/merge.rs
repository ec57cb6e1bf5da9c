//! One file out of the shards of a plan: the bytes that one machine would have made.

mod checked_rows;
mod error;
mod shard_set;
mod summary;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

pub use error::MergeError;
pub use summary::MergeSummary;

use checked_rows::CheckedRows;
use rayon::ThreadPool;
use shard_set::{Common, ShardSet};

use super::equal_images::fingerprint;
use super::finish::FinalSplits;
use super::ledger::{CandidateRow, Ledger};
use super::planned_split::{PlannedSplit, SplitSource};
use super::source_digest::SourceDigest;
use super::split_choice::LISTED_WITH_IMAGES;
use super::summary::OutputFile;
use super::written_rows::WrittenRows;
use super::{Control, PrepError, Splits, pool};
use crate::audit::{Check, CheckSet};
use crate::model::GridShape;
use crate::store::{
    DatasetFile, DatasetSpec, DatasetWriter, EncodedRow, Encoder, LateCells, PixelHistogram, RootAttributes,
    SampleRow, SampleRows, ShardRow, ShardRows, Target, VirtualSource, folder_of,
};

/// Rows between two looks at whether to stop.
const ROWS_AT_A_TIME: usize = 64;

/// The result of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergedAs {
    /// A file that needs them no more.
    Copy,
    /// An HDF5 virtual file that refers to them, by paths relative to its folder.
    Virtual,
    /// An HDF5 virtual file that refers to them by absolute paths.
    VirtualAnywhere,
}

/// Options of merging shards.
#[derive(Debug, Clone, Copy)]
pub struct MergeOptions {
    /// The result.
    pub merged_as: MergedAs,
    /// Threads that read images back where patients have changed their split.
    pub threads: usize,
}

/// Merges the shards at `paths`, in any order, into the file whose name `target` has claimed. Images and masks are copied
/// as they are encoded, and every one that is copied is compared with its checksum.
///
/// # Errors
/// [`MergeError`]; then no file is made.
pub fn merge(
    paths: &[PathBuf],
    target: Target,
    options: &MergeOptions,
    control: &Control<'_>,
) -> Result<MergeSummary, MergeError> {
    let start = Instant::now();
    let path = target.path().to_owned();
    let set = ShardSet::open(paths, control)?;
    let mut merging = Merging::new(&set, target, options)?;
    control.progress.begin("merging", usize::try_from(set.common.shard.plan_rows).unwrap_or(usize::MAX));
    for (place, path) in set.paths.iter().enumerate() {
        merging.add(place, path, control)?;
    }
    control.progress.end();
    let mut summary = merging.finish(&set.common, options.threads, control)?;
    summary.output.path = path;
    summary.shards = set.paths.len();
    summary.is_virtual = options.merged_as != MergedAs::Copy;
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(summary)
}

/// Place of a name in [`Merging::names`].
#[derive(Debug, Clone, Copy)]
struct NamePlace(usize);

struct Merging {
    writer: DatasetWriter,
    /// The size of the stored images.
    shape: GridShape,
    is_virtual: bool,
    ledger: Ledger,
    digest: SourceDigest<NamePlace>,
    /// The names of all inputs, each with a NUL after it.
    names: Vec<u8>,
    /// For each patient of the link table, what the file calls it.
    patient_ids: Vec<Option<Box<str>>>,
    histogram: PixelHistogram,
    next_number: u64,
    bytes_copied: u64,
    /// Threads that check rows; `None` where none are copied.
    pool: Option<Arc<ThreadPool>>,
}

impl Merging {
    fn new(set: &ShardSet, target: Target, options: &MergeOptions) -> Result<Self, MergeError> {
        let common = &set.common;
        let recorded = &common.recorded;
        let rows = common.shard.plan_rows as usize;
        let spec = DatasetSpec {
            shape: common.shape,
            channels: common.channels,
            pixel_type: common.pixel_type,
            structures: recorded.structures.clone(),
            compression: recorded.options.compression,
            // What is not compressed has no encoder.
            encoder: recorded.options.encoder.unwrap_or(Encoder::Planes),
            capacity: rows.max(1),
            text_widths: common.widths,
            shard: None,
        };
        let structures = spec.structures.len();
        let writer = match options.merged_as {
            MergedAs::Copy => DatasetWriter::create(target, spec)?,
            MergedAs::Virtual | MergedAs::VirtualAnywhere => {
                let folder =
                    (options.merged_as == MergedAs::Virtual).then(|| folder_of(target.place()).to_owned());
                let source = |path: &PathBuf| virtual_source(path, folder.as_deref());
                let sources = set.paths.iter().map(source).collect::<Result<_, MergeError>>()?;
                DatasetWriter::create_virtual(target, spec, sources)?
            }
        };
        let patients = common.shard.patients as usize;
        let planned = PlannedSplit::of_bonds(patients, &common.bonds);
        let planned_patients = common.shard.planned_patients as usize;
        Ok(Self {
            writer,
            shape: common.shape,
            is_virtual: options.merged_as != MergedAs::Copy,
            ledger: Ledger::new(split_source(common), planned, planned_patients, structures, rows),
            digest: SourceDigest::with_capacity(rows * 2),
            names: Vec::new(),
            patient_ids: vec![None; patients],
            histogram: PixelHistogram::new(common.pixel_type, common.channels),
            next_number: 0,
            bytes_copied: 0,
            pool: match options.merged_as {
                MergedAs::Copy => Some(Arc::new(pool(options.threads)?)),
                MergedAs::Virtual | MergedAs::VirtualAnywhere => None,
            },
        })
    }

    /// Adds the rows of the shard at `path`.
    fn add(&mut self, place: usize, path: &Path, control: &Control<'_>) -> Result<(), MergeError> {
        let damaged = |what: String| MergeError::Damaged { path: path.to_owned(), what };
        let file = DatasetFile::open(path)?;
        let share = file.shard()?.ok_or_else(|| damaged("it has no group /shard".to_owned()))?.share();
        self.histogram.merge(&file.shard_histogram()?);
        let (mut columns, mut shard) = (SampleRows::new(&file)?, ShardRows::new(&file)?);
        let mut checked = CheckedRows::new(&file, self.pool.clone())?;
        for row in 0..file.rows() {
            if row % ROWS_AT_A_TIME == 0 && control.cancel.load(Ordering::Relaxed) {
                return Err(PrepError::Interrupted.into());
            }
            let cells = columns.read(row)?;
            let facts = shard.read(row)?;
            let found = CheckSet::parse(&shard.findings(row)?);
            let number = u64::from(facts.number);
            let in_order = share.contains(&number) && number >= self.next_number;
            let (Some(found), true) = (found, in_order && self.patient_ids.len() > facts.patient as usize)
            else {
                return Err(damaged(format!("row {row} is none of its share, or out of order")));
            };
            self.next_number = number + 1;
            if self.admit(&cells, &facts, found) {
                self.count(&cells, &facts);
                if self.is_virtual {
                    self.writer.append_virtual(&cells, place, row)?;
                } else {
                    let [image, mask] = checked.take(row).map_err(|error| damaged(error.with_cause()))?;
                    self.bytes_copied += (image.bytes().len() + mask.bytes().len()) as u64;
                    self.writer.append(&EncodedRow {
                        row: cells,
                        image,
                        mask,
                        statistics: facts.statistics,
                    })?;
                }
            }
            control.progress.advance(1);
        }
        Ok(())
    }

    /// True if a row goes into the file.
    fn admit(&mut self, cells: &SampleRow, facts: &ShardRow, mut found: CheckSet) -> bool {
        // Which images are equal, only all shards together tell.
        found.remove(Check::EqualImage);
        let annotated: Vec<bool> = cells.annotations.iter().map(|cell| cell.sha256.is_some()).collect();
        let planned = &mut self.ledger.planned[facts.patient as usize];
        (planned.split, planned.draw) = (facts.split, facts.draw);
        let candidate = CandidateRow {
            number: facts.number,
            patient: facts.patient,
            id: &cells.id,
            fingerprint: fingerprint(cells.checksum[0], &facts.statistics),
            statistics: &facts.statistics,
            counted: cells.counted(self.shape),
            annotated: &annotated,
            found,
        };
        self.ledger.enter(&candidate).stands
    }

    fn count(&mut self, cells: &SampleRow, facts: &ShardRow) {
        let place = self.name(&cells.source);
        self.digest.add(cells.source_sha256, place);
        for (cell, source) in cells.annotations.iter().zip(&facts.annotation_sources) {
            if let Some(sha256) = cell.sha256 {
                let place = self.name(source);
                self.digest.add(sha256, place);
            }
        }
        let id = &mut self.patient_ids[facts.patient as usize];
        id.get_or_insert_with(|| cells.patient_id.as_str().into());
    }

    fn name(&mut self, name: &str) -> NamePlace {
        let place = NamePlace(self.names.len());
        self.names.extend_from_slice(name.as_bytes());
        self.names.push(0);
        place
    }

    fn finish(
        self,
        common: &Common,
        threads: usize,
        control: &Control<'_>,
    ) -> Result<MergeSummary, MergeError> {
        let Self { writer, mut ledger, digest, names, patient_ids, histogram, bytes_copied, .. } = self;
        if ledger.row_patients.is_empty() {
            return Err(MergeError::Nothing);
        }
        ledger.forget(common.recorded.options.levels.off());
        let splits = FinalSplits::of(&mut ledger);
        let written = WrittenRows {
            writer: &writer,
            pixel_type: common.pixel_type,
            channels: common.channels,
            counted: &ledger.row_counted,
            threads,
            control,
        };
        let statistics = splits.statistics(&ledger, histogram, &written)?;
        let id = |patient: u32| patient_ids[patient as usize].as_deref().unwrap_or_default().to_owned();
        let root = RootAttributes {
            patients: ledger.patients_with_rows(),
            split_joined: splits.joined_ids(id),
            split_left_out: ledger.left_out.clone(),
            source_digest: digest.finish(|NamePlace(start)| {
                let rest = &names[start..];
                let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
                String::from_utf8_lossy(&rest[..end]).into_owned()
            }),
            images_disjoint: true,
            ..common.root.clone()
        };
        let texts = ledger.finding_texts();
        let samples = writer.rows();
        let (names, folds) = (splits.column(&ledger), splits.fold_column(&ledger));
        let cells = LateCells { splits: &names, folds: &folds, findings: &ledger.findings(&texts) };
        let bytes = writer.finish(&root, &statistics, &cells)?;
        Ok(MergeSummary {
            output: OutputFile { path: PathBuf::new(), bytes },
            is_virtual: false,
            shards: 0,
            samples,
            patients: root.patients,
            splits: splits.sizes(&ledger),
            folds: splits.fold_sizes(&ledger),
            split_joined: root.split_joined,
            split_left_out: root.split_left_out,
            notes: splits.notes(&ledger).into_iter().map(|note| note.text).collect(),
            bytes_copied,
            seconds: 0.0,
        })
    }
}

/// Origin of the splits of the merged file.
fn split_source(common: &Common) -> SplitSource {
    let config: serde_json::Value = serde_json::from_str(&common.root.config).unwrap_or_default();
    let options = &common.recorded.options;
    match &options.splits {
        _ if config["split"]["table"].as_bool() == Some(true) => SplitSource::Listed,
        _ if common.root.split_rule.starts_with(LISTED_WITH_IMAGES) => SplitSource::Listed,
        _ if config["split"]["kept"].as_bool() == Some(true) => SplitSource::Planned,
        Splits::Fractions(spec, _) if spec.is_none() && options.grouping.folds.is_some() => {
            SplitSource::Planned
        }
        Splits::Fractions(..) if options.grouping.stratify.is_some() => SplitSource::Planned,
        Splits::Fractions(spec, _) if !spec.is_none() => SplitSource::Drawn(*spec),
        _ => SplitSource::Nowhere,
    }
}

/// The shard at `path` as a virtual file in `folder` refers to it; absolute without a folder.
fn virtual_source(path: &Path, folder: Option<&Path>) -> Result<VirtualSource, MergeError> {
    let failed = |why: String| MergeError::Name { path: path.to_owned(), why };
    let file = DatasetFile::open(path)?;
    let absolute = |path: &Path| path.canonicalize().map_err(|error| failed(error.to_string()));
    let target = absolute(path)?;
    let name = match folder {
        Some(folder) => relative(&absolute(folder)?, &target),
        None => target,
    };
    let name = name.to_str().ok_or_else(|| failed("its path is no UTF-8".to_owned()))?;
    Ok(file.as_virtual_source(name.to_owned())?)
}

/// The way from `folder` to `file`, both absolute.
fn relative(folder: &Path, file: &Path) -> PathBuf {
    let (mut from, mut to) = (folder.components().peekable(), file.components().peekable());
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    from.map(|_| Component::ParentDir).chain(to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_from_folder_to_file() {
        for (folder, file, way) in [
            ("/a/b", "/a/b/c.h5", "c.h5"),
            ("/a/b", "/a/c.h5", "../c.h5"),
            ("/a/b", "/d/e.h5", "../../d/e.h5"),
            ("/", "/e.h5", "e.h5"),
        ] {
            assert_eq!(relative(Path::new(folder), Path::new(file)), Path::new(way));
        }
    }
}
