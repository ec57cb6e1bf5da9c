//! `dicomprep verify`: look, and say what is wrong.

use std::path::PathBuf;

use dicomprep::check::{self, CheckError, ProblemKind, SourceOptions, VerifySummary};
use dicomprep::layout::LayoutError;
use dicomprep::model::Plain;
use dicomprep::prep::{Control, PrepError};

use crate::args::{OutputArgs, SourceArgs, VerifyArgs};
use crate::exit::{self, Exit};
use crate::inputs;
use crate::interrupt;
use crate::progress::progress;
use crate::settings::{read_key, remark_key};
use crate::{report, table};

/// Entries of a list that are shown without `--verbose`.
const LISTED: usize = 20;

pub(crate) fn run(args: &VerifyArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    if args.against.is_empty() && args.sources.is_given() {
        exit::wrong_usage(
            "verify",
            "--link, --dicoms, --contours and --pseudonym-key go with --against DATA_DIR",
        );
    }
    let key = args.sources.pseudonym_key.as_deref().map(read_key).transpose()?;
    remark_key(args.sources.pseudonym_key.as_deref(), output);
    let sources = match &args.against[..] {
        [] => None,
        data_dirs => Some(sources("verify", data_dirs, &args.sources, key.as_deref())?),
    };
    let is_input = |report| sources.as_ref().is_some_and(|sources| sources.inputs.is_input(report));
    if args.result.report.file().is_some_and(is_input) {
        exit::wrong_usage("verify", "--report names a place among the inputs; nothing is ever written there");
    }
    report::check(&args.result.report, args.result.force)?;
    let cancel = interrupt::stop_on_signals()?;
    let progress = progress(output);
    let control = Control { progress: &*progress, cancel: &cancel };
    let threads = args.threads.count();
    let summary = check::verify(&args.file, sources.as_ref(), threads, control)
        .map_err(|error| with_advice(error, &args.sources))?;
    report::write("verify", &summary, &args.result.report, args.result.force)?;
    if !output.quiet {
        exit::tell(&describe(&summary, output.verbose));
        if finds_no_source(&summary) && !args.sources.places.is_given() {
            exit::tell(&format!("note: no row has a source here. {SAME_OPTIONS}\n"));
        }
    }
    Ok(if summary.is_sound() { Exit::Done } else { Exit::Failed })
}

/// Sources that `verify --against` and `repair` compare with.
pub(crate) fn sources<'k>(
    command: &str,
    data_dirs: &[PathBuf],
    args: &SourceArgs,
    pseudonym_key: Option<&'k [u8]>,
) -> anyhow::Result<SourceOptions<'k>> {
    let inputs =
        inputs::open(&args.places, command, data_dirs).map_err(|error| match error.downcast_ref() {
            Some(error @ LayoutError::NoLayout { .. }) if !args.places.is_given() => advised(error),
            _ => error,
        })?;
    Ok(SourceOptions { inputs, pseudonym_key })
}

/// What to do where the sources are not found as they are called by default.
pub(crate) const SAME_OPTIONS: &str = "Where prep was told where its inputs are or what they are called (--table, \
    --layout, --link, --image-name, ...), the same options go here";

/// True if there are rows, and none of them has a source.
fn finds_no_source(summary: &VerifySummary) -> bool {
    summary.rows > 0 && summary.problems.count(ProblemKind::SourceMissing) == summary.rows
}

fn advised(error: &LayoutError) -> anyhow::Error {
    anyhow::anyhow!("{error}. {SAME_OPTIONS}")
}

/// An error; where the sources cannot be planned, with the advice to name them as `prep` was told to.
pub(crate) fn with_advice(error: CheckError, sources: &SourceArgs) -> anyhow::Error {
    match error {
        CheckError::Prep(PrepError::Layout(error)) if !sources.places.is_given() => advised(&error),
        error => error.into(),
    }
}

/// Numbers of entries of a list that are shown and left out.
pub(crate) fn limit(total: usize, verbose: bool) -> (usize, usize) {
    let shown = if verbose { total } else { total.min(LISTED) };
    (shown, total - shown)
}

fn describe(summary: &VerifySummary, verbose: bool) -> String {
    let mut text = String::new();
    let problems = &summary.problems;
    let (shown, _) = limit(problems.list.len(), verbose);
    for problem in &problems.list[..shown] {
        let row = problem.row.map(|row| format!(" (row {row})")).unwrap_or_default();
        text += &format!("wrong: {}{row}: {}\n", Plain(&problem.place), Plain(&problem.detail));
    }
    let more = problems.total() - shown;
    if more > 0 {
        text += &format!("wrong: {more} more; --verbose, --json or --report FILE lists them\n");
    }
    for note in &summary.notes {
        text += &format!("note: {} {}\n", Plain(&note.place), Plain(&note.what));
    }
    let rate = table::number(summary.decoded_bytes as f64 / 1e6 / summary.seconds.max(1e-9));
    let against = if summary.against { ", against its sources" } else { "" };
    let result = match (problems.total(), problems.rows) {
        (0, _) => "nothing is wrong".to_owned(),
        (total, 0) => format!("{}, none of a single row", table::count(total, "problem")),
        (total, rows) => format!("{} in {}", table::count(total, "problem"), table::count(rows, "row")),
    };
    text += &format!(
        "{}: {result}; {}, {}{against}, {} decoded in {:.2} s, {rate} MB/s on {}\n",
        Plain(&summary.path.display().to_string()),
        table::count(summary.rows, "row"),
        table::bytes(summary.bytes),
        table::bytes(summary.decoded_bytes),
        summary.seconds,
        table::count(summary.threads, "thread"),
    );
    text
}
