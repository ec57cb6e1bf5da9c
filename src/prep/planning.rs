//! The plan of the whole work, and what it will take.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::audit::Audited;

use super::ledger::{Ledger, PlannedSplit, SplitSource};
use super::plan_digest::digest_of_headers;
use super::pseudonym::Pseudonyms;
use super::split_choice::{assign, patients_of};
use super::survey::Survey;
use super::{Control, PrepError, PrepOptions, Share, Splits, Unlabelled};
use crate::assemble::AssembleOptions;
use crate::audit::Finding;
use crate::layout::{self, Layout, Reading, SampleSet, Select};
use crate::model::Sample;
use crate::model::{GridShape, Note, PixelType, Plain, Skipped};
use crate::source::Limits;
use crate::split::{SplitDraw, SplitName};
use crate::store::share_of;

/// Everything that is decided before the first pixel is decoded.
#[derive(Debug)]
pub struct PrepPlan {
    pub(super) pairs: SampleSet,
    /// The samples to make, in the order of the rows.
    pub(super) samples: Vec<Sample>,
    /// The split of each patient of `pairs`, `Unsplit` for one without a sample.
    pub(super) splits: Vec<SplitName>,
    pub(super) split_rule: String,
    pub(super) shape: GridShape,
    pub(super) pixel_type: PixelType,
    pub(super) units: String,
    /// SHA-256 over what the audit keeps of all headers, where the plan is shared, and over all contours.
    pub(super) contents: [Option<[u8; 32]>; 2],
    pub(super) skipped: Vec<Skipped>,
    pub(super) notes: Vec<Note>,
    /// The first 64 bits of the SHA-256 of each contour file when it was audited, by sample and structure; 0 where none was
    /// read.
    pub(super) audited: Vec<u64>,
    /// What the audit has found without pixels; their samples are those of `samples`.
    pub(super) findings: Vec<Finding>,
    /// How long planning took, without the audit.
    pub(super) seconds: f64,
    /// How long the audit took.
    pub(super) audit_seconds: f64,
    pub(super) options: PrepOptions,
}

/// What a plan will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Number of rows, if no image or contour turns out to be bad.
    pub rows: usize,
    /// Bytes of pixels and masks before compression.
    pub raw_bytes: u64,
    /// Bytes the file will have, roughly: images compress to about two fifths, masks to almost nothing.
    pub file_bytes: u64,
    /// Peak memory in bytes, roughly.
    pub memory_bytes: u64,
}

/// Plans the work on `layout`: pairs the names, reads the headers, chooses size, pixel type and splits.
///
/// # Errors
/// [`PrepError`] where no file can come of it.
pub fn plan(layout: &dyn Layout, options: PrepOptions, control: &Control<'_>) -> Result<PrepPlan, PrepError> {
    plan_as(layout, options, None, control)
}

/// [`plan`] for images of a shape and type that are known already.
pub(super) fn plan_as(
    layout: &dyn Layout,
    mut options: PrepOptions,
    images: Option<(GridShape, PixelType)>,
    control: &Control<'_>,
) -> Result<PrepPlan, PrepError> {
    let start = Instant::now();
    let mut pairs = pair(layout, &options.select(), (&options.limits, options.threads), control)?;
    options.structures = Some(pairs.planes.clone());
    let pseudonyms = Pseudonyms::new(options.pseudonym_key.clone());
    if pseudonyms.is_keyed() {
        // The order of the data would tell who is who.
        pairs.sort_patients_by_key(|patient| pseudonyms.of(&patient.id));
    }
    let data_dir = layout.places().data_dir().to_owned();
    let candidates = candidates(&mut pairs, options.unlabelled);
    control.progress.begin("reading headers", candidates.len());
    let mut survey = pool(options.threads)?.install(|| {
        Survey::of(&pairs, &candidates, &options.limits, control.cancel, &|n| control.progress.advance(n))
    });
    control.progress.end();
    if control.cancel.load(Ordering::Relaxed) {
        return Err(PrepError::Interrupted);
    }
    let shape = match images {
        Some((shape, _)) => shape,
        None => resolve_shape(&survey, &options, &data_dir)?,
    };
    let mut samples = candidates;
    survey.keep_usable(&mut samples);
    let known = images.map(|(_, pixel_type)| pixel_type).or(options.pixel_type);
    let chosen = known.or_else(|| survey.pixel_type.resolve());
    // Without a sample there will be no file; any type does.
    let pixel_type = chosen.unwrap_or(PixelType::UInt8);
    check_size(shape, pixel_type, pairs.structures().len(), &options)?;
    let headers = options.shard.map(|_| digest_of_headers(&survey.images));
    let auditing = Instant::now();
    let audited = Audited::of(&pairs, samples, &std::mem::take(&mut survey.images), &options, control)?;
    let Audited { samples, findings, contours, digests, skipped: mut quarantined, unlabelled: bare } =
        audited;
    let audit_seconds = auditing.elapsed().as_secs_f64();
    let mut notes = std::mem::take(&mut pairs.notes);
    let (splits, split_rule) = assign((&pairs, &samples), &options.splits, &pseudonyms, &mut notes)?;
    notes.append(&mut survey.remarks.notes);
    let mut skipped = std::mem::take(&mut pairs.skipped);
    skipped.append(&mut survey.remarks.skipped);
    skipped.append(&mut quarantined);
    for sample in &std::mem::take(&mut pairs.unlabelled) {
        pairs.fates.leave_unlabelled(sample.image.file);
    }
    bare.iter().for_each(|sample| pairs.fates.leave_unlabelled(sample.image.file));
    skipped.iter().for_each(|skipped| pairs.fates.skip(skipped));
    Ok(PrepPlan {
        samples,
        splits,
        split_rule,
        shape,
        pixel_type,
        units: survey.units(),
        contents: [headers, Some(contours)],
        audited: digests,
        skipped,
        notes,
        findings,
        seconds: start.elapsed().as_secs_f64() - audit_seconds,
        audit_seconds,
        pairs,
        options,
    })
}

impl PrepPlan {
    /// Roughly what the work will take.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let rows = self.share().len();
        let structures = self.pairs.structures().len();
        let image = (self.shape.pixels() * self.pixel_type.size()) as u64;
        let mask = (self.shape.pixels() * structures) as u64;
        let raw_bytes = rows as u64 * (image + mask);
        let file_bytes = if self.options.compression.is_on() {
            rows as u64 * (image * 2 / 5 + mask / 250 + ROW_FILE_BYTES)
        } else {
            raw_bytes + rows as u64 * ROW_FILE_BYTES
        };
        let per_thread = THREAD_BYTES + 8 * (image + mask);
        let memory_bytes = BASE_BYTES
            + self.options.threads as u64 * per_thread
            + self.samples.len() as u64 * ROW_MEMORY_BYTES
            + self.findings.len() as u64 * FINDING_MEMORY_BYTES;
        Estimate { rows, raw_bytes, file_bytes, memory_bytes }
    }

    /// Writes the plan as a table: for each row its id, split, image and contours, separated by tabs, under a line
    /// of headings, control characters in names escaped. It does not depend on the order of folders, on threads
    /// or on the clock.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_tsv(&self, to: &mut impl Write) -> io::Result<()> {
        let structures = self.pairs.structures();
        let headings = ["id", "split", "source"].into_iter().chain(structures.names());
        writeln!(to, "{}", headings.collect::<Vec<_>>().join("\t"))?;
        for sample in &self.samples[self.share()] {
            let split = self.splits[sample.patient as usize].name().to_owned();
            let mut cells = vec![sample.id.to_string(), split, self.pairs.image_name(sample)];
            let contours = 0..structures.len();
            cells.extend(contours.map(|k| self.pairs.annotation_name(sample, k).unwrap_or_default()));
            let cells: Vec<String> = cells.iter().map(|cell| spreadsheet_cell(cell)).collect();
            writeln!(to, "{}", cells.join("\t"))?;
        }
        Ok(())
    }

    /// The samples that are made, by their numbers.
    #[must_use]
    pub fn share(&self) -> Range<usize> {
        let all = self.samples.len();
        self.options.shard.map_or(0..all, |Share { index, count }| {
            // No share is larger than the plan.
            let share = share_of(all as u64, index, count);
            share.start as usize..share.end as usize
        })
    }

    /// The size of every image of the data set.
    #[must_use]
    pub fn shape(&self) -> GridShape {
        self.shape
    }

    /// The type of the pixels.
    #[must_use]
    pub fn pixel_type(&self) -> PixelType {
        self.pixel_type
    }

    /// A ledger for the samples of the plan.
    pub(super) fn ledger(&self) -> Ledger {
        let source = match &self.options.splits {
            splits if self.options.shard.is_some() => {
                SplitSource::Shard { drawn: matches!(splits, Splits::Fractions(spec, _) if !spec.is_none()) }
            }
            Splits::Fractions(spec, _) if spec.is_none() => SplitSource::Nowhere,
            Splits::Fractions(spec, _) => SplitSource::Drawn(*spec),
            Splits::Table(_) => SplitSource::Listed,
        };
        let patients = patients_of(&self.samples);
        let pseudonyms = Pseudonyms::new(self.options.pseudonym_key.clone());
        let rows = self.share().len();
        let mut planned = vec![PlannedSplit::NONE; self.pairs.patients.len()];
        for &patient in &patients {
            let patient = patient as usize;
            let draw = match &self.options.splits {
                Splits::Fractions(spec, seed) => {
                    SplitDraw::of(spec, *seed, &pseudonyms.of(&self.pairs.patients[patient].id))
                }
                Splits::Table(_) => SplitDraw::NONE,
            };
            planned[patient] = PlannedSplit { split: self.splits[patient], draw };
        }
        Ledger::new(source, (planned, patients.len()), self.pairs.structures().len(), rows)
    }

    pub(super) fn assemble_options(&self) -> AssembleOptions {
        let options = &self.options;
        AssembleOptions {
            shape: self.shape,
            fit: options.size.map(|_| options.fit),
            pixel_type: self.pixel_type,
            monochrome1: options.monochrome1,
            mask_rule: options.mask_rule,
            combine: options.combine,
            contour_offset: options.contour_offset,
            require: options.require,
            keep_unlabelled: options.unlabelled == Unlabelled::Include,
            limits: options.limits,
        }
    }
}

/// `text` as the cell of a table: without control characters, and with an apostrophe before what a spreadsheet would take
/// for a formula.
fn spreadsheet_cell(text: &str) -> String {
    let apostrophe = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("{apostrophe}{}", Plain(text))
}

/// Memory of the program and the HDF5 library with the file and its parts alone.
const BASE_BYTES: u64 = 24 << 20;
/// Memory of a thread beside its images: the encoders and the histograms.
const THREAD_BYTES: u64 = 5 << 20;
/// Memory that each row keeps: its plan, its digests, and the fingerprint of its image; and, while it is audited, what
/// is kept of its header and its contours.
const ROW_MEMORY_BYTES: u64 = 350 + 320;
/// Memory of what was found, each with its place and its text.
const FINDING_MEMORY_BYTES: u64 = 1 << 10;
/// Bytes of the columns and the chunk index that each row adds to the file.
const ROW_FILE_BYTES: u64 = 160;

/// The threads of one run.
pub(crate) fn pool(threads: usize) -> Result<rayon::ThreadPool, PrepError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|source| PrepError::Threads { threads, source })
}

/// Finds the samples of a data directory, with these limits, on so many threads.
pub(super) fn pair(
    layout: &dyn Layout,
    select: &Select,
    (limits, threads): (&Limits, usize),
    control: &Control<'_>,
) -> Result<SampleSet, PrepError> {
    let reading = Reading { limits, cancel: control.cancel };
    let pairs = pool(threads)?.install(|| layout::plan(layout, select, &reading)).map_err(Box::new)?;
    if control.cancel.load(Ordering::Relaxed) { Err(PrepError::Interrupted) } else { Ok(pairs) }
}

/// Takes the samples out of the pairing; with unlabelled images among them if they were asked for.
fn candidates(pairs: &mut SampleSet, unlabelled: Unlabelled) -> Vec<Sample> {
    let mut candidates = std::mem::take(&mut pairs.samples);
    if unlabelled == Unlabelled::Include {
        candidates.append(&mut pairs.unlabelled);
        candidates.sort_by_key(|sample| (sample.patient, sample.place));
    }
    candidates
}

fn resolve_shape(
    survey: &Survey,
    options: &PrepOptions,
    data_dir: &std::path::Path,
) -> Result<GridShape, PrepError> {
    const LISTED: usize = 5;
    if let Some(size) = options.size {
        return Ok(size);
    }
    let mut sizes: Vec<_> = survey.shapes.iter().collect();
    sizes.sort_by_key(|&(shape, count)| (std::cmp::Reverse(count), shape));
    match sizes[..] {
        [(&shape, _)] => Ok(shape),
        // Without an image there will be no file; any size does.
        [] => Ok(GridShape::new(1, 1).expect("1 is a side")),
        _ => {
            let mut listed: Vec<String> = sizes
                .iter()
                .take(LISTED)
                .map(|(shape, count)| {
                    format!("{shape} ({count} {})", if **count == 1 { "image" } else { "images" })
                })
                .collect();
            if sizes.len() > LISTED {
                listed.push("…".to_owned());
            }
            Err(PrepError::Sizes {
                data_dir: data_dir.to_owned(),
                count: sizes.len(),
                sizes: listed.join(", "),
            })
        }
    }
}

/// What an HDF5 chunk, and the int32 that counts a mask's pixels, can hold.
const MAX_SAMPLE_BYTES: u64 = i32::MAX as u64;

/// A size that was typed is bounded as the images are, and no size is beyond what the file can hold.
fn check_size(
    shape: GridShape,
    pixel_type: PixelType,
    planes: usize,
    options: &PrepOptions,
) -> Result<(), PrepError> {
    let bytes = (shape.pixels() * pixel_type.size().max(planes)) as u64;
    let typed = options.size.map_or(u64::MAX, |_| options.limits.max_image_bytes);
    let limit = typed.min(MAX_SAMPLE_BYTES);
    if bytes > limit {
        return Err(PrepError::TooLarge { shape, pixel_type, bytes, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell) in
            [("P1/1", "P1/1"), ("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("+1", "'+1"), ("a=1", "a=1")]
        {
            assert_eq!(spreadsheet_cell(text), cell);
        }
    }
}
