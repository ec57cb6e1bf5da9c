//! `dicomprep audit`: look, and say what was found.

use dicomprep::audit::AuditOptions;
use dicomprep::layout::StructureChoice;
use dicomprep::prep::{self, AuditRequest, AuditSummary, Control};
use dicomprep::raster::MaskRule;

use crate::args::{AuditArgs, OutputArgs, all_cores};
use crate::exit::{self, Exit};
use crate::inputs;
use crate::progress::progress;
use crate::{findings, interrupt, report, table};

pub(crate) fn run(args: &AuditArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let cancel = interrupt::stop_on_signals()?;
    let inputs = inputs::open(&args.input.places, "audit", &args.data_dirs)?;
    if args.result.report.file().is_some_and(|path| inputs.is_input(path)) {
        exit::wrong_usage("audit", "--report names a place among the inputs; nothing is ever written there");
    }
    // What would make the end fail is found before the work.
    report::check(&args.result.report, args.result.force)?;
    let request = AuditRequest {
        structures: args.structures.clone().map_or(StructureChoice::All, StructureChoice::Named),
        annotation: args.annotation.options(),
        mask_rule: args.mask_rule,
        options: AuditOptions {
            thresholds: args.thresholds.0,
            contour_offset: args.contour_offset.0,
            mask_rule: args.mask_rule.unwrap_or(MaskRule::Center),
            combine: args.annotation.combine,
            profile: args.checks.profile,
            levels: args.checks.levels(),
            limits: args.input.limits(),
        },
        threads: args.threads.map_or_else(all_cores, usize::from),
    };
    let progress = progress(output);
    let summary = prep::audit(&*inputs, &request, &Control { progress: &*progress, cancel: &cancel });
    let summary = summary.inspect_err(|error| exit::refuse_unknown_name("audit", error))?;
    report::write("audit", &summary, &args.result.report, args.result.force)?;
    let text = describe(&summary, output);
    if args.result.report.to_stdout() {
        if !output.quiet {
            exit::tell(&headline(&summary));
        }
    } else {
        exit::print(text.as_bytes())?;
    }
    Ok(if summary.has_errors() { Exit::LeftOut } else { Exit::Done })
}

/// The findings for people.
fn describe(summary: &AuditSummary, output: &OutputArgs) -> String {
    let limit = if output.verbose { usize::MAX } else { report::LISTED };
    let rejected = summary.rejected.iter().chain(&summary.rejected_rows);
    let mut text = report::list("unusable", rejected, limit);
    text += &report::unmatched(&summary.unmatched);
    text += &findings::describe(&summary.findings.iter().collect::<Vec<_>>(), output.verbose);
    text + &headline(summary) + &unexamined(summary)
}

/// What no check has looked at, so that no errors are not taken for good contours.
fn unexamined(summary: &AuditSummary) -> String {
    match summary.unexamined {
        0 => String::new(),
        count => format!(
            "the shapes of {count} of {} were not examined: checks of contours are for contour texts, not for RTSTRUCT, \
             SEG, mask images and label volumes\n",
            table::count(summary.annotations, "contour")
        ),
    }
}

fn headline(summary: &AuditSummary) -> String {
    let of = |severity: &str| summary.findings.iter().filter(|finding| finding.severity == severity).count();
    let unusable = summary.rejected.len() + summary.rejected_rows.len();
    let unusable = match unusable {
        0 => String::new(),
        1 => ", 1 file or row cannot be used".to_owned(),
        _ => format!(", {unusable} files or rows cannot be used"),
    };
    if summary.images == 0 && summary.annotations == 0 {
        return format!("nothing to audit: no image with a contour can be used{unusable}\n");
    }
    format!(
        "{} on {} of {}: {}, {}, {}{unusable}\n",
        table::count(summary.annotations, "contour"),
        table::count(summary.images, "image"),
        table::count(summary.patients, "patient"),
        table::count(of("error"), "error"),
        table::count(of("warning"), "warning"),
        table::count(of("note"), "note"),
    )
}
