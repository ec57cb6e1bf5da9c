//! Makes the file that was planned: on all threads, bounded, in the order of the plan.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::PrepError;
use super::control::Control;
use super::dataset_spec::dataset_spec;
use super::encoder_choice::choose_encoder;
use super::finish::FinalSplits;
use super::ledger::Ledger;
use super::names::Namer;
use super::ordered_rows::OrderedRows;
use super::plan::PrepPlan;
use super::pool::pool;
use super::resume::{Resume, ResumeOptions};
use super::sink::Sink;
use super::summary::{OutputFile, PrepSummary, StageSeconds};
use super::worker::{RowSettings, Shared, Worker};
use super::written_rows::WrittenRows;
use crate::store::{DatasetWriter, Encoder, LateCells, RecordedStatistics, RootAttributes, Target};

/// Makes the file that `plan` describes under the name that `target` has claimed.
///
/// What is finished is kept until the file is complete, and a run that was stopped continues from there;
/// `resume` says how, and from which other files rows are taken. The file does not depend on it.
///
/// Where the plan's options are strict and something was rejected, or no sample is left, no file is made
/// and [`PrepSummary::output`] is `None`.
///
/// # Errors
/// [`PrepError::Interrupted`], [`PrepError::Store`], [`PrepError::Threads`]; then no file is made either.
pub fn run(
    plan: &PrepPlan,
    target: Target,
    resume: &ResumeOptions,
    control: Control<'_>,
) -> Result<PrepSummary, PrepError> {
    let start = Instant::now();
    let path = target.path().to_owned();
    let options = plan.assemble_options();
    let threads = pool(plan.options.threads)?;
    let encoder = choose_encoder(plan, &options, &threads);
    let namer = Namer::new(&plan.pairs, &plan.samples, plan.options.pseudonym_key.clone());
    let resume = Resume::begin(plan, &target, encoder, resume)?;
    let mut writer = DatasetWriter::create(target, dataset_spec(plan, &namer, encoder))?;
    let bonds = plan.bonds();
    if !bonds.is_empty() {
        writer.write_bonds(&bonds)?;
    }
    if let Some(number) = resume.next {
        let config = plan.options.config(encoder).to_string();
        writer.keep_rows(resume.folder.clone(), number, config)?;
    }
    let segment_rows = resume.next.map(|_| resume.segment_rows);
    let line = OrderedRows::new(Sink::new(plan, &namer, writer), segment_rows, plan.share());
    let settings = RowSettings { plan, options: &options, namer: &namer, encoder };
    let shared = Shared::new(settings, line, &resume.earlier, control);
    control.progress.begin("preparing images", plan.share().len());
    threads.broadcast(|_| Worker::new(&shared).work());
    control.progress.end();
    let (line, totals) = shared.into_parts()?;
    let OrderedRows { mut sink, origins, .. } = line;
    if control.cancel.load(Ordering::Relaxed) {
        return Err(PrepError::Interrupted);
    }
    sink.remarks.notes.extend_from_slice(&resume.notes);
    sink.ledger.forget(plan.options.levels.off());
    let splits = FinalSplits::of(&mut sink.ledger);
    sink.remarks.notes.extend(splits.notes(&sink.ledger));
    let mut summary = PrepSummary::of_run(plan, &mut sink, &splits, encoder);
    summary.rows = origins;
    summary.bytes_in = totals.bytes_read;
    summary.seconds = StageSeconds {
        plan: plan.seconds,
        audit: plan.audit_seconds,
        read: totals.times.read.as_secs_f64(),
        decode: totals.times.decode.as_secs_f64(),
        rasterize: totals.times.rasterize.as_secs_f64(),
        compress: totals.compress.as_secs_f64(),
        write: sink.write_time.as_secs_f64(),
        wall: 0.0,
    };
    if !summary.is_refused() {
        let finishing = Instant::now();
        sink.writer.finish_shard(&totals.histogram)?;
        let written = WrittenRows {
            writer: &sink.writer,
            pixel_type: plan.pixel_type,
            channels: plan.channels,
            counted: &sink.ledger.row_counted,
            threads: plan.options.threads,
            control: &control,
        };
        let statistics = splits.statistics(&sink.ledger, totals.histogram, &written)?;
        let root = root_attributes(plan, encoder, &summary, namer.joined(&splits), &sink.ledger);
        let bytes = finish_file(sink, &namer, &splits, root, &statistics)?;
        summary.seconds.write += finishing.elapsed().as_secs_f64();
        summary.output = Some(OutputFile { path, bytes });
        summary.notes.extend(resume.remove_kept());
    }
    summary.seconds.wall = plan.seconds + plan.audit_seconds + start.elapsed().as_secs_f64();
    Ok(summary)
}

/// Everything that is written after the last row. Returns the size of the file in bytes.
fn finish_file(
    sink: Sink<'_>,
    namer: &Namer<'_>,
    splits: &FinalSplits,
    mut root: RootAttributes,
    statistics: &RecordedStatistics,
) -> Result<u64, PrepError> {
    let Sink { writer, digest, ledger, .. } = sink;
    root.source_digest = digest.finish(|input| namer.input(input));
    let texts = ledger.finding_texts();
    let (names, folds) = (splits.column(&ledger), splits.fold_column(&ledger));
    let cells = LateCells { splits: &names, folds: &folds, findings: &ledger.findings(&texts) };
    Ok(writer.finish(&root, statistics, &cells)?)
}

fn root_attributes(
    plan: &PrepPlan,
    encoder: Encoder,
    summary: &PrepSummary,
    split_joined: Vec<String>,
    ledger: &Ledger,
) -> RootAttributes {
    RootAttributes {
        mask_rule: plan.options.mask_rule().name().to_owned(),
        patients: summary.patients,
        split_rule: plan.splits.rule.clone(),
        split_seed: plan.options.split_seed(),
        split_joined,
        split_left_out: summary.split_left_out.clone(),
        config: plan.config(encoder),
        source_digest: String::new(),
        units: plan.units.clone(),
        images_disjoint: !ledger.images_leak,
    }
}
