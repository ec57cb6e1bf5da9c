//! `dicomprep prep`: plan, run, and say what was done.

use std::collections::HashSet;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use dicomprep::assemble::Fit;
use dicomprep::files::Places;
use dicomprep::layout::Inputs;
use dicomprep::model::Plain;
use dicomprep::prep::{
    self, Control, LeftOutEntry, OutputFile, PartsFolder, PrepError, PrepPlan, PrepSummary, ReportIds,
    RowOrigins, ShardEntry, Share, StructureCount,
};
use dicomprep::store::{StoreError, Target};

use crate::args::{OutputArgs, PrepArgs, ReportIdsChoice};
use crate::exit::{self, Exit};
use crate::interrupt;
use crate::progress::progress;
use crate::settings::{PrepSettings, PrepWork, remark_key};
use crate::{findings, report, table};

/// Places that are shown of a note that is about many.
const PLACES_SHOWN: usize = 3;

pub(crate) fn run(args: &PrepArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let cancel = interrupt::stop_on_signals()?;
    let settings = PrepSettings::resolve(args)?;
    refuse_conflicts(args, &settings);
    remark_key(args.content.pseudonym_key.as_deref(), output);
    let output_file = (!args.dry_run).then(|| settings.output.clone());
    // What would make the end fail is found before the work. The places are given back meanwhile, because
    // they may lie in the data directory, and what is there is counted.
    for place in output_file.iter().map(PathBuf::as_path).chain(args.report.file()) {
        drop(Target::claim(place, args.force).map_err(|error| not_claimed(error, place))?);
    }
    let progress = progress(output);
    let control = Control { progress: &*progress, cancel: &cancel };
    let plan = plan(&*settings.inputs, settings.work, args, &control);
    let plan = plan.inspect_err(|error| exit::refuse_unknown_name("prep", error));
    let plan = plan.map_err(|error| stopped(error, &settings.output))?;
    let summary = match output_file {
        Some(output) if args.plan_only => {
            let mut planned = PrepSummary::of_plan(&plan);
            if !planned.is_empty() && !planned.is_refused() {
                let target = Target::claim(&output, args.force)?;
                let bytes = prep::write_plan(&plan, only_places(&*settings.inputs), target)?;
                planned.output = Some(OutputFile { path: output, bytes });
            }
            planned
        }
        None => {
            let mut table = BufWriter::new(stdout().lock());
            plan.write_tsv(&mut table).and_then(|()| table.flush())?;
            PrepSummary::of_plan(&plan)
        }
        // Where nothing is planned, the summary of the plan says why; else it is not kept during the work.
        Some(_) if PrepSummary::of_plan(&plan).is_empty() => PrepSummary::of_plan(&plan),
        Some(output) => {
            let target = Target::claim(&output, args.force)?;
            let done = prep::run(&plan, target, &args.resume.options(), control);
            done.map_err(|error| stopped(error, &output))?
        }
    };
    let ids = ReportIds::of(&plan);
    if ids.is_some() && !output.quiet {
        exit::tell(TRUE_IDS);
    }
    write_report(args, &summary, ids.as_ref()).with_context(|| match &summary.output {
        Some(output) => format!("{} is complete, but its report is not written", output.path.display()),
        None => "the report is not written".to_owned(),
    })?;
    if !output.quiet {
        let estimate = args.dry_run.then_some(&plan);
        exit::tell(&describe(&summary, estimate, output.verbose));
    }
    if output.quiet && summary.has_rejected() {
        exit::tell(&rejected(&summary));
    }
    Ok(conclude(&summary, args, &settings.output))
}

/// The plan: made now, or read from a file.
fn plan(
    inputs: &dyn Inputs,
    work: PrepWork,
    args: &PrepArgs,
    control: &Control<'_>,
) -> Result<PrepPlan, PrepError> {
    match work {
        PrepWork::Plan(options) if args.plan_only => prep::plan_for_file(inputs, *options, control),
        PrepWork::Plan(options) if args.dry_run => prep::plan_to_show(inputs, *options, control),
        PrepWork::Plan(options) => prep::plan(inputs, *options, control),
        PrepWork::Share(share) => {
            let (file, run) = *share;
            file.share(only_places(inputs), run)
        }
    }
}

/// The places of the only data directory. Ends the program where there are several.
fn only_places(inputs: &dyn Inputs) -> &Places {
    inputs.places().unwrap_or_else(|| {
        exit::wrong_usage(
            "prep",
            "--plan and --plan-only take one data directory; --shard takes several without a plan",
        )
    })
}

/// The warning about what a run with a key says beside its file.
const TRUE_IDS: &str = "note: the file has pseudonyms; reports, plans and messages of this run have the true ids, but for \
    a report with --report-ids pseudonyms\n";

/// Why a place cannot be written.
fn not_claimed(error: StoreError, place: &Path) -> anyhow::Error {
    let kept = PartsFolder::of(place);
    if matches!(error, StoreError::Exists(_)) && kept.parts() > 0 {
        let folder = kept.path().display();
        return anyhow!("{error}. What a run has kept in {folder} goes with the next one, or can be removed");
    }
    error.into()
}

/// Why the work stopped, and how it goes on.
fn stopped(error: PrepError, output: &Path) -> anyhow::Error {
    let interrupted = matches!(error, PrepError::Interrupted);
    let kept = PartsFolder::of(output);
    match kept.parts() {
        0 if interrupted => anyhow!("{error}, and nothing is left of it on the disk"),
        0 => error.into(),
        _ => anyhow!("{:#}; {}", anyhow::Error::from(error), goes_on(&kept)),
    }
}

fn goes_on(kept: &PartsFolder) -> String {
    let folder = kept.path().display();
    format!(
        "what was finished is kept in {folder}: the same command continues from there, and with --fresh it starts over"
    )
}

/// Ends the program where two options, or an option and the data, contradict each other.
fn refuse_conflicts(args: &PrepArgs, settings: &PrepSettings) {
    let report = args.report.file();
    for (option, path) in [("--output", Some(settings.output.as_path())), ("--report", report)] {
        if path.is_some_and(|path| settings.inputs.is_input(path)) {
            exit::wrong_usage(
                "prep",
                &format!("{option} names a place among the inputs; nothing is ever written there"),
            );
        }
    }
    if args.content.spacing.is_some() && args.content.fit == Fit::Resize {
        exit::wrong_usage("prep", "--spacing and --fit resize both decide the scale; use --fit pad or crop");
    }
    if args.report_ids == ReportIdsChoice::Pseudonyms && args.content.pseudonym_key.is_none() {
        exit::wrong_usage("prep", "--report-ids pseudonyms needs the --pseudonym-key that makes them");
    }
    if settings.output == Path::new("-") {
        exit::wrong_usage("prep", "--output takes a file: HDF5 cannot be written to standard output");
    }
    if args.dry_run && args.report.to_stdout() {
        exit::wrong_usage(
            "prep",
            "--dry-run prints the plan to standard output, so the report needs --report FILE",
        );
    }
}

/// The exit code, and why no file was made where one should have been.
fn conclude(summary: &PrepSummary, args: &PrepArgs, output: &Path) -> Exit {
    if summary.is_empty() {
        let why = summary.why_nothing_is_left();
        let why = Plain(&why);
        exit::tell(&format!("dicomprep: error: no sample is left, so no file was written: {why}\n"));
        Exit::Failed
    } else if summary.is_refused() {
        let kept = PartsFolder::of(output);
        let goes_on = if kept.parts() > 0 { format!("; {}", goes_on(&kept)) } else { String::new() };
        exit::tell(&format!(
            "dicomprep: error: --strict allows nothing to be rejected, so no file was written{}\n",
            Plain(&goes_on)
        ));
        Exit::Failed
    } else if summary.has_rejected() {
        Exit::LeftOut
    } else {
        debug_assert!(args.dry_run || summary.output.is_some());
        Exit::Done
    }
}

/// The one line about rejected files where nothing else is printed.
fn rejected(summary: &PrepSummary) -> String {
    let count = summary.rejected.len() + summary.rejected_rows.len();
    let unmatched: usize = summary.unmatched.iter().map(|unmatched| unmatched.files).sum();
    let unmatched = if unmatched > 0 { format!(", {unmatched} files unmatched") } else { String::new() };
    format!(
        "dicomprep: {count} rejected, files and rows of tables{unmatched}; --report FILE lists them with the reasons\n"
    )
}

/// Writes the summary as JSON to where it was asked for.
fn write_report(args: &PrepArgs, summary: &PrepSummary, ids: Option<&ReportIds>) -> anyhow::Result<()> {
    let mode = report::Mode { force: args.force, private: ids.is_some() };
    match ids.filter(|_| args.report_ids == ReportIdsChoice::Pseudonyms) {
        None => report::write_as("prep", summary, &args.report, mode),
        Some(ids) => {
            let mut hidden = serde_json::to_value(summary)?;
            ids.hide(&mut hidden);
            report::write_as("prep", &hidden, &args.report, mode)
        }
    }
}

/// The summary for people; with `plan`, of what would be done.
fn describe(summary: &PrepSummary, plan: Option<&PrepPlan>, verbose: bool) -> String {
    let limit = if verbose { usize::MAX } else { report::LISTED };
    let mut text = String::new();
    text += &report::list("rejected", summary.rejected.iter().chain(&summary.rejected_rows), limit);
    text += &report::unmatched(&summary.unmatched);
    if verbose {
        text += &report::list("ignored", summary.ignored.iter(), limit);
    }
    // What was left out for a finding stands in the list of rejected files.
    let rejected: HashSet<&str> = summary.rejected.iter().map(LeftOutEntry::file).collect();
    let told = summary.findings.iter().filter(|f| !(f.is_error() && rejected.contains(&*f.file)));
    text += &findings::describe(&told.collect::<Vec<_>>(), verbose);
    let more = summary.notes.len().saturating_sub(limit);
    for note in summary.notes.iter().take(limit) {
        let shown = note.places.len().min(PLACES_SHOWN);
        let places = note.places[..shown].join(", ");
        let more = note.count - shown;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text += &format!("note: {places}{more}: {}\n", Plain(&note.text));
    }
    if more > 0 {
        text += &format!("note: {more} more; --verbose or --report FILE lists them all\n");
    }
    // Where nothing is left, the error that follows says so.
    if !summary.is_empty() {
        text += &headline(summary, plan.is_some());
        text += &table::lines(&rows(summary, plan));
    }
    text
}

fn headline(summary: &PrepSummary, planned: bool) -> String {
    let samples = table::count(summary.samples, "sample");
    let patients = table::count(summary.patients, "patient");
    let [rows, columns] = summary.image_size;
    let color = if summary.channels == 3 { "RGB " } else { "" };
    let content = format!("{samples} of {patients}, {rows}x{columns} {color}{}", summary.pixel_type);
    match &summary.output {
        Some(output) => {
            let path = output.path.to_string_lossy();
            format!("{}: {content}, {}\n", Plain(&path), table::bytes(output.bytes))
        }
        None if planned => format!("would write {content}\n"),
        None => format!("not written: {content}\n"),
    }
}

fn rows(summary: &PrepSummary, plan: Option<&PrepPlan>) -> Vec<(&'static str, String)> {
    let splits = table::in_order(&summary.splits).filter(|(name, _)| !name.is_empty());
    let splits: Vec<String> = splits
        .map(|(name, size)| format!("{name} {} ({})", size.samples, table::count(size.patients, "patient")))
        .collect();
    let structures = summary.structures.iter();
    let empty = |s: &StructureCount| if s.without_pixels { " (no mask has a pixel)" } else { "" };
    let structures: Vec<String> =
        structures.map(|s| format!("{} {}{}", s.name, s.annotated, empty(s))).collect();
    let folds = table::folds(summary.folds.iter().map(|size| (size.samples, size.patients)));
    let bins = summary.bins;
    let mut rows = Vec::new();
    if let Some(ShardEntry { share, rows: [first, end], plan_rows }) = &summary.shard {
        let Share { index, count } = share;
        rows.push((
            "shard",
            format!(
                "{index} of {count}: rows {first} to {end} of {plan_rows} planned, the last not included"
            ),
        ));
    }
    rows.extend([("splits", if splits.is_empty() { "none".to_owned() } else { splits.join(", ") })]);
    rows.extend(folds.map(|text| ("folds", text)));
    rows.extend([
        ("annotated", structures.join(", ")),
        (
            "files",
            format!(
                "{} = {} used + {} unlabelled + {} rejected + {} ignored{}",
                summary.files,
                bins.used,
                bins.unlabelled,
                bins.rejected,
                bins.ignored,
                if summary.shard.is_some() {
                    format!(" + {} of other shards", bins.other_shards)
                } else {
                    String::new()
                },
            ),
        ),
    ]);
    for (reason, count) in &summary.reasons {
        rows.push(("", format!("{count} {reason}")));
    }
    let links = summary.link_rows;
    if let Some(table) = ["link", "table"].into_iter().find(|name| summary.layout == *name) {
        let name = if table == "link" { "link rows" } else { "table rows" };
        rows.push((name, format!("{} used, {} rejected", links.used, links.rejected)));
    }
    let grounds = [("decided", &summary.decided), ("assumed", &summary.assumed)];
    for (name, grounds) in grounds {
        let first = std::iter::once(name).chain(std::iter::repeat(""));
        rows.extend(
            first.zip(grounds).map(|(name, ground)| (name, format!("{}, {}", ground.about, ground.text))),
        );
    }
    rows.extend(origins(&summary.rows));
    if let Some(plan) = plan {
        let estimate = plan.estimate();
        rows.push(("file", format!("about {}", table::bytes(estimate.file_bytes))));
        rows.push(("raw", table::bytes(estimate.raw_bytes)));
        rows.push(("memory", format!("about {} at the peak", table::bytes(estimate.memory_bytes))));
    }
    if let Some(output) = &summary.output {
        let (read, written) = (table::bytes(summary.bytes_in), table::bytes(output.bytes));
        rows.push(("bytes", format!("{read} read, {written} written")));
        let (wall, rate) = (summary.seconds.wall, table::number(summary.images_per_second()));
        let threads = table::count(summary.threads, "thread");
        rows.push(("time", format!("{wall:.2} s, {rate} images/s on {threads}")));
    }
    rows
}

/// Number of rows taken from an earlier run or file, and why others were not; empty if there was none.
fn origins(rows: &RowOrigins) -> Option<(&'static str, String)> {
    let why: Vec<String> = rows.rebuilt.iter().map(|(why, count)| format!("{count} {why}")).collect();
    let made = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    (rows.reused > 0 || !why.is_empty())
        .then(|| ("rows", format!("{} reused, {} rebuilt{made}", rows.reused, rows.made)))
}
