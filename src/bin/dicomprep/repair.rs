//! `dicomprep repair`: rebuilds damaged rows in a copy, and reports.

use dicomprep::check::{self, CheckError, RepairSummary};
use dicomprep::model::Plain;
use dicomprep::prep::Control;
use dicomprep::store::Target;

use crate::args::{OutputArgs, RepairArgs};
use crate::exit::{self, Exit};
use crate::interrupt;
use crate::progress::progress;
use crate::settings::{read_key, remark_key};
use crate::verify::{SAME_OPTIONS, limit, sources, with_advice};
use crate::{report, table};

pub(crate) fn run(args: &RepairArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let key = args.sources.pseudonym_key.as_deref().map(read_key).transpose()?;
    remark_key(args.sources.pseudonym_key.as_deref(), output);
    let sources = sources("repair", &args.against, &args.sources, key.as_deref())?;
    if sources.inputs.is_input(&args.output) {
        exit::wrong_usage("repair", "--output names a place among the inputs; nothing is ever written there");
    }
    report::check(&args.report, args.force)?;
    let cancel = interrupt::stop_on_signals()?;
    let progress = progress(output);
    let control = Control { progress: &*progress, cancel: &cancel };
    let target = Target::claim(&args.output, args.force)?;
    let threads = args.threads.count();
    let summary =
        check::repair(&args.file, &sources, target, threads, control).map_err(|error| match error {
            CheckError::Interrupted => anyhow::anyhow!("interrupted; no file was written"),
            error => with_advice(error, &args.sources),
        })?;
    report::write("repair", &summary, &args.report, args.force)?;
    if !output.quiet || !summary.unrepaired.is_empty() {
        exit::tell(&describe(&summary, args, output.verbose));
    }
    Ok(match (&summary.output, summary.unrepaired.is_empty()) {
        (None, _) => Exit::Failed,
        (Some(_), true) => Exit::Done,
        (Some(_), false) => Exit::LeftOut,
    })
}

fn describe(summary: &RepairSummary, args: &RepairArgs, verbose: bool) -> String {
    let mut text = String::new();
    let (shown, more) = limit(summary.unrepaired.len(), verbose);
    for row in &summary.unrepaired[..shown] {
        text += &format!("not repaired: {} (row {}): {}\n", Plain(&row.id), row.row, Plain(&row.why));
    }
    if more > 0 {
        text += &format!("not repaired: {more} more; --verbose or --json lists them\n");
    }
    let (shown, more) = limit(summary.repaired.len(), verbose);
    for id in &summary.repaired[..shown] {
        text += &format!("repaired: {}\n", Plain(id));
    }
    if more > 0 {
        text += &format!("repaired: {more} more; --verbose or --json lists them\n");
    }
    let Some(output) = &summary.output else {
        let file = Plain(&args.file.display().to_string());
        let advice = if args.sources.places.is_given() { String::new() } else { format!(". {SAME_OPTIONS}") };
        return text
            + &format!(
                "dicomprep: error: no row of {file} could be rebuilt, so no file was written{advice}\n"
            );
    };
    let rest = match summary.bytes_untouched {
        true => "every other byte is as it was",
        false => "all other rows and columns have their checksums",
    };
    let repaired = table::count(summary.repaired.len(), "row");
    let left = match summary.unrepaired.len() {
        0 => String::new(),
        rows => format!(", {} still damaged", table::count(rows, "row")),
    };
    text + &format!(
        "{}: {repaired} of {} rebuilt{left}; {rest}\n",
        Plain(&output.display().to_string()),
        summary.rows
    )
}
