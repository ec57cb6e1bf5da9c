//! Planning: pairs the names, reads the headers, audits the contours, and chooses size, pixel type and splits.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::audit::Audited;
use super::control::Control;
use super::grouping::{Grouping, PatientLabels};
use super::plan::{KnownImages, PrepPlan};
use super::plan_digest::digest_of_headers;
use super::pool::pool;
use super::pseudonym::Pseudonyms;
use super::split_choice::{SplitBasis, choose_splits};
use super::stack_places::stack_places;
use super::survey::{Survey, WantedGrid};
use super::usual_rule::usual_rule;
use super::{ColorChoice, ImageSize, PrepError, PrepOptions, Unlabelled, value_survey};
use crate::assemble::Fit;
use crate::layout::{Inputs, Reading, SampleSet, Select};
use crate::model::{GridShape, PixelType, Sample};
use crate::source::Limits;

/// Plans the work on `inputs`: pairs the names, reads the headers, chooses size, pixel type and splits.
///
/// # Errors
/// [`PrepError`] where no file can come of it.
pub fn plan(inputs: &dyn Inputs, options: PrepOptions, control: &Control<'_>) -> Result<PrepPlan, PrepError> {
    plan_as(inputs, options, Purpose::Run, control)
}

/// [`plan`] for those who only look at it: contours that cannot be read are left out of it too, as a run does.
///
/// # Errors
/// As [`plan`].
pub fn plan_to_show(
    inputs: &dyn Inputs,
    options: PrepOptions,
    control: &Control<'_>,
) -> Result<PrepPlan, PrepError> {
    plan_as(inputs, options, Purpose::Show, control)
}

/// [`plan`] for [`write_plan`](super::write_plan): all of it, whatever share is asked for.
///
/// # Errors
/// As [`plan`].
pub fn plan_for_file(
    inputs: &dyn Inputs,
    options: PrepOptions,
    control: &Control<'_>,
) -> Result<PrepPlan, PrepError> {
    plan_as(inputs, PrepOptions { shard: None, ..options }, Purpose::File, control)
}

/// The use of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// It is run.
    Run,
    /// It is looked at.
    Show,
    /// It becomes a file.
    File,
    /// The images of a finished file, with these properties, are made anew.
    Images(KnownImages),
}

/// [`plan`] for any purpose.
pub(super) fn plan_as(
    inputs: &dyn Inputs,
    mut options: PrepOptions,
    purpose: Purpose,
    control: &Control<'_>,
) -> Result<PrepPlan, PrepError> {
    let start = Instant::now();
    let mut pairs = pair(inputs, &options.select(), &options.limits, options.threads, control)?;
    options.structures = Some(pairs.planes.clone());
    let mut evidence = std::mem::take(&mut pairs.evidence);
    if options.mask_rule.is_none() {
        options.mask_rule = Some(usual_rule(&pairs, &mut evidence)?);
    }
    options.profile.apply(&mut pairs);
    if matches!(purpose, Purpose::Images(_)) {
        // Rows do not depend on it, and the table may lack the columns by now.
        options.grouping = Grouping::default();
    }
    let pseudonyms = Pseudonyms::new(options.pseudonym_key.clone());
    if pseudonyms.is_keyed() {
        // The order of the data would tell who is who.
        pairs.sort_patients_by_key(|patient| pseudonyms.of(&patient.id));
    }
    let labels = PatientLabels::read(inputs, &pairs, &options.grouping).map_err(Box::new)?;
    let data_dir = inputs.data_dir().to_owned();
    let candidates = candidates(&mut pairs, options.unlabelled);
    control.progress.begin("reading headers", candidates.len());
    let size = options.size.and_then(ImageSize::fixed);
    let padded_to = size.filter(|_| options.fit == Fit::Pad);
    let wanted = WantedGrid { spacing: options.spacing, padded_to };
    let mut survey =
        pool(options.threads)?.install(|| Survey::of(&pairs, &candidates, &options.limits, wanted, control));
    control.progress.end();
    if control.cancel.load(Ordering::Relaxed) {
        return Err(PrepError::Interrupted);
    }
    let (images, for_file) = match purpose {
        Purpose::Run | Purpose::Show => (None, false),
        Purpose::File => (None, true),
        Purpose::Images(images) => (Some(images), false),
    };
    let shape = match images {
        Some(images) => images.shape,
        None => resolve_shape(&survey, &options, &data_dir)?,
    };
    let channels = match images {
        Some(images) => images.channels,
        None => resolve_channels(&survey, &pairs, &candidates, options.color, &data_dir)?,
    };
    let mut samples = candidates;
    survey.keep_usable(&mut samples);
    let places = stack_places(&samples, &std::mem::take(&mut survey.stack_images));
    let known = images.map(|images| images.pixel_type).or(options.pixel_type);
    let mut chosen = known.or_else(|| survey.pixel_type.resolve());
    if known.is_none() && survey.pixel_type.depends_on_values() {
        chosen = value_survey::resolve(&pairs, &samples, &options, control)?.or(chosen);
    }
    // Without a sample there will be no file; any type does.
    let pixel_type = chosen.unwrap_or(PixelType::UInt8);
    survey.tell(known.is_none().then_some(pixel_type), &mut evidence);
    check_size(shape, channels, pixel_type, pairs.structures().len(), &options)?;
    let is_shared = for_file || options.shard.is_some();
    let headers = is_shared.then(|| digest_of_headers(&survey.images));
    let marks = std::mem::take(&mut survey.marks);
    let mut marks: Vec<_> =
        samples.iter().map(|sample| sample.image).zip(marks).filter(|_| for_file).collect();
    marks.sort_unstable_by_key(|(image, _)| *image);
    let auditing = Instant::now();
    let mut audited = Audited::of(&pairs, samples, &std::mem::take(&mut survey.images), &options, control)?;
    let mut notes = std::mem::take(&mut pairs.notes);
    let basis = SplitBasis {
        pairs: &pairs,
        labels: &labels,
        pseudonyms: &pseudonyms,
        identities: &survey.identities,
    };
    let (splits, mut split_notes) = choose_splits(basis, &mut audited, &options)?;
    notes.append(&mut split_notes);
    // The rows of a share are told by all that are planned.
    if matches!(purpose, Purpose::Show) && options.shard.is_none() {
        audited.leave_out_unreadable(&pairs, &options);
    }
    let Audited { samples, findings, contours, digests, skipped: mut quarantined, unlabelled: bare, .. } =
        audited;
    let audit_seconds = auditing.elapsed().as_secs_f64();
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
        places,
        splits,
        shape,
        channels,
        pixel_type,
        units: survey.units(),
        contents: [headers, Some(contours)],
        audited: digests,
        marks,
        skipped,
        notes,
        evidence,
        findings,
        seconds: start.elapsed().as_secs_f64() - audit_seconds,
        audit_seconds,
        pairs,
        options,
        excerpt: None,
    })
}

/// Finds the samples of a data directory, on so many threads.
pub(super) fn pair(
    inputs: &dyn Inputs,
    select: &Select,
    limits: &Limits,
    threads: usize,
    control: &Control<'_>,
) -> Result<SampleSet, PrepError> {
    let reading = Reading { limits, cancel: control.cancel };
    let pairs = pool(threads)?.install(|| inputs.samples(select, &reading)).map_err(Box::new)?;
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
    match options.size {
        Some(ImageSize::Fixed(size)) => return Ok(size),
        Some(ImageSize::Varied) if !survey.shapes.is_empty() => return Ok(largest(survey)),
        _ => {}
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

/// The rows of the tallest image and the columns of the widest.
fn largest(survey: &Survey) -> GridShape {
    let side = |of: fn(GridShape) -> usize| survey.shapes.keys().copied().map(of).max().unwrap_or(1);
    let shape = GridShape::new(side(GridShape::rows), side(GridShape::columns));
    shape.expect("sides of images are sides of a grid")
}

fn resolve_channels(
    survey: &Survey,
    pairs: &SampleSet,
    samples: &[Sample],
    choice: ColorChoice,
    data_dir: &std::path::Path,
) -> Result<usize, PrepError> {
    let [monochrome, color] = survey.colors;
    let example =
        |index: Option<usize>| index.map(|index| pairs.image_name(&samples[index])).unwrap_or_default();
    match choice {
        ColorChoice::Gray => Ok(1),
        ColorChoice::Auto if color.images > 0 && monochrome.images > 0 => Err(PrepError::MixedColor {
            data_dir: data_dir.to_owned(),
            color: color.images,
            color_example: example(color.first),
            monochrome: monochrome.images,
            monochrome_example: example(monochrome.first),
        }),
        ColorChoice::Auto | ColorChoice::Keep => Ok(if color.images > 0 { 3 } else { 1 }),
    }
}

/// Capacity of an HDF5 chunk, and of the int32 that counts a mask's pixels.
const MAX_SAMPLE_BYTES: u64 = i32::MAX as u64;

/// A size that was typed is bounded as the images are, and no size is beyond what the file can hold.
pub(super) fn check_size(
    shape: GridShape,
    channels: usize,
    pixel_type: PixelType,
    planes: usize,
    options: &PrepOptions,
) -> Result<(), PrepError> {
    let bytes = (shape.pixels() * (channels * pixel_type.size()).max(planes)) as u64;
    let is_asked_for = options.size.is_some() || options.spacing.is_some();
    let typed = if is_asked_for { options.limits.max_image_bytes } else { u64::MAX };
    let limit = typed.min(MAX_SAMPLE_BYTES);
    if bytes > limit {
        return Err(PrepError::TooLarge { shape, pixel_type, bytes, limit });
    }
    Ok(())
}
