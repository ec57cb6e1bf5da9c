//! Summary of a run, in numbers and names: for people and, as JSON, for programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::finish::{FinalSplits, SplitSize};
use super::sink::Sink;
use super::{FindingEntry, PrepPlan, RowOrigins, Share};
use crate::files::Fates;
use crate::layout::{Unmatched, use_files};
use crate::model::{Bin, Ground, Note, Place, Reason, Skipped, Tally};
use crate::store::Encoder;

/// Places that are listed for each note that many files share.
const PLACES_LISTED: usize = 10;

/// Summary of a run or a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PrepSummary {
    /// The file, `None` where none was made.
    pub output: Option<OutputFile>,
    /// The layout of the data directory.
    pub layout: &'static str,
    /// Share of the plan; `None` where it is all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardEntry>,
    /// Samples: rows of the file.
    pub samples: usize,
    /// Patients with at least one sample.
    pub patients: usize,
    /// Samples and patients of each split; without splits, one entry with an empty name.
    pub splits: BTreeMap<String, SplitSize>,
    /// Samples and patients of each fold; none where there are no folds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<SplitSize>,
    /// The mask planes, and in how many samples each is annotated.
    pub structures: Vec<StructureCount>,
    /// Size of the images, rows and columns.
    pub image_size: [usize; 2],
    /// Channels of the images: 3 in colour, else 1.
    pub channels: usize,
    /// numpy's name of the pixel type.
    pub pixel_type: &'static str,
    /// The encoder of the images.
    pub encoder: Option<&'static str>,
    /// Files found below the data directory.
    pub files: usize,
    /// Number of files in each bin; they add up to `files`.
    pub bins: Bins,
    /// Number of files rejected or ignored for each reason.
    pub reasons: BTreeMap<&'static str, usize>,
    /// Rows of the link table.
    pub link_rows: LinkRows,
    /// Every file that was rejected.
    pub rejected: Vec<LeftOutEntry>,
    /// Every row of the link table that was rejected.
    pub rejected_rows: Vec<LeftOutEntry>,
    /// Images and annotations that were left out as a whole.
    pub unmatched: Vec<UnmatchedEntry>,
    /// Every file that was ignored.
    pub ignored: Vec<LeftOutEntry>,
    /// Findings of the audit, the worst first.
    pub findings: Vec<FindingEntry>,
    /// Notes, which took no file away.
    pub notes: Vec<NoteEntry>,
    /// Facts that were found by what the input says: the layout, pairs by UID.
    pub decided: Vec<GroundEntry>,
    /// Assumptions, which nothing in the input says: pairs by number alone, a mask rule by default.
    pub assumed: Vec<GroundEntry>,
    /// `id` of the samples that were left out because their image stands in another split.
    pub split_left_out: Vec<String>,
    /// Rows taken from an interrupted run or an earlier file.
    pub rows: RowOrigins,
    /// Bytes of the images and contours that were read.
    pub bytes_in: u64,
    /// Seconds of each stage.
    pub seconds: StageSeconds,
    /// Number of threads.
    pub threads: usize,
    #[serde(skip)]
    strict: bool,
}

/// A share of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShardEntry {
    /// Index and number of shares.
    #[serde(flatten)]
    pub share: Share,
    /// The first row of the plan that belongs to it, and the first that does not any more.
    pub rows: [usize; 2],
    /// The rows of the whole plan.
    pub plan_rows: usize,
}

/// The file that was made.
#[derive(Debug, Clone, Serialize)]
pub struct OutputFile {
    /// Its path.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// JSON is UTF-8, and a path need not be.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// One mask plane.
#[derive(Debug, Clone, Serialize)]
pub struct StructureCount {
    /// Its name.
    pub name: String,
    /// Samples in which it is annotated.
    pub annotated: usize,
    /// True if it is annotated and no mask of it has a pixel, as far as masks were made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_pixels: bool,
}

/// Files by their fates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bins {
    /// The link table, and the images and contours of the samples.
    pub used: usize,
    /// Images without a usable contour.
    pub unlabelled: usize,
    /// Files that should have been used and could not be.
    pub rejected: usize,
    /// Files that are not part of what was asked for.
    pub ignored: usize,
    /// Images and contours of the samples of other shards.
    #[serde(skip_serializing_if = "is_zero")]
    pub other_shards: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Rows of the link table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LinkRows {
    /// Rows that name a patient.
    pub used: usize,
    /// Rows that cannot be used.
    pub rejected: usize,
}

/// A file or row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOutEntry {
    #[serde(flatten)]
    place: PlaceEntry,
    /// The stable name of the reason.
    pub reason: &'static str,
    /// The problem, and advice.
    pub detail: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PlaceEntry {
    file: String,
    line: Option<u64>,
    column: Option<Box<str>>,
    attribute: Option<Box<str>>,
}

/// A note, and how many places share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoteEntry {
    /// One sentence.
    pub text: String,
    /// Number of places.
    pub count: usize,
    /// The first of them.
    pub places: Vec<String>,
}

/// Files that look like images or annotations, and that were left out as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnmatchedEntry {
    /// Their folder, or the first of them.
    pub file: String,
    /// Number of files.
    pub files: usize,
    /// The likeliest reason, and the option that takes them.
    pub text: String,
}

impl UnmatchedEntry {
    pub(super) fn of(unmatched: &Unmatched) -> Self {
        Self { file: unmatched.place.file.clone(), files: unmatched.files, text: unmatched.text.clone() }
    }
}

/// One thing that a plan takes for true, and its ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroundEntry {
    /// The subject, a stable name: `layout`, `pairing`, `mask-rule`, `pixel-type`, `spacing`, `orientation`.
    pub about: &'static str,
    /// The choice and its ground, in one sentence.
    pub text: String,
}

impl GroundEntry {
    fn of(ground: &Ground) -> Self {
        Self { about: ground.about, text: ground.text.clone() }
    }
}

/// Seconds of work in each stage, summed over the threads; and of the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct StageSeconds {
    /// Pairing names and reading headers, as a clock on the wall shows it.
    pub plan: f64,
    /// Checking contours, as a clock on the wall shows it.
    pub audit: f64,
    /// Reading files, and their digests.
    pub read: f64,
    /// From file bytes to pixels.
    pub decode: f64,
    /// From contour text to masks.
    pub rasterize: f64,
    /// Statistics, checksums and deflate.
    pub compress: f64,
    /// Handing chunks to the HDF5 library, and finishing the file.
    pub write: f64,
    /// The whole run, as a clock on the wall shows it.
    pub wall: f64,
}

impl PrepSummary {
    /// Summary of `plan`, if no image or contour turns out to be bad.
    #[must_use]
    pub fn of_plan(plan: &PrepPlan) -> Self {
        let mut fates = plan.pairs.fates.clone();
        let mut annotated = vec![0; plan.pairs.structures().len()];
        let mut splits: BTreeMap<String, SplitSize> = BTreeMap::new();
        let mut folds: Vec<SplitSize> = Vec::new();
        let mut last_patient = None;
        let mut patients = 0;
        for sample in &plan.samples[plan.share()] {
            match sample.annotated() {
                0 => fates.leave_unlabelled(sample.image.file),
                _ => use_files(&mut fates, sample),
            }
            for (count, contours) in annotated.iter_mut().zip(&sample.annotations) {
                *count += usize::from(!contours.is_empty());
            }
            let new_patient = usize::from(last_patient.replace(sample.patient) != Some(sample.patient));
            patients += new_patient;
            let split = splits.entry(plan.splits.of(sample.patient).name().to_owned()).or_default();
            split.samples += 1;
            split.patients += new_patient;
            if let Some(fold) = plan.splits.fold(sample.patient).map(usize::from) {
                folds.resize(folds.len().max(fold + 1), SplitSize::default());
                folds[fold].samples += 1;
                folds[fold].patients += new_patient;
            }
        }
        let mut summary = Self::new(plan, fates, Vec::new(), Vec::new());
        summary.findings = FindingEntry::all(plan.findings.iter(), &plan.options.levels);
        summary.samples = plan.samples.len();
        summary.patients = patients;
        summary.seconds.plan = plan.seconds;
        summary.seconds.audit = plan.audit_seconds;
        summary.seconds.wall = plan.seconds + plan.audit_seconds;
        summary.splits = splits;
        summary.folds = folds;
        summary.count_structures(plan, &annotated, None);
        summary
    }

    /// Summary of the rows of `sink`.
    pub(super) fn of_run(
        plan: &PrepPlan,
        sink: &mut Sink<'_>,
        splits: &FinalSplits,
        encoder: Encoder,
    ) -> Self {
        let remarks = std::mem::take(&mut sink.remarks);
        let fates = std::mem::take(&mut sink.fates);
        let mut summary = Self::new(plan, fates, remarks.skipped, remarks.notes);
        summary.findings = {
            let all = plan.findings.iter().chain(&sink.findings);
            FindingEntry::all(all, &plan.options.levels)
        };
        summary.samples = sink.writer.rows();
        summary.patients = sink.ledger.patients_with_rows();
        summary.splits = splits.sizes(&sink.ledger);
        summary.folds = splits.fold_sizes(&sink.ledger);
        summary.encoder = plan.options.compression.is_on().then(|| encoder.name());
        summary.split_left_out.clone_from(&sink.ledger.left_out);
        summary.count_structures(plan, &sink.ledger.annotated, Some(&sink.with_pixels));
        summary
    }

    fn new(plan: &PrepPlan, mut fates: Fates, skipped: Vec<Skipped>, notes: Vec<Note>) -> Self {
        skipped.iter().for_each(|skipped| fates.skip(skipped));
        let mut skipped: Vec<&Skipped> = plan.skipped.iter().chain(&skipped).collect();
        skipped.sort();
        let share = plan.share();
        for sample in plan.samples[..share.start].iter().chain(&plan.samples[share.end..]) {
            fates.leave_to_other_shard(sample.image.file);
            sample.references().for_each(|(_, one)| fates.leave_to_other_shard(one.file));
        }
        let tally = fates.tally();
        let (plan_rows, rows) = plan.rows();
        let of = |bin: Bin| {
            skipped.iter().filter(move |s| s.reason.bin() == bin).map(|s| LeftOutEntry::of(s)).collect()
        };
        Self {
            output: None,
            layout: plan.pairs.layout,
            shard: plan.options.shard.map(|of| ShardEntry {
                share: of,
                rows: [rows.start, rows.end],
                plan_rows,
            }),
            samples: 0,
            patients: 0,
            splits: BTreeMap::new(),
            folds: Vec::new(),
            structures: Vec::new(),
            image_size: [plan.shape.rows(), plan.shape.columns()],
            channels: plan.channels,
            pixel_type: plan.pixel_type.name(),
            encoder: None,
            files: fates.len(),
            bins: Bins { other_shards: fates.other_shards(), ..Bins::of(&tally) },
            reasons: reasons(&tally),
            link_rows: LinkRows { used: plan.pairs.studies.len(), rejected: plan.pairs.rejected_rows.len() },
            rejected: of(Bin::Rejected),
            rejected_rows: plan.pairs.rejected_rows.iter().map(LeftOutEntry::of).collect(),
            unmatched: plan.pairs.unmatched.iter().map(UnmatchedEntry::of).collect(),
            ignored: of(Bin::Ignored),
            findings: Vec::new(),
            notes: gather(plan.notes.iter().chain(&notes)),
            decided: plan.evidence.decided.iter().map(GroundEntry::of).collect(),
            assumed: plan.evidence.assumed.iter().map(GroundEntry::of).collect(),
            split_left_out: Vec::new(),
            rows: RowOrigins::default(),
            bytes_in: 0,
            seconds: StageSeconds::default(),
            threads: plan.options.threads,
            strict: plan.options.strict,
        }
    }

    fn count_structures(&mut self, plan: &PrepPlan, annotated: &[usize], with_pixels: Option<&[usize]>) {
        let names = plan.pairs.structures().names();
        let count = |(plane, (name, &annotated)): (usize, (&str, &usize))| StructureCount {
            name: name.to_owned(),
            annotated,
            without_pixels: annotated > 0 && with_pixels.is_some_and(|counts| counts[plane] == 0),
        };
        self.structures = names.zip(annotated).enumerate().map(count).collect();
    }

    /// True if anything that should have been used was left out.
    #[must_use]
    pub fn has_rejected(&self) -> bool {
        self.bins.rejected > 0 || !self.rejected_rows.is_empty() || !self.unmatched.is_empty()
    }

    /// True if no file is to be made: nothing is left for it, or the options are strict.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.is_empty() || (self.strict && self.has_rejected())
    }

    /// True if nothing is left to make a file of. A shard may be empty where others are not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples == 0 && self.shard.as_ref().is_none_or(|shard| shard.plan_rows == 0)
    }

    /// Why no sample is left, as far as one sentence can tell.
    #[must_use]
    pub fn why_nothing_is_left(&self) -> String {
        // A contour that fell with its image explains nothing.
        let consequence = Reason::ImageRejected.code();
        let first = self.rejected.iter().chain(&self.rejected_rows).find(|entry| entry.reason != consequence);
        let first = first.map(|entry| format!("{}: {}", entry.place(), entry.detail));
        let unmatched =
            self.unmatched.first().map(|UnmatchedEntry { file, text, .. }| format!("{file}: {text}"));
        let reasons: Vec<String> = first.into_iter().chain(unmatched).collect();
        if !reasons.is_empty() {
            return reasons.join("; ");
        }
        let not_asked = Reason::StructureNotAsked.code();
        if let Some(entry) = self.ignored.iter().find(|entry| entry.reason == not_asked) {
            return format!(
                "there are annotations of other structures, as {}: {}",
                entry.place(),
                entry.detail
            );
        }
        match self.bins.unlabelled {
            0 => "there is no image".to_owned(),
            images => {
                format!("none of the {images} images has an annotation; --unlabelled include takes them")
            }
        }
    }

    /// Images per second of the whole run.
    #[must_use]
    pub fn images_per_second(&self) -> f64 {
        self.samples as f64 / self.seconds.wall.max(1e-9)
    }
}

impl Bins {
    fn of(tally: &Tally) -> Self {
        Self {
            used: tally.count(Bin::Used),
            unlabelled: tally.count(Bin::Unlabelled),
            rejected: tally.count(Bin::Rejected),
            ignored: tally.count(Bin::Ignored),
            other_shards: 0,
        }
    }
}

impl LeftOutEntry {
    pub(super) fn of(skipped: &Skipped) -> Self {
        let Place { file, line, column, attribute } = skipped.place.clone();
        let place = PlaceEntry { file, line, column, attribute };
        Self { place, reason: skipped.reason.code(), detail: skipped.detail.clone() }
    }

    /// The file, as the user would name it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.place.file
    }

    /// File, line, column and attribute, as errors show them.
    #[must_use]
    pub fn place(&self) -> Place {
        let PlaceEntry { file, line, column, attribute } = self.place.clone();
        Place { file, line, column, attribute }
    }
}

fn reasons(tally: &Tally) -> BTreeMap<&'static str, usize> {
    let both = [Bin::Rejected, Bin::Ignored].into_iter().flat_map(|bin| tally.reasons(bin));
    both.map(|(reason, count): (Reason, usize)| (reason.code(), count)).collect()
}

/// One entry for each text, in the order of the texts.
fn gather<'n>(notes: impl Iterator<Item = &'n Note>) -> Vec<NoteEntry> {
    let mut texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for note in notes {
        texts.entry(&note.text).or_default().push(note.place.to_string());
    }
    let entry = |(text, mut places): (&str, Vec<String>)| {
        places.sort();
        let count = places.len();
        places.truncate(PLACES_LISTED);
        NoteEntry { text: text.to_owned(), count, places }
    };
    texts.into_iter().map(entry).collect()
}
