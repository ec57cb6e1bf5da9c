//! `dicomprep explain`: where a sample comes from, and what augmentation makes of it.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, bail};
use dicomprep::model::GridShape;
use dicomprep::report::{Picture, Shades, shown_channels, side_by_side};
use dicomprep::split::SplitName;
use dicomprep::store::{DatasetFile, RowFacts, Target};
use dicomprep::stream::{
    AugmentSource, Batch, Condition, Dataset, RowOptions, Stream, StreamError, StreamOptions,
};
use serde_json::json;

use crate::args::{At, ExplainArgs, SampleName};
use crate::exit::{self, Exit};
use crate::{report, table};

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    if args.output.as_deref() == Some(Path::new("-")) {
        exit::wrong_usage("explain", "--output takes a file for the PNG");
    }
    // Names of structures and ids are shown.
    DatasetFile::open(&args.file)?.check_shown()?;
    let dataset = Dataset::open(&args.file)?;
    let At { seed, epoch, .. } = args.at;
    let at = Place { seed, epoch, row: row_of(&dataset, &args.at.sample)? };
    let size = dataset.own_size(at.row)?;
    let stored = dataset.stream(&StreamOptions { size, crop: None, ..options(args, size) })?;
    let stored_sample = stored.sample(at.epoch, at.row)?;
    let facts = dataset.row_facts(at.row)?;
    if let Some(split) = args.split.as_ref().filter(|split| **split != facts.split) {
        let found = if facts.split.is_empty() { "of no split" } else { &facts.split };
        bail!("row {} is {found}, and so in no stream of --split {split}", at.row);
    }
    let of_train = facts.split.is_empty() || facts.split == SplitName::Train.name();
    let evaluated = args.split.is_some() && !of_train && !args.augment_eval;
    let seen = match augmented(args, size, evaluated).and_then(|options| dataset.stream(&options)) {
        Err(error) if error.is_usage() => exit::wrong_options("explain", &error),
        seen => seen?,
    };
    let sample = seen.sample(at.epoch, at.row)?;
    let drawn = serde_json::to_value(seen.draw(at.epoch, at.row).unwrap_or_default())?;
    if let Some(output) = &args.output {
        let target = Target::claim(output, args.force)?;
        let png = draw(&[(&stored, &stored_sample), (&seen, &sample)])?;
        std::fs::write(target.partial(), png)
            .with_context(|| format!("cannot write {}", output.display()))?;
        target.commit()?;
    }
    if args.report.json || args.report.report.is_some() {
        let all = json!({
            "seed": at.seed, "epoch": at.epoch, "sample": facts, "augmentation": drawn, "evaluation": evaluated,
        });
        report::write("explain", &all, &args.report, args.force)?;
        if args.report.to_stdout() {
            return Ok(Exit::Done);
        }
    }
    let mut rows = describe(&facts);
    rows.push(("drawn", format!("for seed {}, epoch {}, row {}: {drawn}", at.seed, at.epoch, at.row)));
    if args.augment.is_given() && !of_train {
        let split = &facts.split;
        rows.push((
            "",
            match (evaluated, args.augment_eval) {
                (true, _) => format!("a stream of --split {split} augments nothing but with --augment-eval"),
                (false, true) => format!("as a stream of --split {split} --augment-eval has it"),
                (false, false) => {
                    format!("as a stream of all splits has it; add --split {split} for one of {split}")
                }
            },
        ));
    }
    exit::print(table::lines(&rows).as_bytes())
}

/// A sample of a stream, by its row.
struct Place {
    seed: u64,
    epoch: u64,
    row: u64,
}

/// The row of a sample, which is named by its row or its id.
fn row_of(dataset: &Dataset, sample: &SampleName) -> anyhow::Result<u64> {
    match sample {
        SampleName::Row(row) => Ok(*row),
        SampleName::Id(id) => {
            let conditions = vec![Condition::from_str(&format!("id={id}"))?];
            let rows = dataset.select(&RowOptions { conditions, ..RowOptions::default() });
            let rows = rows.with_context(|| format!("the file has no sample {id}; rows count from 0"))?;
            rows.first().copied().with_context(|| format!("the file has no sample {id}"))
        }
    }
}

fn describe(facts: &RowFacts) -> Vec<(&'static str, String)> {
    let split = if facts.split.is_empty() { "none" } else { &facts.split };
    let mut rows = vec![
        ("sample", format!("{}, row {}", facts.id, facts.row)),
        ("patient", format!("{}, original id {}", facts.patient_id, facts.original_id)),
        ("split", split.to_owned()),
        ("image", format!("{}, sha256 {}", facts.source, facts.source_sha256)),
    ];
    for annotation in &facts.annotations {
        let structure = &annotation.structure;
        let initial = &structure[..structure.len().min(1)];
        // As prep reads them; the number of the series is not kept.
        let name = format!(
            "{}/{initial}-contours/IM-*-{:04}-{initial}contour-manual.txt",
            facts.original_id, facts.instance
        );
        let (pixels, area) = (annotation.mask_pixels, annotation.contour_area);
        rows.push((
            "contour",
            format!("{structure}: {name}, sha256 {}, {pixels} pixels, area {area:.1}", annotation.sha256),
        ));
    }
    rows
}

/// Samples as float32 (H, W, C) and all mask planes, of `size` where no other is asked for.
fn options(args: &ExplainArgs, size: Option<GridShape>) -> StreamOptions {
    let size = args.size.size.or(size);
    StreamOptions { seed: args.at.seed, size, crop: args.size.crop, ..StreamOptions::default() }
}

/// The same with augmentation, or with what is left of it for a sample to evaluate by.
fn augmented(
    args: &ExplainArgs,
    size: Option<GridShape>,
    evaluated: bool,
) -> Result<StreamOptions, StreamError> {
    let mut typed = options(args, size);
    args.augment.set(&mut typed);
    let spec = typed.augment_spec()?.map(|spec| if evaluated { spec.for_evaluation() } else { spec });
    Ok(StreamOptions { augment: spec.map(|spec| AugmentSource::Spec(Box::new(spec))), ..options(args, size) })
}

/// Labels of the two pictures.
const LABELS: [&str; 2] = ["stored", "as the stream has it"];

/// The samples beside each other as PNG, all in the greys of the first: its percentiles 0.5 and 99.5 are black and
/// white.
fn draw(samples: &[(&Stream, &Batch)]) -> anyhow::Result<Vec<u8>> {
    let images: Vec<Vec<f32>> = samples.iter().map(|(stream, batch)| shown(stream, batch)).collect();
    let mut pictures = Vec::new();
    for ((label, (stream, batch)), image) in LABELS.into_iter().zip(samples).zip(&images) {
        let [rows, columns, planes] = stream.schema().mask.shape;
        let shape = GridShape::new(rows, columns)?;
        pictures.push(Picture { shape, image, mask: &batch.masks, planes, label });
    }
    let mut png = Vec::new();
    let channels = samples.first().map_or(1, |(stream, _)| stream.schema().image.shape[2]);
    side_by_side(&pictures, Shades::of_image(&images[0], channels), &mut png)?;
    Ok(png)
}

/// The channels of the only image of `batch` that are drawn.
fn shown(stream: &Stream, batch: &Batch) -> Vec<f32> {
    let [_, _, channels] = stream.schema().image.shape;
    let (values, _) = batch.images.as_chunks::<4>();
    let pixels = values.chunks_exact(channels).flat_map(|pixel| &pixel[..shown_channels(channels)]);
    pixels.map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
